"""What vehicles, walkers and props have in common: an array of records, found by actor id."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Records = NDArray[np.void]

# CARLA hands angular impulses and torques to Unreal as they come: kg cm2 deg/s, where linear
# ones are scaled from metres to centimetres (FCarlaActor::AddActorAngularImpulse).
ANGULAR_SI = 1e-4 * math.pi / 180.0


class BodySet:
    """Actors of one kind, as records in the order in which they were added.

    Numbers are expected to be finite: the wire lets no other through.

    Attributes:
        ids: (n,) uint32 actor ids.
        kinematics: (n, 15) float32 as on the wire: x, y, z, pitch, yaw, roll (degrees), velocity
            (m/s), angular velocity (deg/s), acceleration (m/s2). Refreshed by the step and by
            every setter of a pose or velocity.
        records: The live records, a view: what the kernels read and write.
    """

    def __init__(self, dtype: np.dtype[np.void]) -> None:
        self._records: Records = np.zeros(64, dtype)
        self._kinematics: F32 = np.zeros((64, 15), np.float32)
        self._row: dict[int, int] = {}
        self._count_rows()
        # Ids last asked for and their places, until either may change.
        self._asked: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    def __len__(self) -> int:
        return len(self._row)

    def __contains__(self, actor_id: int) -> bool:
        return actor_id in self._row

    @property
    def ids(self) -> NDArray[np.uint32]:
        """(n,) uint32 actor ids, in the order of `kinematics`."""
        return self._records["actor_id"][: len(self)].astype(np.uint32)

    def _count_rows(self) -> None:
        """Renew the views of what is live, after an actor came or went."""
        self.kinematics = self._kinematics[: len(self)]
        self.records = self._records[: len(self)]

    def row(self, actor_id: int) -> int:
        """Place of an actor in `ids` and `kinematics`. Changes when others are removed."""
        return self._row[actor_id]

    def rows_of(self, actor_ids: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Places of different actors, None where one is missing or named twice."""
        # The same ones are asked for every tick.
        if self._asked is not None and np.array_equal(self._asked[0], actor_ids):
            return self._asked[1]
        found = [self._row.get(actor_id, -1) for actor_id in actor_ids.tolist()]
        if -1 in found or len(set(found)) != len(found):
            return None
        rows = np.array(found, np.int64)
        self._asked = (actor_ids, rows)
        return rows

    def remove(self, actor_id: int) -> None:
        """Forget an actor; the others keep their order."""
        row = self._row.pop(actor_id)
        self._asked = None
        count = len(self._row)
        self._records[row:count] = self._records[row + 1 : count + 1].copy()
        self._kinematics[row:count] = self._kinematics[row + 1 : count + 1].copy()
        self._records[count] = np.zeros((), self._records.dtype)
        self._count_rows()
        for other, place in self._row.items():
            if place > row:
                self._row[other] = place - 1

    def clear(self) -> None:
        """Forget all actors."""
        self._records[:] = np.zeros((), self._records.dtype)
        self._row.clear()
        self._asked = None
        self._count_rows()

    def pose(self, actor_id: int) -> tuple[float, float, float, float, float, float]:
        """(x, y, z, pitch, yaw, roll) of an actor, metres and degrees."""
        record = self._records[self._row[actor_id]]
        return tuple(float(record[name]) for name in ("x", "y", "z", "pitch", "yaw", "roll"))  # type: ignore[return-value]  # six names

    def velocity(self, actor_id: int) -> tuple[float, float, float]:
        """World velocity of an actor, m/s."""
        record = self._records[self._row[actor_id]]
        return float(record["vx"]), float(record["vy"]), float(record["vz"])

    def set_transform(
        self, actor_id: int, location: Sequence[float], rotation: Sequence[float] | None = None
    ) -> None:
        """Put an actor somewhere at once; its velocity stays as it is.

        Args:
            actor_id: Whom.
            location: x, y, z in metres.
            rotation: pitch, yaw, roll in degrees, or None to keep them.
        """
        row = self._row[actor_id]
        record = self._records[row]
        record["x"], record["y"], record["z"] = location
        if rotation is not None:
            record["pitch"], record["yaw"], record["roll"] = rotation
        self._woken(row)
        self._publish_pose(row)

    def set_target_velocity(self, actor_id: int, velocity: Sequence[float]) -> None:
        """Replace the world velocity (m/s); forces act on it from the next step on.

        A body without physics is not moved by it: it is what sensors and snapshots report of one
        that is put from place to place.
        """
        row = self._row[actor_id]
        record = self._records[row]
        if not record["simulate"]:
            record["vx"], record["vy"], record["vz"] = velocity
            return
        record["vx"], record["vy"], vz = velocity
        if vz != 0.0:
            record["vz"] = vz
        self._woken(row)

    def set_target_angular_velocity(self, actor_id: int, velocity_deg: Sequence[float]) -> None:
        """Replace the angular velocity (deg/s, world axes); only yaw turns a body here."""
        row = self._row[actor_id]
        record = self._records[row]
        x, y, record["wz"] = (math.radians(part) for part in velocity_deg)
        if not record["simulate"]:
            # Reported, as the velocity is. The kernels keep roll and pitch rates by the heading.
            yaw = math.radians(float(record["yaw"]))
            record["wx"] = -x * math.cos(yaw) - y * math.sin(yaw)
            record["wy"] = x * math.sin(yaw) - y * math.cos(yaw)
            return
        self._woken(row)

    def add_impulse(
        self, actor_id: int, impulse: Sequence[float], location: Sequence[float] | None = None
    ) -> None:
        """Add an impulse (N s, world axes), at the centre of mass or at a world location."""
        row = self._row[actor_id]
        record = self._records[row]
        if not record["simulate"]:
            return
        for name, part in zip(("vx", "vy", "vz"), impulse, strict=True):
            record[name] += part / record["mass"]
        if location is not None:
            record["wz"] += self._moment(record, impulse, location) / record["inertia"]
        self._woken(row)

    def add_force(
        self, actor_id: int, force: Sequence[float], location: Sequence[float] | None = None
    ) -> None:
        """Let a force (N, world axes) act over the next tick."""
        row = self._row[actor_id]
        record = self._records[row]
        for name, part in zip(("force_x", "force_y", "force_z"), force, strict=True):
            record[name] += part
        if location is not None:
            record["torque_z"] += self._moment(record, force, location)
        self._woken(row)

    def add_angular_impulse(self, actor_id: int, impulse: Sequence[float]) -> None:
        """Add an angular impulse in CARLA's unit (kg cm2 deg/s); only its z part acts."""
        row = self._row[actor_id]
        record = self._records[row]
        if not record["simulate"]:
            return
        record["wz"] += impulse[2] * ANGULAR_SI / record["inertia"]
        self._woken(row)

    def add_torque(self, actor_id: int, torque: Sequence[float]) -> None:
        """Let a torque in CARLA's unit (kg cm2 deg/s2) act over the next tick."""
        row = self._row[actor_id]
        self._records[row]["torque_z"] += torque[2] * ANGULAR_SI
        self._woken(row)

    def set_simulate_physics(self, actor_id: int, enabled: bool) -> None:
        """Off: the actor stays exactly where it is put, with velocity 0, and still blocks."""
        row = self._row[actor_id]
        record = self._records[row]
        record["simulate"] = int(enabled)
        if not enabled:
            for name in ("vx", "vy", "vz", "wx", "wy", "wz", "last_vx", "last_vy", "last_vz"):
                record[name] = 0.0
            self._kinematics[row, 6:] = 0.0
        self._woken(row)

    def set_gravity(self, actor_id: int, enabled: bool) -> None:
        """Switch gravity for one actor."""
        row = self._row[actor_id]
        self._records[row]["gravity"] = int(enabled)
        self._woken(row)

    def set_collisions(self, actor_id: int, enabled: bool) -> None:
        """Off: nothing touches this actor, the ground still carries it."""
        self._records[self._row[actor_id]]["collides"] = int(enabled)

    def wake_all(self) -> None:
        """Let settled actors look at the ground again, after it changed."""
        for row in range(len(self)):
            self._woken(row)

    def _append(self, actor_id: int, fields: dict[str, Any]) -> int:
        if actor_id in self._row:
            raise ValueError(f"actor {actor_id} is already simulated")
        row = len(self._row)
        if row == len(self._records):
            self._records = np.concatenate([self._records, np.zeros_like(self._records)])
            self._kinematics = np.concatenate([self._kinematics, np.zeros_like(self._kinematics)])
        self._row[actor_id] = row
        self._count_rows()
        record = self._records[row]
        record["actor_id"] = actor_id
        record["simulate"] = record["gravity"] = record["collides"] = 1
        for name, value in fields.items():
            record[name] = value
        self._kinematics[row] = 0.0
        self._publish_pose(row)
        return row

    def _woken(self, row: int) -> None:
        self._records[row]["asleep"] = 0

    def _publish_pose(self, row: int) -> None:
        record = self._records[row]
        self._kinematics[row, :6] = (
            record["x"],
            record["y"],
            record["z"],
            record["pitch"],
            record["yaw"],
            record["roll"],
        )

    @staticmethod
    def _moment(record: Any, force: Sequence[float], at: Sequence[float]) -> float:
        yaw = math.radians(record["yaw"])
        arm_x = at[0] - (record["x"] + record["com_x"] * math.cos(yaw))
        arm_y = at[1] - (record["y"] + record["com_x"] * math.sin(yaw))
        return float(arm_x * force[1] - arm_y * force[0])


def box_fields(center_m: Sequence[float], extent_m: Sequence[float]) -> dict[str, float]:
    """Record fields of a bounding box: centre in the actor frame and half sizes."""
    return {
        "box_x": center_m[0],
        "box_y": center_m[1],
        "box_z": center_m[2],
        "half_x": extent_m[0],
        "half_y": extent_m[1],
        "half_z": extent_m[2],
    }


def pose_fields(location: Sequence[float], rotation: Sequence[float]) -> dict[str, float]:
    """Record fields of a pose: x, y, z in metres and pitch, yaw, roll in degrees."""
    return {
        "x": location[0],
        "y": location[1],
        "z": location[2],
        "pitch": rotation[0],
        "yaw": rotation[1],
        "roll": rotation[2],
    }
