"""What a server must be told, besides a clip's tables, to show the clip again to the last bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import carla
import numpy as np

from sensors.carla_adapter.poses import pose_from_carla
from synthgen.datatypes.skeleton import default_skeleton
from synthgen.geometry.arrays import F32
from synthgen.runner.cast import Cast, CastMember
from synthgen.store import rows
from synthgen.store.tables import pose_names

# Wheels of an axle turn together; these two stand for all.
STEERED_WHEEL: Final = carla.VehicleWheelLocation.FL_Wheel
ROLLING_WHEEL: Final = carla.VehicleWheelLocation.BL_Wheel


class Appearance:
    """Asks for the looks of the cast, of the wheels only where a vehicle has moved."""

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self._wheels: dict[int, tuple[tuple[float, ...], float, float]] = {}
        self.rows: list[rows.Row] = []

    def note(
        self,
        snapshot: carla.WorldSnapshot,
        *,
        tick: int,
        light_states: Mapping[int, int],
        bones: Mapping[int, Any],
    ) -> None:
        """Add a row for each actor.

        Args:
            snapshot: The world after the tick.
            tick: Tick of the clip; negative before its start.
            light_states: CARLA's light flags by actor id.
            bones: `bones_of` each walker by track id.
        """
        for member in self._cast.members:
            state = snapshot.find(member.actor.id)
            if state is None:
                continue
            pose = pose_from_carla(state.get_transform())
            track_id = member.info.track_id
            steer_deg, pitch_deg = self._wheel_angles(member, state)
            values = [*pose.translation_m.tolist(), *pose.quat_wxyz.tolist()]
            named = dict(zip(pose_names("world_from_actor"), values, strict=True))
            self.rows.append(
                {
                    "tick": tick,
                    "track_id": track_id,
                    **named,
                    "light_state": light_states.get(member.actor.id, 0),
                    "wheel_steer_deg": steer_deg,
                    "wheel_pitch_deg": pitch_deg,
                    "bones": None if track_id not in bones else relative_bones(bones[track_id]),
                }
            )

    def _wheel_angles(self, member: CastMember, state: Any) -> tuple[float | None, float | None]:
        if not member.actor.type_id.startswith("vehicle."):
            return None, None
        at = state.get_transform()
        place = (at.location.x, at.location.y, at.location.z, at.rotation.yaw)
        known = self._wheels.get(member.actor.id)
        if known is None or known[0] != place:
            steer_deg = member.actor.get_wheel_steer_angle(STEERED_WHEEL)
            pitch_deg = member.actor.get_wheel_pitch_angle(ROLLING_WHEEL)
            known = self._wheels[member.actor.id] = (place, steer_deg, pitch_deg)
        return known[1], known[2]


def bones_of(walker: carla.Actor) -> Any:
    """The walker's bones as the server tells them."""
    return walker.get_bones().bone_transforms


def relative_bones(bones: Any) -> F32:
    """(6 B,) float32 pose of each bone of the table in the bone above, as the server says it.

    Location in metres and rotation in degrees, in CARLA's axes and order (x, y, z, pitch, yaw,
    roll): any other form would lose the last bit. NaN where the server has no such bone.
    """
    found = {bone.name: bone.relative for bone in bones}
    out = np.full((len(default_skeleton().bones), 6), np.nan, dtype=np.float32)
    for index, name in enumerate(default_skeleton().bones):
        if name in found:
            at, turn = found[name].location, found[name].rotation
            out[index] = (at.x, at.y, at.z, turn.pitch, turn.yaw, turn.roll)
    return out.ravel()


def bone_control(flat: F32) -> carla.WalkerBoneControlIn:
    """The inverse of `relative_bones`."""
    control = carla.WalkerBoneControlIn()
    control.bone_transforms = [
        (
            name,
            carla.Transform(
                carla.Location(x=row[0], y=row[1], z=row[2]),
                carla.Rotation(pitch=row[3], yaw=row[4], roll=row[5]),
            ),
        )
        for name, row in zip(default_skeleton().bones, flat.reshape(-1, 6).tolist(), strict=True)
        if not np.isnan(row[0])
    ]
    return control
