"""Vehicles parked along the street."""

from __future__ import annotations

import numpy as np

from synthgen.simserver.assets.extents import size_table
from synthgen.simserver.maps.objects import ObjectList
from synthgen.simserver.maps.spawn import lane_pose
from synthgen.simserver.maps.surfaces import Strip
from synthgen.simserver.maps.townmap import Pose, SurfaceKind
from synthgen.simserver.scene import Tag

# What parks, how often of a hundred, and its tag.
_VEHICLES: tuple[tuple[str, int, Tag], ...] = (
    ("vehicle.audi.a2", 8, Tag.CAR),
    ("vehicle.audi.etron", 6, Tag.CAR),
    ("vehicle.bmw.grandtourer", 5, Tag.CAR),
    ("vehicle.citroen.c3", 8, Tag.CAR),
    ("vehicle.dodge.charger_2020", 5, Tag.CAR),
    ("vehicle.jeep.wrangler_rubicon", 4, Tag.CAR),
    ("vehicle.lincoln.mkz_2020", 8, Tag.CAR),
    ("vehicle.mercedes.coupe_2020", 6, Tag.CAR),
    ("vehicle.mercedes.sprinter", 9, Tag.TRUCK),
    ("vehicle.mini.cooper_s_2021", 7, Tag.CAR),
    ("vehicle.nissan.micra", 7, Tag.CAR),
    ("vehicle.nissan.patrol_2021", 6, Tag.CAR),
    ("vehicle.seat.leon", 8, Tag.CAR),
    ("vehicle.tesla.model3", 6, Tag.CAR),
    ("vehicle.toyota.prius", 5, Tag.CAR),
    ("vehicle.volkswagen.t2_2021", 2, Tag.TRUCK),
)
_COLORS = ("235,235,235", "20,20,22", "120,124,128", "170,172,175", "30,52,92", "120,20,24")
_GAP_M, _EMPTY_SHARE = 1.1, 0.3
_MIN_WIDTH_M, _MIN_SHOULDER_M = 1.95, 2.4


def park_vehicles(objects: ObjectList, strips: list[Strip], rng: np.random.Generator) -> None:
    """Fill parking lanes about two thirds; wide shoulders of towns without any, thinly."""
    lanes = [s for s in strips if s.style.kind is SurfaceKind.PARKING]
    empty = _EMPTY_SHARE
    if not lanes:
        lanes = [s for s in strips if _is_wide_shoulder(s)]
        empty = 0.75
    for strip in lanes:
        _park_along(objects, strip, empty, rng)


def _is_wide_shoulder(strip: Strip) -> bool:
    grid = strip.grid
    return (
        strip.style.kind is SurfaceKind.SHOULDER
        and not grid.road.in_junction
        and grid.road.kind != "motorway"
        and float(strip.width_m.min()) >= _MIN_SHOULDER_M
    )


def _park_along(objects: ObjectList, strip: Strip, empty: float, rng: np.random.Generator) -> None:
    sizes = size_table()
    weights = np.array([w for _, w, _ in _VEHICLES], dtype=float)
    weights /= weights.sum()
    at, end = float(strip.grid.s[0]) + 0.6, float(strip.grid.s[-1]) - 0.6
    while True:
        key, _, tag = _VEHICLES[int(rng.choice(len(_VEHICLES), p=weights))]
        length, width, height = sizes[key].size_lwh_m
        if at + length > end:
            return
        middle = at + length / 2
        lane_width = float(np.interp(middle, strip.grid.s, strip.width_m))
        if lane_width >= max(_MIN_WIDTH_M, 0.92 * width) and rng.random() > empty:
            pose = lane_pose(strip.grid, strip.lane_id, middle)
            x, y, z = pose.location_m
            aside = float(rng.uniform(-0.12, 0.12))
            yaw = np.radians(pose.yaw_deg)
            place = (x - aside * float(np.sin(yaw)), y + aside * float(np.cos(yaw)), z)
            turn = float(rng.normal(0.0, 0.7))
            half = np.array([length, width, height]) / 2
            objects.add(
                f"ParkedVehicle_{key.removeprefix('vehicle.').replace('.', '_')}",
                tag,
                Pose(place, (pose.rotation_deg[0], pose.yaw_deg + turn, 0.0)),
                (np.array([0.0, 0.0, half[2]]), half),
                model_key=key,
                attributes={"color": str(rng.choice(_COLORS))},
            )
        at += length + _GAP_M + float(rng.exponential(0.4))
