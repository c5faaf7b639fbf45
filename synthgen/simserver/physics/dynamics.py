"""The physics of one world: vehicles, walkers and props on a ground, among static boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from synthgen.simserver.physics.bodies import BodySet
from synthgen.simserver.physics.crowd import WalkerCrowd
from synthgen.simserver.physics.fleet import VehicleFleet
from synthgen.simserver.physics.obstacles import HeightField, StaticBoxes
from synthgen.simserver.physics.props import PropSet

# Longest inner step. CARLA's own default is the same (`max_substep_delta_time`).
MAX_SUBSTEP_S = 0.01


@dataclass(frozen=True, slots=True)
class Contact:
    """Two bodies touched in a tick.

    Attributes:
        actor_id: The one of the two that moves; the lower id when both are actors.
        other_id: The other actor, or 0 when it is a static box.
        static_index: Index of the static box, or None when the other is an actor.
        normal_impulse: Impulse on `actor_id`, N s, world axes; the other got its negative.
        point_m: Where, in the world.
    """

    actor_id: int
    other_id: int
    static_index: int | None
    normal_impulse: tuple[float, float, float]
    point_m: tuple[float, float, float]


class Dynamics:
    """Steps all bodies together.

    Attributes:
        vehicles: The vehicles.
        walkers: The walkers.
        props: Everything else with a box.
        ground: The height field all of them stand on; replace it when the map changes.
        statics: The map's boxes.
    """

    def __init__(self, ground: HeightField, statics: StaticBoxes) -> None:
        self.vehicles = VehicleFleet()
        self.walkers = WalkerCrowd()
        self.props = PropSet()
        self.ground = ground
        self.statics = statics

    def set_of(self, actor_id: int) -> BodySet | None:
        """The set an actor is in, or None for actors without physics."""
        for bodies in (self.vehicles, self.walkers, self.props):
            if actor_id in bodies:
                return bodies
        return None

    def step(self, dt_s: float) -> tuple[Contact, ...]:
        """Advance everything by one tick.

        The tick is cut into equal parts of at most 10 ms. Forces added since the last step act
        over the whole tick. Nothing here depends on wall time, on memory addresses or on the
        order of calls within a tick.

        Args:
            dt_s: Simulated seconds, positive.

        Returns:
            One contact per touching pair, sorted by (actor_id, other_id, static_index).
        """
        raise NotImplementedError

    def overlaps(
        self,
        location: Sequence[float],
        yaw_deg: float,
        box_center_m: Sequence[float],
        box_extent_m: Sequence[float],
    ) -> bool:
        """Whether a box put there would touch an actor or a static box (spawn collision)."""
        raise NotImplementedError

    def warm(self) -> None:
        """Load (or, the first time, compile) the kernels; call it from a thread at start-up."""


def substeps(dt_s: float) -> int:
    """Into how many equal parts a tick is cut."""
    return max(1, math.ceil(dt_s / MAX_SUBSTEP_S - 1e-6))
