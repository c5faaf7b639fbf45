"""Rig mistakes found before a frame is rendered.

Several are those of published data sets: radars that point the same way (Bench2Drive, issue 212),
intensities that are always zero (issue 219), sensors on the wrong side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import combinations
from typing import Final

import numpy as np

from sensors.attribute_names import DISTORTING, KNOWN_ATTRIBUTES
from sensors.ego_body import EgoBody
from sensors.rig import Camera, Lidar, Radar, Rig, Sensor
from sensors.rig_views import heading_rad, horizontal_span_rad, sample_rays
from synthgen.datatypes.clip_job import CaptureSettings

# The ego of most scenarios, and its size in CARLA.
USUAL_EGO: Final = "vehicle.lincoln.mkz_2020"
USUAL_EGO_LWH_M: Final = (4.892, 1.837, 1.490)
# Roles that exporters turn into channel names of their formats.
KNOWN_ROLES: Final = frozenset(
    {
        "front", "front_left", "front_right", "left", "right", "rear", "rear_left", "rear_right",
        "stereo_left", "stereo_right", "grey_left", "grey_right", "top", "top_inverted", "roof",
        "inertial", "position",
    }
)  # fmt: skip

_SAME_HEADING_RAD: Final = math.radians(5)
_GAP_RAD: Final = (math.radians(1), math.radians(120))
_OWN_CAR_SHARE: Final = {"camera": 0.45, "lidar": 0.35, "radar": 0.15}
_STEREO_BASELINE_M: Final = (0.05, 1.0)
_FAR_OUTSIDE_M: Final = 1.0
_SKIN_M: Final = 0.02
_STEEPEST_RAD: Final = math.radians(75)
_COARSEST_COLUMN_RAD: Final = math.radians(2)
_WEAKEST_RETURN: Final = 0.02
# Half a circle is 3.14 rad: what sees less than 3.15 degrees was hardly meant in degrees.
_NARROWEST_RAD: Final = math.radians(3.15)
_MIRRORED: Final = (0.15, math.radians(6))


@dataclass(frozen=True, slots=True)
class RigFinding:
    """One mistake.

    Attributes:
        rule: Short name of the rule.
        sensors: The sensors concerned.
        message: What is wrong, with figures.
    """

    rule: str
    sensors: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        return f"{', '.join(self.sensors)}: {self.message} ({self.rule})"


def lint_rig(
    rig: Rig,
    *,
    ego_lwh_m: tuple[float, float, float] = USUAL_EGO_LWH_M,
    capture: CaptureSettings | None = None,
) -> list[RigFinding]:
    """What is probably wrong with a rig, in the order of its sensors.

    Args:
        rig: The rig.
        ego_lwh_m: Size of the vehicle that carries it.
        capture: Tick and capture period that its rates have to fit.
    """
    body = EgoBody.of_size(*ego_lwh_m)
    found = [finding for rule in _PAIR_RULES for finding in rule(rig)]
    found += _blind_sectors(rig) + _without_labels(rig)
    for sensor in rig.sensors:
        found += _one_sensor(sensor, body, capture or CaptureSettings())
    order = {sensor.name: number for number, sensor in enumerate(rig.sensors)}
    return sorted(found, key=lambda f: (order[f.sensors[0]], f.rule))


def _one_sensor(sensor: Sensor, body: EgoBody, capture: CaptureSettings) -> Iterator[RigFinding]:
    def finding(rule: str, message: str) -> RigFinding:
        return RigFinding(rule, (sensor.name,), message)

    for rule, check in _SENSOR_RULES.items():
        message = check(sensor, body, capture)
        if message is not None:
            yield finding(rule, message)


def _inside(sensor: Sensor, body: EgoBody, _: CaptureSettings) -> str | None:
    if sensor.modality in ("imu", "gnss"):
        return None
    depth_m = body.depth_m(sensor.mount.ego_from_mount.translation_m)
    return f"sits {depth_m:.2f} m deep in the ego's body" if depth_m > _SKIN_M else None


def _floating(sensor: Sensor, body: EgoBody, _: CaptureSettings) -> str | None:
    at_m = sensor.mount.ego_from_mount.translation_m
    length, width, height = body.size_lwh_m
    beyond = np.abs(at_m) - np.array([length / 2, width / 2, height + _FAR_OUTSIDE_M])
    if at_m[2] < 0.05:
        return f"sits at z {at_m[2]:.2f} m, on or under the ground"
    far_m = float(beyond.max())
    return f"sits {far_m:.1f} m away from the ego" if far_m > _FAR_OUTSIDE_M else None


def _own_car(sensor: Sensor, body: EgoBody, _: CaptureSettings) -> str | None:
    if not isinstance(sensor, Camera | Lidar | Radar):
        return None
    pose = sensor.mount.ego_from_mount
    if body.depth_m(pose.translation_m) > _SKIN_M:
        return None
    share = float(body.stops(pose.translation_m, pose.rotate(sample_rays(sensor))).mean())
    most = _OWN_CAR_SHARE[sensor.modality]
    return f"{share:.0%} of its view is the ego itself" if share > most else None


def _rates(sensor: Sensor, _: EgoBody, capture: CaptureSettings) -> str | None:
    wanted_s = sensor.attributes.get("sensor_tick", sensor.extras.get("sensor_tick"))
    turn_s = 1.0 / sensor.rotation_hz if isinstance(sensor, Lidar) else None
    for what, seconds in (("sensor_tick", wanted_s), ("a turn of rotation_hz", turn_s)):
        if not isinstance(seconds, int | float) or seconds == 0:
            continue
        ticks = seconds / capture.tick_s
        if ticks < 1 - 1e-6 or abs(ticks - round(ticks)) > 1e-6:
            return f"{what} is {seconds:g} s, {ticks:.2f} ticks of {capture.tick_s:g} s"
    return None


def _unmappable(sensor: Sensor, _: EgoBody, __: CaptureSettings) -> str | None:
    if sensor.role in KNOWN_ROLES:
        return None
    known = ", ".join(sorted(KNOWN_ROLES))
    return f"role {sensor.role!r} is none that an exporter maps; known: {known}"


def _unknown_attribute(sensor: Sensor, _: EgoBody, __: CaptureSettings) -> str | None:
    known = KNOWN_ATTRIBUTES[sensor.modality]
    for name in (*sensor.attributes, *sensor.extras):
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            return f"no {sensor.modality} of CARLA has an attribute {name}{hint}"
    return None


def _uncalibrated(sensor: Sensor, _: EgoBody, __: CaptureSettings) -> str | None:
    bent = sorted(DISTORTING & {*sensor.attributes, *sensor.extras})
    if sensor.modality not in ("camera", "dvs") or not bent:
        return None
    return f"{', '.join(bent)} bend the picture, which the calibration cannot tell; use lens"


def _weak_lidar(sensor: Sensor, _: EgoBody, __: CaptureSettings) -> str | None:
    if not isinstance(sensor, Lidar):
        return None
    fading = sensor.number("atmosphere_attenuation_rate", 0.004)
    if fading < 0:
        return f"intensity grows with distance (atmosphere_attenuation_rate {fading:g})"
    # CARLA: intensity = exp(-rate * distance).
    at_20_m = math.exp(-fading * 20)
    if at_20_m < _WEAKEST_RETURN:
        return (
            f"intensity fades to {at_20_m:.3f} within 20 m (atmosphere_attenuation_rate {fading:g})"
        )
    lost = sensor.number("dropoff_general_rate", 0.45)
    return f"loses {lost:.0%} of its points (dropoff_general_rate)" if lost > 0.9 else None


def _coarse_lidar(sensor: Sensor, _: EgoBody, __: CaptureSettings) -> str | None:
    if not isinstance(sensor, Lidar):
        return None
    columns = sensor.points_per_sweep / sensor.channels
    step_rad = horizontal_span_rad(sensor) / max(columns, 1e-9)
    if step_rad <= _COARSEST_COLUMN_RAD:
        return None
    return f"a turn has {columns:.0f} columns, one every {math.degrees(step_rad):.1f} degrees"


def _tilted(sensor: Sensor, _: EgoBody, __: CaptureSettings) -> str | None:
    if not isinstance(sensor, Camera | Radar):
        return None
    axis = sensor.mount.ego_from_mount.rotation @ [1.0, 0.0, 0.0]
    up = sensor.mount.ego_from_mount.rotation @ [0.0, 0.0, 1.0]
    steep_rad = abs(math.asin(max(-1.0, min(1.0, float(axis[2])))))
    if steep_rad > _STEEPEST_RAD:
        return f"looks {math.degrees(steep_rad):.0f} degrees {'up' if axis[2] > 0 else 'down'}"
    return "hangs upside down" if up[2] < 0 else None


def _wrong_side(sensor: Sensor, _: EgoBody, __: CaptureSettings) -> str | None:
    side = _side_of(sensor.role)
    if side == 0 or not isinstance(sensor, Camera | Lidar | Radar):
        return None
    heading = heading_rad(sensor)
    name = "left" if side > 0 else "right"
    if side * math.sin(heading) < -math.sin(_SAME_HEADING_RAD):
        return (
            f"its role says {name}, its yaw of {math.degrees(heading):.0f} degrees the other side"
        )
    faces_along = abs(math.sin(heading)) <= math.sin(_SAME_HEADING_RAD)
    if faces_along and side * sensor.mount.y_m < -0.6:
        return f"its role says {name}, its place (y {sensor.mount.y_m:g} m) the other side"
    return None


def _wrong_end(sensor: Sensor, _: EgoBody, __: CaptureSettings) -> str | None:
    if not isinstance(sensor, Camera | Radar):
        return None
    end = next((end for end in ("front", "rear") if sensor.role.startswith(end)), None)
    along = math.cos(heading_rad(sensor)) * (1 if end == "front" else -1)
    if end is None or along >= -math.sin(_SAME_HEADING_RAD):
        return None
    yaw_deg = math.degrees(heading_rad(sensor))
    return f"its role says {end}, its yaw of {yaw_deg:.0f} degrees the other end"


def _narrow_view(sensor: Sensor, _: EgoBody, __: CaptureSettings) -> str | None:
    """A view as narrow as one that was written in radians."""
    if isinstance(sensor, Camera):
        span_rad = horizontal_span_rad(sensor)
    elif isinstance(sensor, Lidar) and sensor.channels > 1:
        span_rad = math.radians(sensor.upper_fov_deg - sensor.lower_fov_deg)
    elif isinstance(sensor, Radar):
        span_rad = math.radians(sensor.horizontal_fov_deg)
    else:
        return None
    if span_rad >= _NARROWEST_RAD:
        return None
    return f"sees {math.degrees(span_rad):.1f} degrees; angles are in degrees, not radians"


def _duplicates(rig: Rig) -> Iterator[RigFinding]:
    """Sensors of one kind that see the same, but for stereo pairs and LiDARs all around."""
    for a, b in combinations(rig.sensors, 2):
        if type(a) is not type(b) or not isinstance(a, Camera | Radar):
            continue
        assert isinstance(b, Camera | Radar)
        turn = abs(_wrapped(heading_rad(a) - heading_rad(b)))
        tilt = abs(a.mount.pitch_deg - b.mount.pitch_deg)
        if turn > _SAME_HEADING_RAD or tilt > 10 or _are_stereo(a, b):
            continue
        yield RigFinding(
            "duplicate_heading",
            (a.name, b.name),
            f"both look to {math.degrees(heading_rad(a)):.0f} degrees",
        )


def _are_stereo(a: Camera | Radar, b: Camera | Radar) -> bool:
    """Cameras beside each other, across their common optical axis."""
    if not isinstance(a, Camera):
        return False
    offset = b.mount.ego_from_mount.translation_m - a.mount.ego_from_mount.translation_m
    axis = a.mount.ego_from_mount.rotation @ [1.0, 0.0, 0.0]
    along = abs(float(offset @ axis))
    across = math.sqrt(max(float(offset @ offset) - along**2, 0.0))
    low, high = _STEREO_BASELINE_M
    return low <= across <= high and along < max(0.1, 0.2 * across)


def _asymmetric_pairs(rig: Rig) -> Iterator[RigFinding]:
    by_role = {(s.modality, s.role): s for s in rig.sensors}
    for (modality, role), left in by_role.items():
        right = by_role.get((modality, role.replace("left", "right")))
        if "left" not in role or right is None or role.startswith(("stereo", "grey")):
            continue
        shift, turn = _MIRRORED
        a, b = left.mount, right.mount
        moved = max(abs(a.x_m - b.x_m), abs(a.y_m + b.y_m), abs(a.z_m - b.z_m))
        turned = abs(_wrapped(math.radians(a.yaw_deg + b.yaw_deg)))
        if moved > shift or turned > turn:
            yield RigFinding(
                "asymmetric_pair",
                (left.name, right.name),
                f"are no mirror images: {moved:.2f} m and {math.degrees(turned):.0f} degrees apart",
            )


def _blind_sectors(rig: Rig) -> list[RigFinding]:
    """Gaps between neighbouring cameras, or radars, too narrow to be meant."""
    found = []
    kinds: tuple[tuple[Camera | Radar, ...], ...] = (rig.cameras, rig.radars)
    for sensors in kinds:
        spans = [(heading_rad(s) % (2 * math.pi), horizontal_span_rad(s), s.name) for s in sensors]
        edges = sorted((h - w / 2, h + w / 2, name) for h, w, name in spans)
        if len(edges) < 2:
            continue
        edges.append((edges[0][0] + 2 * math.pi, edges[0][1] + 2 * math.pi, edges[0][2]))
        reach, owner = edges[0][1], edges[0][2]
        for left, right, name in edges[1:]:
            if _GAP_RAD[0] < left - reach < _GAP_RAD[1]:
                middle = math.degrees(_wrapped((left + reach) / 2))
                gap = math.degrees(left - reach)
                text = f"nothing is seen for {gap:.0f} degrees around {middle:.0f}"
                found.append(RigFinding("blind_sector", (owner, name), text))
            if right > reach:
                reach, owner = right, name
    return found


def _without_labels(rig: Rig) -> list[RigFinding]:
    wanted = {"depth", "semantic", "instance"}
    if not rig.cameras or any(wanted <= set(camera.channels) for camera in rig.cameras):
        return []
    names = tuple(camera.name for camera in rig.cameras)
    text = "no camera has the channels depth, semantic and instance that 2D labels come from"
    return [RigFinding("no_labels", names, text)]


def _side_of(role: str) -> int:
    if role.startswith(("stereo", "grey")):
        return 0
    return ("left" in role) - ("right" in role)


def _wrapped(angle_rad: float) -> float:
    return (angle_rad + math.pi) % (2 * math.pi) - math.pi


_PAIR_RULES: Final = (_duplicates, _asymmetric_pairs)
_SENSOR_RULES: Final[dict[str, Callable[[Sensor, EgoBody, CaptureSettings], str | None]]] = {
    "inside_body": _inside,
    "floating": _floating,
    "own_car": _own_car,
    "rate": _rates,
    "unmappable_role": _unmappable,
    "unknown_attribute": _unknown_attribute,
    "uncalibrated": _uncalibrated,
    "weak_lidar": _weak_lidar,
    "coarse_lidar": _coarse_lidar,
    "tilted": _tilted,
    "wrong_side": _wrong_side,
    "wrong_end": _wrong_end,
    "narrow_view": _narrow_view,
}
