"""LiDAR sweeps, radar detections and free rays."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from synthgen.simserver.render import ranging
from synthgen.simserver.render.records import F32, F64, World
from synthgen.simserver.render.sky import fog_of
from synthgen.simserver.render.specs import LidarSpec, LidarSweep, RadarSpec, RayHits, Weather
from synthgen.simserver.render.workers import Workers

_RAYS_A_TASK = 4096


def sweep(
    world: World,
    workers: Workers,
    spec: LidarSpec,
    map_from_lidar: F32,
    previous_map_from_lidar: F32 | None,
    *,
    weather: Weather,
    frame: int,
    delta_s: float,
    start_angle_rad: float,
) -> LidarSweep:
    """The points of one tick; see `Renderer.lidar`.

    Source of the ray pattern: CARLA 0.9.16, RayCastSemanticLidar.cpp.
    """
    channels = spec.channels
    columns = round(spec.points_per_second * delta_s / channels)
    step_deg = spec.rotation_frequency_hz * spec.horizontal_fov_deg * delta_s
    start_deg = float(np.rad2deg(start_angle_rad))
    aims = _aims(spec, columns, round(start_deg, 6), round(step_deg, 6))
    count = channels * columns
    results: F32 = np.empty((count, ranging.RESULT_COLUMNS), np.float32)
    codes = np.empty((count, ranging.CODE_COLUMNS), np.int32)
    beam = _beam(spec, weather, frame, columns)
    poses = np.ascontiguousarray(map_from_lidar, np.float32)[None]

    def work(first: int, last: int) -> None:
        ranging.scan_rays(
            world, aims, poses, columns, beam, ranging.REFLECTIVITY, results, codes, first, last
        )

    if columns:
        workers.over(count, _RAYS_A_TASK, work)
    kept = np.flatnonzero(codes[:, ranging.KEPT])
    chosen, labels = results[kept], codes[kept]
    end_deg = (start_deg + step_deg) % spec.horizontal_fov_deg
    return LidarSweep(
        xyz_m=np.ascontiguousarray(chosen[:, ranging.OUT_X : ranging.OUT_Z + 1]),
        intensity=np.ascontiguousarray(chosen[:, ranging.INTENSITY]),
        cos_incidence=np.ascontiguousarray(chosen[:, ranging.INCIDENCE]),
        instance=labels[:, ranging.RAY_INSTANCE].astype(np.uint32),
        tag=labels[:, ranging.RAY_TAG].astype(np.uint32),
        time_s=np.zeros(len(kept), np.float32),
        points_per_channel=_per_channel(kept, channels, columns),
        horizontal_angle_rad=float(np.deg2rad(end_deg)),
    )


def _per_channel(
    kept: np.ndarray[tuple[int], np.dtype[np.int64]], channels: int, columns: int
) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    edges = np.searchsorted(kept, np.arange(channels + 1) * columns)
    return np.diff(edges).astype(np.uint32)


@lru_cache(maxsize=16)
def _aims(spec: LidarSpec, columns: int, start_deg: float, step_deg: float) -> F32:
    """(channels * columns, 3) float32 unit vectors, channel by channel."""
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
        ],
        axis=-1,
    )
    return np.ascontiguousarray(aims.reshape(-1, 3), np.float32)


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
    beam[ranging.EXTINCTION] = fog_of(weather)[0]
    beam[ranging.BEAM_SEED] = (spec.seed * 1_000_003 + frame * 7_919) & 0x7FFFFFFF
    return beam


def detections(
    world: World,
    workers: Workers,
    spec: RadarSpec,
    map_from_radar: F32,
    *,
    sensor_velocity_mps: F32,
    velocities_mps: Mapping[int, F32],
    frame: int,
    delta_s: float,
) -> F32:
    """Radar detections; see `Renderer.radar`.

    Source: CARLA 0.9.16, Radar.cpp: rays uniform in radius and angle over the elliptic cone.
    """
    count = round(spec.points_per_second * delta_s)
    rng = np.random.default_rng([spec.seed, frame])
    radius, angle = rng.random(count), rng.random(count) * 2.0 * np.pi
    azimuth = np.deg2rad(spec.horizontal_fov_deg) / 2.0 * radius * np.cos(angle)
    altitude = np.deg2rad(spec.vertical_fov_deg) / 2.0 * radius * np.sin(angle)
    aims = np.stack(
        [
            np.cos(altitude) * np.cos(azimuth),
            np.cos(altitude) * np.sin(azimuth),
            np.sin(altitude),
        ],
        axis=-1,
    )
    directions = (aims @ map_from_radar[:, :3].T.astype(np.float64)).astype(np.float32)
    origins = np.broadcast_to(map_from_radar[:, 3], (count, 3)).astype(np.float32)
    met = cast(world, workers, origins, directions, spec.range_m)
    hit = np.isfinite(met.distance_m)
    moving: F64 = np.zeros((count, 3))
    for k in np.flatnonzero(hit & (met.instance > 0)):
        velocity = velocities_mps.get(int(met.instance[k]))
        if velocity is not None:
            moving[k] = velocity
    closing = ((moving - np.asarray(sensor_velocity_mps)) * directions).sum(axis=1)
    rows = np.stack([closing, azimuth, altitude, met.distance_m], axis=-1)
    return np.ascontiguousarray(rows[hit], np.float32)


def cast(
    world: World, workers: Workers, origins_m: F32, directions: F32, max_range_m: float
) -> RayHits:
    """First hits of free rays; see `Renderer.cast`."""
    origins = np.ascontiguousarray(origins_m, np.float32)
    aims = np.ascontiguousarray(directions, np.float32)
    count = len(origins)
    results: F32 = np.zeros((count, ranging.RESULT_COLUMNS), np.float32)
    codes = np.zeros((count, ranging.CODE_COLUMNS), np.int32)

    def work(first: int, last: int) -> None:
        ranging.cast_rays(world, origins, aims, max_range_m, results, codes, first, last)

    if count:
        workers.over(count, _RAYS_A_TASK, work)
    met = codes[:, ranging.KEPT] == 1
    return RayHits(
        distance_m=np.where(met, results[:, ranging.RANGE], np.inf).astype(np.float32),
        instance=np.where(met, codes[:, ranging.RAY_INSTANCE], 0).astype(np.int32),
        tag=np.where(met, codes[:, ranging.RAY_TAG], 0).astype(np.uint8),
        normal=np.where(met[:, None], results[:, ranging.OUT_X : ranging.OUT_Z + 1], 0.0).astype(
            np.float32
        ),
    )
