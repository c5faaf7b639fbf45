"""Arrow schemas of every table in a clip folder: `docs/clip_format.md` as code."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

_F32: Final = pa.float32()
_F64: Final = pa.float64()
_I32: Final = pa.int32()
_I64: Final = pa.int64()
_TEXT: Final = pa.string()


def _field(name: str, kind: pa.DataType, *, nullable: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=nullable)


def _columns(kind: pa.DataType, *names: str, nullable: bool = False) -> list[pa.Field]:
    return [_field(name, kind, nullable=nullable) for name in names]


def pose_names(name: str) -> tuple[str, ...]:
    """The seven columns of a pose `dst_from_src`: translation, then quaternion w, x, y, z."""
    return tuple(f"{name}_{part}" for part in ("x_m", "y_m", "z_m", "qw", "qx", "qy", "qz"))


def vector_names(name: str, unit: str) -> tuple[str, ...]:
    """The three columns of a vector."""
    return tuple(f"{name}_{axis}_{unit}" for axis in "xyz")


def _pose(name: str) -> list[pa.Field]:
    return _columns(_F64, *pose_names(name))


def _vector(name: str, unit: str, *, nullable: bool = False) -> list[pa.Field]:
    return _columns(_F64, *vector_names(name, unit), nullable=nullable)


def _lists(kind: pa.DataType, *names: str, nullable: bool = False) -> list[pa.Field]:
    item = pa.field("item", kind, nullable=False)
    return [_field(name, pa.list_(item), nullable=nullable) for name in names]


_FRAME_TIME = [_field("frame_index", _I32), _field("timestamp_ns", _I64)]
_TICK_TIME = [_field("tick", _I32), _field("timestamp_ns", _I64)]

WEATHER_COLUMNS: Final = (
    "cloudiness",
    "precipitation",
    "precipitation_deposits",
    "wind_intensity",
    "fog_density",
    "wetness",
    "dust_storm",
    "fog_distance_m",
    "fog_falloff",
    "scattering_intensity",
    "mie_scattering_scale",
    "rayleigh_scattering_scale",
    "sun_azimuth_rad",
    "sun_altitude_rad",
)

FRAMES: Final = pa.schema(
    [
        _field("frame_index", _I32),
        *_TICK_TIME,
        *_pose("world_from_ego"),
        *_vector("velocity", "mps"),
        *_vector("acceleration", "mps2"),
        *_vector("angular_velocity", "radps"),
        *_columns(_F32, "throttle", "brake", "steer_rad"),
        _field("reverse", pa.bool_()),
        _field("gear", pa.int8()),
        _field("speed_limit_mps", _F32, nullable=True),
        _field("lane_id", _TEXT, nullable=True),
        *_columns(_F32, *WEATHER_COLUMNS),
    ]
)

OBJECTS: Final = pa.schema(
    [
        _field("track_id", _I32),
        _field("name", _TEXT, nullable=True),
        *_columns(_TEXT, "category", "blueprint"),
        _field("semantic_tag", pa.uint8()),
        *_columns(_F64, "length_m", "width_m", "height_m"),
        *_vector("box_center", "m"),
        *_columns(_TEXT, "extent_source", "source", "role"),
        _field("parent_track_id", _I32, nullable=True),
        *_columns(pa.uint8(), "colour_r", "colour_g", "colour_b", nullable=True),
        _field("special_type", _TEXT, nullable=True),
        _field("attributes", _TEXT),
    ]
)

ACTORS: Final = pa.schema(
    [
        _field("tick", _I32),
        _field("frame_index", _I32, nullable=True),
        _field("timestamp_ns", _I64),
        _field("track_id", _I32),
        *_pose("world_from_actor"),
        *_vector("velocity", "mps"),
        *_vector("acceleration", "mps2"),
        *_vector("angular_velocity", "radps"),
        _field("light_state", pa.uint32()),
        _field("door_state", pa.uint8(), nullable=True),
        _field("steer_rad", _F32, nullable=True),
        *_lists(_F32, "bones", nullable=True),
    ]
)

REPLAY: Final = pa.schema(
    [
        _field("tick", _I32),
        _field("track_id", _I32),
        *_pose("world_from_actor"),
        _field("light_state", pa.uint32()),
        _field("wheel_steer_deg", _F32, nullable=True),
        _field("wheel_pitch_deg", _F32, nullable=True),
        *_lists(_F32, "bones", nullable=True),
    ]
)

SIGNALS: Final = pa.schema(
    [*_TICK_TIME, *_columns(_TEXT, "signal_id", "state"), *_vector("position", "m")]
)

EVENTS: Final = pa.schema(
    [
        *_TICK_TIME,
        _field("kind", _TEXT),
        _field("track_id", _I32),
        _field("other_track_id", _I32, nullable=True),
        _field("other_kind", _TEXT, nullable=True),
        _field("impulse_ns", _F32, nullable=True),
        _field("detail", _TEXT, nullable=True),
    ]
)

LANES: Final = pa.schema(
    [
        _field("lane_id", _TEXT),
        *_columns(_I32, "road_id", "section", "lane"),
        _field("kind", _TEXT),
        _field("junction_id", _I32, nullable=True),
        _field("speed_limit_mps", _F32, nullable=True),
        *_lists(_F32, "center_xyz_m", "left_xyz_m", "right_xyz_m"),
        *_columns(
            _TEXT, "left_marking", "right_marking", "left_marking_colour", "right_marking_colour"
        ),
        *_lists(_TEXT, "predecessors", "successors"),
        *_columns(_TEXT, "left_lane_id", "right_lane_id", nullable=True),
    ]
)

AREAS: Final = pa.schema(
    [
        *_columns(_TEXT, "area_id", "kind"),
        *_lists(_F32, "polygon_xyz_m"),
        _field("signal_id", _TEXT, nullable=True),
    ]
)

IMAGES: Final = pa.schema(
    [
        *_FRAME_TIME,
        *_pose("world_from_camera"),
        _field("codec", _TEXT),
        _field("image", pa.large_binary()),
    ]
)

LIDAR: Final = pa.schema(
    [
        *_FRAME_TIME,
        *_pose("world_from_lidar"),
        *_lists(_F32, "x_m", "y_m", "z_m", "intensity"),
        *_lists(pa.uint16(), "ring"),
        *_lists(_I32, "time_offset_ns"),
        *_lists(pa.uint8(), "semantic_tag", nullable=True),
        *_lists(pa.uint16(), "track_id", nullable=True),
        *_lists(_F32, "cos_incidence", nullable=True),
    ]
)

RADAR: Final = pa.schema(
    [
        *_FRAME_TIME,
        *_pose("world_from_radar"),
        *_lists(_F32, "range_m", "azimuth_rad", "altitude_rad", "radial_velocity_mps"),
        *_lists(pa.uint16(), "track_id", nullable=True),
    ]
)

PIXEL_EVENTS: Final = pa.schema(
    [
        *_FRAME_TIME,
        *_pose("world_from_camera"),
        *_lists(pa.uint16(), "x_px", "y_px"),
        *_lists(_I64, "time_offset_ns"),
        *_lists(pa.int8(), "polarity"),
    ]
)

INERTIAL: Final = pa.schema(
    [
        *_TICK_TIME,
        _field("sensor", _TEXT),
        *_vector("acceleration", "mps2", nullable=True),
        *_vector("angular_velocity", "radps", nullable=True),
        *_columns(
            _F64, "compass_rad", "latitude_deg", "longitude_deg", "altitude_m", nullable=True
        ),
    ]
)


def _box_px(name: str, *, nullable: bool = False) -> list[pa.Field]:
    edges = (f"{name}_{edge}_px" for edge in ("x_min", "y_min", "x_max", "y_max"))
    return _columns(_F32, *edges, nullable=nullable)


BOXES2D: Final = pa.schema(
    [
        _field("frame_index", _I32),
        _field("camera", _TEXT),
        _field("track_id", _I32),
        _field("category", _TEXT),
        *_box_px("visible", nullable=True),
        _field("visible_px", _I32),
        *_box_px("amodal"),
        *_box_px("amodal_clipped"),
        *_columns(_F32, "occluded_fraction", "truncated_fraction"),
        _field("occluder_track_id", _I32, nullable=True),
        _field("occluder_tag", pa.uint8(), nullable=True),
        *_columns(_F32, "depth_min_m", "depth_median_m", nullable=True),
        _field("distance_m", _F32),
        _field("mask_rle", _TEXT, nullable=True),
        _field("ignore", pa.bool_()),
        _field("ignore_reason", _TEXT, nullable=True),
    ]
)

BOXES3D: Final = pa.schema(
    [
        *_columns(_I32, "frame_index", "track_id"),
        _field("category", _TEXT),
        *_pose("ego_from_box"),
        *_columns(_F64, "length_m", "width_m", "height_m"),
        _field("distance_m", _F32),
        *_columns(_I32, "lidar_points", "radar_points"),
        _field("visible_fraction", _F32, nullable=True),
        _field("is_static", pa.bool_()),
        _field("activity", _TEXT),
        _field("extent_source", _TEXT),
        _field("parent_track_id", _I32, nullable=True),
        *_lists(_F64, "rider_union", nullable=True),
    ]
)

TRACKS: Final = pa.schema(
    [
        *_FRAME_TIME,
        _field("track_id", _I32),
        _field("category", _TEXT),
        *_columns(_F64, "x_m", "y_m", "z_m", "yaw_rad"),
        *_columns(_F64, "velocity_x_mps", "velocity_y_mps"),
        *_columns(_F64, "acceleration_x_mps2", "acceleration_y_mps2", "yaw_rate_radps"),
        *_columns(_F64, "ego_x_m", "ego_y_m", "ego_yaw_rad"),
        *_columns(_F64, "ego_velocity_x_mps", "ego_velocity_y_mps"),
        *_columns(_F64, "length_m", "width_m", "height_m"),
        *_columns(_I32, "lidar_points", "visible_px"),
        _field("visible_fraction", _F32, nullable=True),
        _field("lane_id", _TEXT, nullable=True),
        *_columns(_F32, "lane_along_m", "lane_offset_m", nullable=True),
        _field("brake_lights", pa.bool_(), nullable=True),
        _field("open_doors", pa.uint8(), nullable=True),
        *_columns(_TEXT, "birth_reason", "death_reason", nullable=True),
    ]
)

KEYPOINTS: Final = pa.schema(
    [
        _field("frame_index", _I32),
        _field("camera", _TEXT),
        _field("track_id", _I32),
        *_lists(_F32, "xyz_world_m", "xy_px"),
        *_lists(pa.uint8(), "visibility"),
    ]
)

POINTS: Final = pa.schema(
    [
        _field("frame_index", _I32),
        _field("lidar", _TEXT),
        *_lists(pa.uint8(), "semantic_tag"),
        *_lists(pa.uint16(), "track_id"),
    ]
)

TARGETS: Final = pa.schema(
    [_field("frame_index", _I32), _field("radar", _TEXT), *_lists(pa.uint16(), "track_id")]
)

BEV: Final = pa.schema(
    [
        _field("frame_index", _I32),
        *_columns(_F32, "cell_m", "extent_m"),
        *_columns(pa.large_binary(), "semantic", "instance", "flow"),
    ]
)

OCCUPANCY: Final = pa.schema(
    [
        _field("frame_index", _I32),
        *_columns(_F32, "origin_x_m", "origin_y_m", "origin_z_m", "voxel_m"),
        *_lists(_I32, "shape"),
        *_columns(pa.large_binary(), "semantic", "lidar_mask", "camera_mask"),
        *_lists(_I32, "object_voxel"),
        *_lists(pa.uint16(), "object_track_id"),
        *_lists(_F32, "object_flow"),
        *_lists(pa.bool_(), "object_flow_valid"),
    ]
)

STATUS: Final = pa.schema(
    [_field("frame_index", _I32), _field("status", _TEXT), *_lists(_TEXT, "failed_checks")]
)

LABEL_TABLES: Final = {
    "boxes2d": BOXES2D,
    "boxes3d": BOXES3D,
    "tracks": TRACKS,
    "keypoints": KEYPOINTS,
    "points": POINTS,
    "targets": TARGETS,
    "bev": BEV,
    "occupancy": OCCUPANCY,
    "status": STATUS,
}
