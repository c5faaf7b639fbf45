"""What a town is once it is built: meshes, ground, objects, signals, spawn points.

Positions are in CARLA's map frame: x forward, y right, z up, metres; rotations are
(pitch, yaw, roll) in degrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.scene import Mesh, Tag

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]


class MapError(ValueError):
    """An OpenDRIVE text that no town can be built from."""


class SurfaceKind(IntEnum):
    """What lies under a wheel or a foot."""

    TERRAIN = 0
    ROAD = 1
    PARKING = 2
    SHOULDER = 3
    SIDEWALK = 4
    MEDIAN = 5


@dataclass(frozen=True, slots=True)
class Pose:
    """A place and a direction in CARLA's map frame.

    Attributes:
        location_m: x, y, z.
        rotation_deg: pitch, yaw, roll.
    """

    location_m: tuple[float, float, float]
    rotation_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def yaw_deg(self) -> float:
        """Direction in the plane, degrees, clockwise seen from above."""
        return self.rotation_deg[1]


@dataclass(frozen=True, eq=False, slots=True)
class GroundGrid:
    """Heights of the ground at the nodes of a regular grid.

    Node (row, col) lies at `origin_m + cell_m * (col, row)`.

    Attributes:
        origin_m: (2,) float64 x and y of node (0, 0).
        cell_m: Distance of two nodes.
        z_m: (H, W) float32 height of the lowest surface that carries traffic, or terrain.
        kind: (H, W) uint8, a `SurfaceKind` each.
        decks_m: (K, H, W) float32 heights of the bridge decks above, from below, NaN where there
            is none; None for a town without bridges.
    """

    origin_m: F64
    cell_m: float
    z_m: F32
    kind: U8
    decks_m: F32 | None = None

    def __call__(self, xy_m: F64) -> tuple[F64, F64, U8]:
        """Height, normal and surface kind at points; beyond the grid its edge goes on.

        Args:
            xy_m: (N, 2) map coordinates.

        Returns:
            (N,) z in metres, (N, 3) unit normals, (N,) uint8 `SurfaceKind`.
        """
        row, col, u, v = self._cells(xy_m)
        (z00, z01), (z10, z11) = self._corners_m(row, col)
        z = (z00 * (1 - u) + z01 * u) * (1 - v) + (z10 * (1 - u) + z11 * u) * v
        slope_x = ((z01 - z00) * (1 - v) + (z11 - z10) * v) / self.cell_m
        slope_y = ((z10 - z00) * (1 - u) + (z11 - z01) * u) / self.cell_m
        normal = np.stack([-slope_x, -slope_y, np.ones_like(z)], axis=1)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        return z, normal, self.kind[row + (v > 0.5), col + (u > 0.5)]

    def height_m(self, xy_m: F64) -> F64:
        """(N,) height alone at (N, 2) points."""
        row, col, u, v = self._cells(xy_m)
        (z00, z01), (z10, z11) = self._corners_m(row, col)
        return (z00 * (1 - u) + z01 * u) * (1 - v) + (z10 * (1 - u) + z11 * u) * v

    def _cells(self, xy_m: F64) -> tuple[I64, I64, F64, F64]:
        """Row and column of each point's cell, and its place in it."""
        xy = np.atleast_2d(np.asarray(xy_m, dtype=np.float64))
        rows, cols = self.z_m.shape
        grid = np.clip((xy - self.origin_m) / self.cell_m, 0.0, [cols - 1.001, rows - 1.001])
        col, row = grid.astype(np.int64).T
        u, v = (grid - np.stack([col, row], axis=1)).T
        return row, col, u, v

    def _corners_m(self, row: I64, col: I64) -> tuple[tuple[F64, F64], tuple[F64, F64]]:
        z_m = self.z_m
        low = z_m[row, col].astype(float), z_m[row, col + 1].astype(float)
        return low, (z_m[row + 1, col].astype(float), z_m[row + 1, col + 1].astype(float))


@dataclass(frozen=True, eq=False, slots=True)
class EnvironmentObject:
    """A thing of the town that is no actor: a building, a tree, a parked car, a pole.

    Attributes:
        index: Place in `TownMap.objects`; triangles of the static mesh that belong to it
            carry `index + 1` in `object_index`.
        name: Unique name, like `Building_12`.
        tag: What it is to a semantic camera.
        pose: Where its model's origin stands.
        box_center_m: (3,) float64 centre of its box in the map frame.
        box_extent_m: (3,) float64 half sizes of its box along the box's own axes.
        box_rotation_deg: pitch, yaw, roll of the box.
        model_key: Key for `assets.model_of` (a blueprint id or `scenery.…`), or None where its
            triangles are part of the static mesh.
        attributes: Attributes for `assets.model_of`.
        variant: Seed of its look.
        is_solid: Whether vehicles bump into it.
    """

    index: int
    name: str
    tag: Tag
    pose: Pose
    box_center_m: F64
    box_extent_m: F64
    box_rotation_deg: tuple[float, float, float]
    model_key: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    variant: int = 0
    is_solid: bool = True


@dataclass(frozen=True, eq=False, slots=True)
class OrientedBoxes:
    """Upright boxes that vehicles collide with.

    Attributes:
        center_m: (N, 3) float64.
        extent_m: (N, 3) float64 half sizes along the box's own axes.
        yaw_rad: (N,) float64, CARLA's sense (clockwise seen from above).
        object_index: (N,) int32 index into `TownMap.objects`, -1 for a guard rail or fence
            that belongs to none.
    """

    center_m: F64
    extent_m: F64
    yaw_rad: F64
    object_index: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Approach:
    """One lane that obeys a signal, at the point where it meets the stop line.

    Attributes:
        road_id: OpenDRIVE road of the lane.
        section: Number of its lane section.
        lane_id: OpenDRIVE lane.
        pose: Lane centre at the stop line, yaw along the traffic.
        half_width_m: Half the lane's width.
    """

    road_id: str
    section: int
    lane_id: int
    pose: Pose
    half_width_m: float


@dataclass(frozen=True, eq=False, slots=True)
class Signal:
    """One traffic light, stop, yield or speed sign: one actor, however many landmarks share it.

    The pose stands on the ground at the foot of the post; as with CARLA's own lights the x
    axis lies across the lanes (yaw = direction of the traffic + 90), so the face looks along
    the actor's +y, towards the drivers.

    Attributes:
        signal_id: OpenDRIVE id, which is the actor's `sign_id`; of a speed sign that the file
            lists as an object, that object's id, as in the client's landmarks.
        type_id: Blueprint: `traffic.traffic_light`, `traffic.stop`, `traffic.yield` or
            `traffic.speed_limit.<value>`.
        pose: Foot of the post.
        trigger_center_m: (3,) float64 centre of the trigger volume in the actor's frame.
        trigger_extent_m: (3,) float64 half sizes of the trigger volume along the actor's axes.
        head_height_m: Height of the head's or sign's centre above the foot.
        arm_m: How far the head hangs over the road from the post, along the actor's -x.
        group: Junction that the light belongs to; lights of one group take turns.
        phase: Turn within the group; lights of one group and phase show the same.
        approaches: Lanes that obey it.
        value: Speed limit of a speed sign in the file's unit, else 0.
        conflicts: (N, 3) float64 x, y and direction (radians) along the ways through the junction
            that traffic at a stop or yield sign waits for.
    """

    signal_id: str
    type_id: str
    pose: Pose
    trigger_center_m: F64
    trigger_extent_m: F64
    head_height_m: float = 5.0
    arm_m: float = 0.0
    group: str = ""
    phase: int = 0
    approaches: tuple[Approach, ...] = ()
    value: float = 0.0
    conflicts: F64 = field(default_factory=lambda: np.zeros((0, 3)))


@dataclass(frozen=True, slots=True)
class StreetLight:
    """A lamp of the street lighting.

    Attributes:
        location_m: Where the light comes from.
        color: RGB, 0 to 255.
        intensity_lm: Luminous flux.
        object_index: Its pole in `TownMap.objects`.
    """

    location_m: tuple[float, float, float]
    color: tuple[int, int, int]
    intensity_lm: float
    object_index: int


@dataclass(frozen=True, eq=False, slots=True)
class Sidewalk:
    """A strip for pedestrians.

    Attributes:
        road_id: OpenDRIVE road.
        lane_id: OpenDRIVE lane.
        centre_m: (N, 3) float64 points along its middle.
        width_m: (N,) float64.
    """

    road_id: str
    lane_id: int
    centre_m: F64
    width_m: F64


@dataclass(frozen=True, slots=True)
class SceneryInstance:
    """One copy of a repeated model, for the renderer.

    Attributes:
        model_key: Key for `assets.model_of`.
        attributes: Attributes for `assets.model_of`.
        variant: Seed of its look.
        pose: Where it stands.
        object_index: Its place in `TownMap.objects`.
    """

    model_key: str
    attributes: Mapping[str, str]
    variant: int
    pose: Pose
    object_index: int


@dataclass(frozen=True, eq=False, slots=True)
class TownMap:
    """Everything the server knows of a town before an actor enters it.

    Attributes:
        name: Name under which it was asked for.
        xodr: The OpenDRIVE text.
        static: Geometry that never moves, map frame.
        ground: Heights and surface kinds.
        objects: Environment objects, each at its own index.
        spawn_points: Places for vehicles, on driving lanes outside junctions.
        signals: Lights and signs.
        crosswalks: (K, 3) float64 polygons.
        street_lights: Lamps.
        sidewalks: Strips for pedestrians.
        static_boxes: Boxes that vehicles collide with.
        navmesh: Detour tile set for the client's pedestrian navigation; empty when the town has
            no sidewalk.
    """

    name: str
    xodr: str
    static: Mesh
    ground: GroundGrid
    objects: tuple[EnvironmentObject, ...]
    spawn_points: tuple[Pose, ...]
    signals: tuple[Signal, ...]
    crosswalks: tuple[F64, ...]
    street_lights: tuple[StreetLight, ...]
    sidewalks: tuple[Sidewalk, ...]
    static_boxes: OrientedBoxes
    navmesh: bytes

    @property
    def scenery_instances(self) -> tuple[SceneryInstance, ...]:
        """The objects drawn from models: trees, poles, signs, parked vehicles."""
        return tuple(
            SceneryInstance(o.model_key, o.attributes, o.variant, o.pose, o.index)
            for o in self.objects
            if o.model_key is not None
        )
