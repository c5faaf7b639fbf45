"""One camera's images from one trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.render import develop, fields, frames
from synthgen.simserver.render.lenses import optics_of
from synthgen.simserver.render.records import F32, I64, U8, U32, Images, Scratch, View, World
from synthgen.simserver.render.scans import poses_at
from synthgen.simserver.render.specs import CameraSpec
from synthgen.simserver.render.workers import Workers

T = TypeVar("T", bound=np.generic)
_ROWS = 2 * frames.TILE_HEIGHT
_OPENNESS_RAYS = 4
_SEES_LIGHT = frozenset({"rgb", "luma"})
_LABEL_IMAGES = ("depth", "semantic", "instance", "normals")
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


class Film:
    """Room for a picture's light between its passes, kept for the next picture of its size.

    New memory for each frame would be cleared by the system page by page, which takes as long
    as a fifth of the tracing.
    """

    def __init__(self) -> None:
        self._sheets: dict[str, NDArray[np.generic]] = {}
        self._rooms: list[Scratch] = []

    @contextmanager
    def room(self) -> Iterator[Scratch]:
        """Room for one thread's batches."""
        try:
            free = self._rooms.pop()
        except IndexError:
            free = frames.room()
        yield free
        self._rooms.append(free)

    def sheet(self, name: str, shape: tuple[int, ...], kind: type[T]) -> NDArray[T]:
        """The array of this name, whatever it holds."""
        kept = self._sheets.get(name)
        if kept is None or kept.shape != shape:
            kept = np.empty(shape, kind)
            if kept.size:
                self._sheets[name] = kept
        return cast(NDArray[T], kept)


def photograph(
    world: World,
    workers: Workers,
    film: Film,
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
    images = _images(spec, film, traced)
    _trace(world, workers, film, spec, view, images)
    found: dict[str, U8 | F32] = {
        name: getattr(images, name).view(np.uint8).reshape(spec.height, spec.width, 4)
        for name in _LABEL_IMAGES
        if name in outputs
    }
    if "flow" in outputs:
        found["flow"] = images.flow
    if "luma" in outputs:
        found["luma"] = images.picture @ _LUMINANCE
    if "rgb" in outputs:
        picture = _smeared(workers, spec, film, images) if blurred else images.picture
        found["rgb"] = _developed(world, workers, spec, picture, view.seed)
    return found


def trace_only(world: World, workers: Workers, spec: CameraSpec, map_from_camera: F32) -> None:
    """Trace a camera's rays and drop the hits."""
    view = _view(spec, map_from_camera, None, 0, frozenset(), 0.0)
    workers.over(spec.height, _ROWS, partial(frames.empty_rows, world, view))


def _trace(
    world: World, workers: Workers, film: Film, spec: CameraSpec, view: View, images: Images
) -> None:
    def render(refine: int, first_row: int, last_row: int) -> None:
        with film.room() as room:
            frames.render_rows(world, view, images, room, refine, first_row, last_row)

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
    directions, aims, lens = optics_of(spec)
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
        aims=aims,
        poses=poses_at(times, previous if rolls else None, pose),
        times=times,
        before=np.ascontiguousarray(pose if previous is None else previous, np.float32),
        lens=lens,
        wanted=wanted,
        seed=(spec.seed * 1_000_003 + frame * 7_919) & 0x7FFFFFFF,
        openness_rays=_OPENNESS_RAYS if high else 0,
        soft=int(high),
    )


def _images(spec: CameraSpec, film: Film, outputs: frozenset[str]) -> Images:
    size, none = (spec.height, spec.width), (0, 0)
    shaded = size if outputs & _SEES_LIGHT else none
    refined = shaded if spec.quality != "low" else none
    opened = shaded if spec.quality == "high" else none

    def words_of(name: str) -> U32:
        return np.empty(size if name in outputs else none, np.uint32)

    hdr = film.sheet("hdr", (*shaded, 3), np.float32)
    return Images(
        hdr=hdr,
        picture=film.sheet("picture", (*refined, 3), np.float32) if refined == size else hdr,
        keys=film.sheet("keys", refined, np.uint32),
        facing=film.sheet("facing", (3, *refined), np.float32),
        edges=film.sheet("edges", refined, np.uint32),
        skylight=film.sheet("skylight", (*opened, 3), np.float32),
        openness=film.sheet("openness", opened, np.float32),
        sunlight=film.sheet("sunlight", (*opened, 3), np.float32),
        sunshine=film.sheet("sunshine", opened, np.float32),
        depth=words_of("depth"),
        semantic=words_of("semantic"),
        instance=words_of("instance"),
        normals=words_of("normals"),
        flow=np.empty((*(size if "flow" in outputs else none), 2), np.float32),
    )


def _smeared(workers: Workers, spec: CameraSpec, film: Film, images: Images) -> F32:
    """Motion blur, from the frame's own flow; `low` quality has none.

    CARLA's intensity is the exposure as a share of the frame; max_distortion is the longest
    smear in percent of the image's width.
    """
    out = film.sheet("smeared", images.picture.shape, np.float32)
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
    # Drops fall at about 8 m/s; a gale of 100 blows them aside nearly as fast.
    slant = 0.9 * world.env[fields.WIND]
    weather = np.array([world.env[fields.RAIN], slant, max(spec.height / 450.0, 0.5)])
    out: U32 = np.empty((spec.height, spec.width), np.uint32)
    work = partial(
        develop.develop_rows, picture, bloom, curve, exposed, weather, spec.noise_stddev, seed, out
    )
    workers.over(spec.height, 4 * _ROWS, work)
    return out.view(np.uint8).reshape(spec.height, spec.width, 4)
