"""Lamps that light the scene at night: street lamps and the lamps of vehicles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.simserver.render.records import F32, F64, I32
from synthgen.simserver.render.shading import LAMP_COLUMNS, LAMPS_PER_CELL
from synthgen.simserver.scene import Material, Mesh

CELL_M = 10.0
MAX_CELLS_A_SIDE = 192


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


def light_grid(lamps: F64) -> tuple[I32, tuple[float, float, float, float]]:
    """Which lamps reach each cell of the ground plan.

    Returns:
        (cells, LAMPS_PER_CELL) int32 rows of `lamps`, strongest first, -1 behind the last;
        and the grid: origin x, y, cells per metre, cells a side.
    """
    if len(lamps) == 0:
        return np.full((1, LAMPS_PER_CELL), -1, np.int32), (0.0, 0.0, 1e-9, 1.0)
    reach = np.sqrt(lamps[:, 8])
    low = (lamps[:, :2] - reach[:, None]).min(axis=0)
    high = (lamps[:, :2] + reach[:, None]).max(axis=0)
    size = max(CELL_M, float((high - low).max()) / MAX_CELLS_A_SIDE)
    side = int(np.ceil((high - low).max() / size)) + 1
    cells = np.full((side * side, LAMPS_PER_CELL), -1, np.int32)
    score = np.zeros((side * side, LAMPS_PER_CELL))
    centres: F64 = np.asarray((np.arange(side) + 0.5) * size, np.float64)
    for k, lamp in enumerate(lamps):
        _enter(cells, score, k, lamp, low, centres, size)
    return cells, (float(low[0]), float(low[1]), 1.0 / size, float(side))


def _enter(cells: I32, score: F64, k: int, lamp: F64, low: F64, centres: F64, size: float) -> None:
    """Enter one lamp into the cells it reaches; the weakest of a full cell gives way."""
    side = len(centres)
    reach = float(np.sqrt(lamp[8]))
    first = np.maximum(((lamp[:2] - reach - low) / size).astype(int), 0)
    last = np.minimum(((lamp[:2] + reach - low) / size).astype(int) + 1, side)
    x = low[0] + centres[first[0] : last[0]] - lamp[0]
    y = low[1] + centres[first[1] : last[1]] - lamp[1]
    far2 = x[None, :] ** 2 + y[:, None] ** 2
    row, column = np.nonzero(far2 <= (reach + 0.71 * size) ** 2)
    target = (row + first[1]) * side + column + first[0]
    strength = lamp[9:12].max() / (far2[row, column] + size)
    weakest = np.where(cells[target] < 0, -1.0, score[target]).argmin(axis=1)
    better = (cells[target, weakest] < 0) | (score[target, weakest] < strength)
    target, weakest = target[better], weakest[better]
    full = cells[target] < 0
    # The first free place keeps the row dense: a -1 ends it.
    place = np.where(full.any(axis=1), full.argmax(axis=1), weakest)
    cells[target, place] = k
    score[target, place] = strength[better]
