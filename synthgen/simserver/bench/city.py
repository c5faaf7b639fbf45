"""The scene of the benches: a city of 0.8 million triangles and 100 actors, from one seed.

It is plain on purpose and uses none of the server's towns or models, so that its figures
compare over time and with other renderers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.render.self_test import box
from synthgen.simserver.scene import F32, I32, Material, Mesh, Model, Part, Tag

F64 = NDArray[np.float64]

HALF_M = 200.0
PITCH_M = 80.0
ROAD_M = 7.0
WALK_M = 5.0
CARS, PEOPLE = 60, 40


@dataclass(frozen=True, eq=False, slots=True)
class City:
    """Static mesh, actors and how they move.

    Attributes:
        static: Map geometry.
        models: One for each actor; cars first.
        lanes: (A, 4) float64: 1 for a road along y, distance off the origin, start, speed.
    """

    static: Mesh
    models: tuple[Model, ...]
    lanes: F64

    def poses(self, seconds: float) -> list[F32]:
        """(P, 3, 4) float32 of each actor's parts."""
        return [
            _poses(model, lane, seconds)
            for model, lane in zip(self.models, self.lanes, strict=True)
        ]

    @property
    def triangle_count(self) -> int:
        """Triangles in the scene, those of every actor counted."""
        moving = sum(len(p.mesh.triangles) for model in self.models for p in model.parts)
        return len(self.static.triangles) + moving


class _Builder:
    """Collects pieces into one mesh."""

    def __init__(self) -> None:
        self._vertices: list[F64] = []
        self._faces: list[NDArray[np.int64]] = []
        self._codes: list[NDArray[np.int64]] = []
        self._count = 0

    def add(
        self,
        vertices: F64,
        faces: NDArray[np.int64],
        material: NDArray[np.int64] | int,
        tag: NDArray[np.int64] | int,
        thing: int = 0,
    ) -> None:
        self._vertices.append(vertices)
        self._faces.append(faces + self._count)
        self._count += len(vertices)
        codes = np.empty((len(faces), 3), np.int64)
        codes[:, 0], codes[:, 1], codes[:, 2] = material, tag, thing
        self._codes.append(codes)

    def mesh(self, *, smooth: bool) -> Mesh:
        vertices = np.concatenate(self._vertices)
        faces = np.concatenate(self._faces)
        codes = np.concatenate(self._codes)
        return Mesh(
            vertices.astype(np.float32),
            faces.astype(np.int32),
            codes[:, 0].astype(np.uint8),
            codes[:, 1].astype(np.uint8),
            normals=_normals(vertices, faces) if smooth else None,
            object_index=codes[:, 2].astype(np.int32) if not smooth else None,
            variant=codes[:, 2].astype(np.int32) if not smooth else None,
        )


def _normals(vertices: F64, faces: NDArray[np.int64]) -> F32:
    edges = vertices[faces]
    flat = np.cross(edges[:, 1] - edges[:, 0], edges[:, 2] - edges[:, 0])
    total = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(total, faces[:, corner], flat)
    return (total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)).astype(
        np.float32
    )


def _lattice(rows: int, columns: int) -> NDArray[np.int64]:
    """Triangles of a rows x columns lattice."""
    k = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    return np.concatenate(
        [
            np.stack([k, k + columns, k + 1], axis=-1),
            np.stack([k + 1, k + columns, k + columns + 1], axis=-1),
        ]
    )


def _blob(centre: F64, radii: F64, rows: int, columns: int) -> tuple[F64, NDArray[np.int64]]:
    """An ellipsoid."""
    polar = np.linspace(0.0, np.pi, rows)[:, None]
    turn = np.linspace(0.0, 2.0 * np.pi, columns)[None, :]
    unit = np.stack(
        [np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar) + 0.0 * turn],
        axis=-1,
    )
    return (unit * radii).reshape(-1, 3) + centre, _lattice(rows, columns)


def _block(low: F64, high: F64) -> tuple[F64, NDArray[np.int64]]:
    cube = box(0.5, Material.CONCRETE, Tag.STATIC)
    vertices = (cube.vertices_m.astype(np.float64) + 0.5) * (high - low) + low
    return vertices, cube.triangles.astype(np.int64)


def _off_road(x: F64, y: F64) -> F64:
    """Distance to the nearest road's middle."""
    dx = np.abs((x + PITCH_M / 2) % PITCH_M - PITCH_M / 2)
    dy = np.abs((y + PITCH_M / 2) % PITCH_M - PITCH_M / 2)
    return np.minimum(dx, dy)


def _ground(builder: _Builder) -> None:
    side = np.linspace(-HALF_M, HALF_M, 401)
    x, y = np.meshgrid(side, side, indexing="ij")
    kerb = _off_road(x, y) >= ROAD_M + 0.9
    vertices = np.stack([x, y, np.where(kerb, 0.15, 0.0)], axis=-1).reshape(-1, 3)
    faces = _lattice(401, 401)
    centre = vertices[faces].mean(axis=1)
    off = _off_road(centre[:, 0], centre[:, 1])
    kinds = (off > ROAD_M).astype(int) + (off > ROAD_M + WALK_M)
    materials = np.array([Material.ASPHALT, Material.SIDEWALK, Material.GRASS])
    tags = np.array([Tag.ROADS, Tag.SIDEWALKS, Tag.TERRAIN])
    builder.add(vertices, faces, materials[kinds], tags[kinds])


def _buildings(builder: _Builder, rng: np.random.Generator) -> int:
    thing = 1
    inner = PITCH_M / 2 - ROAD_M - WALK_M - 1.0
    for centre in np.stack(
        np.meshgrid(*[np.arange(-2, 2) * PITCH_M + PITCH_M / 2] * 2), axis=-1
    ).reshape(-1, 2):
        for cell in range(25):
            row, column = divmod(cell, 5)
            if 0 < row < 4 and 0 < column < 4 and rng.random() < 0.3:
                continue
            width = inner * 2.0 / 5.0
            corner = centre - inner + np.array([row, column]) * width
            gap = rng.uniform(0.2, 1.6, 4)
            high = rng.uniform(8.0, 34.0)
            low = np.array([corner[0] + gap[0], corner[1] + gap[1], 0.0])
            top = np.array([corner[0] + width - gap[2], corner[1] + width - gap[3], high])
            vertices, faces = _block(low, top)
            builder.add(vertices, faces, Material.FACADE, Tag.BUILDINGS, thing)
            vertices, faces = _block(
                np.array([low[0] - 0.25, low[1] - 0.25, high]), top + np.array([0.25, 0.25, 0.7])
            )
            builder.add(vertices, faces, Material.ROOF, Tag.BUILDINGS, thing)
            thing += 1
    return thing


def _street_side(builder: _Builder, rng: np.random.Generator, thing: int) -> None:
    for road in range(-2, 3):
        for along in np.arange(-190.0, 190.0, 13.0):
            for side in (-1.0, 1.0):
                for axis in (0, 1):
                    across = road * PITCH_M + side * (ROAD_M + 2.2)
                    at = along + rng.uniform(-2.0, 2.0)
                    near = abs((at + PITCH_M / 2) % PITCH_M - PITCH_M / 2) < ROAD_M + 4.0
                    if abs(across) > HALF_M or near:
                        continue
                    foot = [across, at, 0.15] if axis == 0 else [at, across, 0.15]
                    _tree_or_pole(builder, rng, np.array(foot), thing)
                    thing += 1


def _tree_or_pole(builder: _Builder, rng: np.random.Generator, foot: F64, thing: int) -> None:
    if rng.random() > 0.55:
        vertices, faces = _block(foot - (0.08, 0.08, 0.0), foot + np.array((0.08, 0.08, 6.5)))
        builder.add(vertices, faces, Material.METAL, Tag.POLES, thing)
        return
    trunk = rng.uniform(2.2, 3.2)
    vertices, faces = _block(foot - (0.14, 0.14, 0.0), foot + np.array((0.14, 0.14, trunk + 1.0)))
    builder.add(vertices, faces, Material.BARK, Tag.VEGETATION, thing)
    for _ in range(4):
        shift = rng.uniform((-0.8, -0.8, -0.4), (0.8, 0.8, 1.2))
        centre = foot + shift + np.array((0.0, 0.0, trunk + 1.2))
        radii = np.array([1.5, 1.5, 1.2]) * rng.uniform(0.7, 1.1)
        vertices, faces = _blob(centre, radii, 10, 14)
        vertices = vertices + rng.normal(0.0, 0.09, vertices.shape)
        builder.add(vertices, faces, Material.FOLIAGE, Tag.VEGETATION, thing)


def _car_mesh() -> Mesh:
    """A saloon's hull: a lattice bent over a profile, with glass, lamps and wheels."""
    builder = _Builder()
    along = np.linspace(-1.0, 1.0, 60)
    roof = 0.82 + 0.63 * np.clip(np.minimum((along + 0.85) / 0.35, (0.45 - along) / 0.4), 0.0, 1.0)
    around = np.linspace(-1.0, 1.0, 32)
    bow = np.clip(np.abs(around), 0.0, 1.0)
    y = np.sign(around) * 0.92 * np.minimum(1.0, bow * 2.0) ** 0.8
    drop = np.clip(bow * 2.0 - 1.0, 0.0, 1.0)
    x = np.repeat(along[:, None] * 2.25, 32, axis=1)
    z = roof[:, None] * (1.0 - drop) + 0.25 * drop
    shrink = np.where(z > 0.85, 1.0 - 0.28 * (z - 0.85) / 0.6, 1.0)
    vertices = np.stack([x, y[None, :] * shrink, z], axis=-1).reshape(-1, 3)
    faces = _lattice(60, 32)
    centre = vertices[faces].mean(axis=1)
    material = np.full(len(faces), int(Material.PAINT_0))
    material[(centre[:, 2] > 0.88) & (centre[:, 2] < 1.38)] = Material.GLASS
    material[(centre[:, 0] > 2.1) & (np.abs(centre[:, 1]) > 0.5)] = Material.HEADLAMP
    material[(centre[:, 0] < -2.1) & (np.abs(centre[:, 1]) > 0.5)] = Material.TAIL_LAMP
    builder.add(vertices, faces, material, Tag.CAR)
    for wheel_x in (-1.35, 1.35):
        for wheel_y in (-0.78, 0.78):
            at = np.array([wheel_x, wheel_y, 0.32])
            tyre, tyre_faces = _blob(at, np.array([0.32, 0.12, 0.32]), 10, 16)
            builder.add(tyre, tyre_faces, Material.RUBBER, Tag.CAR)
    return builder.mesh(smooth=True)


def _limb(radii: list[float], drop_m: float, material: Material) -> Mesh:
    builder = _Builder()
    vertices, faces = _blob(np.array([0.0, 0.0, -drop_m]), np.array(radii), 10, 12)
    builder.add(vertices, faces, material, Tag.PEDESTRIANS)
    return builder.mesh(smooth=True)


def city(seed: int = 0) -> City:
    """The benches' city."""
    rng = np.random.default_rng(seed)
    builder = _Builder()
    _ground(builder)
    _street_side(builder, rng, _buildings(builder, rng))
    car = _car_mesh()
    limbs = (
        ("torso", _limb([0.16, 0.22, 0.36], 0.0, Material.CLOTH), [0.0, 0.0, 1.12]),
        ("head", _limb([0.10, 0.09, 0.13], 0.0, Material.SKIN), [0.0, 0.0, 1.62]),
        ("arm_l", _limb([0.06, 0.06, 0.34], 0.3, Material.CLOTH), [0.0, -0.27, 1.42]),
        ("arm_r", _limb([0.06, 0.06, 0.34], 0.3, Material.CLOTH), [0.0, 0.27, 1.42]),
        ("leg_l", _limb([0.09, 0.09, 0.47], 0.42, Material.CLOTH), [0.0, -0.1, 0.9]),
        ("leg_r", _limb([0.09, 0.09, 0.47], 0.42, Material.CLOTH), [0.0, 0.1, 0.9]),
    )
    people = tuple(Part(name, mesh, np.array(at, np.float32)) for name, mesh, at in limbs)
    models, lanes = [], []
    for k in range(CARS + PEOPLE):
        is_car = k < CARS
        paint = np.tile(rng.uniform(0.02, 0.7, 3).astype(np.float32), (8, 1))
        parts = (Part("body", car, np.zeros(3, np.float32)),) if is_car else people
        half = [2.25, 0.92, 0.75] if is_car else [0.3, 0.3, 0.9]
        models.append(Model(parts, np.zeros(3, np.float32), np.array(half, np.float32), paint))
        lanes.append(_lane(rng, k, is_car=is_car))
    return City(builder.mesh(smooth=False), tuple(models), np.array(lanes))


def _lane(rng: np.random.Generator, k: int, *, is_car: bool) -> list[float]:
    """Every fourth actor is near the bench camera on the road along x."""
    near = k % 4 == 0
    road = 0.0 if near else float(rng.integers(-2, 3)) * PITCH_M
    along_y = 0.0 if near else float(rng.random() < 0.5)
    start = rng.uniform(-25.0, 60.0) if near else rng.uniform(-170.0, 170.0)
    if is_car:
        return [along_y, road + float(rng.choice([-5.2, -1.75, 1.75, 5.2])), start, 9.0]
    side = float(rng.choice([-1.0, 1.0]))
    return [along_y, road + side * (ROAD_M + rng.uniform(1.0, 4.0)), start, 1.4 * side]


def _poses(model: Model, lane: F64, seconds: float) -> F32:
    along_y, across, start, speed = lane
    along = (start + speed * seconds + 190.0) % 380.0 - 190.0
    yaw = (np.pi / 2 if along_y else 0.0) + (np.pi if speed < 0 else 0.0)
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    foot = np.array([across, along, 0.0] if along_y else [along, across, 0.0])
    poses = np.empty((len(model.parts), 3, 4), np.float32)
    for k, part in enumerate(model.parts):
        swing = 0.0
        if part.name[:3] in ("arm", "leg"):
            swing = 0.55 * np.sin(6.0 * seconds) * (1.0 if part.name in ("arm_l", "leg_r") else -1)
        cs, sn = np.cos(swing), np.sin(swing)
        bend = np.array([[cs, 0.0, sn], [0.0, 1.0, 0.0], [-sn, 0.0, cs]])
        poses[k, :, :3] = turn @ bend
        poses[k, :, 3] = foot + turn @ part.pivot_m
    return poses


def merged(scene: City, seconds: float) -> tuple[F32, I32]:
    """All triangles in the map frame, for a renderer without instances."""
    vertices, faces = [scene.static.vertices_m], [scene.static.triangles]
    count = len(scene.static.vertices_m)
    for model, poses in zip(scene.models, scene.poses(seconds), strict=True):
        for part, pose in zip(model.parts, poses, strict=True):
            vertices.append(part.mesh.vertices_m @ pose[:, :3].T + pose[:, 3])
            faces.append(part.mesh.triangles + count)
            count += len(part.mesh.vertices_m)
    return np.concatenate(vertices).astype(np.float32), np.concatenate(faces).astype(np.int32)
