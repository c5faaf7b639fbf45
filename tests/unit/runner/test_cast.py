"""Objects of the map as a server lists them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import carla

from synthgen.runner.cast import whole_vehicles


def listed(name: str, x: float, y: float, half: tuple[float, float, float], yaw: float) -> Any:
    box = carla.BoundingBox(carla.Location(x, y, half[2]), carla.Vector3D(*half))
    box.rotation = carla.Rotation(yaw=yaw)
    return SimpleNamespace(name=name, bounding_box=box)


def test_wheels_of_a_listed_car_are_part_of_it() -> None:
    # A car at 30 degrees whose front left wheel lies 1.4 m ahead and 0.7 m to the left of its
    # middle: x = 50 + 1.4 cos 30 + 0.7 sin 30, y = 20 + 1.4 sin 30 - 0.7 cos 30.
    wheel = listed("wheel", 51.56, 20.09, (0.3, 0.1, 0.3), 30)
    car = listed("car", 50, 20, (2.2, 0.9, 0.75), 30)
    neighbour = listed("neighbour", 50, 22.5, (2.2, 0.9, 0.75), 30)
    found = whole_vehicles([wheel, car, neighbour])
    assert [item.name for item in found] == ["car", "neighbour"]


def test_no_map_vehicles_are_none() -> None:
    assert whole_vehicles([]) == []
