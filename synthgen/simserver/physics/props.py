"""Props and other actors that have a box but no engine and no legs."""

from __future__ import annotations

from collections.abc import Sequence

from synthgen.simserver.physics.bodies import BodySet, box_fields, pose_fields
from synthgen.simserver.physics.records import PROP

# Street furniture and warning props are mostly hollow: about a fifth of water's density.
_DENSITY = 200.0


class PropSet(BodySet):
    """Props by actor id: immovable until physics is switched on for one of them."""

    def __init__(self) -> None:
        super().__init__(PROP)

    def add(
        self,
        actor_id: int,
        *,
        location: Sequence[float],
        rotation: Sequence[float],
        box_center_m: Sequence[float],
        box_extent_m: Sequence[float],
        mass_kg: float | None = None,
    ) -> None:
        """Put a prop into the world, immovable (`set_simulate_physics` lets it move).

        Args:
            actor_id: New id.
            location: x, y, z of the actor frame, metres.
            rotation: pitch, yaw, roll, degrees.
            box_center_m: Box centre in the actor frame.
            box_extent_m: Half sizes of the box.
            mass_kg: None: from the box's volume, 0.5 to 500 kg.
        """
        half = box_extent_m
        volume = 8.0 * half[0] * half[1] * half[2]
        mass = min(max(_DENSITY * volume, 0.5), 500.0) if mass_kg is None else mass_kg
        span = 4.0 * (half[0] ** 2 + half[1] ** 2)
        self._append(
            actor_id,
            {
                **pose_fields(location, rotation),
                **box_fields(box_center_m, box_extent_m),
                "mass": mass,
                "inertia": max(mass * span / 12.0, 1e-3),
                "simulate": 0,
            },
        )
