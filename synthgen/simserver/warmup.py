"""Compile every kernel once, and say how far it is: `python -m synthgen.simserver warmup`.

Fills the cache, so that no server compiles while a client waits. Two processes share the work:
each finds the other's kernels in the cache, and machine code does not depend on who compiled it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numba import boolean, float32, int64, typeof, uint64

from synthgen.simserver.lifeline import die_with_parent
from synthgen.simserver.maps import raster
from synthgen.simserver.physics import Dynamics, StaticBoxes, flat_ground
from synthgen.simserver.render import noise, self_test, shading, walls
from synthgen.simserver.render.renderer import Renderer
from synthgen.simserver.render.specs import CAMERA_OUTPUTS, CameraSpec, LidarSpec, Weather
from synthgen.simserver.wire import command_table

_POSE = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 2]], np.float32)


def main(names: Sequence[str] = ()) -> int:
    """Compile these groups of kernels, or all of them by two processes; the exit code."""
    if unknown := set(names) - set(_GROUPS):
        print(f"warmup: no such kernels: {', '.join(sorted(unknown))}", file=sys.stderr)  # noqa: T201
        return 2
    if names:
        return _compile(names) if die_with_parent(os.getppid()) else 1
    began = time.monotonic()
    _tell("warmup: kernels are compiled where they are new, which takes up to a minute once")
    if not _is_shared():
        _compile(_BESIDE)
    _tell(f"warmup done ({time.monotonic() - began:.1f} s)")
    return 0


def _is_shared() -> bool:
    """Compile what is done here; whether another process has compiled the rest meanwhile."""
    if len(os.sched_getaffinity(0)) < 2:
        _compile(_HERE)
        return False
    with subprocess.Popen(
        [sys.executable, "-m", "synthgen.simserver", "warmup", *_BESIDE]
    ) as other:
        _compile(_HERE)
    return other.returncode == 0


def _compile(names: Sequence[str]) -> int:
    for name in names:
        began = time.monotonic()
        _tell(f"warmup {name}")
        _GROUPS[name]()
        _tell(f"warmup {name}: {time.monotonic() - began:.1f} s")
    return 0


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # progress for the owner


@contextmanager
def _on_a_plane() -> Iterator[Renderer]:
    with Renderer(1) as renderer:
        renderer.load_map(self_test.plane(40.0, 4))
        yield renderer


def _rays() -> None:
    with _on_a_plane() as renderer:
        renderer.cast(_POSE[None, :, 3], np.array([[0, 0, -1]], np.float32), 10.0)


def _photograph(quality: str, outputs: frozenset[str]) -> None:
    spec = CameraSpec(width=32, height=16, quality=quality, motion_blur_intensity=0.5)
    with _on_a_plane() as renderer:
        renderer.camera(spec, _POSE, _POSE, weather=Weather(), frame=0, outputs=outputs)


def _cameras() -> None:
    _photograph("low", CAMERA_OUTPUTS)
    # Motion blur and ambient occlusion.
    _photograph("high", frozenset({"rgb"}))


def _shades() -> None:
    """Helpers of the cameras' kernel, which looks for them in the cache when it meets them."""
    textures, lanes = typeof(noise.textures()), float32[::1]
    hits = (uint64, uint64)
    for family in (walls.bricked, walls.plastered, walls.shops):
        family.compile((textures, float32, lanes, *hits))
    walls.plain.compile((textures, lanes, *hits))
    shading.combine.compile((lanes, lanes, int64, boolean))


def _lidar() -> None:
    with _on_a_plane() as renderer:
        renderer.lidar(
            LidarSpec(),
            _POSE,
            None,
            weather=Weather(),
            frame=0,
            delta_s=0.1,
            start_angle_rad=0.0,
        )


def _physics() -> None:
    # Compiled as they are imported.
    from synthgen.simserver.physics import command_kernel
    from synthgen.simserver.world import road_kernel

    Dynamics(flat_ground(), StaticBoxes.none()).warm()
    command_table.warm()
    assert command_kernel.set_controls.signatures
    assert road_kernel.write_vehicles.signatures


def _maps() -> None:
    none, origin = np.zeros((0, 3, 3)), np.zeros(2)
    z, rank, count = (
        np.zeros((1, 1), np.float32),
        np.zeros((1, 1), np.uint8),
        np.zeros((1, 1), np.int32),
    )
    raster.draw_heights(none, rank[0, :0], rank[0, :0], origin, 1.0, z, rank, rank.copy(), z[None])
    raster.count_owners(none, count[0, :0], origin, 1.0, count, count.copy())


_GROUPS = {
    "rays": _rays,
    "cameras": _cameras,
    "shades": _shades,
    "physics": _physics,
    "maps": _maps,
    "lidar": _lidar,
}
# What traces needs the kernel of free rays: the second process finds it in the cache by then.
_HERE, _BESIDE = ("rays", "cameras"), ("shades", "physics", "maps", "lidar")


if __name__ == "__main__":
    sys.exit(main())
