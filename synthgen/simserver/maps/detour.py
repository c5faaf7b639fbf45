"""Write a Detour navigation mesh that the client's own Recast code loads.

Source: recastnavigation, DetourNavMesh.h (one tile, version 7, 32-bit references) in the tile
set container of its sample ("MSET", version 1).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

_SET_MAGIC, _SET_VERSION = 0x4D534554, 1
_TILE_MAGIC, _TILE_VERSION = 0x444E4156, 7
_AGENT_HEIGHT_M, _AGENT_RADIUS_M, _AGENT_CLIMB_M = 1.8, 0.3, 0.5
_MAX_VERTICES = 65_000
_TILE_BITS = 2
# Corners of neighbouring polygons closer than this are one vertex.
_MERGE_M = 0.06


class Area(Enum):
    """What CARLA's pedestrian navigation knows: area id and polygon flag."""

    SIDEWALK = (1, 2)
    CROSSWALK = (2, 4)
    ROAD = (3, 8)


@dataclass(frozen=True, eq=False, slots=True)
class NavPolygon:
    """A convex polygon of 3 to 6 corners, (K, 3) in CARLA's map frame."""

    area: Area
    corners_m: F64


def detour_bytes(polygons: list[NavPolygon]) -> bytes:
    """The tile set; empty where there is nothing to walk on.

    Polygons that have an edge in common (equal corners) are neighbours; of several behind one
    edge a crosswalk comes before a sidewalk and a sidewalk before a road.
    """
    vertices, faces = _share_vertices(polygons)
    if not faces or len(vertices) > _MAX_VERTICES:
        return b""
    neighbours = _neighbours(faces)
    links = sum(len(ids) for _, ids in faces)
    polys, details, triangles = bytearray(), bytearray(), bytearray()
    for (area, ids), beside in zip(faces, neighbours, strict=True):
        area_id, flag = area.value
        pad = [0] * (6 - len(ids))
        polys += struct.pack(
            "<I6H6HHBB", 0, *ids, *pad, *(k + 1 for k in beside), *pad, flag, len(ids), area_id
        )
        details += struct.pack("<IIBBxx", 0, len(triangles) // 4, 0, len(ids) - 2)
        for j in range(1, len(ids) - 1):
            # Two bits an edge say that it is the polygon's border; the client crashes without.
            border = (1 if j == 1 else 0) | 4 | (16 if j == len(ids) - 2 else 0)
            triangles += struct.pack("4B", 0, j, j + 1, border)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    low[1], high[1] = low[1] - 2.0, high[1] + 2.0
    count = len(faces)
    header = struct.pack(
        "<5iI9i3f6ff",
        *(_TILE_MAGIC, _TILE_VERSION, 0, 0, 0, 0, count, len(vertices), links, count),
        *(0, len(triangles) // 4, 0, 0, count),
        *(_AGENT_HEIGHT_M, _AGENT_RADIUS_M, _AGENT_CLIMB_M),
        *(*low, *high, 1.0 / _AGENT_RADIUS_M),
    )
    tile = b"".join(
        [header, vertices.astype("<f4").tobytes(), polys, bytes(12 * links), details, triangles]
    )
    poly_bits = max(1, (count - 1).bit_length())
    size = high - low
    return b"".join(
        [
            struct.pack("<3i", _SET_MAGIC, _SET_VERSION, 1),
            struct.pack("<5f2i", *low, size[0], size[2], 1 << _TILE_BITS, 1 << poly_bits),
            # Salt 1, tile 0: a reference must not be 0.
            struct.pack("<Ii", 1 << (poly_bits + _TILE_BITS), len(tile)),
            tile,
        ]
    )


def _share_vertices(
    polygons: list[NavPolygon],
) -> tuple[F64, list[tuple[Area, list[int]]]]:
    """Detour vertices (x, up, y) and polygons as vertex ids in Detour's winding."""
    if not polygons:
        return np.zeros((0, 3)), []
    corners = np.concatenate([p.corners_m for p in polygons])
    _, used, index = np.unique(_first_of_cluster(corners), return_index=True, return_inverse=True)
    vertices = corners[used][:, [0, 2, 1]]
    faces: list[tuple[Area, list[int]]] = []
    first = 0
    for polygon in polygons:
        last = first + len(polygon.corners_m)
        ids = [int(i) for i in index[first:last]]
        first = last
        ids = [i for k, i in enumerate(ids) if i != ids[k - 1]]
        if len(ids) >= 3 and len(set(ids)) == len(ids):
            turn = _winding(vertices, ids)
            if abs(turn) > 1e-3:
                faces.append((polygon.area, ids if turn > 0 else ids[::-1]))
    return vertices, faces


def _first_of_cluster(points: F64) -> NDArray[np.intp]:
    """(N,) for each point the first one that a chain of steps within the merging gap leads to."""
    # Near points are near along any line, too; few roads are square to this one.
    along = points[:, 0] * np.cos(1.0) + points[:, 1] * np.sin(1.0)
    order = np.argsort(along, kind="stable")
    along, sorted_points = along[order], points[order]
    first = np.arange(len(points))
    pairs = []
    for ahead in range(1, len(points)):
        near = np.flatnonzero(along[ahead:] - along[:-ahead] <= _MERGE_M)
        if not len(near):
            break
        gap_m = np.linalg.norm(sorted_points[near + ahead] - sorted_points[near], axis=1)
        near = near[gap_m <= _MERGE_M]
        pairs.append(np.stack([order[near], order[near + ahead]]))
    one, other = np.concatenate([np.zeros((2, 0), np.intp), *pairs], axis=1)
    while True:
        least = np.minimum(first[one], first[other])
        before = first.copy()
        np.minimum.at(first, one, least)
        np.minimum.at(first, other, least)
        if np.array_equal(first, before):
            return first


def _winding(vertices: F64, ids: list[int]) -> float:
    a, b, c = vertices[ids[0]], vertices[ids[1:-1]], vertices[ids[2:]]
    return float(((c[:, 0] - a[0]) * (b[:, 2] - a[2]) - (b[:, 0] - a[0]) * (c[:, 2] - a[2])).sum())


_PREFERENCE = {Area.CROSSWALK: 0, Area.SIDEWALK: 1, Area.ROAD: 2}


def _neighbours(faces: list[tuple[Area, list[int]]]) -> list[list[int]]:
    """For each edge the polygon behind it, -1 for none; neighbours always name each other."""
    behind: dict[tuple[int, int], list[int]] = {}
    for i, (_, ids) in enumerate(faces):
        for a, b in zip(ids, [*ids[1:], ids[0]], strict=True):
            behind.setdefault((min(a, b), max(a, b)), []).append(i)
    partner: dict[tuple[tuple[int, int], int], int] = {}
    for edge, owners in behind.items():
        ranked = sorted(owners, key=lambda i: (_PREFERENCE[faces[i][0]], i))
        # A crosswalk meets its sidewalk, two sidewalks meet, before a road gets its turn.
        if len(ranked) >= 2:
            partner[edge, ranked[0]], partner[edge, ranked[1]] = ranked[1], ranked[0]
    return [
        [
            partner.get(((min(a, b), max(a, b)), i), -1)
            for a, b in zip(ids, [*ids[1:], ids[0]], strict=True)
        ]
        for i, (_, ids) in enumerate(faces)
    ]
