"""`model_of`: the model of any blueprint or scenery key, built on first use and kept."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from synthgen.simserver.assets.cars import CARS, build_car
from synthgen.simserver.assets.colors import paint_of
from synthgen.simserver.assets.extents import box_of, size_table, uses_wheelchair
from synthgen.simserver.assets.finish import to_mesh
from synthgen.simserver.assets.heavy import HEAVY, build_heavy
from synthgen.simserver.assets.shapes import Shape
from synthgen.simserver.assets.two_wheelers import TWO_WHEELERS, build_two_wheeler
from synthgen.simserver.assets.walkers import build_walker
from synthgen.simserver.scene import F32, Material, Mesh, Model, Part, Tag

# Looks of one blueprint that differ by variant; more would only cost memory.
VARIANTS = 16
_LIMB_CREASE_DEG = 60.0
_BUSES = {"vehicle.mitsubishi.fusorosa"}
# CARLA's special cases of the catalogue: the Cybertruck's base type is truck.
_TRUCKS = {*HEAVY, "vehicle.tesla.cybertruck"}


def tag_of(key: str) -> Tag:
    """Semantic tag of a blueprint or scenery key."""
    if key.startswith("walker."):
        return Tag.PEDESTRIANS
    if key in TWO_WHEELERS:
        bicycle = TWO_WHEELERS[key].kind.endswith("bicycle")
        return Tag.BICYCLE if bicycle else Tag.MOTORCYCLE
    if key in _BUSES:
        return Tag.BUS
    if key.startswith("vehicle."):
        return Tag.TRUCK if key in _TRUCKS else Tag.CAR
    raise KeyError(f"no model for {key!r}")


def model_of(key: str, attributes: Mapping[str, str], variant: int = 0) -> Model:
    """The model of a blueprint id or scenery key.

    The same object is returned for the same look, so its meshes can be shared.

    Args:
        key: A blueprint id (`vehicle.…`, `walker.pedestrian.…`, `static.prop.…`) or `scenery.…`.
        attributes: The actor's attributes; `color` and `use_wheelchair` change the look.
        variant: Seed of the look, taken modulo `VARIANTS`.

    Raises:
        KeyError: no such blueprint or scenery.
    """
    seated = key.startswith("walker.") and uses_wheelchair(attributes)
    color = attributes.get("color") if key.startswith("vehicle.") else None
    return _model(key, color, seated, variant % VARIANTS)


@lru_cache(maxsize=512)
def _model(key: str, color: str | None, seated: bool, variant: int) -> Model:
    parts, colors = _geometry(key, seated, 0 if key.startswith("vehicle.") else variant)
    if color is not None:
        colors = colors.copy()
        colors[5 if key in TWO_WHEELERS else 0] = paint_of(color, (0, 0, 0))
    attributes = {"use_wheelchair": "true"} if seated else {}
    center, extent = box_of(key, attributes)
    return Model(parts, center, extent, colors)


@lru_cache(maxsize=512)
def _geometry(key: str, seated: bool, variant: int) -> tuple[tuple[Part, ...], F32]:
    """Parts and default palette."""
    tag = tag_of(key)
    if key.startswith("walker."):
        walker = build_walker(key, {"use_wheelchair": "true"} if seated else {}, variant)
        return _parts(walker.shapes, walker.pivots_m, tag, _LIMB_CREASE_DEG), walker.palette
    size = size_table()[key].size_lwh_m
    if key in TWO_WHEELERS:
        machine = build_two_wheeler(TWO_WHEELERS[key], size)
        return _parts(machine.shapes, machine.pivots_m, tag, 50.0), machine.palette
    built = build_car(CARS[key], size) if key in CARS else build_heavy(HEAVY[key], size)
    return _parts(built.shapes, built.pivots_m, tag, 34.0), built.palette


def _parts(
    shapes: Mapping[str, Shape],
    pivots_m: Mapping[str, tuple[float, float, float]],
    tag: Tag,
    crease_deg: float,
) -> tuple[Part, ...]:
    """Parts of shapes, equal shapes sharing one mesh."""
    meshes: dict[int, Mesh] = {}
    parts = []
    for name, shape in shapes.items():
        mesh = meshes.get(id(shape))
        if mesh is None:
            mesh = meshes[id(shape)] = to_mesh(_sided(shape), tag, crease_deg=crease_deg)
        parts.append(Part(name, mesh, np.array(pivots_m[name], np.float32)))
    return tuple(parts)


def _sided(shape: Shape) -> Shape:
    """The shape with indicators left of the middle (y < 0) as left indicators."""
    turn = shape.material == Material.INDICATOR_RIGHT
    if not turn.any():
        return shape
    material = shape.material.copy()
    middle = shape.vertices_m[shape.triangles[turn], 1].mean(axis=1)
    material[turn] = np.where(
        middle < 0, np.uint8(Material.INDICATOR_LEFT), np.uint8(Material.INDICATOR_RIGHT)
    )
    return Shape(shape.vertices_m, shape.triangles, material, shape.tag)
