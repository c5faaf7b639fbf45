"""Places where tyres grip otherwise: CARLA's `static.trigger.friction`."""

from __future__ import annotations

from collections.abc import Sequence

from synthgen.simserver.physics.fleet import VehicleFleet
from synthgen.simserver.physics.overlap import Box, boxes_of, overlapping


class FrictionZones:
    """Boxes by the id of their actor; the newest one that a vehicle touches rules."""

    def __init__(self) -> None:
        self._zones: dict[int, tuple[Box, float]] = {}
        self._inside: dict[int, float] = {}

    def set(
        self,
        actor_id: int,
        *,
        location: Sequence[float],
        yaw_deg: float,
        box_center_m: Sequence[float],
        box_extent_m: Sequence[float],
        tire_friction: float,
    ) -> None:
        """Add a zone, or move it; `tire_friction` replaces that of the wheels inside."""
        box = Box.placed(location, yaw_deg, box_center_m, box_extent_m)
        self._zones[actor_id] = (box, tire_friction)

    def remove(self, actor_id: int) -> None:
        """Forget a zone; unknown ids are ignored."""
        self._zones.pop(actor_id, None)

    def clear(self) -> None:
        """Forget all zones."""
        self._zones.clear()
        self._inside.clear()

    def apply(self, vehicles: VehicleFleet) -> None:
        """Tell the vehicles that came in or went out since the last time."""
        if not self._zones and not self._inside:
            return
        ids, boxes = vehicles.ids.tolist(), boxes_of(vehicles.records)
        inside: dict[int, float] = {}
        for box, tire_friction in self._zones.values():
            meets = overlapping(box, boxes).tolist()
            inside.update(
                (actor_id, tire_friction)
                for actor_id, is_in in zip(ids, meets, strict=True)
                if is_in
            )
        for actor_id in ids:
            if inside.get(actor_id) != self._inside.get(actor_id):
                vehicles.set_friction_scale(actor_id, inside.get(actor_id))
        self._inside = inside
