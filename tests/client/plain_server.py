"""The embedded server as CARLA would answer: it lists CARLA's own attributes and no others.

`python -m tests.client.plain_server` takes the arguments of `python -m synthgen.simserver`.
"""

from __future__ import annotations

import sys

from synthgen.simserver.__main__ import main
from synthgen.simserver.rpc import actors
from synthgen.simserver.world.blueprints import Blueprint, blueprint_library

EXTRA = {
    "quality", "lens_model", "lens_coefficients", "rolling_shutter", "beam_elevations",
    "beam_azimuths", "spinning", "intensity_model", "dropoff_correlation", "returns",
}  # fmt: skip


def plain(blueprint: Blueprint) -> Blueprint:
    """The blueprint without what only the embedded server has."""
    unknown = EXTRA | ({"noise_seed"} if blueprint.id.startswith("sensor.camera.") else set())
    return blueprint._replace(attributes=[a for a in blueprint.attributes if a.id not in unknown])


if __name__ == "__main__":
    listed = {name: plain(blueprint) for name, blueprint in blueprint_library().items()}
    setattr(actors, "blueprint_library", lambda: listed)  # noqa: B010 - not theirs to export
    sys.exit(main())
