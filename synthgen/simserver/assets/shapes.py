"""Triangle shapes and how to make, move and join them.

All shapes face outward: `cross(b - a, c - a)` of a triangle points away from the solid.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthgen.simserver.scene import Material, Tag

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]


@dataclass(frozen=True, eq=False, slots=True)
class Shape:
    """Triangles on the way to a mesh.

    Attributes:
        vertices_m: (V, 3) float64.
        triangles: (T, 3) int64 vertex indices.
        material: (T,) uint8, a `Material` each.
        tag: (T,) uint8, a `Tag` each; `Tag.NONE` where the model's own tag holds.
    """

    vertices_m: F64
    triangles: I64
    material: U8
    tag: U8

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Shape:
        """This shape, shifted."""
        return replace(self, vertices_m=self.vertices_m + np.array([x, y, z]))

    def scaled(self, x: float, y: float, z: float) -> Shape:
        """This shape, stretched by positive factors along the axes."""
        return replace(self, vertices_m=self.vertices_m * (x, y, z))

    def turned(self, axis: str, degrees: float) -> Shape:
        """This shape, turned about a coordinate axis: `z` takes x to y, `y` z to x, `x` y to z."""
        return replace(self, vertices_m=self.vertices_m @ rotation(axis, degrees).T)

    def mirrored(self) -> Shape:
        """This shape reflected in the plane y = 0, still facing outward."""
        return replace(
            self, vertices_m=self.vertices_m * (1, -1, 1), triangles=self.triangles[:, ::-1]
        )

    def both_sides(self) -> Shape:
        """This shape and its mirror image in the plane y = 0."""
        return join([self, self.mirrored()])

    def flipped(self) -> Shape:
        """This shape facing the other way."""
        return replace(self, triangles=self.triangles[:, ::-1])

    def made_of(self, material: Material) -> Shape:
        """This shape in one material."""
        return replace(self, material=np.full(len(self.triangles), material, np.uint8))

    def tagged(self, tag: Tag) -> Shape:
        """This shape with one semantic tag."""
        return replace(self, tag=np.full(len(self.triangles), tag, np.uint8))

    def where(self, keep: NDArray[np.bool_]) -> Shape:
        """The triangles for which a (T,) mask is true."""
        return replace(
            self,
            triangles=self.triangles[keep],
            material=self.material[keep],
            tag=self.tag[keep],
        )

    def bounds_m(self) -> F64:
        """(2, 3) smallest and largest coordinates of the vertices in use."""
        used = self.vertices_m[np.unique(self.triangles)]
        return np.stack([used.min(axis=0), used.max(axis=0)])

    def fitted(self, low: ArrayLike, high: ArrayLike) -> Shape:
        """This shape stretched so that its bounds become `low` and `high`."""
        old_low, old_high = self.bounds_m()
        low, high = np.asarray(low, float), np.asarray(high, float)
        scale = (high - low) / np.maximum(old_high - old_low, 1e-9)
        return replace(self, vertices_m=low + (self.vertices_m - old_low) * scale)


def rotation(axis: str, degrees: float) -> F64:
    """(3, 3) rotation about `x`, `y` or `z`, in the sense of `Shape.turned`."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    rows = {
        "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
        "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }
    return np.array(rows[axis], np.float64)


def make(vertices: ArrayLike, triangles: ArrayLike, material: Material) -> Shape:
    """A shape of one material from vertex and index lists."""
    faces = np.asarray(triangles, np.int64).reshape(-1, 3)
    return Shape(
        np.asarray(vertices, np.float64).reshape(-1, 3),
        faces,
        np.full(len(faces), material, np.uint8),
        np.zeros(len(faces), np.uint8),
    )


def join(shapes: Iterable[Shape]) -> Shape:
    """All shapes as one."""
    parts = list(shapes)
    if not parts:
        return make([], [], Material.PLASTIC)
    first = np.cumsum([0] + [len(p.vertices_m) for p in parts[:-1]])
    return Shape(
        np.concatenate([p.vertices_m for p in parts]),
        np.concatenate([p.triangles + n for p, n in zip(parts, first, strict=True)]),
        np.concatenate([p.material for p in parts]),
        np.concatenate([p.tag for p in parts]),
    )


def grid(points: ArrayLike, material: Material, *, closed: bool = False) -> Shape:
    """A sheet over an (M, N, 3) grid of points, facing `cross(along M, along N)`.

    Args:
        points: Grid of points.
        material: Its material.
        closed: Join the last column to the first.
    """
    at = np.asarray(points, np.float64)
    m, n = at.shape[:2]
    i, j = np.meshgrid(np.arange(m - 1), np.arange(n if closed else n - 1), indexing="ij")
    k = (j + 1) % n
    a, b, c, d = i * n + j, (i + 1) * n + j, (i + 1) * n + k, i * n + k
    faces = np.stack([a, b, c, a, c, d], axis=-1).reshape(-1, 3)
    return make(at.reshape(-1, 3), faces, material)


def drop_slivers(shape: Shape) -> Shape:
    """The shape without triangles lower than 10 um, which single precision would flatten."""
    a, b, c = (shape.vertices_m[shape.triangles[:, k]] for k in range(3))
    sides = np.stack([b - a, c - b, a - c])
    longest = np.sqrt((sides**2).sum(axis=2).max(axis=0))
    area = np.linalg.norm(np.cross(sides[0], -sides[2]), axis=1)
    return shape.where(area > 1e-5 * longest)


def box(size: ArrayLike, material: Material, at: ArrayLike = (0, 0, 0)) -> Shape:
    """A box of a full size around a centre."""
    half = np.asarray(size, np.float64) / 2
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    faces = [
        (0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3),
    ]  # fmt: skip
    tris = [t for a, b, c, d in faces for t in ((a, b, c), (a, c, d))]
    return make(corners * half + np.asarray(at, float), tris, material)


def slab(low: ArrayLike, high: ArrayLike, material: Material) -> Shape:
    """A box between two corners."""
    low, high = np.asarray(low, float), np.asarray(high, float)
    return box(high - low, material, (low + high) / 2)


def rounded_box(
    size: ArrayLike, radius: float, material: Material, at: ArrayLike = (0, 0, 0), steps: int = 2
) -> Shape:
    """A box whose vertical edges and rims are rounded.

    Args:
        size: Full size.
        radius: Of the rounding; cut to the half size.
        material: Its material.
        at: Its centre.
        steps: Facets per quarter turn.
    """
    half = np.asarray(size, np.float64) / 2
    r = min(radius, *half)
    quarter = np.linspace(0, np.pi / 2, steps + 1)
    turn = np.concatenate([quarter + k * np.pi / 2 for k in range(4)])
    sign = np.repeat([[1, 1], [-1, 1], [-1, -1], [1, -1]], steps + 1, axis=0)
    rim = np.concatenate([quarter - np.pi / 2, quarter])
    up = np.repeat([-1, 1], steps + 1)
    rings = []
    for angle, side in zip(rim, up, strict=True):
        reach = r * np.cos(angle)
        xy = sign * (half[:2] - r) + reach * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        rings.append(np.column_stack([xy, np.full(len(xy), side * (half[2] - r)
                                                  + r * np.sin(angle))]))  # fmt: skip
    sides = grid(np.array(rings), material, closed=True).flipped()
    caps = [fan(rings[0], material).flipped(), fan(rings[-1], material)]
    return join([sides, *caps]).moved(*np.asarray(at, float))


def fan(ring: ArrayLike, material: Material) -> Shape:
    """A flat convex polygon, facing up its anticlockwise side."""
    points = np.asarray(ring, np.float64)
    k = np.arange(1, len(points) - 1)
    return make(points, np.stack([np.zeros_like(k), k, k + 1], axis=1), material)


def lathe(profile: ArrayLike, material: Material, *, sides: int = 16, axis: str = "z") -> Shape:
    """A solid of revolution.

    Args:
        profile: (N, 2) radius and height, from bottom to top for an outward surface.
        material: Its material.
        sides: Facets around.
        axis: `x`, `y` or `z`, the axis that height runs along.
    """
    line = np.asarray(profile, np.float64)
    turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    xy = line[:, None, :1] * ring[None]
    z = np.broadcast_to(line[:, None, 1:], (*xy.shape[:2], 1))
    shape = grid(np.concatenate([xy, z], axis=2), material, closed=True).flipped()
    order = {"z": [0, 1, 2], "y": [1, 2, 0], "x": [2, 0, 1]}[axis]
    return replace(shape, vertices_m=shape.vertices_m[:, order])


def cylinder(
    radius: float, height: float, material: Material, *, sides: int = 12, axis: str = "z"
) -> Shape:
    """A closed cylinder centred on the origin."""
    h = height / 2
    profile = [(0, -h), (radius, -h), (radius, h), (0, h)]
    return lathe(profile, material, sides=sides, axis=axis)


def ellipsoid(
    radii: ArrayLike, material: Material, at: ArrayLike = (0, 0, 0), *, rings: int = 8
) -> Shape:
    """An ellipsoid around a centre, twice as many facets around as from pole to pole."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, rings + 1)
    profile = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    profile[[0, -1], 0] = 0
    ball = lathe(profile, material, sides=max(6, rings * 2))
    return ball.scaled(*np.asarray(radii, float)).moved(*np.asarray(at, float))


def tube(
    path: ArrayLike, radius: ArrayLike, material: Material, *, sides: int = 6, capped: bool = True
) -> Shape:
    """A round bar along a polyline.

    Args:
        path: (N, 3) points.
        radius: One for all points, or (N,), or (N, 2) across and along the frame's two normals.
        material: Its material.
        sides: Facets around.
        capped: Close both ends.
    """
    line = np.asarray(path, np.float64)
    n = len(line)
    radii = np.asarray(radius, np.float64)
    radii = radii.reshape(-1, 1) if radii.ndim == 1 else radii
    radii = np.broadcast_to(radii, (n, 2))
    tangent = np.gradient(line, axis=0) if n > 2 else np.repeat(line[1:] - line[:1], 2, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    side = np.array([0, 1.0, 0]) if abs(tangent[0, 1]) < 0.9 else np.array([1.0, 0, 0])
    across = np.empty_like(line)
    for k, way in enumerate(tangent):
        # Carry the frame along, so that the bar does not twist.
        side = side - way * float(way @ side)
        side /= np.linalg.norm(side)
        across[k] = side
    along = np.cross(tangent, across)
    turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    rings = (
        line[:, None]
        + np.cos(turn)[None, :, None] * (across * radii[:, :1])[:, None]
        + np.sin(turn)[None, :, None] * (along * radii[:, 1:])[:, None]
    )
    parts = [grid(rings, material, closed=True).flipped()]
    if capped:
        parts += [fan(rings[0], material).flipped(), fan(rings[-1], material)]
    return join(parts)


def extrude(outline: ArrayLike, thickness: float, material: Material) -> Shape:
    """A plate from an anticlockwise convex or star-shaped outline in the x-y plane.

    The plate spans z from 0 to `thickness`; star-shaped is as seen from the mean point.
    """
    ring = np.asarray(outline, np.float64)
    n = len(ring)
    middle = ring.mean(axis=0)
    low = np.column_stack([np.vstack([ring, middle]), np.zeros(n + 1)])
    high = low + np.array([0, 0, thickness])
    k = np.arange(n)
    top = np.stack([k, (k + 1) % n, np.full(n, n)], axis=1)
    cover = [make(high, top, material), make(low, top[:, ::-1], material)]
    wall = grid(np.stack([low[:-1], high[:-1]]), material, closed=True).flipped()
    return join([*cover, wall])


def spline(knots: ArrayLike, at: ArrayLike) -> F64:
    """Values of a monotone-safe smooth curve through (x, value) knots, flat beyond the ends.

    Piecewise cubic Hermite with harmonic-mean slopes (Fritsch and Butland 1984), so that a
    profile never overshoots its knots.
    """
    x, y = np.asarray(knots, np.float64).T
    t = np.clip(np.asarray(at, np.float64), x[0], x[-1])
    step, rise = np.diff(x), np.diff(y)
    slope = rise / step
    d = np.zeros_like(y)
    before, after = slope[:-1], slope[1:]
    same = before * after > 0
    total = np.where(same, before + after, 1.0)
    d[1:-1] = np.where(same, 2 * before * after / total, 0.0)
    d[0], d[-1] = slope[0], slope[-1]
    k = np.clip(np.searchsorted(x, t, side="right") - 1, 0, len(x) - 2)
    u = (t - x[k]) / step[k]
    h = step[k]
    value: F64 = (
        y[k] * (1 + 2 * u) * (1 - u) ** 2
        + d[k] * h * u * (1 - u) ** 2
        + y[k + 1] * u**2 * (3 - 2 * u)
        + d[k + 1] * h * u**2 * (u - 1)
    )
    return value


def lines(knots: ArrayLike, at: ArrayLike) -> F64:
    """Values of the polyline through (x, value) knots, flat beyond the ends."""
    x, y = np.asarray(knots, np.float64).T
    return np.asarray(np.interp(np.asarray(at, np.float64), x, y), np.float64)
