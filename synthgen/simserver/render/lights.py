"""Lamps that light the scene at night: street lamps and the lamps of vehicles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.simserver.render.grids import Grid, grid_of
from synthgen.simserver.render.records import F32, F64
from synthgen.simserver.render.shading import BODIES_PER_CELL, LAMP_COLUMNS, LAMPS_PER_CELL
from synthgen.simserver.scene import Material, Mesh

# Bodies of a half breadth below this have legs or two wheels.
_NARROW_M = 0.6


@dataclass(frozen=True, slots=True)
class Beam:
    """How one kind of vehicle lamp shines.

    Attributes:
        bits: Light-state bits that switch it on.
        rgb: Colour times strength.
        edge: Cosine at which the cone ends.
        core: Cosine at which it has its full strength.
        reach_m: Distance at which it ends.
        tilt: z of the beam's direction for a level lamp.
    """

    bits: int
    rgb: tuple[float, float, float]
    edge: float
    core: float
    reach_m: float
    tilt: float


# Strengths are chosen by eye against the street lamps; cones after ECE R112 beam patterns
# (low beam about 30 degrees to each side, cut off at the horizon).
BEAMS: tuple[tuple[Material, Beam], ...] = (
    (Material.HEADLAMP, Beam(2 | 4, (26.0, 24.5, 21.5), 0.84, 0.985, 55.0, -0.055)),
    (Material.TAIL_LAMP, Beam(1 | 2 | 4, (0.12, 0.006, 0.004), -0.2, 0.6, 5.0, -0.1)),
    (Material.BRAKE_LAMP, Beam(8, (0.7, 0.03, 0.02), -0.2, 0.6, 9.0, -0.1)),
    (Material.INDICATOR_LEFT, Beam(0x20, (0.35, 0.15, 0.01), -0.2, 0.6, 6.0, -0.1)),
    (Material.INDICATOR_RIGHT, Beam(0x10, (0.35, 0.15, 0.01), -0.2, 0.6, 6.0, -0.1)),
    (Material.REVERSE_LAMP, Beam(0x40, (1.2, 1.15, 1.0), 0.2, 0.8, 9.0, -0.2)),
)
_STREET_RGB = 7.0
_STREET_REACH_M = 26.0


def lamps_of(mesh: Mesh) -> tuple[tuple[Beam, F64, F64], ...]:
    """(beam, position, direction) of each lamp of a mesh, in its own frame.

    Triangles of one lamp material on one side of the part's x axis make one lamp.
    """
    found = []
    for material, beam in BEAMS:
        chosen = mesh.triangles[mesh.material == material]
        if len(chosen) == 0:
            continue
        corners = mesh.vertices_m[chosen].astype(np.float64)
        centres = corners.mean(axis=1)
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        for side in (centres[:, 1] < 0.0, centres[:, 1] >= 0.0):
            if not side.any():
                continue
            forward = 1.0 if normals[side, 0].sum() >= 0.0 else -1.0
            at = centres[side].mean(axis=0) + np.array([0.12 * forward, 0.0, 0.0])
            found.append((beam, at, np.array([forward, 0.0, beam.tilt])))
    return tuple(found)


def street_lamps(street_lights: F32 | None) -> F64:
    """(L, LAMP_COLUMNS) rows of street lamps that shine down."""
    if street_lights is None or len(street_lights) == 0:
        return np.zeros((0, LAMP_COLUMNS))
    rows = np.zeros((len(street_lights), LAMP_COLUMNS))
    rows[:, 0:3] = street_lights[:, 0:3]
    rows[:, 2] -= 0.35
    rows[:, 3:6] = (0.0, 0.0, -1.0)
    rows[:, 6:9] = (0.05, 0.85, _STREET_REACH_M**2)
    rows[:, 9:12] = street_lights[:, 3:6] * street_lights[:, 6:7] * _STREET_RGB
    return rows


def lamp_row(beam: Beam, at: F64, towards: F64) -> F64:
    """(LAMP_COLUMNS,) row of one vehicle lamp, map frame."""
    direction = towards / np.linalg.norm(towards)
    return np.array([*at, *direction, beam.edge, beam.core, beam.reach_m**2, *beam.rgb])


def lamp_grid(lamps: F64) -> Grid:
    """Which lamps reach each cell of the ground plan."""
    return grid_of(
        lamps[:, :2],
        np.sqrt(lamps[:, 8]),
        lamps[:, 9:12].max(axis=1),
        room=LAMPS_PER_CELL,
        cell_m=10.0,
    )


def body_grid(bodies: F64) -> Grid:
    """Which bodies shade each cell of the ground plan."""
    reach = np.hypot(bodies[:, 4], bodies[:, 5]) + 2.5 * bodies[:, 7]
    return grid_of(bodies[:, :2], reach, reach, room=BODIES_PER_CELL, cell_m=6.0)


def body_row(map_from_actor: F64, center_m: F64, extent_m: F64) -> F64:
    """(BODY_COLUMNS,) the footprint of an actor's box."""
    yaw = np.arctan2(map_from_actor[1, 0], map_from_actor[0, 0])
    foot = map_from_actor[:, :3] @ (center_m - (0.0, 0.0, extent_m[2])) + map_from_actor[:, 3]
    half = 0.92 * extent_m
    # People and two-wheelers are hollow boxes: legs and wheels fill half of their breadth.
    narrow = min(half[0], half[1]) < _NARROW_M
    solid, clear = (0.5, 0.45) if narrow else (1.0, 0.22)
    at = [foot[0], foot[1], np.cos(yaw), np.sin(yaw)]
    return np.array([*at, half[0], solid * half[1], foot[2], 2.0 * extent_m[2], clear])
