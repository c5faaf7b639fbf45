"""Trees and bushes: branches of bark, crowns of leaf cards around dark cores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from synthgen.simserver.assets.finish import to_mesh
from synthgen.simserver.assets.shapes import F64, Shape, drop_slivers, ellipsoid, join, make, tube
from synthgen.simserver.scene import Material, Mesh, Tag

Box = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Plant:
    """A plant's size and how it grows.

    Attributes:
        size_lwh_m: Of its bounding box.
        grow: Builder of wood and leaves (cards with the way they should shine).
    """

    size_lwh_m: Box
    grow: Callable[[np.random.Generator], tuple[Shape, Leaves]]


@dataclass(frozen=True, eq=False, slots=True)
class Leaves:
    """Leaf cards.

    Attributes:
        shape: Their triangles.
        normals: (V, 3) unit vectors for shading: away from the cluster rather than the card's.
    """

    shape: Shape
    normals: F64


def build_plant(kind: str, variant: int) -> Mesh:
    """The mesh of a plant, its bounding box exactly the kind's, standing on z = 0.

    Raises:
        KeyError: no such kind.
    """
    plant = PLANTS[kind]
    rng = np.random.default_rng(
        np.random.SeedSequence([0x7EEE, sorted(PLANTS).index(kind), variant])
    )
    wood, leaves = plant.grow(rng)
    leaves = Leaves(drop_slivers(leaves.shape), leaves.normals)
    both = join([wood, leaves.shape])
    half = np.array(plant.size_lwh_m) / 2
    both = both.fitted((-half[0], -half[1], 0.0), (half[0], half[1], plant.size_lwh_m[2]))
    count = len(wood.triangles)
    trunk = to_mesh(both.where(np.arange(len(both.triangles)) < count), Tag.VEGETATION)
    crown = both.vertices_m[len(wood.vertices_m) :]
    return _merged(trunk, crown, leaves)


def _merged(trunk: Mesh, crown: F64, leaves: Leaves) -> Mesh:
    """Trunk and leaf cards in one mesh."""
    faces = leaves.shape.triangles + len(trunk.vertices_m)
    assert trunk.normals is not None
    return Mesh(
        vertices_m=np.concatenate([trunk.vertices_m, crown.astype(np.float32)]),
        triangles=np.concatenate([trunk.triangles, faces.astype(np.int32)]),
        material=np.concatenate([trunk.material, leaves.shape.material]),
        tag=np.full(len(trunk.triangles) + len(faces), Tag.VEGETATION, np.uint8),
        normals=np.concatenate([trunk.normals, leaves.normals.astype(np.float32)]),
    )


def _unit(vectors: F64) -> F64:
    return np.asarray(
        vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12), np.float64
    )


def _cluster(
    rng: np.random.Generator, center: F64, radii: F64, cards: int, size: float, bulk: F64
) -> Leaves:
    """Leaf cards over an ellipsoid, with a dark core inside.

    Args:
        rng: Generator.
        center: Of the cluster.
        radii: Of the cluster.
        cards: How many.
        size: Of a card, metres.
        bulk: Middle of the whole crown, which leaves shine away from.
    """
    away = _unit(rng.normal(size=(cards, 3)))
    at = center + away * radii * rng.uniform(0.55, 1.08, (cards, 1))
    # Cards lie roughly on the surface, tilted at random, so that the outline is ragged.
    facing = _unit(away + rng.normal(scale=0.55, size=(cards, 3)))
    side = _unit(np.cross(facing, rng.normal(size=(cards, 3))))
    up = np.cross(facing, side)
    long = size * rng.uniform(0.7, 1.3, (cards, 1))
    corners = np.stack(
        [
            at - up * long * 0.5,
            at + side * long * 0.38,
            at + up * long * 0.6,
            at - side * long * 0.34,
        ],
        axis=1,
    )
    first = 4 * np.arange(cards)[:, None]
    faces = np.concatenate(
        [first + np.array([0, 1, 2]), first + np.array([0, 2, 3])], axis=1
    ).reshape(-1, 3)
    shine = _unit(0.65 * away + 0.75 * _unit(at - bulk) + np.array([0, 0, 0.12]))
    core = ellipsoid(radii * 0.6, Material.FOLIAGE, center, rings=4)
    cards_shape = make(corners.reshape(-1, 3), faces, Material.FOLIAGE)
    core_shine = _unit(_unit(core.vertices_m - center) + 0.4 * _unit(core.vertices_m - bulk))
    return Leaves(
        join([cards_shape, core]), np.concatenate([np.repeat(shine, 4, axis=0), core_shine])
    )


def _together(parts: list[Leaves]) -> Leaves:
    return Leaves(join([p.shape for p in parts]), np.concatenate([p.normals for p in parts]))


def _branch(rng: np.random.Generator, start: F64, end: F64, thick: float) -> Shape:
    """A bent branch that tapers to a third."""
    middle = (start + end) / 2 + rng.normal(scale=0.06 * np.linalg.norm(end - start), size=3)
    path = np.stack([start, middle, end])
    return tube(path, np.array([thick, thick * 0.65, thick * 0.33]), Material.BARK, sides=6)


def _trunk(
    rng: np.random.Generator, height: float, thick: float, bend: float = 0.03
) -> tuple[Shape, F64]:
    """A trunk with a flared foot, and the points along it."""
    z = np.array([0.0, 0.12, 0.45, 0.75, 1.0]) * height
    path = np.column_stack([np.zeros(5), np.zeros(5), z])
    path[2:, :2] += np.cumsum(rng.normal(scale=bend * height, size=(3, 2)), axis=0)
    radii = thick * np.array([1.45, 1.0, 0.85, 0.68, 0.45])
    return tube(path, radii, Material.BARK, sides=8), path


def _broadleaf(rng: np.random.Generator) -> tuple[Shape, Leaves]:
    trunk, path = _trunk(rng, 4.2, 0.19)
    bulk = np.array([0.0, 0.0, 5.1])
    wood, crown = [trunk], []
    golden = np.pi * (3 - np.sqrt(5))
    count = 17
    for k in range(count):
        level = 1 - 2 * (k + 0.5) / count
        ring = np.sqrt(1 - level**2)
        turn = golden * k + rng.uniform(-0.4, 0.4)
        way = np.array([ring * np.cos(turn), ring * np.sin(turn), level])
        at = bulk + way * np.array([1.75, 1.75, 1.55]) * rng.uniform(0.8, 1.1)
        radii = rng.uniform(0.75, 1.1) * np.array([1.0, 1.0, 0.8])
        crown.append(_cluster(rng, at, radii, 132, 0.30, bulk))
        if k % 2 == 0:
            start = path[3] if level > 0.2 else path[2] + (path[3] - path[2]) * 0.6
            wood.append(_branch(rng, start, at, 0.075))
    return join(wood), _together(crown)


def _poplar(rng: np.random.Generator) -> tuple[Shape, Leaves]:
    trunk, _ = _trunk(rng, 8.5, 0.16, 0.008)
    wood, crown = [trunk], []
    for k, z in enumerate(np.linspace(1.9, 10.2, 15)):
        wide = 0.95 * np.sin(np.pi * np.clip((z - 0.6) / 10.9, 0, 1)) ** 0.7
        turn = 2.4 * k + rng.uniform(-0.3, 0.3)
        at = np.array([0.42 * wide * np.cos(turn), 0.42 * wide * np.sin(turn), z])
        radii = np.array([0.72, 0.72, 0.95]) * (0.35 + 0.75 * wide) * rng.uniform(0.9, 1.1)
        crown.append(_cluster(rng, at, radii, 112, 0.25, np.array([0, 0, z - 0.3])))
        wood.append(_branch(rng, np.array([0, 0, max(z - 1.2, 1.5)]), at, 0.04))
    return join(wood), _together(crown)


def _cypress(rng: np.random.Generator) -> tuple[Shape, Leaves]:
    trunk, _ = _trunk(rng, 2.0, 0.12, 0.01)
    crown = []
    for k, z in enumerate(np.linspace(0.7, 7.5, 16)):
        wide = 0.55 * np.sin(np.pi * np.clip((z + 0.9) / 9.4, 0, 1)) ** 0.8 + 0.08
        turn = 2.4 * k
        at = np.array([0.12 * np.cos(turn), 0.12 * np.sin(turn), z])
        radii = np.array([wide, wide, 0.7]) * rng.uniform(0.95, 1.05)
        crown.append(_cluster(rng, at, radii, 84, 0.2, np.array([0, 0, z - 0.4])))
    return trunk, _together(crown)


def _conifer(rng: np.random.Generator) -> tuple[Shape, Leaves]:
    """A spruce: whorls of drooping boughs, each a comb of needle cards."""
    trunk, _ = _trunk(rng, 9.0, 0.15, 0.004)
    height = 9.4
    points: list[F64] = []
    faces: list[tuple[int, int, int]] = []
    shine: list[F64] = []
    for z in 0.8 + (height - 1.0) * np.linspace(0, 1, 26) ** 0.9:
        reach = 1.9 * (1 - z / height) ** 0.8 + 0.16
        boughs = int(np.clip(7 + 5 * reach, 7, 15))
        spin = rng.uniform(0, 2 * np.pi)
        for b in range(boughs):
            turn = spin + 2 * np.pi * b / boughs + rng.uniform(-0.12, 0.12)
            long = reach * rng.uniform(0.82, 1.1)
            out = np.array([np.cos(turn), np.sin(turn), 0.0])
            across = np.array([-out[1], out[0], 0.0])
            droop = -0.28 * long + rng.uniform(-0.05, 0.05)
            wide = 0.19 * long + 0.10
            base = np.array([0, 0, z])
            knots = np.array(
                [
                    base + out * 0.05,
                    base + out * long * 0.45 + across * wide + [0, 0, droop * 0.30],
                    base + out * long + [0, 0, droop],
                    base + out * long * 0.45 - across * wide + [0, 0, droop * 0.30],
                    base + out * long * 0.5 + [0, 0, droop * 0.2 + 0.11],
                ]
            )
            n = 5 * len(faces) // 4
            points.append(knots)
            faces += [
                (n, n + 4, n + 1),
                (n + 4, n + 2, n + 1),
                (n, n + 3, n + 4),
                (n + 4, n + 3, n + 2),
            ]
            up = _unit((out + np.array([0, 0, 0.8]))[None])[0]
            shine += [
                up,
                _unit((up + 0.7 * across)[None])[0],
                _unit((out + np.array([0, 0, 0.2]))[None])[0],
                _unit((up - 0.7 * across)[None])[0],
                np.array([0, 0, 1.0]),
            ]
    tip = make(
        [
            (0.06, 0, height - 0.5),
            (-0.03, 0.05, height - 0.5),
            (-0.03, -0.05, height - 0.5),
            (0, 0, height + 0.2),
        ],
        [(0, 1, 3), (1, 2, 3), (2, 0, 3)],
        Material.FOLIAGE,
    )
    needles = make(np.concatenate(points), faces, Material.FOLIAGE)
    normals = np.concatenate([np.array(shine), np.tile([0.0, 0, 1.0], (4, 1))])
    return trunk, Leaves(join([needles, tip]), normals)


def _palm(rng: np.random.Generator) -> tuple[Shape, Leaves]:
    """A bent ringed trunk and arching fronds of paired leaflets."""
    height = 6.6
    z = np.linspace(0, height, 12)
    bend = rng.uniform(0.2, 0.5) * (z / height) ** 2
    path = np.column_stack([bend, 0.3 * bend, z])
    radii = np.where(np.arange(12) % 2, 0.145, 0.17) * np.linspace(1.15, 0.85, 12)
    trunk = tube(path, radii, Material.BARK, sides=9)
    top = path[-1]
    points: list[F64] = []
    faces: list[tuple[int, int, int]] = []
    shine: list[F64] = []
    fronds = 22
    for k in range(fronds):
        turn = 2.4 * k + rng.uniform(-0.2, 0.2)
        rise = rng.uniform(0.1, 0.95)
        out = np.array([np.cos(turn), np.sin(turn), 0.0])
        across = np.array([-out[1], out[0], 0.0])
        t = np.linspace(0, 1, 12)
        long = 2.3
        spine = (
            top
            + np.outer(t * long * (0.55 + 0.45 * (1 - rise)), out)
            + np.outer(long * (rise * t - (0.55 + 0.5 * rise) * t**2), [0, 0, 1])
        )
        for j in range(11):
            leaf = 0.5 * np.sin(np.pi * (0.12 + 0.86 * t[j])) + 0.06
            for side in (1, -1):
                n = 3 * len(faces)
                tip = spine[j + 1] + side * across * leaf - np.array([0, 0, 0.45 * leaf])
                points.append(np.array([spine[j], tip, spine[j + 1]]))
                faces.append((n, n + 1, n + 2))
                shine += [
                    _unit((np.array([0, 0, 1.0]) + 0.3 * out + 0.3 * side * across)[None])[0]
                ] * 3
    leaves = make(np.concatenate(points), faces, Material.FOLIAGE)
    return trunk, Leaves(leaves, np.array(shine))


def _bush(rng: np.random.Generator) -> tuple[Shape, Leaves]:
    crown = []
    bulk = np.array([0, 0, 0.25])
    for k in range(7):
        turn = 2 * np.pi * k / 6 + rng.uniform(-0.3, 0.3)
        reach = 0.0 if k == 6 else 0.34
        at = np.array([reach * np.cos(turn), reach * np.sin(turn), rng.uniform(0.38, 0.62)])
        crown.append(_cluster(rng, at, np.array([0.36, 0.36, 0.36]), 110, 0.13, bulk))
    stems = [
        _branch(rng, np.array([0, 0, 0.0]), np.array([0.2 * np.cos(a), 0.2 * np.sin(a), 0.4]), 0.02)
        for a in (0.3, 2.4, 4.5)
    ]
    return join(stems), _together(crown)


PLANTS: Mapping[str, Plant] = {
    "broadleaf": Plant((5.6, 5.6, 7.8), _broadleaf),
    "poplar": Plant((2.6, 2.6, 11.0), _poplar),
    "conifer": Plant((4.0, 4.0, 9.6), _conifer),
    "palm": Plant((4.4, 4.4, 8.0), _palm),
    "bush": Plant((1.4, 1.4, 1.1), _bush),
    "cypress": Plant((1.8, 1.8, 8.0), _cypress),
    "broadleaf_wide": Plant((6.0, 6.0, 8.5), _broadleaf),
    "palm_wide": Plant((5.6, 5.6, 9.5), _palm),
}
