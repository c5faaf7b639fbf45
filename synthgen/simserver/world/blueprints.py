"""CARLA's blueprint library: every id with its attributes, from two tables and the size table.

Ids, attribute names, types and ranges: CARLA 0.9.16 blueprint library, vehicle catalogue and
sensors reference (carla.readthedocs.io). Colours and driver ids are our own choice.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple

from synthgen.simserver.assets import extents
from synthgen.simserver.scene import Tag

BOOL, INT, FLOAT, STRING, COLOR = 1, 2, 3, 4, 5
_TYPES = {"bool": BOOL, "int": INT, "float": FLOAT, "string": STRING, "color": COLOR}

# Which groups of `sensors.csv` make up a sensor's attributes.
SENSOR_GROUPS = {
    "sensor.camera.rgb": ("periodic", "camera", "optics", "quality", "lens"),
    "sensor.camera.depth": ("periodic", "camera", "lens"),
    "sensor.camera.semantic_segmentation": ("periodic", "camera", "lens"),
    "sensor.camera.instance_segmentation": ("periodic", "camera", "lens"),
    "sensor.camera.normals": ("periodic", "camera", "lens"),
    "sensor.camera.optical_flow": ("periodic", "camera", "lens"),
    "sensor.camera.dvs": ("periodic", "camera", "optics", "dvs"),
    "sensor.lidar.ray_cast": ("periodic", "lidar", "lidar_return", "seeded", "lidar_table"),
    "sensor.lidar.ray_cast_semantic": ("periodic", "lidar", "lidar_table"),
    "sensor.other.radar": ("periodic", "radar", "seeded", "radar_echo"),
    "sensor.other.imu": ("periodic", "imu", "seeded"),
    "sensor.other.gnss": ("periodic", "gnss", "seeded"),
    "sensor.other.obstacle": ("periodic", "obstacle"),
    "sensor.other.collision": (),
    "sensor.other.lane_invasion": (),
    "sensor.other.v2x": ("periodic", "v2x_channel", "v2x_cam", "gnss", "seeded"),
    "sensor.other.v2x_custom": ("periodic", "v2x_channel", "seeded"),
    "sensor.camera.cosmos_visualization": ("periodic", "camera"),
}


class Attribute(NamedTuple):
    """One attribute of a blueprint in wire order; all values are text."""

    id: str
    type: int
    value: str
    recommended: list[str]
    is_modifiable: bool
    restrict_to_recommended: bool


class Blueprint(NamedTuple):
    """One blueprint in wire order."""

    uid: int
    id: str
    tags: str
    attributes: list[Attribute]


class SensorAttribute(NamedTuple):
    """One row of `sensors.csv`: what a sensor accepts."""

    type: str
    default: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]


def _attribute(
    name: str,
    kind: int,
    value: object,
    recommended: tuple[object, ...] = (),
    *,
    is_fixed: bool = False,
    is_restricted: bool = False,
) -> Attribute:
    values = [str(item) for item in recommended or (value,)]
    return Attribute(name, kind, str(value), values, not is_fixed, is_restricted)


def _rows(file: str) -> list[dict[str, str]]:
    text = resources.files(__package__).joinpath(file).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _roles(*roles: str) -> list[Attribute]:
    return [
        _attribute("role_name", STRING, roles[0], roles),
        _attribute("ros_name", STRING, ""),
    ]


def _vehicles() -> Iterator[tuple[str, list[Attribute]]]:
    for row in _rows("vehicles.csv"):
        attributes = [
            _attribute("object_type", STRING, "", is_fixed=True),
            _attribute("base_type", STRING, row["base_type"], is_fixed=True),
            _attribute("special_type", STRING, row["special_type"], is_fixed=True),
            _attribute("number_of_wheels", INT, row["number_of_wheels"], is_fixed=True),
            _attribute("generation", INT, row["generation"], is_fixed=True),
            _attribute("has_lights", BOOL, row["has_lights"], is_fixed=True),
            _attribute("has_dynamic_doors", BOOL, row["has_dynamic_doors"], is_fixed=True),
            _attribute("sticky_control", BOOL, "true"),
            _attribute("terramechanics", BOOL, "false"),
        ]
        if row["colors"]:
            colors = tuple(row["colors"].split(";"))
            attributes.append(_attribute("color", COLOR, colors[0], colors))
        if row["driver_ids"]:
            drivers = tuple(row["driver_ids"].split(";"))
            attributes.append(_attribute("driver_id", INT, drivers[0], drivers))
        yield row["id"], attributes + _roles("autopilot", "scenario", "ego_vehicle")


def _walkers() -> Iterator[tuple[str, list[Attribute]]]:
    for number in range(1, 53):
        blueprint_id = f"walker.pedestrian.{number:04d}"
        age = extents.walker_age(blueprint_id)
        # The middle value is a walk, the last one a run; CARLA's own scripts index them so.
        speeds = ("0.0", "0.9", "1.8") if age == "child" else ("0.0", "1.4", "2.7")
        can_roll = extents.can_use_wheelchair(blueprint_id)
        attributes = [
            _attribute("gender", STRING, extents.walker_gender(blueprint_id), is_fixed=True),
            _attribute("age", STRING, age, is_fixed=True),
            _attribute("generation", INT, 1 if number < 15 else 2, is_fixed=True),
            _attribute("is_invincible", BOOL, "true"),
            _attribute("speed", FLOAT, speeds[1], speeds),
            _attribute("can_use_wheelchair", BOOL, str(can_roll).lower(), is_fixed=True),
        ]
        if can_roll:
            attributes.append(_attribute("use_wheelchair", BOOL, "false"))
        yield blueprint_id, attributes + _roles("pedestrian")


def _props() -> Iterator[tuple[str, list[Attribute]]]:
    for key, size in sorted(extents.size_table().items()):
        if not key.startswith("static.prop."):
            continue
        attributes = [_attribute("size", STRING, _size_word(size.size_lwh_m), is_fixed=True)]
        if key == "static.prop.mesh":
            attributes += [
                _attribute("mesh_path", STRING, ""),
                _attribute("mass", FLOAT, "0.0"),
                _attribute("scale", FLOAT, "1.0"),
            ]
        yield key, attributes + _roles("prop")
    friction = [_attribute("friction", FLOAT, "3.5")]
    friction += [_attribute(f"extent_{axis}", FLOAT, "1.0") for axis in "xyz"]
    yield "static.trigger.friction", friction + _roles("trigger")


def _size_word(size_lwh_m: tuple[float, float, float]) -> str:
    longest_m = max(size_lwh_m)
    for limit_m, word in ((0.3, "tiny"), (0.9, "small"), (2.0, "medium"), (4.0, "big")):
        if longest_m <= limit_m:
            return word
    return "large"


@cache
def sensor_attributes(blueprint_id: str) -> Mapping[str, SensorAttribute]:
    """What a sensor blueprint accepts, by attribute name.

    Raises:
        KeyError: Not a sensor.
    """
    groups = ("all", *SENSOR_GROUPS[blueprint_id])
    return {
        row["attribute"]: SensorAttribute(
            row["type"],
            row["default"],
            float(row["minimum"]) if row["minimum"] else None,
            float(row["maximum"]) if row["maximum"] else None,
            tuple(row["choices"].split(";")) if row["choices"] else (),
        )
        for row in _rows("sensors.csv")
        if row["group"] in groups
    }


def _sensors() -> Iterator[tuple[str, list[Attribute]]]:
    for blueprint_id in SENSOR_GROUPS:
        yield (
            blueprint_id,
            [
                _attribute(name, _TYPES[row.type], row.default, row.choices or (row.default,))
                for name, row in sensor_attributes(blueprint_id).items()
            ],
        )


@cache
def blueprint_library() -> Mapping[str, Blueprint]:
    """Every blueprint by its id."""
    families = [*_sensors(), *_props(), *_walkers(), *_vehicles()]
    families.append(("controller.ai.walker", _roles("walker_controller")))
    families.append(("util.actor.empty", _roles("")))
    return {
        blueprint_id: Blueprint(uid, blueprint_id, blueprint_id.replace(".", ","), attributes)
        for uid, (blueprint_id, attributes) in enumerate(families, start=1)
    }


def semantic_tags(blueprint_id: str, attributes: Mapping[str, str]) -> bytes:
    """CARLA's semantic tags of an actor of this blueprint: those that cameras see it with."""
    if blueprint_id.startswith("traffic.traffic_light"):
        return bytes([Tag.TRAFFIC_LIGHT])
    if blueprint_id.startswith("traffic."):
        return bytes([Tag.TRAFFIC_SIGNS])
    if blueprint_id.startswith(("vehicle.", "walker.", "static.prop.")):
        # The table of meshes is read when the first body is spawned, not when the server starts.
        from synthgen.simserver.assets.library import tag_of

        return bytes([tag_of(extents.shown_as(blueprint_id, attributes))])
    return b""
