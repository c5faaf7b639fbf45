"""Figures of CARLA's motorcycles, scooter and bicycles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class TwoWheeler:
    """Figures of one machine; x from the middle, z from the ground, metres.

    Attributes:
        kind: `bicycle`, `road_bicycle`, `city_bicycle`, `sport`, `cruiser` or `scooter`.
        wheel_m: Radius and tyre thickness.
        seat: x and z of the seat.
        grip: x, half width and z of the grips.
        foot: x, half width and z of the pegs or, for bicycles, of the crank's axle.
        color: Default paint.
        rider: The rider's clothes: jacket, trousers, shoes.
        stature_m: Of the rider.
        lean_deg: Of the rider's back.
    """

    kind: str
    wheel_m: tuple[float, float]
    seat: tuple[float, float]
    grip: Point
    foot: Point
    color: tuple[int, int, int]
    rider: tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]
    stature_m: float = 1.74
    lean_deg: float = 20.0
    look: str = "helmet"


_DENIM, _BLACK, _BROWN, _WHITE = (52, 66, 96), (28, 28, 30), (84, 56, 36), (220, 220, 216)

TWO_WHEELERS: Mapping[str, TwoWheeler] = {
    "vehicle.bh.crossbike": TwoWheeler(
        "bicycle",
        (0.305, 0.05),
        (-0.18, 0.80),
        (0.24, 0.40, 0.88),
        (-0.05, 0.10, 0.27),
        (30, 90, 150),
        ((200, 60, 30), _BLACK, _WHITE),
        1.68,
    ),
    "vehicle.diamondback.century": TwoWheeler(
        "road_bicycle",
        (0.335, 0.028),
        (-0.20, 0.90),
        (0.33, 0.26, 0.90),
        (-0.06, 0.08, 0.28),
        (190, 30, 34),
        ((240, 210, 40), _BLACK, _WHITE),
        1.76,
    ),
    "vehicle.gazelle.omafiets": TwoWheeler(
        "city_bicycle",
        (0.355, 0.04),
        (-0.30, 0.90),
        (0.12, 0.30, 1.06),
        (-0.06, 0.09, 0.29),
        (30, 34, 32),
        ((120, 60, 80), _DENIM, _BROWN),
        1.74,
        look="long",
    ),
    "vehicle.harley-davidson.low_rider": TwoWheeler(
        "cruiser",
        (0.335, 0.13),
        (-0.32, 0.70),
        (0.22, 0.34, 1.02),
        (0.34, 0.22, 0.34),
        (30, 28, 30),
        (_BLACK, _DENIM, _BROWN),
        1.88,
    ),
    "vehicle.kawasaki.ninja": TwoWheeler(
        "sport",
        (0.31, 0.13),
        (-0.30, 0.80),
        (0.36, 0.31, 0.88),
        (-0.24, 0.17, 0.40),
        (70, 170, 50),
        (_BLACK, _BLACK, _BLACK),
        1.76,
    ),
    "vehicle.vespa.zx125": TwoWheeler(
        "scooter",
        (0.235, 0.11),
        (-0.30, 0.78),
        (0.33, 0.36, 1.0),
        (0.12, 0.13, 0.30),
        (150, 190, 180),
        ((70, 80, 110), _DENIM, _WHITE),
        1.70,
    ),
    "vehicle.yamaha.yzf": TwoWheeler(
        "sport",
        (0.315, 0.13),
        (-0.32, 0.82),
        (0.38, 0.32, 0.90),
        (-0.26, 0.17, 0.42),
        (24, 60, 160),
        ((30, 40, 90), _BLACK, _BLACK),
        1.76,
    ),
}

_BICYCLES = {"bicycle", "road_bicycle", "city_bicycle"}
CRANK_M = 0.165


def is_bicycle(kind: str) -> bool:
    """Whether a kind is pedalled."""
    return kind in _BICYCLES
