"""All vehicles of the world."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.physics.bodies import BodySet, box_fields, pose_fields
from synthgen.simserver.physics.catalogue import (
    FRICTION_PER_SCALE,
    KINDS,
    Entry,
    WireControl,
    entry_for,
    physics_control,
)
from synthgen.simserver.physics.records import CURVE_POINTS, GEARS, VEHICLE

# Full lock; at a right angle a wheel would push the vehicle nowhere.
_LOCK_DEG = 80.0
_DRIVE = {"front": 0, "rear": 1, "all": 2}
_ROLLING = {"bicycle": 0.005, "truck": 0.008, "bus": 0.008}
_ACKERMANN_DEFAULT = (0.15, 0.0, 0.25, 0.01, 0.0, 0.01)
_ACKERMANN_FIELDS = (
    "ack_speed_kp",
    "ack_speed_ki",
    "ack_speed_kd",
    "ack_accel_kp",
    "ack_accel_ki",
    "ack_accel_kd",
)
_ACKERMANN_STATE = (
    "ack_speed_integral",
    "ack_accel_integral",
    "ack_last_speed",
    "ack_last_accel",
    "ack_filtered_accel",
    "ack_last_filtered",
    "ack_accel_target",
    "ack_pedal",
)


class VehicleFleet(BodySet):
    """Vehicles by actor id. Wire structs are nested lists in the order of the protocol."""

    def __init__(self) -> None:
        super().__init__(VEHICLE)
        self._physics: dict[int, WireControl] = {}
        self._zone_friction: dict[int, float] = {}
        self._momentary: set[int] = set()
        self._commanded: set[int] = set()

    def add(
        self,
        actor_id: int,
        blueprint_id: str,
        *,
        location: Sequence[float],
        rotation: Sequence[float],
        box_center_m: Sequence[float],
        box_extent_m: Sequence[float],
        holds_control: bool = True,
    ) -> None:
        """Put a vehicle into the world, standing, first gear, no pedal pressed.

        Args:
            actor_id: New id.
            blueprint_id: A `vehicle.*` id; decides mass, driveline and geometry.
            location: x, y, z of the actor frame: on the ground below the box centre, metres.
            rotation: pitch, yaw, roll, degrees.
            box_center_m: Box centre in the actor frame.
            box_extent_m: Half sizes of the box.
            holds_control: Whether a control lasts until the next one, or for one tick only.
        """
        entry = entry_for(blueprint_id, box_extent_m)
        fields: dict[str, Any] = {
            **pose_fields(location, rotation),
            **box_fields(box_center_m, box_extent_m),
            **_geometry(entry, box_extent_m),
            **dict(zip(_ACKERMANN_FIELDS, _ACKERMANN_DEFAULT, strict=True)),
            "gear": 1,
            "support": 9.81,
            "since_shift_s": 10.0,
        }
        self._append(actor_id, fields)
        self.set_physics_control(actor_id, physics_control(entry, box_extent_m))
        if not holds_control:
            self._momentary.add(actor_id)

    def remove(self, actor_id: int) -> None:
        """Forget a vehicle; the others keep their order."""
        super().remove(actor_id)
        del self._physics[actor_id]
        self._zone_friction.pop(actor_id, None)
        self._momentary.discard(actor_id)

    def clear(self) -> None:
        """Forget all vehicles."""
        super().clear()
        self._physics.clear()
        self._zone_friction.clear()
        self._momentary.clear()

    def set_control(self, actor_id: int, control: Sequence[float | bool | int]) -> None:
        """Keep a `VehicleControl` until the next one; ends Ackermann control.

        Args:
            actor_id: Which vehicle.
            control: throttle, steer, brake, hand_brake, reverse, manual_gear_shift, gear.
        """
        record = self._records[self._row[actor_id]]
        throttle, steer, brake, hand_brake, reverse, manual, gear = control
        record["throttle"] = _clamped(throttle, 0.0, 1.0)
        record["steer"] = _clamped(steer, -1.0, 1.0)
        record["brake"] = _clamped(brake, 0.0, 1.0)
        record["hand_brake"] = bool(hand_brake)
        record["reverse"] = bool(reverse)
        record["manual"] = bool(manual)
        record["gear_command"] = int(gear)
        record["ackermann"] = 0
        self._commanded.add(actor_id)

    def release_controls(self) -> None:
        """Let go of the pedals of vehicles whose control lasts one tick; once before a tick."""
        for actor_id in self._momentary - self._commanded:
            self.set_control(actor_id, (0.0, 0.0, 0.0, False, False, False, 0))
        self._commanded.clear()

    def set_controls(self, rows: NDArray[np.int64], controls: NDArray[np.float64]) -> None:
        """`set_control` for many vehicles at once.

        Args:
            rows: Which vehicles, see `rows_of`.
            controls: (N, 7) finite, a `VehicleControl` a row.
        """
        # numba: only once something drives
        from synthgen.simserver.physics import command_kernel

        command_kernel.set_controls(self._records, rows, controls)
        if self._momentary:
            self._commanded.update(self._records["actor_id"][rows].tolist())

    def control(self, actor_id: int) -> list[float | bool | int]:
        """The `VehicleControl` in force, `gear` being the gear engaged."""
        record = self._records[self._row[actor_id]]
        return [
            float(record["throttle"]),
            float(record["steer"]),
            float(record["brake"]),
            bool(record["hand_brake"]),
            bool(record["reverse"]),
            bool(record["manual"]),
            int(record["gear"]),
        ]

    def set_ackermann(self, actor_id: int, control: Sequence[float]) -> None:
        """Let CARLA's Ackermann controller drive until the next `set_control`.

        Args:
            actor_id: Which vehicle.
            control: steer (rad), steer_speed (rad/s), speed (m/s), acceleration (m/s2), jerk.
        """
        record = self._records[self._row[actor_id]]
        if not record["ackermann"]:
            for name in _ACKERMANN_STATE:
                record[name] = 0.0
        steer, steer_speed, speed, acceleration, _ = control
        record["ackermann"] = 1
        record["ack_steer"] = _clamped(steer, -record["max_steer"], record["max_steer"])
        record["ack_steer_speed"] = abs(steer_speed)
        record["ack_speed"] = speed
        record["ack_accel"] = abs(acceleration)
        self._commanded.add(actor_id)

    def ackermann_settings(self, actor_id: int) -> list[float]:
        """speed_kp, speed_ki, speed_kd, accel_kp, accel_ki, accel_kd."""
        record = self._records[self._row[actor_id]]
        return [float(record[name]) for name in _ACKERMANN_FIELDS]

    def set_ackermann_settings(self, actor_id: int, settings: Sequence[float]) -> None:
        """Replace the gains of the Ackermann controller, in the order of the wire."""
        record = self._records[self._row[actor_id]]
        for name, value in zip(_ACKERMANN_FIELDS, settings, strict=True):
            record[name] = value

    def set_transform(
        self, actor_id: int, location: Sequence[float], rotation: Sequence[float] | None = None
    ) -> None:
        """Put a vehicle somewhere at once; its velocity stays as it is."""
        super().set_transform(actor_id, location, rotation)
        self._records[self._row[actor_id]]["plane_known"] = 0

    def enable_constant_velocity(self, actor_id: int, velocity: Sequence[float]) -> None:
        """Hold this velocity (vehicle frame, m/s) whatever the pedals and tyres say."""
        row = self._row[actor_id]
        record = self._records[row]
        record["constant"] = 1
        record["const_x"], record["const_y"], record["const_z"] = velocity
        self._woken(row)

    def disable_constant_velocity(self, actor_id: int) -> None:
        """Give the vehicle back to its pedals; it keeps the speed it has."""
        row = self._row[actor_id]
        self._records[row]["constant"] = 0
        self._woken(row)

    def physics_control(self, actor_id: int) -> WireControl:
        """`VehiclePhysicsControl` in the order of the wire, wheel positions in world cm."""
        control = copy.deepcopy(self._physics[actor_id])
        zone = self._zone_friction.get(actor_id)
        wheels = cast(list[list[object]], control[15])
        for wheel, position in zip(wheels, self._wheel_positions_cm(actor_id), strict=False):
            wheel[9] = position
            if zone is not None:
                wheel[0] = zone
        return control

    def set_physics_control(self, actor_id: int, control: WireControl) -> None:
        """Make a `VehiclePhysicsControl` take effect from the next step on.

        Wheel positions in it are read-only, as in CARLA, and ignored.

        Raises:
            ValueError: no wheels, no gears, or a mass that is not positive.
        """
        row = self._row[actor_id]
        record = self._records[row]
        fields = _control_fields(control, record)
        self._physics[actor_id] = copy.deepcopy(control)
        for name, value in fields.items():
            record[name] = value
        _set_curve(record, "torque_points", "torque_rpm", "torque_nm", control[0])
        _set_curve(record, "steer_points", "steer_kmh", "steer_scale", control[14])
        gears = cast(list[list[float]], control[10])
        record["gear_count"] = len(gears)
        for index, (ratio, down, up) in enumerate(gears):
            record["gear_ratio"][index] = _clamped(ratio, -100.0, 100.0)
            record["gear_down"][index] = _clamped(down, 0.0, 1.0)
            record["gear_up"][index] = _clamped(up, 0.0, 1.0)
        self._apply_friction(actor_id)
        self._woken(row)

    def set_friction_scale(self, actor_id: int, scale: float | None) -> None:
        """Tyre friction while inside a `static.trigger.friction`; None: its own again."""
        if scale is None:
            self._zone_friction.pop(actor_id, None)
        else:
            self._zone_friction[actor_id] = _clamped(scale, 0.0, 20.0)
        self._apply_friction(actor_id)

    def _apply_friction(self, actor_id: int) -> None:
        zone = self._zone_friction.get(actor_id)
        own = _wheel_fields(cast(list[list[float]], self._physics[actor_id][15]))
        record = self._records[self._row[actor_id]]
        for name in ("friction_front", "friction_rear"):
            record[name] = own[name] if zone is None else FRICTION_PER_SCALE * zone

    def wheel_steer_angles_deg(self, actor_id: int) -> tuple[float, float, float, float]:
        """Angles of the wheels FL, FR, RL, RR, positive to the right; inner turns more."""
        record = self._records[self._row[actor_id]]
        mean = float(record["wheel_angle"])
        if record["two_wheeled"] or abs(mean) < 1e-6:
            return math.degrees(mean), math.degrees(mean), 0.0, 0.0
        base = float(record["axle_front"] + record["axle_rear"])
        half = 0.5 * float(record["track"])
        radius = base / math.tan(mean)
        left = math.atan2(base, abs(radius) + math.copysign(half, radius))
        right = math.atan2(base, abs(radius) - math.copysign(half, radius))
        return (
            math.degrees(math.copysign(left, mean)),
            math.degrees(math.copysign(right, mean)),
            0.0,
            0.0,
        )

    def wheel_turns_rad(self, actor_id: int) -> tuple[float, float]:
        """How far the front and the rear wheels have rolled, radians, forward positive."""
        record = self._records[self._row[actor_id]]
        return float(record["turned_front"]), float(record["turned_rear"])

    def telemetry(self, actor_id: int) -> list[object]:
        """`VehicleTelemetryData` in the order of the wire (speed in m/s)."""
        record = self._records[self._row[actor_id]]
        speed = math.hypot(float(record["vx"]), float(record["vy"]))
        return [
            speed,
            float(record["steer_now"]),
            float(record["throttle"]),
            float(record["brake"]),
            float(record["rpm"]),
            int(record["gear"]),
            0.5 * 1.204 * float(record["drag_area"]) * speed * speed,
            [_wheel_telemetry(record, "front" if wheel < 2 else "rear") for wheel in range(4)],
        ]

    def _woken(self, row: int) -> None:
        super()._woken(row)
        self._records[row]["settled_ticks"] = 0

    def _wheel_positions_cm(self, actor_id: int) -> list[list[float]]:
        record = self._records[self._row[actor_id]]
        cos, sin = math.cos(math.radians(record["yaw"])), math.sin(math.radians(record["yaw"]))
        positions = []
        for ahead, side in ((1, -1), (1, 1), (-1, -1), (-1, 1)):
            forward = float(record["axle_front"]) if ahead > 0 else -float(record["axle_rear"])
            right = 0.5 * side * float(record["track"])
            radius = float(record["radius_front" if ahead > 0 else "radius_rear"])
            positions.append(
                [
                    100.0 * (float(record["x"]) + forward * cos - right * sin),
                    100.0 * (float(record["y"]) + forward * sin + right * cos),
                    100.0 * (float(record["z"]) + radius),
                ]
            )
        return positions


def _clamped(value: float, low: float, high: float) -> float:
    # A NaN from a client must not enter the state.
    return min(max(value, low), high) if value == value else 0.0


def _geometry(entry: Entry, half_m: Sequence[float]) -> dict[str, Any]:
    base = min(entry.wheelbase_m, 0.85 * 2.0 * half_m[0])
    two_wheeled = entry.kind in {"motorcycle", "bicycle"}
    area = 0.8 * 4.0 * half_m[1] * half_m[2]
    return {
        "axle_front": 0.5 * base,
        "axle_rear": 0.5 * base,
        "track": 0.0 if two_wheeled else 1.7 * half_m[1],
        "two_wheeled": two_wheeled,
        "drive": _DRIVE[entry.drive],
        "rolling": _ROLLING.get(entry.kind, 0.012),
        # Rider and frame fill less of their box than a car does.
        "drag_area": (0.6 if two_wheeled else 1.0) * area * entry.drag_coefficient,
        "com_z": KINDS[entry.kind].com_height * 2.0 * half_m[2],
    }


def _control_fields(control: WireControl, record: Any) -> dict[str, float]:
    """Record fields of a physics control, each within what the step can bear."""
    wheels = cast(list[list[float]], control[15])
    gears = cast(list[list[float]], control[10])
    mass = float(cast(float, control[11]))
    if not 0.0 < mass < math.inf:
        raise ValueError(f"physics control: mass must be positive, got {mass}")
    if len(wheels) < 2 or not 1 <= len(gears) <= GEARS:
        raise ValueError(
            f"physics control: expected at least 2 wheels and 1 to {GEARS} gears, "
            f"got {len(wheels)} and {len(gears)}"
        )
    mass = max(mass, 1.0)
    length, width = 2.0 * float(record["half_x"]), 2.0 * float(record["half_y"])
    area = 0.8 * width * 2.0 * float(record["half_z"]) * (0.6 if record["two_wheeled"] else 1.0)
    center = cast(list[float], control[13])

    def number(index: int, low: float, high: float) -> float:
        return _clamped(float(cast(float, control[index])), low, high)

    return {
        **_wheel_fields(wheels),
        "mass": mass,
        "inertia": mass * (length * length + width * width) / 12.0,
        "max_rpm": number(1, 1.0, 1e6),
        "moment": number(2, 0.0, 1e3),
        "damping_full": number(3, 0.0, 1e3),
        "damping_closed": number(4, 0.0, 1e3),
        "auto_box": float(bool(control[6])),
        "shift_time_s": number(7, 0.0, 60.0),
        "final_ratio": number(9, -100.0, 100.0),
        "drag_area": area * number(12, 0.0, 1e3),
        "com_x": _clamped(center[0], -0.4 * length, 0.4 * length),
        "com_dz": _clamped(center[2], -10.0, 10.0),
    }


def _wheel_fields(wheels: list[list[float]]) -> dict[str, float]:
    front, rear = _axles(wheels)
    fields = {
        "wheel_damping": sum(_clamped(wheel[1], 0.0, 1e4) for wheel in wheels),
        "max_steer": math.radians(max(_clamped(abs(wheel[2]), 0.0, _LOCK_DEG) for wheel in wheels)),
    }
    for name, axle in (("front", front), ("rear", rear)):
        radius = _mean(axle, 3, 5.0, 500.0) / 100.0
        brake, hand = _mean(axle, 4, 0.0, 1e8), _mean(axle, 5, 0.0, 1e8)
        fields |= {
            f"radius_{name}": radius,
            f"friction_{name}": FRICTION_PER_SCALE * _mean(axle, 0, 0.0, 20.0),
            f"stiff_{name}": _mean(axle, 7, 0.0, 1e3),
            f"brake_{name}": len(axle) * brake / radius,
            f"hand_brake_{name}": len(axle) * hand / radius,
        }
    return fields


def _mean(axle: list[list[float]], column: int, low: float, high: float) -> float:
    return sum(_clamped(float(wheel[column]), low, high) for wheel in axle) / len(axle)


def _axles(wheels: list[list[float]]) -> tuple[list[list[float]], list[list[float]]]:
    # CARLA's order is FL, FR, RL, RR; a list of two is front, rear.
    return (wheels[:2], wheels[2:]) if len(wheels) > 2 else (wheels[:1], wheels[1:])


def _set_curve(record: Any, count: str, xs: str, ys: str, points: object) -> None:
    """Store a curve; more than `CURVE_POINTS` points are resampled evenly."""
    given = cast(list[list[float]], points)
    curve = sorted([_clamped(x, 0.0, 1e6), _clamped(y, -1e6, 1e6)] for x, y in given)
    curve = curve or [[0.0, 1.0]]
    if len(curve) > CURVE_POINTS:
        grid = np.linspace(curve[0][0], curve[-1][0], CURVE_POINTS)
        values = np.interp(grid, [p[0] for p in curve], [p[1] for p in curve])
        curve = [[float(x), float(y)] for x, y in zip(grid, values, strict=True)]
    record[count] = len(curve)
    for index, (x, y) in enumerate(curve):
        record[xs][index] = x
        record[ys][index] = y


def _wheel_telemetry(record: Any, axle: str) -> list[float]:
    """One wheel's `WheelTelemetry`: its axle's half."""
    friction = float(record[f"friction_{axle}"])
    load = 0.5 * float(record[f"load_{axle}"])
    along, across = 0.5 * float(record[f"fx_{axle}"]), 0.5 * float(record[f"fy_{axle}"])
    rest = 0.25 * float(record["mass"]) * 9.81
    radius = float(record[f"radius_{axle}"])
    speed = float(record[f"spin_{axle}"]) * radius
    rolling = float(record[f"roll_speed_{axle}"])
    slip = (speed - rolling) / max(abs(speed), abs(rolling), 1.0)
    return [
        friction / FRICTION_PER_SCALE,
        float(record[f"alpha_{axle}"]),
        slip,
        float(record[f"spin_{axle}"]),
        load,
        load / rest,
        along * radius,
        along,
        across,
        along / rest,
        across / rest,
    ]
