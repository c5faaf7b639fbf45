"""One camera's images from one trace."""

from __future__ import annotations

from functools import partial

import numpy as np

from synthgen.simserver.render import develop, fields, frames
from synthgen.simserver.render.lenses import optics_of
from synthgen.simserver.render.records import F32, I64, U8, Images, View, World
from synthgen.simserver.render.scans import poses_at
from synthgen.simserver.render.specs import CameraSpec
from synthgen.simserver.render.workers import Workers

_ROWS = 2 * frames.TILE_HEIGHT
_OPENNESS_RAYS = 4
_SEES_LIGHT = frozenset({"rgb", "luma"})
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


def photograph(
    world: World,
    workers: Workers,
    spec: CameraSpec,
    map_from_camera: F32,
    previous_map_from_camera: F32 | None,
    *,
    frame: int,
    outputs: frozenset[str],
    delta_s: float,
) -> dict[str, U8 | F32]:
    """The asked images; see `Renderer.camera`."""
    blurred = (
        "rgb" in outputs
        and spec.quality != "low"
        and spec.motion_blur_intensity > 0.0
        and previous_map_from_camera is not None
    )
    traced = outputs | {"flow"} if blurred else outputs
    view = _view(spec, map_from_camera, previous_map_from_camera, frame, traced, delta_s)
    images = _images(spec, traced)
    _trace(world, workers, spec, view, images)
    found: dict[str, U8 | F32] = {
        name: getattr(images, name)
        for name in ("depth", "semantic", "instance", "normals", "flow")
        if name in outputs
    }
    if "luma" in outputs:
        found["luma"] = images.picture @ _LUMINANCE
    if "rgb" in outputs:
        picture = _smeared(workers, spec, images) if blurred else images.picture
        found["rgb"] = _developed(world, workers, spec, picture, view.seed)
    return found


def trace_only(world: World, workers: Workers, spec: CameraSpec, map_from_camera: F32) -> None:
    """Trace a camera's rays and drop the hits."""
    view = _view(spec, map_from_camera, None, 0, frozenset(), 0.0)
    workers.over(spec.height, _ROWS, partial(frames.empty_rows, world, view))


def _trace(world: World, workers: Workers, spec: CameraSpec, view: View, images: Images) -> None:
    render = partial(frames.render_rows, world, view, images)
    workers.over(spec.height, _ROWS, partial(render, 0))
    if view.openness_rays:
        workers.over(spec.height, _ROWS, partial(frames.open_rows, images))
    if view.wanted[frames.EDGES]:
        workers.over(spec.height, _ROWS, partial(render, 1))


def _view(
    spec: CameraSpec,
    pose: F32,
    previous: F32 | None,
    frame: int,
    outputs: frozenset[str],
    delta_s: float,
) -> View:
    directions, lens = optics_of(spec)
    wanted: I64 = np.zeros(frames.WANTED_COLUMNS, np.int64)
    shaded = bool(outputs & _SEES_LIGHT)
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
    rolls = spec.rolling_shutter_s > 0.0 and previous is not None and delta_s > 0.0
    times: F32 = np.ones(1, np.float32)
    if rolls:
        rows = np.arange(spec.height) / max(spec.height - 1, 1)
        share = min(spec.rolling_shutter_s / delta_s, 1.0)
        times = (1.0 - share * (1.0 - rows)).astype(np.float32)
    high = shaded and spec.quality == "high"
    return View(
        directions=directions,
        poses=poses_at(times, previous if rolls else None, pose),
        times=times,
        before=np.ascontiguousarray(pose if previous is None else previous, np.float32),
        lens=lens,
        wanted=wanted,
        seed=(spec.seed * 1_000_003 + frame * 7_919) & 0x7FFFFFFF,
        openness_rays=_OPENNESS_RAYS if high else 0,
        soft=int(high),
    )


def _images(spec: CameraSpec, outputs: frozenset[str]) -> Images:
    size, none = (spec.height, spec.width), (0, 0)
    shaded = bool(outputs & _SEES_LIGHT)
    refined = size if shaded and spec.quality != "low" else none
    opened = size if shaded and spec.quality == "high" else none

    def bytes_of(name: str) -> U8:
        return np.empty((*(size if name in outputs else none), 4), np.uint8)

    hdr: F32 = np.empty((*(size if shaded else none), 3), np.float32)
    return Images(
        hdr=hdr,
        picture=hdr if refined == none else np.empty_like(hdr),
        keys=np.empty(refined, np.int64),
        facing=np.empty((*refined, 3), np.float32),
        skylight=np.empty((*opened, 3), np.float32),
        openness=np.empty(opened, np.float32),
        sunlight=np.empty((*opened, 3), np.float32),
        sunshine=np.empty(opened, np.float32),
        depth=bytes_of("depth"),
        semantic=bytes_of("semantic"),
        instance=bytes_of("instance"),
        normals=bytes_of("normals"),
        flow=np.empty((*(size if "flow" in outputs else none), 2), np.float32),
    )


def _smeared(workers: Workers, spec: CameraSpec, images: Images) -> F32:
    """Motion blur, from the frame's own flow; `low` quality has none.

    CARLA's intensity is the exposure as a share of the frame; max_distortion is the longest
    smear in percent of the image's width.
    """
    out: F32 = np.empty_like(images.picture)
    limit = 0.01 * spec.motion_blur_max_distortion * spec.width * 4.0
    share = spec.motion_blur_intensity
    smear = partial(frames.smear_rows, images.picture, images.flow, share, limit, out)
    workers.over(spec.height, _ROWS, smear)
    return out


def _developed(world: World, workers: Workers, spec: CameraSpec, picture: F32, seed: int) -> U8:
    gains = develop.exposure_of(picture, spec) * develop.white_balance(world.env)
    exposed = gains.astype(np.float32)
    bloom = develop.bloom_of(picture, gains, spec.bloom_intensity)
    curve = develop.tone_curve(spec.gamma)
    weather = np.array([world.env[fields.RAIN], 0.12, max(spec.height / 450.0, 0.5)])
    out: U8 = np.empty((spec.height, spec.width, 4), np.uint8)
    work = partial(
        develop.develop_rows, picture, bloom, curve, exposed, weather, spec.noise_stddev, seed, out
    )
    workers.over(spec.height, 4 * _ROWS, work)
    return out
