"""Rig files: YAML that may include other rigs and count mounts from a point of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sensors.rig import Name, Rig, Sensor
from synthgen.datatypes.strict_yaml import Mark, load_yaml_strict, validate
from synthgen.errors import ConfigError

SCHEMA_FILE = Path(__file__).with_name("rig.schema.json")
_PRESETS = Path(__file__).with_name("rigs")
_MAX_INCLUDES = 4


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Origin(_Strict):
    """The point that a file's mounts count from, in the ego frame: a rear axle, for instance."""

    x_m: float = Field(default=0.0, ge=-10, le=10)
    y_m: float = Field(default=0.0, ge=-5, le=5)
    z_m: float = Field(default=0.0, ge=-1, le=5)


class RigFile(_Strict):
    """A rig as it is written: schema `synthgen/rig@1`."""

    schema_name: Literal["synthgen/rig@1"] = Field(alias="schema")
    name: Name
    description: str = ""
    source: str = Field(default="", description="Where the figures come from")
    ego_blueprint: str | None = Field(
        default=None,
        description="The vehicle that the mounts are meant for",
        pattern=r"^vehicle\.[a-z0-9_-]+\.[a-z0-9_-]+$",
    )
    includes: tuple[str, ...] = Field(
        default=(),
        description="Rig files beside this one, or names of presets; sensors of equal name are "
        "replaced",
    )
    origin: Origin = Origin()
    image_scale: float = Field(
        default=1.0, gt=0, le=8, description="Size of all images, the included ones too"
    )
    sensors: tuple[Sensor, ...] = ()

    def moved_sensors(self) -> list[dict[str, Any]]:
        """This file's own sensors as documents, with mounts in the ego frame."""
        documents = [sensor.model_dump() for sensor in self.sensors]
        for document in documents:
            for axis in ("x_m", "y_m", "z_m"):
                moved = document["mount"][axis] + getattr(self.origin, axis)
                document["mount"][axis] = round(moved, 9)
        return documents


def rig_path(name: str) -> Path:
    """The file of a preset's bare name, e.g. `nuscenes`, or the path itself."""
    preset = _PRESETS / f"{name}.yaml"
    return preset if preset.is_file() else Path(name)


def load_rig(path: str | Path) -> Rig:
    """The rig in a file: its includes merged, mounts in the ego frame, images scaled.

    Raises:
        ConfigError: The file cannot be read or breaks the schema; one line
            `file:line:column: field: message` per fault.
    """
    path = Path(path)
    if not path.exists():
        raise ConfigError(f"rig {path}: no such file, and none of the presets {_preset_names()}")
    return _load(path, ())


def _preset_names() -> str:
    return ", ".join(sorted(file.stem for file in _PRESETS.glob("*.yaml")))


def _load(path: Path, chain: tuple[Path, ...]) -> Rig:
    chain = (*chain, path.resolve())
    document, marks = load_yaml_strict(path)
    written = validate(document, marks, RigFile)
    sensors: dict[str, dict[str, Any]] = {}
    blueprint = written.ego_blueprint
    for number, name in enumerate(written.includes):
        target = _included(path, name, chain, marks.at(("includes", number)))
        included = _load(target, chain)
        blueprint = blueprint or included.ego_blueprint
        sensors |= {sensor.name: sensor.model_dump() for sensor in included.sensors}
    own = written.moved_sensors()
    for number, sensor in enumerate(own):
        if sensor["name"] in [other["name"] for other in own[:number]]:
            mark = marks.at(("sensors", number, "name"))
            raise ConfigError(f"{mark}: sensors: {sensor['name']} is there twice")
    sensors |= {sensor["name"]: sensor for sensor in own}
    if not sensors:
        raise ConfigError(f"{marks.at(('sensors',), key=True)}: sensors: a rig has at least one")
    fields = {
        "schema": written.schema_name,
        "name": written.name,
        "description": written.description,
        "source": written.source,
        "ego_blueprint": blueprint,
        "sensors": list(sensors.values()),
    }
    try:
        return Rig.model_validate(fields).scaled(written.image_scale)
    except ValidationError as err:
        first = err.errors(include_url=False)[0]
        field = str(first["loc"][0]) if first["loc"] else "sensors"
        # What a file alone cannot break: its sensors together, and images of another size.
        place = marks.at(("image_scale",) if field.endswith("_px") else ("sensors",), key=True)
        text = str(first["msg"]).removeprefix("Value error, ")
        found = f", got {first['input']}" if isinstance(first["input"], int | float) else ""
        raise ConfigError(f"{place}: {field}: {text}{found}") from err


def _included(path: Path, name: str, chain: tuple[Path, ...], mark: Mark) -> Path:
    """The file that an include names."""
    target = path.parent / name
    if not target.is_file():
        target = rig_path(name)
    if not target.is_file():
        raise ConfigError(
            f"{mark}: includes: no such file: {path.parent / name}; presets: {_preset_names()}"
        )
    names = " -> ".join(p.name for p in (*chain, target))
    if target.resolve() in chain:
        raise ConfigError(f"{mark}: includes: a loop: {names}")
    if len(chain) > _MAX_INCLUDES:
        raise ConfigError(f"{mark}: includes: deeper than {_MAX_INCLUDES} files: {names}")
    return target


def rig_schema() -> str:
    """The JSON Schema of rig files, as published in `rig.schema.json`."""
    schema = RigFile.model_json_schema(by_alias=True)
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    document["title"] = "synthgen/rig@1"
    return json.dumps(document, indent=1, sort_keys=True) + "\n"
