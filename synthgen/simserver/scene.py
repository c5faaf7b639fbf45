"""What the world hands to the renderer: meshes, parts and models.

Axes are CARLA's everywhere in the server: x forward, y right, z up, left-handed, metres.
A triangle (a, b, c) faces the side to which `cross(b - a, c - a)`, computed with these
numbers, points.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]


class Tag(IntEnum):
    """CARLA 0.9.16 semantic tags (`CityObjectLabel`)."""

    NONE = 0
    ROADS = 1
    SIDEWALKS = 2
    BUILDINGS = 3
    WALLS = 4
    FENCES = 5
    POLES = 6
    TRAFFIC_LIGHT = 7
    TRAFFIC_SIGNS = 8
    VEGETATION = 9
    TERRAIN = 10
    SKY = 11
    PEDESTRIANS = 12
    RIDER = 13
    CAR = 14
    TRUCK = 15
    BUS = 16
    TRAIN = 17
    MOTORCYCLE = 18
    BICYCLE = 19
    STATIC = 20
    DYNAMIC = 21
    OTHER = 22
    WATER = 23
    ROAD_LINES = 24
    GROUND = 25
    BRIDGE = 26
    RAIL_TRACK = 27
    GUARD_RAIL = 28


class Material(IntEnum):
    """Surface kinds the renderer knows how to shade.

    `PAINT_0` to `PAINT_7` take their colour from the model's palette. Lamp materials glow
    when the matching bit of the instance's light state is set.
    """

    ASPHALT = 0
    LANE_PAINT_WHITE = 1
    LANE_PAINT_YELLOW = 2
    SIDEWALK = 3
    KERB = 4
    GRASS = 5
    SOIL = 6
    CONCRETE = 7
    BRICK = 8
    FACADE = 9
    SHOPFRONT = 10
    ROOF = 11
    WINDOW = 12
    FOLIAGE = 13
    BARK = 14
    METAL = 15
    WOOD = 16
    PLASTIC = 17
    RUBBER = 18
    RIM = 19
    CHROME = 20
    GLASS = 21
    SKIN = 22
    HAIR = 23
    CLOTH = 24
    PLATE = 25
    SIGN_FACE = 26
    WATER = 27
    GRAVEL = 28
    LIPS = 29
    HEADLAMP = 30
    TAIL_LAMP = 31
    BRAKE_LAMP = 32
    INDICATOR_LEFT = 33
    INDICATOR_RIGHT = 34
    REVERSE_LAMP = 35
    FOG_LAMP = 36
    BEACON = 37
    STREET_LAMP = 38
    BULB_RED = 39
    BULB_YELLOW = 40
    BULB_GREEN = 41
    EYE = 42
    PAINT_0 = 48
    PAINT_1 = 49
    PAINT_2 = 50
    PAINT_3 = 51
    PAINT_4 = 52
    PAINT_5 = 53
    PAINT_6 = 54
    PAINT_7 = 55


# Light-state bits of an instance: CARLA's VehicleLightState flags in the low 16 bits
# (1 position, 2 low beam, 4 high beam, 8 brake, 0x10 right, 0x20 left, 0x40 reverse, 0x80 fog,
# 0x100 interior, 0x200/0x400 special), and for traffic lights the lit bulb.
LIT_RED = 1 << 16
LIT_YELLOW = 1 << 17
LIT_GREEN = 1 << 18
LIT_STREET = 1 << 19


@dataclass(frozen=True, eq=False, slots=True)
class Mesh:
    """A triangle mesh in its own part frame (or in the map frame, for static geometry).

    Attributes:
        vertices_m: (V, 3) float32.
        triangles: (T, 3) int32 vertex indices.
        material: (T,) uint8, a `Material` each.
        tag: (T,) uint8, a `Tag` each.
        normals: (V, 3) float32 unit vectors for smooth shading, or None for flat faces.
        uv_m: (V, 2) float32 surface coordinates in metres (facades: along the wall and
            height; signs: 0..1 over the face; lane paint and roads: s and t), or None.
        object_index: (T,) int32, index + 1 into the map's environment objects, 0 for none;
            None where the mesh belongs to an actor.
        variant: (T,) int32 seed of the look (one number per building, tree, sign face), or None.
    """

    vertices_m: F32
    triangles: I32
    material: U8
    tag: U8
    normals: F32 | None = None
    uv_m: F32 | None = None
    object_index: I32 | None = None
    variant: I32 | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """A rigid piece of a model.

    Attributes:
        name: `body`, `wheel_fl` `wheel_fr` `wheel_rl` `wheel_rr` (two-wheelers: `wheel_f`,
            `wheel_r`, `fork`), `door_fl` …, `rider_…`, or a bone name for walkers.
        mesh: Geometry in the part's own frame, its origin at the pivot.
        pivot_m: (3,) float32, where the part's origin sits in the actor frame at rest.
    """

    name: str
    mesh: Mesh
    pivot_m: F32


@dataclass(frozen=True, eq=False, slots=True)
class Model:
    """Everything needed to draw one actor.

    The actor frame has its origin where CARLA puts the actor's location: on the ground below
    the centre for vehicles and props, at mid-height for walkers.

    Attributes:
        parts: Rigid pieces, the order of the pose arrays.
        box_center_m: (3,) float32 centre of the bounding box in the actor frame.
        box_extent_m: (3,) float32 half sizes of the bounding box.
        palette: (8, 3) float32 linear RGB of `PAINT_0` to `PAINT_7`.
    """

    parts: tuple[Part, ...]
    box_center_m: F32
    box_extent_m: F32
    palette: F32
