"""Radar detections: CARLA's ideal echoes, or echoes that fade, scatter and come from clutter."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.render.records import F32, F64, World
from synthgen.simserver.render.scans import cast
from synthgen.simserver.render.specs import RadarSpec, RayHits
from synthgen.simserver.render.workers import Workers
from synthgen.simserver.scene import Tag

# Radar cross-sections at 77 GHz in square metres, rounded from Skolnik, Introduction to Radar
# Systems (3rd ed., table 2.1: car 100, person 1) and ISO 16504's targets (car 10, motorcycle
# 5, pedestrian 1 at most); ground and leaves by what one ray's patch of them sends back.
_SECTION_M2 = np.full(256, 1.0)
for _tag, _section in (
    (Tag.ROADS, 0.02),
    (Tag.ROAD_LINES, 0.02),
    (Tag.SIDEWALKS, 0.03),
    (Tag.GROUND, 0.03),
    (Tag.TERRAIN, 0.05),
    (Tag.VEGETATION, 0.3),
    (Tag.BUILDINGS, 8.0),
    (Tag.WALLS, 8.0),
    (Tag.FENCES, 3.0),
    (Tag.GUARD_RAIL, 10.0),
    (Tag.POLES, 3.0),
    (Tag.TRAFFIC_LIGHT, 4.0),
    (Tag.TRAFFIC_SIGNS, 10.0),
    (Tag.PEDESTRIANS, 1.0),
    (Tag.RIDER, 1.0),
    (Tag.BICYCLE, 2.0),
    (Tag.MOTORCYCLE, 5.0),
    (Tag.CAR, 10.0),
    (Tag.TRUCK, 60.0),
    (Tag.BUS, 60.0),
):
    _SECTION_M2[_tag] = _section
# A square metre at 50 m is 6 dB above the least echo that counts (a person fades out by 70 m).
_ECHO_OF_A_SQUARE_METRE = 4.0
_ECHO_RANGE_M = 50.0
# One standard deviation of an automotive radar's range, angles and speed.
_RANGE_M, _ANGLE_RAD, _SPEED_MPS = 0.1, np.deg2rad(0.25), 0.06
_NEAREST_CLUTTER_M = 1.0


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
    own = np.asarray(sensor_velocity_mps)
    closing = ((moving - own) * directions).sum(axis=1)
    rows: F64 = np.stack([closing, azimuth, altitude, met.distance_m], axis=-1)
    seen = rows[hit]
    if spec.scatter_model == "physical":
        seen = _scattered(seen[_echoes(met, directions, hit, rng)], rng)
    clutter = _clutter(rows, -(directions * own).sum(axis=1), spec, rng)
    return np.ascontiguousarray(np.concatenate([seen, clutter]), np.float32)


def _echoes(
    met: RayHits, directions: F32, hit: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Which of the hits send back enough: by section, incidence, range^4 and fading.

    A target fades as a whole from scan to scan, exponentially in power (Swerling's case 1;
    Skolnik, Introduction to Radar Systems, 3rd ed., section 2.8); things without an id fade
    ray by ray.
    """
    instance = met.instance[hit]
    cos = np.abs((met.normal[hit] * directions[hit]).sum(axis=1))
    _, target = np.unique(instance, return_inverse=True)
    fading = rng.exponential(size=int(target.max(initial=0)) + 1)[target]
    fading = np.where(instance > 0, fading, rng.exponential(size=len(instance)))
    nearness = _ECHO_RANGE_M / np.maximum(met.distance_m[hit].astype(np.float64), 0.1)
    echo = _ECHO_OF_A_SQUARE_METRE * _SECTION_M2[met.tag[hit]] * cos * nearness**4 * fading
    return np.asarray(echo > 1.0)


def _scattered(rows: F64, rng: np.random.Generator) -> F64:
    """The detections as measured: off by noise in speed, angles and range."""
    sigma = np.array([_SPEED_MPS, _ANGLE_RAD, _ANGLE_RAD, _RANGE_M])
    noisy = rows + sigma * rng.standard_normal(rows.shape)
    noisy[:, 3] = np.maximum(noisy[:, 3], 0.0)
    return noisy


def _clutter(rows: F64, standing_mps: F64, spec: RadarSpec, rng: np.random.Generator) -> F64:
    """Detections of nothing: a share of the rays, in front of what they met, mostly at rest."""
    if spec.clutter_rate <= 0.0:
        return np.empty((0, 4))
    chosen = rng.random(len(rows)) < spec.clutter_rate
    false = rows[chosen]
    farthest = np.minimum(false[:, 3], spec.range_m)
    false[:, 3] = _NEAREST_CLUTTER_M + rng.random(len(false)) * (farthest - _NEAREST_CLUTTER_M)
    false[:, 0] = standing_mps[chosen] + 0.5 * rng.standard_normal(len(false))
    return np.asarray(false[farthest > _NEAREST_CLUTTER_M], np.float64)
