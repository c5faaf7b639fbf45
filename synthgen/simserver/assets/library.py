"""`model_of`: the model of any blueprint or scenery key, built on first use and kept."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from synthgen.simserver.assets.cars import CARS, build_car
from synthgen.simserver.assets.colors import SCENERY_PALETTE, paint_of
from synthgen.simserver.assets.cycles import TWO_WHEELERS
from synthgen.simserver.assets.extents import box_of, shown_as, size_table, uses_wheelchair
from synthgen.simserver.assets.finish import to_mesh
from synthgen.simserver.assets.foliage import PLANTS, build_plant
from synthgen.simserver.assets.heavy import HEAVY, build_heavy
from synthgen.simserver.assets.props import BUILDERS, PLANT_PROPS, PREFIX, build_prop
from synthgen.simserver.assets.shapes import Shape, rotation
from synthgen.simserver.assets.signs import (
    light_head,
    light_pole,
    sign,
    traffic_light,
)
from synthgen.simserver.assets.street import STREET
from synthgen.simserver.assets.two_wheelers import build_two_wheeler
from synthgen.simserver.assets.walkers import build_walker
from synthgen.simserver.scene import F32, Material, Mesh, Model, Part, Tag

# Looks of one blueprint that differ by variant; more would only cost memory.
VARIANTS = 16
_LIMB_CREASE_DEG = 60.0
_BUSES = {"vehicle.mitsubishi.fusorosa"}
# CARLA's special cases of the catalogue: the Cybertruck's base type is truck.
_TRUCKS = {*HEAVY, "vehicle.tesla.cybertruck"}
TREE, SIGN = "scenery.tree.", "scenery.sign."
# CARLA keeps these among the things that can be moved.
_MOVABLE = {
    "ball", "barrel", "bike helmet", "bin", "box01", "box02", "box03", "briefcase", "colacan",
    "constructioncone", "creasedbox01", "creasedbox02", "creasedbox03", "garbage01", "garbage02",
    "garbage03", "garbage04", "garbage05", "garbage06", "gnome", "guitarcase", "haybale",
    "haybalelb", "ironplank", "mesh", "mobile", "motorhelmet", "plasticbag", "plasticchair",
    "plastictable", "purse", "shoppingbag", "shoppingcart", "shoppingtrolley", "streetbarrier",
    "trafficcone01", "trafficcone02", "trafficwarning", "trashbag", "trashcan01", "trashcan02",
    "trashcan03", "trashcan04", "trashcan05", "travelcase", "warningaccident",
    "warningconstruction", "wateringcan",
}  # fmt: skip


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
    name = key.removeprefix(PREFIX)
    if key.startswith(TREE) or name in PLANT_PROPS:
        return Tag.VEGETATION
    if key.startswith(PREFIX) and name in BUILDERS:
        return Tag.DYNAMIC if name in _MOVABLE else Tag.STATIC
    if key.startswith(("traffic.", "scenery.")):
        return Tag.STATIC
    raise KeyError(f"no model for {key!r}")


def model_of(key: str, attributes: Mapping[str, str], variant: int = 0) -> Model:
    """The model of a blueprint id or scenery key.

    The same object is returned for the same look, so its meshes can be shared. Keys besides
    blueprints: `scenery.tree.<kind>` (`foliage.PLANTS`), `scenery.<thing>` (`street.STREET`),
    `scenery.sign.<kind>` (`signs.SIGNS`), `scenery.traffic_light_pole` and `_head`: fronts look
    along +x. `traffic.traffic_light`, `traffic.stop`, `traffic.yield`,
    `traffic.speed_limit.<value>`: as CARLA's own, fronts look along +y and the arm runs along -x.

    Args:
        key: What to build.
        attributes: The actor's attributes. `color` and `use_wheelchair` change the look of
            vehicles and walkers; `head_height_m` and `arm_m` that of lights and signs.
        variant: Seed of the look, taken modulo `VARIANTS`.

    Raises:
        KeyError: no such blueprint or scenery.
    """
    if key.startswith(("traffic.", "scenery.traffic_light", SIGN)):
        height = float(attributes.get("head_height_m", "5.2" if "light" in key else "2.3"))
        return _signal_model(key, height, float(attributes.get("arm_m", "0")))
    key = shown_as(key, attributes)
    if key.startswith(("scenery.", PREFIX)):
        return _still_model(key, variant % VARIANTS)
    seated = key.startswith("walker.") and uses_wheelchair(attributes)
    color = attributes.get("color") if key.startswith("vehicle.") else None
    return _model(key, color, seated, variant % VARIANTS)


@lru_cache(maxsize=256)
def tagged_boxes(model: Model) -> tuple[tuple[int, Tag, F32, F32], ...]:
    """What each part of a model shows of each tag: part, tag, centre and half sizes.

    Centres are in the model's frame; parts keep their order, and so do the tags of one part.
    """
    found = []
    for number, part in enumerate(model.parts):
        for tag in np.unique(part.mesh.tag):
            corners = part.mesh.triangles[part.mesh.tag == tag]
            points = part.mesh.vertices_m[corners.ravel()] + part.pivot_m
            low, high = points.min(axis=0), points.max(axis=0)
            found.append((number, Tag(tag), (low + high) / 2, (high - low) / 2))
    return tuple(found)


@lru_cache(maxsize=512)
def _model(key: str, color: str | None, seated: bool, variant: int) -> Model:
    """A vehicle or walker."""
    parts, colors = _geometry(key, seated, 0 if key.startswith("vehicle.") else variant)
    if color is not None:
        colors = colors.copy()
        colors[5 if key in TWO_WHEELERS else 0] = paint_of(color, (0, 0, 0))
    attributes = {"use_wheelchair": "true"} if seated else {}
    center, extent = box_of(key, attributes)
    return Model(parts, center, extent, colors)


@lru_cache(maxsize=512)
def _still_model(key: str, variant: int) -> Model:
    """A prop or a piece of scenery: one part, its origin on the ground."""
    name = key.removeprefix(PREFIX)
    plant = PLANT_PROPS.get(name) or (key.removeprefix(TREE) if key.startswith(TREE) else None)
    if plant is not None:
        if plant not in PLANTS:
            raise KeyError(f"no model for {key!r}")
        mesh = build_plant(plant, variant)
    elif key.startswith(PREFIX):
        mesh = to_mesh(build_prop(key, variant), tag_of(key))
    else:
        thing = STREET.get(key.removeprefix("scenery."))
        if thing is None:
            raise KeyError(f"no model for {key!r}")
        mesh = to_mesh(thing(), Tag.STATIC)
    return _boxed((Part("body", mesh, np.zeros(3, np.float32)),))


@lru_cache(maxsize=128)
def _signal_model(key: str, height: float, arm: float) -> Model:
    """A sign or light."""
    zero = (0.0, 0.0, 0.0)
    kind = key.removeprefix(SIGN).removeprefix("traffic.").replace("speed_limit.", "speed_")
    if key == "scenery.traffic_light_pole":
        pieces = {"pole": (light_pole(height, arm), zero)}
    elif key == "scenery.traffic_light_head":
        pieces = {"head": (light_head(), zero)}
    elif key == "traffic.traffic_light":
        pieces = traffic_light(height, arm)
    else:
        pieces = {"body": (sign(kind, face_m=height), zero)}
    turn = 90.0 if key.startswith("traffic.") else 0.0
    shapes = {name: shape.turned("z", turn) for name, (shape, _) in pieces.items()}
    pivots = {name: rotation("z", turn) @ np.array(at) for name, (_, at) in pieces.items()}
    at = {name: (float(p[0]), float(p[1]), float(p[2])) for name, p in pivots.items()}
    return _boxed(_parts(shapes, at, Tag.STATIC, 34.0))


def _boxed(parts: tuple[Part, ...]) -> Model:
    """A model in the scenery's colours whose box is that of its meshes."""
    points = np.concatenate([part.mesh.vertices_m + part.pivot_m for part in parts])
    low, high = points.min(axis=0), points.max(axis=0)
    return Model(parts, (low + high) / 2, (high - low) / 2, SCENERY_PALETTE)


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
