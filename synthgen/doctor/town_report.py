"""What `synthgen doctor --map` says of an OpenDRIVE file, before a run depends on it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from scenarios.compile import sites_for
from scenarios.loader import load_scenario
from scenarios.placement.map_index import MapIndex, load_index
from synthgen.campaign.config import PACKAGE_ROOT
from synthgen.doctor.finding import Finding, fail, ok, warn
from synthgen.errors import ConfigError

_LIBRARY = PACKAGE_ROOT / "scenarios" / "library"
_FINEST_M = 0.005
_NO_ROOM = "take other scenarios on this map, or other maps for these"


def town_findings(path: Path) -> list[Finding]:
    """Whether the client reads the map and the server builds it, and which scenarios find a site.

    Args:
        path: OpenDRIVE file.
    """
    found = [_built(path)]
    try:
        index = load_index(path, path.stem)
    except ConfigError as err:
        return [*found, fail("map.client", str(err), "mend the file where the message says")]
    return [*found, _read(index), *_far_off(index), *_scenarios(index)]


def _built(path: Path) -> Finding:
    command = [sys.executable, "-m", "synthgen.simserver", "check", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        told = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        return fail("map.server", told[-1], "mend the file where the message says")
    facts = json.loads(done.stdout)
    text = (
        f"{facts['spawn_points']} spawn points, {facts['traffic_lights']} traffic lights, "
        f"{facts['signs']} signs, {facts['crosswalks']} crosswalks, {facts['levels']} level(s) of "
        f"roads; {facts['build_s']} s and {facts['peak_mb']} MB to build"
    )
    if not facts["spawn_points"]:
        return fail("map.server", text, "vehicles need lanes of type driving outside junctions")
    if not facts["walkable"]:
        return warn("map.server", f"{text}; no sidewalk", "walkers need lanes of type sidewalk")
    return ok("map.server", text)


def _read(index: MapIndex) -> Finding:
    lanes = range(len(index.tables["lane_id"]))
    driving = [i for i in lanes if index.text("kind", i) == "driving"]
    length_m = sum(
        float(np.hypot(*np.diff(index.lane_points(i)[:, :2], axis=0).T).sum()) for i in driving
    )
    junctions = {index.number("junction", i) for i in lanes} - {-1}
    ends = sum(1 for i in driving if i not in index.successors)
    text = f"{length_m / 1000:.1f} km of driving lanes, {len(junctions)} junctions"
    if ends:
        return warn(
            "map.client",
            f"{text}; {ends} driving lanes lead nowhere",
            "the Traffic Manager takes vehicles away there: link the roads where they go on",
        )
    return ok("map.client", text)


def _far_off(index: MapIndex) -> list[Finding]:
    """What 32 bits leave of places far from the origin, where that can be seen."""
    farthest_m = float(np.abs(index.points[:, :2]).max())
    step_m = float(np.spacing(np.float32(farthest_m)))
    if step_m < _FINEST_M:
        return []
    text = f"places up to {farthest_m:,.0f} m from the origin come in steps of {step_m:g} m"
    return [warn("map.origin", text, "move the map to its origin: CARLA has 32 bits for a place")]


def _scenarios(index: MapIndex) -> list[Finding]:
    """How many scenarios of the library find a site, and why each of the others does not."""
    files, missing = sorted(_LIBRARY.glob("*.yaml")), []
    for file in files:
        try:
            sites_for(load_scenario(file), index)
        except ConfigError as err:
            missing.append(warn(f"map.{file.stem}", str(err), _NO_ROOM))
    placed = len(files) - len(missing)
    return [ok("map.scenarios", f"{placed} of {len(files)} of the library find a site"), *missing]
