"""Outer sizes of every blueprint, from a table in which each row names its source."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from synthgen.simserver.assets.vehicle_meshes import MESH_PROP, vehicle_of_mesh
from synthgen.simserver.scene import F32

_FEMALE = {1, 5, 6, 7, 8, 15, *range(19, 24), 31, 32, 35, 36, 37, *range(40, 45)}
_ELDERLY = {28, 37, 39, 44, 45}
_SMALL_CHILDREN = {9, 10, 11, 48, 49}
_TALL_CHILDREN = {12, 13, 14}
_TEENAGERS = {50: "teen_female", 51: "teen_male"}
_NO_WHEELCHAIR = {*range(9, 15), 30, 32, 42, 43, 44, *range(48, 53)}
POLICE = frozenset({30, 32})


@dataclass(frozen=True, slots=True)
class Size:
    """One row of the table.

    Attributes:
        size_lwh_m: Length (x), width (y) and height (z) of the bounding box, metres.
        source: Where the three numbers come from.
    """

    size_lwh_m: tuple[float, float, float]
    source: str


@cache
def size_table() -> Mapping[str, Size]:
    """Every row of `extents.csv` by its key (a blueprint id or `walker.class.*`)."""
    text = resources.files(__package__).joinpath("extents.csv").read_text(encoding="utf-8")
    return {
        row["key"]: Size(
            (float(row["length_m"]), float(row["width_m"]), float(row["height_m"])), row["source"]
        )
        for row in csv.DictReader(text.splitlines())
    }


def walker_number(blueprint_id: str) -> int:
    """The number of a `walker.pedestrian.NNNN` blueprint.

    Raises:
        KeyError: not one of CARLA's 52 walkers.
    """
    tail = blueprint_id.removeprefix("walker.pedestrian.")
    if not (tail.isdigit() and 1 <= int(tail) <= 52):
        raise KeyError(f"no walker blueprint {blueprint_id!r}: expected 0001 to 0052")
    return int(tail)


def walker_class(blueprint_id: str) -> str:
    """Body class of a walker: `adult_male`, `elderly_female`, `child_small`, `teen_male`.

    Ages and genders follow CARLA's pedestrian catalogue; which adults are elderly is our choice.
    """
    number = walker_number(blueprint_id)
    if number in _SMALL_CHILDREN:
        return "child_small"
    if number in _TALL_CHILDREN:
        return "child_tall"
    if number in _TEENAGERS:
        return _TEENAGERS[number]
    age = "elderly" if number in _ELDERLY else "adult"
    return f"{age}_{'female' if number in _FEMALE else 'male'}"


def walker_age(blueprint_id: str) -> str:
    """CARLA's `age` attribute of a walker: `adult`, `child` or `teenager`."""
    body = walker_class(blueprint_id)
    if body.startswith("child"):
        return "child"
    return "teenager" if body.startswith("teen") else "adult"


def walker_gender(blueprint_id: str) -> str:
    """CARLA's `gender` attribute of a walker: `female` or `male`."""
    number = walker_number(blueprint_id)
    return "female" if number in _FEMALE | _SMALL_CHILDREN | {50} else "male"


def can_use_wheelchair(blueprint_id: str) -> bool:
    """CARLA's `can_use_wheelchair` attribute of a walker."""
    return walker_number(blueprint_id) not in _NO_WHEELCHAIR


def uses_wheelchair(attributes: Mapping[str, str]) -> bool:
    """Whether the attributes of a walker ask for the wheelchair."""
    return attributes.get("use_wheelchair", "false").lower() in {"true", "1"}


def shown_as(blueprint_id: str, attributes: Mapping[str, str]) -> str:
    """The blueprint that a blueprint with these attributes looks like: mostly itself."""
    if blueprint_id != MESH_PROP:
        return blueprint_id
    return vehicle_of_mesh(attributes.get("mesh_path", "")) or blueprint_id


def size_key(blueprint_id: str, attributes: Mapping[str, str]) -> str:
    """Key of the table row that holds for a blueprint with these attributes."""
    if not blueprint_id.startswith("walker.pedestrian."):
        return shown_as(blueprint_id, attributes)
    if uses_wheelchair(attributes) and can_use_wheelchair(blueprint_id):
        return "walker.class.wheelchair"
    return f"walker.class.{walker_class(blueprint_id)}"


def box_of(blueprint_id: str, attributes: Mapping[str, str]) -> tuple[F32, F32]:
    """Centre and half sizes of a blueprint's bounding box, both (3,) float32 metres.

    The centre is in the actor frame: half a height above the ground for vehicles and props,
    at the origin for walkers, whose location is at mid-height.

    Raises:
        KeyError: the blueprint has no row.
    """
    key = size_key(blueprint_id, attributes)
    row = size_table().get(key)
    if row is None:
        raise KeyError(f"no extents for blueprint {blueprint_id!r} (row {key!r})")
    extent: F32 = np.array(row.size_lwh_m, np.float32) * np.float32(0.5)
    is_walker = blueprint_id.startswith("walker.")
    center = np.array([0, 0, 0 if is_walker else extent[2]], np.float32)
    return center, extent
