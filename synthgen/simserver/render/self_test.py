"""What the traced library must answer before we believe it.

The struct layouts and the file that `embree.py` loads are not a public contract, so each
process checks a few hundred rays against geometry on paper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synthgen.simserver.render.embree import EmbreeError
from synthgen.simserver.scene import Material, Mesh, Model, Part, Tag

if TYPE_CHECKING:
    from synthgen.simserver.render.renderer import Renderer

_HALF_M = 0.5
_HEIGHT_M = 2.0


def box(half_m: float, material: Material, tag: Tag) -> Mesh:
    """A cube about the origin, faces outwards."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    faces = np.array(
        [
            [0, 1, 3],
            [0, 3, 2],
            [4, 6, 7],
            [4, 7, 5],
            [0, 4, 5],
            [0, 5, 1],
            [2, 3, 7],
            [2, 7, 6],
            [0, 2, 6],
            [0, 6, 4],
            [1, 5, 7],
            [1, 7, 3],
        ]
    )
    return Mesh(
        (corners * half_m).astype(np.float32),
        faces.astype(np.int32),
        np.full(12, material, np.uint8),
        np.full(12, tag, np.uint8),
    )


def plane(half_m: float, steps: int) -> Mesh:
    """A square of road at z = 0."""
    side = np.linspace(-half_m, half_m, steps + 1)
    x, y = np.meshgrid(side, side, indexing="ij")
    k = np.arange(steps * (steps + 1)).reshape(steps, steps + 1)[:, :-1].ravel()
    n = steps + 1
    faces = np.concatenate(
        [np.stack([k, k + n, k + 1], -1), np.stack([k + 1, k + n, k + n + 1], -1)]
    )
    return Mesh(
        np.stack([x.ravel(), y.ravel(), np.zeros(n * n)], axis=-1).astype(np.float32),
        faces.astype(np.int32),
        np.full(len(faces), Material.ASPHALT, np.uint8),
        np.full(len(faces), Tag.ROADS, np.uint8),
    )


def run(renderer: Renderer) -> None:
    """Check hits on a plane and on a turned cube, on a renderer without a map.

    Raises:
        EmbreeError: An answer is wrong by more than 0.1 mm, or a hit is missing.
    """
    renderer.load_map(plane(40.0, 40))
    part = Part("body", box(_HALF_M, Material.CONCRETE, Tag.STATIC), np.zeros(3, np.float32))
    palette = np.zeros((8, 3), np.float32)
    model = Model((part,), np.zeros(3, np.float32), np.full(3, _HALF_M, np.float32), palette)
    renderer.add_actor(1, 77, model)
    # A quarter turn about z, 10 m ahead.
    pose = np.array([[0, -1, 0, 10], [1, 0, 0, 0], [0, 0, 1, _HEIGHT_M]], np.float32)
    renderer.move([1], [pose[None]], [0])
    down = np.linspace(-1.4, -0.1, 128)
    around = np.linspace(0.5, 5.5, 128)
    aims = np.stack([np.cos(down) * np.cos(around), np.cos(down) * np.sin(around), np.sin(down)])
    origins = np.tile(np.array([0, 0, _HEIGHT_M], np.float32), (129, 1))
    directions = np.concatenate([aims.T, [[1.0, 0.0, 0.0]]]).astype(np.float32)
    met = renderer.cast(origins, directions, 1000.0)
    expected = np.append(_HEIGHT_M / -np.sin(down), 10.0 - _HALF_M)
    if not np.allclose(met.distance_m, expected, rtol=1e-5, atol=1e-4):
        wrong = int((~np.isclose(met.distance_m, expected, rtol=1e-5, atol=1e-4)).sum())
        raise EmbreeError(f"self-test: {wrong} of {len(expected)} rays met the wrong distance")
    if (met.instance[:-1] != 0).any() or met.instance[-1] != 77:
        raise EmbreeError("self-test: rays report the wrong instance")
