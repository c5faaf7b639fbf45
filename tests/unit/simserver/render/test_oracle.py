"""Open3D's ray casting as an independent judge of hits."""

from types import ModuleType

import numpy as np
import pytest

from synthgen.simserver.bench.city import city, merged
from synthgen.simserver.render.renderer import Renderer


# Open3D says at import that it finds no GPU.
@pytest.mark.filterwarnings("ignore::ImportWarning")
def test_hits_agree_with_open3d_within_a_millimetre(renderer: Renderer, open3d: ModuleType) -> None:
    scene = city(seed=3)
    renderer.load_map(scene.static)
    for k, model in enumerate(scene.models):
        renderer.add_actor(k, k + 1, model)
    actors = list(range(len(scene.models)))
    renderer.move(actors, scene.poses(2.0), [0] * len(actors))
    rng = np.random.default_rng(0)
    count = 200_000
    origins = rng.uniform([-150, -150, 0.5], [150, 150, 12], (count, 3)).astype(np.float32)
    aims = rng.normal(size=(count, 3))
    aims = (aims / np.linalg.norm(aims, axis=1, keepdims=True)).astype(np.float32)
    ours = renderer.cast(origins, aims, 1000.0).distance_m
    vertices, faces = merged(scene, 2.0)
    oracle = open3d.t.geometry.RaycastingScene()
    oracle.add_triangles(vertices, faces.astype(np.uint32))
    rays = open3d.core.Tensor(np.concatenate([origins, aims], axis=1))
    theirs = oracle.cast_rays(rays)["t_hit"].numpy()
    met = np.isfinite(theirs)
    # Rays that graze an edge may differ where a part's pose is rounded: one in 50,000.
    assert (np.isfinite(ours) != met).sum() <= 4
    both = met & np.isfinite(ours)
    assert (np.abs(ours[both] - theirs[both]) > 1e-3).sum() <= 4
