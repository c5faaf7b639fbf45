"""One camera's images from one trace."""

from __future__ import annotations

from functools import partial

import numpy as np

from synthgen.simserver.render import develop, frames
from synthgen.simserver.render.lenses import optics_of
from synthgen.simserver.render.records import F32, I64, U8, Images, View, World
from synthgen.simserver.render.specs import CameraSpec
from synthgen.simserver.render.workers import Workers

_ROWS = 2 * frames.TILE_HEIGHT
_OPENNESS_RAYS = 4


def photograph(
    world: World,
    workers: Workers,
    spec: CameraSpec,
    map_from_camera: F32,
    previous_map_from_camera: F32 | None,
    *,
    frame: int,
    outputs: frozenset[str],
) -> dict[str, U8 | F32]:
    """The asked images; see `Renderer.camera`."""
    shaded = bool(outputs & {"rgb", "luma"})
    refined = shaded and spec.quality != "low"
    view = _view(spec, map_from_camera, previous_map_from_camera, frame, outputs)
    images = _images(spec, outputs, shaded=shaded, refined=refined)

    for refine in range(2 if refined else 1):
        workers.over(spec.height, _ROWS, partial(frames.render_rows, world, view, images, refine))
    found: dict[str, U8 | F32] = {
        name: getattr(images, name)
        for name in ("depth", "semantic", "instance", "normals", "flow")
        if name in outputs
    }
    if "luma" in outputs:
        found["luma"] = images.picture @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    if "rgb" in outputs:
        found["rgb"] = _developed(world, workers, spec, images.picture, view.seed)
    return found


def trace_only(world: World, workers: Workers, spec: CameraSpec, map_from_camera: F32) -> None:
    """Trace a camera's rays and drop the hits."""
    view = _view(spec, map_from_camera, None, 0, frozenset())
    workers.over(spec.height, _ROWS, partial(frames.empty_rows, world, view))


def _view(
    spec: CameraSpec, pose: F32, previous: F32 | None, frame: int, outputs: frozenset[str]
) -> View:
    directions, lens = optics_of(spec)
    wanted: I64 = np.zeros(frames.WANTED_COLUMNS, np.int64)
    shaded = bool(outputs & {"rgb", "luma"})
    wanted[frames.SHADE] = shaded
    wanted[frames.EDGES] = shaded and spec.quality != "low"
    for name, column in (
        ("depth", frames.DEPTH),
        ("semantic", frames.SEMANTIC),
        ("instance", frames.INSTANCES),
        ("normals", frames.NORMALS),
        ("flow", frames.FLOW),
    ):
        wanted[column] = name in outputs
    return View(
        directions=directions,
        poses=np.ascontiguousarray(pose, np.float32)[None],
        before=np.ascontiguousarray(pose if previous is None else previous, np.float32),
        lens=lens,
        wanted=wanted,
        seed=(spec.seed * 1_000_003 + frame * 7_919) & 0x7FFFFFFF,
        mirrors=1,
        openness_rays=_OPENNESS_RAYS if spec.quality == "high" else 0,
        soft=int(spec.quality == "high"),
    )


def _images(spec: CameraSpec, outputs: frozenset[str], *, shaded: bool, refined: bool) -> Images:
    size, none = (spec.height, spec.width), (0, 0)

    def bytes_of(name: str) -> U8:
        return np.empty((*(size if name in outputs else none), 4), np.uint8)

    hdr: F32 = np.empty((*(size if shaded else none), 3), np.float32)
    return Images(
        hdr=hdr,
        picture=np.empty_like(hdr) if refined else hdr,
        keys=np.empty(size if refined else none, np.int64),
        facing=np.empty((*(size if refined else none), 3), np.float32),
        depth=bytes_of("depth"),
        semantic=bytes_of("semantic"),
        instance=bytes_of("instance"),
        normals=bytes_of("normals"),
        flow=np.empty((*(size if "flow" in outputs else none), 2), np.float32),
    )


def _developed(world: World, workers: Workers, spec: CameraSpec, picture: F32, seed: int) -> U8:
    gains = develop.exposure_of(picture, spec) * develop.white_balance(world.env)
    curve = develop.tone_curve(spec.gamma)
    out: U8 = np.empty((spec.height, spec.width, 4), np.uint8)

    def work(first: int, last: int) -> None:
        develop.develop_rows(picture, curve, gains, spec.noise_stddev, seed, out, first, last)

    workers.over(spec.height, 4 * _ROWS, work)
    return out
