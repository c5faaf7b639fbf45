"""Compile every kernel once, and say how far it is.

`python -m synthgen.simserver warmup` fills the cache, so that no simulator slot compiles.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from synthgen.simserver.physics import Dynamics, StaticBoxes, flat_ground
from synthgen.simserver.render import self_test
from synthgen.simserver.render.renderer import Renderer
from synthgen.simserver.render.specs import CAMERA_OUTPUTS, CameraSpec, LidarSpec, Weather


def main() -> int:
    """Run each kernel on a tiny scene; the exit code."""
    began = time.monotonic()
    with Renderer(1) as renderer:
        renderer.load_map(self_test.plane(40.0, 4))
        steps = _steps(renderer)
        for number, (name, work) in enumerate(steps, 1):
            print(  # noqa: T201 (progress for the owner)
                f"warmup {number}/{len(steps)} {name} ({time.monotonic() - began:.1f} s)",
                flush=True,
            )
            work()
    print(f"warmup done ({time.monotonic() - began:.1f} s)", flush=True)  # noqa: T201
    return 0


def _steps(renderer: Renderer) -> tuple[tuple[str, Callable[[], object]], ...]:
    pose = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 2]], np.float32)
    weather = Weather()

    def camera(quality: str, outputs: frozenset[str]) -> object:
        spec = CameraSpec(width=32, height=16, quality=quality, motion_blur_intensity=0.5)
        return renderer.camera(spec, pose, pose, weather=weather, frame=0, outputs=outputs)

    def lidar() -> object:
        return renderer.lidar(
            LidarSpec(),
            pose,
            None,
            weather=weather,
            frame=0,
            delta_s=0.1,
            start_angle_rad=0.0,
        )

    def rays() -> object:
        down = np.array([[0, 0, -1]], np.float32)
        return renderer.cast(pose[None, :, 3], down, 10.0)

    return (
        ("physics", Dynamics(flat_ground(), StaticBoxes.none()).warm),
        ("rays", rays),
        ("cameras", lambda: camera("low", CAMERA_OUTPUTS)),
        ("anti-aliasing", lambda: camera("high", frozenset({"rgb"}))),
        ("lidar", lidar),
    )


if __name__ == "__main__":
    sys.exit(main())
