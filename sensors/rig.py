"""Sensor rigs, schema `synthgen/rig@1`: which sensors sit where on the ego vehicle.

Mounts are in the ego frame (x forward, y left, z up; origin on the ground below the vehicle's
centre). Angles follow the right-hand rule: yaw to the left, pitch nose down, roll to the right,
applied as yaw, then pitch, then roll.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from synthgen.geometry.se3 import SE3

CameraChannel = Literal["rgb", "depth", "semantic", "instance", "normals", "flow"]
Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
AttributeValue = str | int | float | bool

# Columns: the camera's x (right), y (down), z (optical axis) in a forward-left-up mount frame.
_MOUNT_FROM_OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Mount(_Strict):
    """Where a sensor sits: metres and degrees in the ego frame."""

    x_m: float = Field(ge=-20, le=20)
    y_m: float = Field(ge=-5, le=5)
    z_m: float = Field(ge=-1, le=10)
    roll_deg: float = Field(default=0.0, ge=-180, le=180)
    pitch_deg: float = Field(default=0.0, ge=-90, le=90)
    yaw_deg: float = Field(default=0.0, ge=-360, le=360)

    @property
    def ego_from_mount(self) -> SE3:
        """Pose of the sensor's forward-left-up frame in the ego frame."""
        yaw, pitch, roll = np.radians([self.yaw_deg, self.pitch_deg, self.roll_deg])
        rotation = _about_z(yaw) @ _about_y(pitch) @ _about_x(roll)
        return SE3(rotation, np.array([self.x_m, self.y_m, self.z_m]))


class Camera(_Strict):
    """A camera and its label twins, all of one pose and one set of intrinsics."""

    modality: Literal["camera"]
    name: Name
    role: Name
    mount: Mount
    width_px: int = Field(ge=16, le=8192)
    height_px: int = Field(ge=16, le=8192)
    fov_deg: float = Field(gt=1, lt=179, description="Horizontal field of view")
    channels: tuple[CameraChannel, ...] = ("rgb", "depth", "semantic", "instance")
    attributes: dict[str, AttributeValue] = Field(default_factory=dict)

    @property
    def focal_px(self) -> float:
        """Focal length in pixels, equal in x and y (square pixels)."""
        return self.width_px / (2 * math.tan(math.radians(self.fov_deg) / 2))

    @property
    def ego_from_camera(self) -> SE3:
        """Pose of the optical frame (x right, y down, z ahead) in the ego frame."""
        optical = SE3(_MOUNT_FROM_OPTICAL, np.zeros(3))
        return self.mount.ego_from_mount @ optical


class Lidar(_Strict):
    """A spinning LiDAR; one stored sweep is a full turn."""

    modality: Literal["lidar"]
    name: Name
    role: Name
    mount: Mount
    channels: int = Field(ge=1, le=256)
    range_m: float = Field(gt=0, le=500)
    points_per_second: int = Field(ge=100, le=20_000_000)
    rotation_hz: float = Field(default=10.0, gt=0, le=100)
    upper_fov_deg: float = Field(ge=-90, le=90)
    lower_fov_deg: float = Field(ge=-90, le=90)
    semantic: bool = True
    attributes: dict[str, AttributeValue] = Field(default_factory=dict)

    @property
    def points_per_sweep(self) -> int:
        """Rays of one full turn."""
        return round(self.points_per_second / self.rotation_hz)

    @model_validator(mode="after")
    def _upper_above_lower(self) -> Lidar:
        if self.upper_fov_deg <= self.lower_fov_deg:
            raise ValueError(
                f"upper_fov_deg must exceed lower_fov_deg, got {self.upper_fov_deg} and "
                f"{self.lower_fov_deg}"
            )
        return self


class Radar(_Strict):
    """A radar that reports range, direction and Doppler of each return."""

    modality: Literal["radar"]
    name: Name
    role: Name
    mount: Mount
    range_m: float = Field(gt=0, le=500)
    horizontal_fov_deg: float = Field(gt=0, le=179)
    vertical_fov_deg: float = Field(gt=0, le=179)
    points_per_second: int = Field(ge=10, le=1_000_000)
    attributes: dict[str, AttributeValue] = Field(default_factory=dict)


class Imu(_Strict):
    """An inertial measurement unit, read every tick."""

    modality: Literal["imu"]
    name: Name
    role: Name = "inertial"
    mount: Mount
    attributes: dict[str, AttributeValue] = Field(default_factory=dict)


class Gnss(_Strict):
    """A satellite receiver, read every tick."""

    modality: Literal["gnss"]
    name: Name
    role: Name = "position"
    mount: Mount
    attributes: dict[str, AttributeValue] = Field(default_factory=dict)


Sensor = Annotated[Camera | Lidar | Radar | Imu | Gnss, Field(discriminator="modality")]


class Rig(_Strict):
    """A named set of sensors with unique names."""

    schema_name: Literal["synthgen/rig@1"] = Field(alias="schema")
    name: Name
    description: str = ""
    source: str = Field(default="", description="Where the figures come from")
    ego_blueprint: str | None = None
    sensors: tuple[Sensor, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Rig:
        names = [sensor.name for sensor in self.sensors]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"sensor names must be unique, got {', '.join(doubled)} twice")
        return self

    @property
    def cameras(self) -> tuple[Camera, ...]:
        """The cameras in the order of the file."""
        return tuple(sensor for sensor in self.sensors if isinstance(sensor, Camera))

    @property
    def lidars(self) -> tuple[Lidar, ...]:
        """The LiDARs in the order of the file."""
        return tuple(sensor for sensor in self.sensors if isinstance(sensor, Lidar))

    @property
    def radars(self) -> tuple[Radar, ...]:
        """The radars in the order of the file."""
        return tuple(sensor for sensor in self.sensors if isinstance(sensor, Radar))


def _about_x(angle_rad: float) -> np.ndarray:
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def _about_y(angle_rad: float) -> np.ndarray:
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def _about_z(angle_rad: float) -> np.ndarray:
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
