"""Sensor rigs, schema `synthgen/rig@1`: which sensors sit where on the ego vehicle.

Mounts are in the ego frame (x forward, y left, z up; origin on the ground below the vehicle's
centre). Angles follow the right-hand rule: yaw to the left, pitch nose down, roll to the right,
applied as yaw, then pitch, then roll.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sensors.attribute_names import SAID_BY_FIELDS
from synthgen.geometry.rotations import rotation_from_quat
from synthgen.geometry.se3 import SE3

LensModel = Literal["pinhole", "equidistant", "kannala_brandt"]
CameraChannel = Literal["rgb", "depth", "semantic", "instance", "normals", "flow"]
Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
AttributeValue = str | int | float | bool

_WIDEST_PINHOLE_DEG = 179
# Quaternions in files are rounded.
_UNIT_WITHIN = 0.01

# Columns: the camera's x (right), y (down), z (optical axis) in a forward-left-up mount frame.
_MOUNT_FROM_OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Mount(_Strict):
    """Where a sensor sits: metres and degrees in the ego frame.

    A quaternion may stand in for the angles; it turns the sensor's forward-left-up frame, a
    camera's too, into the ego frame.
    """

    x_m: float = Field(ge=-20, le=20)
    y_m: float = Field(ge=-5, le=5)
    z_m: float = Field(ge=-1, le=10)
    roll_deg: float = Field(default=0.0, ge=-180, le=180)
    pitch_deg: float = Field(default=0.0, ge=-90, le=90)
    yaw_deg: float = Field(default=0.0, ge=-360, le=360)
    quat_wxyz: tuple[float, float, float, float] | None = Field(
        default=None, exclude=True, description="Instead of the angles"
    )

    @model_validator(mode="before")
    @classmethod
    def _quaternion_says_the_angles(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or given.get("quat_wxyz") is None:
            return given
        doubled = [name for name in ("roll_deg", "pitch_deg", "yaw_deg") if name in given]
        if doubled:
            raise ValueError(f"give either quat_wxyz or angles, got {', '.join(doubled)} too")
        return {**given, **_angles_deg(given["quat_wxyz"])}

    @property
    def ego_from_mount(self) -> SE3:
        """Pose of the sensor's forward-left-up frame in the ego frame."""
        yaw, pitch, roll = np.radians([self.yaw_deg, self.pitch_deg, self.roll_deg])
        rotation = _about_z(yaw) @ _about_y(pitch) @ _about_x(roll)
        return SE3(rotation, np.array([self.x_m, self.y_m, self.z_m]))


class Lens(_Strict):
    """How rays become pixels; fisheye lenses only where the simulator renders them."""

    model: LensModel = "pinhole"
    coefficients: tuple[float, ...] = Field(
        default=(), max_length=4, description="k1 to k4 of OpenCV's fisheye model"
    )

    @model_validator(mode="after")
    def _only_kannala_brandt_has_coefficients(self) -> Lens:
        if bool(self.coefficients) != (self.model == "kannala_brandt"):
            raise ValueError("coefficients go with the model kannala_brandt, and with it alone")
        return self


class _Sensor(_Strict):
    """What every sensor has.

    `attributes` are set on the simulator's blueprint and refused where it lacks them; `extras`
    are set where the simulator has them and left out elsewhere.
    """

    name: Name
    role: Name
    mount: Mount
    attributes: dict[str, AttributeValue] = Field(default_factory=dict)
    extras: dict[str, AttributeValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _attributes_leave_fields_alone(self) -> Self:
        said = SAID_BY_FIELDS[getattr(self, "modality", "imu")]
        for name in (*self.attributes, *self.extras):
            if name in said:
                raise ValueError(f"attribute {name} is said by {said[name]}; set that instead")
        return self

    def number(self, attribute: str, default: float) -> float:
        """The value of a numeric attribute; the default where none is given, or no number."""
        try:
            return float(self.attributes.get(attribute, default))
        except ValueError:
            return default


class Camera(_Sensor):
    """A camera and its label twins, all of one pose and one set of intrinsics.

    Give the horizontal field of view or the focal length. A fisheye's field of view is the angle
    between the rays of the left and the right edge; square pixels, optical axis in the middle.
    """

    modality: Literal["camera"]
    width_px: int = Field(ge=16, le=8192)
    height_px: int = Field(ge=16, le=8192)
    fov_deg: float | None = Field(default=None, gt=1, lt=360, description="Horizontal")
    focal_px: float | None = Field(default=None, gt=0, description="Of a pinhole, for fov_deg")
    lens: Lens = Lens()
    channels: tuple[CameraChannel, ...] = Field(
        default=("rgb", "depth", "semantic", "instance"), min_length=1
    )

    @model_validator(mode="after")
    def _channels_are_named_once(self) -> Camera:
        doubled = sorted({name for name in self.channels if self.channels.count(name) > 1})
        if doubled:
            raise ValueError(f"channels must be unique, got {', '.join(doubled)} twice")
        return self

    @model_validator(mode="after")
    def _field_of_view_is_said_once(self) -> Camera:
        if (self.fov_deg is None) == (self.focal_px is None):
            raise ValueError("give either fov_deg or focal_px")
        if self.lens.model != "pinhole" and self.fov_deg is None:
            raise ValueError("a fisheye lens takes fov_deg, not focal_px")
        seen_deg = math.degrees(self.horizontal_fov_rad)
        if self.lens.model == "pinhole" and not 1 < seen_deg < _WIDEST_PINHOLE_DEG:
            raise ValueError(f"a pinhole lens sees 1 to 179 degrees, this one {seen_deg:.4g}")
        return self

    @model_validator(mode="after")
    def _lens_does_not_fold(self) -> Camera:
        angles = np.linspace(0.0, self.horizontal_fov_rad / 2, 200)
        slope = 1.0 + sum(
            (2 * n + 1) * k * angles ** (2 * n) for n, k in enumerate(self.lens.coefficients, 1)
        )
        if np.min(slope) <= 0:
            folds_deg = math.degrees(angles[int(np.argmax(slope <= 0))])
            raise ValueError(
                f"the lens's coefficients fold the image {folds_deg:.0f} degrees off its axis, "
                f"within the field of view of {self.fov_deg:g}"
            )
        return self

    @property
    def horizontal_fov_rad(self) -> float:
        """Angle between the rays of the left and the right edge of the image."""
        if self.fov_deg is not None:
            return math.radians(self.fov_deg)
        assert self.focal_px is not None
        return 2 * math.atan(self.width_px / (2 * self.focal_px))

    @property
    def focal_length_px(self) -> float:
        """Focal length in pixels, equal in x and y (square pixels)."""
        half = self.horizontal_fov_rad / 2
        if self.lens.model == "pinhole":
            return self.width_px / (2 * math.tan(half))
        # The ray fov/2 off the axis meets the left edge (OpenCV, fisheye camera model).
        series = sum(k * half ** (2 * n) for n, k in enumerate(self.lens.coefficients, start=1))
        return self.width_px / (2 * half * (1 + series))

    def scaled(self, factor: float) -> Camera:
        """The same view in an image of another size."""
        width = round(self.width_px * factor)
        focal = None if self.focal_px is None else self.focal_px * width / self.width_px
        size = {"width_px": width, "height_px": round(self.height_px * factor), "focal_px": focal}
        return Camera.model_validate({**self.model_dump(), **size})

    @property
    def ego_from_camera(self) -> SE3:
        """Pose of the optical frame (x right, y down, z ahead) in the ego frame."""
        optical = SE3(_MOUNT_FROM_OPTICAL, np.zeros(3))
        return self.mount.ego_from_mount @ optical


class EventCamera(_Sensor):
    """A dynamic vision sensor: brightness changes instead of pictures; pinhole, square pixels."""

    modality: Literal["dvs"]
    width_px: int = Field(ge=16, le=8192)
    height_px: int = Field(ge=16, le=8192)
    fov_deg: float = Field(gt=1, lt=_WIDEST_PINHOLE_DEG, description="Horizontal")

    def scaled(self, factor: float) -> EventCamera:
        """The same view in an image of another size."""
        size = {"width_px": self.width_px, "height_px": self.height_px}
        scaled = {name: round(pixels * factor) for name, pixels in size.items()}
        return EventCamera.model_validate({**self.model_dump(), **scaled})

    @property
    def horizontal_fov_rad(self) -> float:
        """Angle between the rays of the left and the right edge of the image."""
        return math.radians(self.fov_deg)

    @property
    def ego_from_camera(self) -> SE3:
        """Pose of the optical frame (x right, y down, z ahead) in the ego frame."""
        return self.mount.ego_from_mount @ SE3(_MOUNT_FROM_OPTICAL, np.zeros(3))


class Lidar(_Sensor):
    """A spinning LiDAR; one stored sweep is a full turn."""

    modality: Literal["lidar"]
    channels: int = Field(ge=1, le=256)
    range_m: float = Field(gt=0, le=500)
    points_per_second: int = Field(ge=100, le=20_000_000)
    rotation_hz: float = Field(default=10.0, gt=0, le=100)
    upper_fov_deg: float = Field(ge=-90, le=90)
    lower_fov_deg: float = Field(ge=-90, le=90)
    semantic: bool = True

    @property
    def points_per_sweep(self) -> int:
        """Rays of one full turn."""
        return round(self.points_per_second / self.rotation_hz)

    @property
    def spins(self) -> bool:
        """Whether sensor and world move during a turn, where the simulator can do that."""
        return str(self._asked("spinning", False)).lower() in ("true", "1")

    @property
    def beam_azimuths_deg(self) -> tuple[float, ...]:
        """How far to the right of the head's heading each channel looks, topmost first."""
        return self._beams("beam_azimuths") or (0.0,) * self.channels

    def _asked(self, attribute: str, default: AttributeValue) -> AttributeValue:
        return self.attributes.get(attribute, self.extras.get(attribute, default))

    def _beams(self, attribute: str) -> tuple[float, ...]:
        """The angles that a table of beams lists; none where there is no table."""
        text = str(self._asked(attribute, ""))
        try:
            return tuple(float(word) for word in text.replace(",", " ").split())
        except ValueError as err:
            raise ValueError(f"{attribute} lists degrees, got {text!r}") from err

    @model_validator(mode="after")
    def _tables_have_a_row_for_each_channel(self) -> Lidar:
        for name in ("beam_elevations", "beam_azimuths"):
            beams = len(self._beams(name))
            if beams not in (0, self.channels):
                raise ValueError(
                    f"{name} lists an angle for each of the {self.channels} channels, got {beams}"
                )
        return self

    @model_validator(mode="after")
    def _upper_above_lower(self) -> Lidar:
        if self.upper_fov_deg <= self.lower_fov_deg:
            raise ValueError(
                f"upper_fov_deg must exceed lower_fov_deg, got {self.upper_fov_deg} and "
                f"{self.lower_fov_deg}"
            )
        return self


class Radar(_Sensor):
    """A radar that reports range, direction and Doppler of each return."""

    modality: Literal["radar"]
    range_m: float = Field(gt=0, le=500)
    horizontal_fov_deg: float = Field(gt=0, le=179)
    vertical_fov_deg: float = Field(gt=0, le=179)
    points_per_second: int = Field(ge=10, le=1_000_000)


class Imu(_Sensor):
    """An inertial measurement unit, read every tick."""

    modality: Literal["imu"]
    role: Name = "inertial"


class Gnss(_Sensor):
    """A satellite receiver, read every tick."""

    modality: Literal["gnss"]
    role: Name = "position"


Sensor = Annotated[
    Camera | EventCamera | Lidar | Radar | Imu | Gnss, Field(discriminator="modality")
]


class Rig(_Strict):
    """A named set of sensors with unique names; no two cameras have the same role."""

    schema_name: Literal["synthgen/rig@1"] = Field(alias="schema")
    name: Name
    description: str = ""
    source: str = Field(default="", description="Where the figures come from")
    ego_blueprint: str | None = None
    sensors: tuple[Sensor, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Rig:
        # Some file systems take FRONT and front for one name.
        names = [sensor.name.casefold() for sensor in self.sensors]
        doubled = sorted({s.name for s in self.sensors if names.count(s.name.casefold()) > 1})
        if doubled:
            raise ValueError(f"sensor names must differ by more than case: {', '.join(doubled)}")
        roles = [camera.role for camera in self.cameras]
        doubled = sorted({role for role in roles if roles.count(role) > 1})
        if doubled:
            raise ValueError(f"roles of cameras must be unique, got {', '.join(doubled)} twice")
        return self

    def scaled(self, factor: float) -> Rig:
        """The same rig with images of another size."""
        sensors = [
            s.scaled(factor) if isinstance(s, Camera | EventCamera) else s for s in self.sensors
        ]
        return self.model_copy(update={"sensors": tuple(sensors)})

    @property
    def cameras(self) -> tuple[Camera, ...]:
        """The cameras in the order of the file."""
        return tuple(sensor for sensor in self.sensors if isinstance(sensor, Camera))

    @property
    def event_cameras(self) -> tuple[EventCamera, ...]:
        """The event cameras in the order of the file."""
        return tuple(sensor for sensor in self.sensors if isinstance(sensor, EventCamera))

    @property
    def lidars(self) -> tuple[Lidar, ...]:
        """The LiDARs in the order of the file."""
        return tuple(sensor for sensor in self.sensors if isinstance(sensor, Lidar))

    @property
    def radars(self) -> tuple[Radar, ...]:
        """The radars in the order of the file."""
        return tuple(sensor for sensor in self.sensors if isinstance(sensor, Radar))


def _angles_deg(quat_wxyz: Any) -> dict[str, float]:
    """The angles of a unit quaternion; none of what is no quaternion at all."""
    try:
        quat = np.array(quat_wxyz, dtype=np.float64)
    except (TypeError, ValueError):
        return {}
    if quat.shape != (4,) or not np.isfinite(quat).all():
        return {}
    length = float(np.linalg.norm(quat))
    if abs(length - 1) > _UNIT_WITHIN:
        raise ValueError(f"quat_wxyz: expected a length of 1, got {length:.4g}")
    r = rotation_from_quat(quat / length)
    angles_rad = {
        "roll_deg": math.atan2(r[2, 1], r[2, 2]),
        "pitch_deg": math.asin(max(-1.0, min(1.0, -r[2, 0]))),
        "yaw_deg": math.atan2(r[1, 0], r[0, 0]),
    }
    return {name: round(math.degrees(angle), 9) for name, angle in angles_rad.items()}


def _about_x(angle_rad: float) -> np.ndarray:
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def _about_y(angle_rad: float) -> np.ndarray:
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def _about_z(angle_rad: float) -> np.ndarray:
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
