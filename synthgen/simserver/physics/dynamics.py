"""The physics of one world: vehicles, walkers and props on a ground, among static boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.physics.bodies import BodySet
from synthgen.simserver.physics.contacts import (
    REPORT_COLUMNS,
    Contact,
    Report,
    contacts_of,
)
from synthgen.simserver.physics.crowd import WalkerCrowd
from synthgen.simserver.physics.fleet import VehicleFleet
from synthgen.simserver.physics.friction import FrictionZones
from synthgen.simserver.physics.obstacles import Ground, StaticBoxes
from synthgen.simserver.physics.overlap import Box, boxes_of, overlapping
from synthgen.simserver.physics.props import PropSet

if TYPE_CHECKING:
    from types import ModuleType

# Longest inner step. CARLA's own default is the same (`max_substep_delta_time`).
MAX_SUBSTEP_S = 0.01
_NO_DECKS = np.zeros((0, 0, 0), np.float32)


class Dynamics:
    """Steps all bodies together.

    Attributes:
        vehicles: The vehicles.
        walkers: The walkers.
        props: Everything else with a box.
        ground: The height field all of them stand on. After replacing it, `wake_all`.
        statics: The map's boxes.
        friction_zones: Where tyres grip otherwise.
    """

    def __init__(self, ground: Ground, statics: StaticBoxes) -> None:
        self.vehicles = VehicleFleet()
        self.walkers = WalkerCrowd()
        self.props = PropSet()
        self.ground = ground
        self.statics = statics
        self.friction_zones = FrictionZones()
        self._pairs = np.zeros((256, 2), np.int64)
        self._touches: NDArray[np.float64] = np.zeros((256, REPORT_COLUMNS))
        self._order = np.zeros(0, np.int64)
        self._bodies: NDArray[np.void] | None = None
        self._work: tuple[NDArray[np.float64], ...] = ()
        self._report: Report | None = None

    def set_of(self, actor_id: int) -> BodySet | None:
        """The set an actor is in, or None for actors without physics."""
        for bodies in (self.vehicles, self.walkers, self.props):
            if actor_id in bodies:
                return bodies
        return None

    def clear(self) -> None:
        """Forget all actors."""
        self.vehicles.clear()
        self.walkers.clear()
        self.props.clear()
        self.friction_zones.clear()

    def wake_all(self) -> None:
        """Let settled actors look at the ground and at each other again."""
        for bodies in (self.vehicles, self.walkers, self.props):
            bodies.wake_all()

    def step(self, dt_s: float) -> None:
        """Advance everything by one tick; `contacts` tells what touched.

        The tick is cut into equal parts of at most 10 ms. Forces added since the last step act
        over the whole tick. The result depends on nothing but the state: not on wall time, and
        not on the order of calls to different actors.

        Args:
            dt_s: Simulated seconds, positive.
        """
        self._report = None
        sets = (self.vehicles, self.walkers, self.props)
        actors = tuple(bodies.records for bodies in sets)
        total = sum(map(len, actors))
        if not total:
            return
        self.friction_zones.apply(self.vehicles)
        self.vehicles.release_controls()
        kernel = _kernel()
        self._make_room(kernel, total)
        kinematics = tuple(bodies.kinematics for bodies in sets)
        arguments = (actors, self._ground_arguments(), self._bodies, self._order)
        statics, parts = self.statics.arrays, substeps(dt_s)
        count, is_begun = 0, False
        while not is_begun or count > len(self._pairs):
            if count > len(self._pairs):
                self._pairs = np.zeros((2 * count, 2), np.int64)
                self._touches = np.zeros((2 * count, REPORT_COLUMNS))
            count = kernel.tick(
                *arguments,
                *(statics, self._pairs, self._touches, self._work),
                *(kinematics, parts, dt_s, is_begun),
            )
            is_begun = True
        self._report = (actors, self._pairs[:count], self._touches[:count])

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """What touched in the last step, a contact a pair, in a fixed order.

        To be asked before any actor comes, goes or is changed.
        """
        return contacts_of(*self._report) if self._report is not None else ()

    def overlaps(
        self,
        location: Sequence[float],
        yaw_deg: float,
        box_center_m: Sequence[float],
        box_extent_m: Sequence[float],
    ) -> bool:
        """Whether a box put there would touch an actor or a static box (spawn collision).

        Args:
            location: x, y, z of the actor frame, metres.
            yaw_deg: Its yaw.
            box_center_m: Box centre in the actor frame.
            box_extent_m: Half sizes of the box.
        """
        box = Box.placed(location, yaw_deg, box_center_m, box_extent_m)
        for bodies in (self.vehicles, self.walkers, self.props):
            records = bodies.records[bodies.records["collides"] != 0]
            if overlapping(box, boxes_of(records)).any():
                return True
        low, high = box.bounds_m()
        near = self.statics.boxes[self.statics.meeting(low, high)]
        return bool(overlapping(box, near[:, :8]).any())

    def warm(self) -> None:
        """Load (or, the first time on a machine, compile) the kernels.

        Takes about a second, or half a minute the first time; safe to call from a thread.
        """
        _kernel()

    def _ground_arguments(self) -> tuple[Any, ...]:
        ground = self.ground
        decks = _NO_DECKS if ground.decks_m is None else ground.decks_m
        x, y = (float(value) for value in ground.origin_m)
        return ground.z_m, decks, x, y, 1.0 / ground.cell_m

    def _make_room(self, kernel: ModuleType, total: int) -> None:
        """Let the kernel's own arrays be as long as the bodies are many."""
        if len(self._order) == total and self._bodies is not None:
            return
        self._order = np.arange(total, dtype=np.int64)
        # One more: the place for the static box of the pair at hand.
        self._bodies = np.zeros(total + 1, kernel.BODY)
        self._work = (np.zeros(kernel.TOUCH_NUMBERS), np.zeros(kernel.POINT_ROWS))


def substeps(dt_s: float) -> int:
    """Into how many equal parts a tick is cut."""
    return max(1, math.ceil(dt_s / MAX_SUBSTEP_S - 1e-6))


def _kernel() -> ModuleType:
    # Here and not at the top: numba takes most of a second to import, which a server without
    # vehicles need not wait for.
    from synthgen.simserver.physics import step_kernel

    return step_kernel
