"""The physics of one world: vehicles, walkers and props on a ground, among static boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.physics.bodies import BodySet
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

# Running up less than this is a bump, not a collision.
_KERB_M = 0.06
_NO_DECK = np.zeros((0, 0), np.float32)


@dataclass(frozen=True, slots=True)
class Contact:
    """Two bodies touched in a tick.

    Attributes:
        actor_id: One of the two, always an actor; the lower id when both are actors.
        other_id: The other actor, or 0 when it is a static box or a kerb.
        static_index: Index of the static box, or None when the other is an actor or a kerb.
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
        self._order = np.zeros(0, np.int64)
        self._bodies: NDArray[np.void] | None = None

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

    def step(self, dt_s: float) -> tuple[Contact, ...]:
        """Advance everything by one tick.

        The tick is cut into equal parts of at most 10 ms. Forces added since the last step act
        over the whole tick. The result depends on nothing but the state: not on wall time, and
        not on the order of calls to different actors.

        Args:
            dt_s: Simulated seconds, positive.

        Returns:
            One contact per touching pair, sorted by (actor_id, other_id, static_index).
        """
        if not (len(self.vehicles) or len(self.walkers) or len(self.props)):
            return ()
        self.friction_zones.apply(self.vehicles)
        self.vehicles.release_controls()
        vehicle_kernel, walker_kernel, contact_kernel = _kernels()
        vehicles = (self.vehicles.records, len(self.vehicles))
        walkers = (self.walkers.records, len(self.walkers))
        props = (self.props.records, len(self.props))
        ground = self._ground_arguments()
        parts = substeps(dt_s)
        h = dt_s / parts

        vehicle_kernel.begin_vehicles(*vehicles, dt_s)
        pairs, count = self._find_pairs(contact_kernel, dt_s)
        report = np.zeros((max(count, 1), contact_kernel.REPORT_COLUMNS))
        for _ in range(parts):
            vehicle_kernel.step_vehicles(*vehicles, *ground, h)
            walker_kernel.step_walkers(*walkers, *ground, h)
            walker_kernel.step_props(*props, *ground, h)
            contact_kernel.resolve_pairs(
                *vehicles, *walkers, *props, self._bodies, self.statics.boxes, pairs, count, report
            )
        vehicle_kernel.end_vehicles(*vehicles, *ground, dt_s, self.vehicles.kinematics)
        walker_kernel.end_walkers(*walkers, dt_s, self.walkers.kinematics)
        walker_kernel.end_props(*props, dt_s, self.props.kinematics)
        found = [*self._contacts(pairs[:count], report), *self._kerb_contacts()]
        return tuple(sorted(found, key=_order))

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
        _kernels()

    def _ground_arguments(self) -> tuple[Any, ...]:
        ground = self.ground
        deck = _NO_DECK if ground.z_upper_m is None else ground.z_upper_m
        x, y = (float(value) for value in ground.origin_m)
        return ground.z_m, deck, x, y, 1.0 / ground.cell_m

    def _find_pairs(self, kernel: ModuleType, dt_s: float) -> tuple[NDArray[np.int64], int]:
        total = len(self.vehicles) + len(self.walkers) + len(self.props)
        if len(self._order) != total or self._bodies is None:
            self._order = np.arange(total, dtype=np.int64)
            # One more: the place for the static box of the pair at hand.
            self._bodies = np.zeros(total + 1, kernel.BODY)
        statics = self.statics
        while True:
            count = kernel.find_pairs(
                *(self.vehicles.records, len(self.vehicles)),
                *(self.walkers.records, len(self.walkers)),
                *(self.props.records, len(self.props)),
                *(self._bodies, self._order, statics.boxes, statics.enabled),
                *(statics.cell_start, statics.cell_items, statics.origin, statics.grid),
                *(self._pairs, dt_s),
            )
            if count <= len(self._pairs):
                return self._pairs, int(count)
            self._pairs = np.zeros((2 * count, 2), np.int64)

    def _contacts(self, pairs: NDArray[np.int64], report: NDArray[np.float64]) -> list[Contact]:
        touched = np.flatnonzero(report[: len(pairs), 4])
        if len(touched) == 0:
            return []
        ids = [
            int(actor_id)
            for bodies in (self.vehicles, self.walkers, self.props)
            for actor_id in bodies.records["actor_id"]
        ]
        return [_contact(ids, pairs[row], report[row]) for row in touched]

    def _kerb_contacts(self) -> list[Contact]:
        records = self.vehicles.records
        hits = np.flatnonzero(
            (records["kerb_rise"] > _KERB_M)
            & (np.hypot(records["kerb_impulse_x"], records["kerb_impulse_y"]) > 0.0)
        )
        return [_kerb_contact(records[row]) for row in hits]


def substeps(dt_s: float) -> int:
    """Into how many equal parts a tick is cut."""
    return max(1, math.ceil(dt_s / MAX_SUBSTEP_S - 1e-6))


def _order(contact: Contact) -> tuple[int, int, int]:
    # Static boxes in their order, then the kerb.
    last = np.iinfo(np.int64).max if contact.static_index is None else contact.static_index
    return contact.actor_id, contact.other_id, int(last)


def _kerb_contact(record: Any) -> Contact:
    yaw = math.radians(record["yaw"])
    impulse = (float(record["kerb_impulse_x"]), float(record["kerb_impulse_y"]), 0.0)
    ahead = impulse[0] * math.cos(yaw) + impulse[1] * math.sin(yaw) < 0.0
    reach = float(record["axle_front"] if ahead else -record["axle_rear"])
    point = (
        float(record["x"]) + reach * math.cos(yaw),
        float(record["y"]) + reach * math.sin(yaw),
        float(max(record["lead_left"], record["lead_right"])),
    )
    return Contact(int(record["actor_id"]), 0, None, impulse, point)


def _contact(ids: list[int], pair: NDArray[np.int64], row: NDArray[np.float64]) -> Contact:
    first, second = int(pair[0]), int(pair[1])
    impulse, point = (
        (float(row[0]), float(row[1]), 0.0),
        (
            float(row[2]),
            float(row[3]),
            float(row[5]),
        ),
    )
    if second < 0:
        return Contact(ids[first], 0, -1 - second, impulse, point)
    if ids[first] < ids[second]:
        return Contact(ids[first], ids[second], None, impulse, point)
    return Contact(ids[second], ids[first], None, (-impulse[0], -impulse[1], 0.0), point)


def _kernels() -> tuple[ModuleType, ModuleType, ModuleType]:
    # Here and not at the top: numba takes most of a second to import, which a server without
    # vehicles need not wait for.
    from synthgen.simserver.physics import contact_kernel, vehicle_kernel, walker_kernel

    return vehicle_kernel, walker_kernel, contact_kernel
