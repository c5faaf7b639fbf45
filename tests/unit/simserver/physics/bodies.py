"""Bodies with defaults, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from synthgen.simserver.physics import Contact, Dynamics, HeightField, StaticBoxes, flat_ground

TICK_S = 0.05
GRAVITY = 9.81
CAR = "vehicle.tesla.model3"
CAR_HALF_M = (2.4, 1.0, 0.75)


def make_dynamics(
    ground: HeightField | None = None, statics: StaticBoxes | None = None
) -> Dynamics:
    """An empty world on flat ground without obstacles."""
    return Dynamics(ground or flat_ground(), statics or StaticBoxes.none())


def make_slope(rise_per_m: float) -> HeightField:
    """Ground that climbs along x, 2 km wide."""
    x = np.linspace(-1000.0, 1000.0, 3)
    z = np.tile(rise_per_m * x, (3, 1)).astype(np.float32)
    return HeightField(np.array([-1000.0, -1000.0]), 1000.0, z)


def make_box(x: float, y: float, half: tuple[float, float, float], yaw: float = 0.0) -> StaticBoxes:
    """One static box that stands on the ground."""
    return StaticBoxes(np.array([[x, y, half[2]]]), np.array([half]), np.array([yaw]))


def contacts_of_a_step(dynamics: Dynamics) -> tuple[Contact, ...]:
    """Advance by one tick; what touched."""
    dynamics.step(TICK_S)
    return dynamics.contacts


def add_car(
    dynamics: Dynamics,
    actor_id: int = 1,
    *,
    x: float = 0.0,
    y: float = 0.0,
    z: float = 0.0,
    yaw: float = 0.0,
    blueprint: str = CAR,
    half: tuple[float, float, float] = CAR_HALF_M,
) -> int:
    """Add a car; its id."""
    dynamics.vehicles.add(
        actor_id,
        blueprint,
        location=(x, y, z),
        rotation=(0.0, yaw, 0.0),
        box_center_m=(0.0, 0.0, half[2]),
        box_extent_m=half,
    )
    return actor_id


def add_walker(
    dynamics: Dynamics, actor_id: int = 100, *, x: float = 0.0, y: float = 0.0, z: float = 0.93
) -> int:
    """Add a walker 1.86 m tall; its id."""
    dynamics.walkers.add(
        actor_id,
        location=(x, y, z),
        rotation=(0.0, 0.0, 0.0),
        box_center_m=(0.0, 0.0, 0.0),
        box_extent_m=(0.19, 0.19, 0.93),
    )
    return actor_id


def press(
    dynamics: Dynamics,
    actor_id: int = 1,
    *,
    throttle: float = 0.0,
    steer: float = 0.0,
    brake: float = 0.0,
    hand_brake: bool = False,
    reverse: bool = False,
) -> None:
    """Set a vehicle's pedals and steering."""
    dynamics.vehicles.set_control(actor_id, [throttle, steer, brake, hand_brake, reverse, False, 0])


def run(dynamics: Dynamics, ticks: int) -> None:
    """Step some ticks of 50 ms."""
    for _ in range(ticks):
        dynamics.step(TICK_S)


def speed(dynamics: Dynamics, actor_id: int = 1) -> float:
    """Horizontal speed of an actor, m/s."""
    bodies = dynamics.set_of(actor_id)
    assert bodies is not None
    vx, vy, _ = bodies.velocity(actor_id)
    return float(np.hypot(vx, vy))


def change_control(dynamics: Dynamics, index: int, value: object, actor_id: int = 1) -> None:
    """Replace one top-level field of a vehicle's physics control."""
    control: list[Any] = dynamics.vehicles.physics_control(actor_id)
    control[index] = value
    dynamics.vehicles.set_physics_control(actor_id, control)
