"""Vehicles, walkers and collisions.

Importing this package does not import numba; the first step with an actor, or
`Dynamics.warm`, does.
"""

from synthgen.simserver.physics.contacts import Contact
from synthgen.simserver.physics.crowd import WALKER_STATE, WalkerCrowd
from synthgen.simserver.physics.dynamics import Dynamics
from synthgen.simserver.physics.fleet import VehicleFleet
from synthgen.simserver.physics.obstacles import Ground, HeightField, StaticBoxes, flat_ground
from synthgen.simserver.physics.props import PropSet

__all__ = [
    "WALKER_STATE",
    "Contact",
    "Dynamics",
    "Ground",
    "HeightField",
    "PropSet",
    "StaticBoxes",
    "VehicleFleet",
    "WalkerCrowd",
    "flat_ground",
]
