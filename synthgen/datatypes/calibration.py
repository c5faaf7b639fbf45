"""The rig as mounted: `calibration.json` of a clip, read and written."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from synthgen.errors import DatasetError
from synthgen.geometry.camera import FisheyeCamera, Lens, PinholeCamera
from synthgen.geometry.se3 import SE3

SCHEMA = "synthgen/calibration@1"


@dataclass(frozen=True, slots=True)
class CameraModel:
    """Intrinsics of a camera and the channels it delivers (`rgb`, `depth`, `semantic`, …).

    Attributes:
        camera: The pinhole camera; of a fisheye, a pinhole of the same size and focal length,
            which is right in the middle of the image only: labels use `lens`.
        channels: Image channels.
        fisheye: The true lens where it is no pinhole, or None.
    """

    camera: PinholeCamera
    channels: tuple[str, ...]
    fisheye: FisheyeCamera | None = None

    @property
    def lens(self) -> Lens:
        """The camera as it projects."""
        return self.fisheye or self.camera


@dataclass(frozen=True, slots=True)
class LidarModel:
    """Beams of a LiDAR; angles above the horizon are positive."""

    channels: int
    range_m: float
    rotation_hz: float
    upper_rad: float
    lower_rad: float
    points_per_second: int


@dataclass(frozen=True, slots=True)
class RadarModel:
    """Field of view of a radar."""

    range_m: float
    horizontal_fov_rad: float
    vertical_fov_rad: float
    points_per_second: int


Modality = Literal["camera", "dvs", "lidar", "radar", "imu", "gnss"]


@dataclass(frozen=True, eq=False, slots=True)
class MountedSensor:
    """One sensor on the ego car.

    Attributes:
        name: Unique in the rig.
        role: What it is for, e.g. `front`, `rear_left`, `top`.
        modality: What it is.
        ego_from_sensor: Where it sits; for a camera of any kind the optical frame.
        camera: Set for a camera, and for an event camera, which has no channels.
        lidar: Set for a LiDAR.
        radar: Set for a radar.
    """

    name: str
    role: str
    modality: Modality
    ego_from_sensor: SE3
    camera: CameraModel | None = None
    lidar: LidarModel | None = None
    radar: RadarModel | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Calibration:
    """The rig of a clip.

    Attributes:
        rig: Name of the rig.
        ego_blueprint: CARLA blueprint id of the ego car.
        rear_axle_from_ego: Constant of the ego car.
        sensors: In the order of the rig file.
    """

    rig: str
    ego_blueprint: str
    rear_axle_from_ego: SE3
    sensors: tuple[MountedSensor, ...]

    def of_modality(self, modality: Modality) -> tuple[MountedSensor, ...]:
        """The sensors of one kind, in the order of the rig."""
        return tuple(sensor for sensor in self.sensors if sensor.modality == modality)

    def sensor(self, name: str) -> MountedSensor:
        """The sensor of one name.

        Raises:
            DatasetError: The rig has no such sensor.
        """
        for sensor in self.sensors:
            if sensor.name == name:
                return sensor
        names = ", ".join(sensor.name for sensor in self.sensors)
        raise DatasetError(f"rig {self.rig}: expected one of {names}, got {name}")

    def to_json(self) -> str:
        """The text of `calibration.json`, the same for the same rig."""
        document = {
            "schema": SCHEMA,
            "rig": self.rig,
            "ego_blueprint": self.ego_blueprint,
            "rear_axle_from_ego": _pose_document(self.rear_axle_from_ego),
            "sensors": [_sensor_document(sensor) for sensor in self.sensors],
        }
        return json.dumps(document, indent=1, sort_keys=True) + "\n"

    @staticmethod
    def from_json(text: str, *, origin: str = "calibration.json") -> Calibration:
        """The rig that `to_json` wrote.

        Args:
            text: Content of the file.
            origin: Where it came from, for the message.

        Raises:
            DatasetError: The text is not a calibration of this schema.
        """
        try:
            return _CalibrationFile.model_validate_json(text).record()
        except ValidationError as err:
            first = err.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise DatasetError(f"{origin}: {where}: {first['msg']}") from err


def _pose_document(pose: SE3) -> dict[str, list[float]]:
    return {"translation_m": pose.translation_m.tolist(), "quat_wxyz": pose.quat_wxyz.tolist()}


def _sensor_document(sensor: MountedSensor) -> dict[str, object]:
    document: dict[str, object] = {
        "name": sensor.name,
        "role": sensor.role,
        "modality": sensor.modality,
        "ego_from_sensor": _pose_document(sensor.ego_from_sensor),
    }
    if sensor.camera is not None:
        document["camera"] = {
            **asdict(sensor.camera.camera),
            **_lens_document(sensor.camera.fisheye),
            "channels": list(sensor.camera.channels),
        }
    if sensor.lidar is not None:
        document["lidar"] = asdict(sensor.lidar)
    if sensor.radar is not None:
        document["radar"] = asdict(sensor.radar)
    return document


def _lens_document(fisheye: FisheyeCamera | None) -> dict[str, object]:
    if fisheye is None:
        return {"model": "pinhole", "distortion": []}
    model = "kannala_brandt" if fisheye.coefficients else "equidistant"
    return {"model": model, "distortion": list(fisheye.coefficients)}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Pose(_Strict):
    translation_m: tuple[float, float, float]
    quat_wxyz: tuple[float, float, float, float]

    def record(self) -> SE3:
        return SE3.from_quat(self.quat_wxyz, self.translation_m)


class _Camera(_Strict):
    width_px: int
    height_px: int
    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float
    model: Literal["pinhole", "equidistant", "kannala_brandt"]
    distortion: list[float]
    channels: list[str]

    def record(self) -> CameraModel:
        size = (self.width_px, self.height_px)
        focus = (self.fx_px, self.fy_px, self.cx_px, self.cy_px)
        fisheye = None
        if self.model != "pinhole":
            fisheye = FisheyeCamera(*size, *focus, tuple(self.distortion))
        return CameraModel(PinholeCamera(*size, *focus), tuple(self.channels), fisheye)


class _Sensor(_Strict):
    name: str
    role: str
    modality: Modality
    ego_from_sensor: _Pose
    camera: _Camera | None = None
    lidar: LidarModel | None = None
    radar: RadarModel | None = None

    def record(self) -> MountedSensor:
        return MountedSensor(
            name=self.name,
            role=self.role,
            modality=self.modality,
            ego_from_sensor=self.ego_from_sensor.record(),
            camera=self.camera.record() if self.camera else None,
            lidar=self.lidar,
            radar=self.radar,
        )


class _CalibrationFile(_Strict):
    schema_: Literal["synthgen/calibration@1"]
    rig: str
    ego_blueprint: str
    rear_axle_from_ego: _Pose
    sensors: list[_Sensor]

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=lambda name: name.rstrip("_")
    )

    def record(self) -> Calibration:
        return Calibration(
            rig=self.rig,
            ego_blueprint=self.ego_blueprint,
            rear_axle_from_ego=self.rear_axle_from_ego.record(),
            sensors=tuple(sensor.record() for sensor in self.sensors),
        )
