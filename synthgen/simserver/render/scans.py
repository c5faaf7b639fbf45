"""LiDAR sweeps and free rays."""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np

from synthgen.simserver.render import ranging
from synthgen.simserver.render.embree import LANES
from synthgen.simserver.render.records import F32, F64, Sweep, World
from synthgen.simserver.render.sky import CLEAR_AIR_PER_M, fog_of
from synthgen.simserver.render.specs import LidarSpec, LidarSweep, RayHits, Weather
from synthgen.simserver.render.windows import everywhere, windows_of, windows_on
from synthgen.simserver.render.workers import Workers

_RAYS_A_TASK = 16384
# Embree's coherent packets lose rays of which a direction is of the order 1e-17, as sines of
# half a turn are; below this it is none.
_NO_DIRECTION = 1e-7


def sweep(
    world: World,
    workers: Workers,
    spec: LidarSpec,
    map_from_lidar: F32,
    previous_map_from_lidar: F32 | None,
    *,
    boxes_m: F64,
    weather: Weather,
    frame: int,
    delta_s: float,
    start_angle_rad: float,
    labels: bool,
) -> LidarSweep:
    """The points of one tick; see `Renderer.lidar`, and `SceneGraph.boxes_m` for `boxes_m`.

    Source of the ray pattern: CARLA 0.9.16, RayCastSemanticLidar.cpp.
    """
    channels = spec.channels
    columns = round(spec.points_per_second * delta_s / channels)
    step_deg = spec.rotation_frequency_hz * spec.horizontal_fov_deg * delta_s
    start_deg = float(np.rad2deg(start_angle_rad))
    aims, windows = _aims(spec, columns, round(start_deg, 6), round(step_deg, 6))
    beam = _beam(spec, weather, frame, columns)
    before = previous_map_from_lidar if spec.spinning else None
    times, things = np.ones(1, np.float32), everywhere()
    if before is None:
        things = windows_on(boxes_m, map_from_lidar, spec.range_m)
    else:
        times = ((np.arange(columns) + 1.0) / max(columns, 1)).astype(np.float32)
    poses = poses_at(times, before, map_from_lidar)
    room = _room(channels, columns * spec.returns, labels=labels, timed=len(times) > 1)
    if columns:
        way = aims, windows, things, poses, times
        turn = np.zeros(1, np.int64)
        workers.together(
            partial(
                ranging.scan_channels, world, *way, columns, beam, ranging.REFLECTIVITY, room, turn
            )
        )
    count = _pack(room)
    end_deg = (start_deg + step_deg) % spec.horizontal_fov_deg
    return LidarSweep(
        points=room.points[:count],
        cos_incidence=room.incidence[:count],
        instance=room.instance[:count],
        tag=room.tag[:count],
        time_s=_sent_s(room, count, times, delta_s),
        points_per_channel=room.counts.astype(np.uint32),
        horizontal_angle_rad=float(np.deg2rad(end_deg)),
    )


def _room(channels: int, columns: int, *, labels: bool, timed: bool) -> Sweep:
    size = channels * columns
    labelled = size if labels else 0
    return Sweep(
        points=np.empty((size, 4), np.float32),
        incidence=np.empty(labelled, np.float32),
        instance=np.empty(labelled, np.uint32),
        tag=np.empty(labelled, np.uint32),
        column=np.empty(size if timed else 0, np.uint32),
        counts=np.zeros(channels, np.int64),
    )


def _pack(room: Sweep) -> int:
    """Move the filled parts of all channels' room together; the number of points."""
    arrays = (room.points, room.incidence, room.instance, room.tag, room.column)
    # Bytes, since numpy copies what overlaps twice.
    parts = [(a.data.cast("B"), a.nbytes // len(a)) for a in arrays if len(a)]
    apart = len(room.points) // max(len(room.counts), 1)
    end = 0
    for channel, count in enumerate(room.counts.tolist()):
        start = channel * apart
        for part, size in parts if start > end else ():
            rows = part[start * size : (start + count) * size]
            part[end * size : (end + count) * size] = rows
        end += count
    return end


def _sent_s(room: Sweep, count: int, times: F32, delta_s: float) -> F32:
    """When each point's beam was sent, seconds before the end of the tick (<= 0)."""
    if len(room.column) == 0:
        return np.zeros(count, np.float32)
    column = room.column[:count]
    return (times[column % len(times)] - 1.0) * np.float32(delta_s)


@lru_cache(maxsize=16)
def _aims(spec: LidarSpec, columns: int, start_deg: float, step_deg: float) -> tuple[F32, F32]:
    """(3, channels * columns + LANES) float32 unit vectors, channel by channel, and windows.

    The last LANES are there to be read, but aim nowhere.
    """
    elevation = np.deg2rad(elevations_deg(spec))[:, None]
    offset = np.deg2rad(np.array(spec.beam_azimuths_deg or (0.0,) * spec.channels))[:, None]
    turned = start_deg + step_deg * np.arange(columns) / max(columns, 1)
    fov = spec.horizontal_fov_deg
    azimuth = np.deg2rad(turned % fov - fov / 2.0)[None, :] + offset
    aims = np.stack(
        [
            np.cos(elevation) * np.cos(azimuth),
            np.cos(elevation) * np.sin(azimuth),
            np.broadcast_to(np.sin(elevation), azimuth.shape),
        ]
    )
    snapped = _snapped(aims)
    windows = windows_of(snapped, ranging.BATCH) if columns else everywhere()
    return np.pad(snapped.reshape(3, -1), ((0, 0), (0, LANES))), windows


def elevations_deg(spec: LidarSpec) -> F64:
    """(channels,) elevation of each channel; CARLA's run evenly from upper to lower fov."""
    if spec.beam_elevations_deg:
        return np.array(spec.beam_elevations_deg)
    if spec.channels == 1:
        return np.array([0.5 * (spec.upper_fov_deg + spec.lower_fov_deg)])
    return np.linspace(spec.upper_fov_deg, spec.lower_fov_deg, spec.channels)


def _beam(spec: LidarSpec, weather: Weather, frame: int, columns: int) -> F64:
    beam = np.zeros(ranging.BEAM_COLUMNS)
    beam[ranging.MAX_RANGE] = spec.range_m
    beam[ranging.ATTENUATION] = spec.atmosphere_attenuation_rate
    beam[ranging.DROP_GENERAL] = spec.dropoff_general_rate
    beam[ranging.DROP_LIMIT] = spec.dropoff_intensity_limit
    beam[ranging.DROP_ZERO] = spec.dropoff_zero_intensity
    beam[ranging.NOISE] = spec.range_noise_m
    beam[ranging.PHYSICAL] = spec.intensity_model == "physical"
    if spec.dropoff_correlation_m > 0.0:
        # Length seen at 10 m, in columns and in channels.
        angle = np.rad2deg(spec.dropoff_correlation_m / 10.0)
        beam[ranging.CLUSTER_COLUMNS] = max(1.0, angle / spec.horizontal_fov_deg * columns)
        span = np.ptp(elevations_deg(spec)) / max(spec.channels - 1, 1)
        beam[ranging.CLUSTER_ROWS] = max(1.0, angle / max(float(span), 1e-3))
    extinction = fog_of(weather)[0]
    beam[ranging.EXTINCTION] = extinction
    if spec.intensity_model == "physical":
        # One beam in ten meets a droplet before 10 m where sight is 390 m (0.01 per metre).
        beam[ranging.DROPLETS] = min(10.0 * max(extinction - CLEAR_AIR_PER_M, 0.0), 0.35)
    beam[ranging.RETURNS] = spec.returns
    beam[ranging.BEAM_SEED] = (spec.seed * 1_000_003 + frame * 7_919) & 0x7FFFFFFF
    return beam


def poses_at(times: F32, before: F32 | None, now: F32) -> F32:
    """(T, 3, 4) float32 poses between the previous frame (0) and this one (1).

    The turn between them is taken about its own axis (Rodrigues).
    """
    end = np.asarray(now, np.float64)
    if before is None:
        return _snapped(end[None])
    start = np.asarray(before, np.float64)
    turn = end[:, :3] @ start[:, :3].T
    axis = 0.5 * np.array(
        [turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]
    )
    sine = float(np.linalg.norm(axis))
    angle = np.arctan2(sine, 0.5 * (np.trace(turn) - 1.0))
    unit = axis / sine if sine > 1e-12 else np.array([0.0, 0.0, 1.0])
    cross = np.array([[0, -unit[2], unit[1]], [unit[2], 0, -unit[0]], [-unit[1], unit[0], 0]])
    part = times.astype(np.float64)[:, None, None]
    turns = np.eye(3) + np.sin(part * angle) * cross + (1 - np.cos(part * angle)) * cross @ cross
    poses = np.empty((len(times), 3, 4))
    poses[:, :, :3] = turns @ start[:, :3]
    poses[:, :, 3] = start[:, 3] + times[:, None] * (end[:, 3] - start[:, 3])
    return _snapped(poses)


def _snapped(numbers: F64) -> F32:
    """In float32, with nothing in place of next to nothing."""
    return np.where(np.abs(numbers) < _NO_DIRECTION, 0.0, numbers).astype(np.float32)


def cast(
    world: World, workers: Workers, origins_m: F32, directions: F32, max_range_m: float
) -> RayHits:
    """First hits of free rays; see `Renderer.cast`."""
    origins = np.ascontiguousarray(origins_m, np.float32)
    aims = np.ascontiguousarray(directions, np.float32)
    count = len(origins)
    distances: F32 = np.full(count, np.inf, np.float32)
    normals: F32 = np.zeros((count, 3), np.float32)
    codes = np.zeros((count, ranging.CODE_COLUMNS), np.int32)
    shoot = partial(ranging.cast_rays, world, origins, aims, max_range_m, distances, normals, codes)
    workers.over(count, _RAYS_A_TASK, shoot)
    return RayHits(
        distance_m=distances,
        instance=codes[:, ranging.RAY_INSTANCE].copy(),
        tag=codes[:, ranging.RAY_TAG].astype(np.uint8),
        normal=normals,
    )
