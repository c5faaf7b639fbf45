"""The same bytes whatever the number of threads, in any process."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from synthgen.simserver.render.renderer import Renderer
from synthgen.simserver.render.specs import CAMERA_OUTPUTS, CameraSpec
from tests.unit.simserver.render.scenes import (
    DAY,
    cube_model,
    ideal_lidar,
    look,
    place_cube,
    pose,
    road_with_cube,
)

SPEC = CameraSpec(width=160, height=90, quality="high", seed=5)


def digest(renderer: Renderer) -> str:
    """Hash of one frame of every sensor output."""
    road_with_cube(renderer, right_m=1.0)
    images = look(renderer, CAMERA_OUTPUTS, spec=SPEC, before=pose(-0.2), frame=3)
    sweep = renderer.lidar(
        ideal_lidar(4, 300, 0.0, -20.0),
        pose(),
        None,
        weather=DAY,
        frame=3,
        delta_s=0.1,
        start_angle_rad=0.0,
    )
    total = hashlib.sha256(sweep.xyz_m.tobytes() + sweep.intensity.tobytes())
    for name in sorted(images):
        total.update(images[name].tobytes())
    return total.hexdigest()


def test_bytes_do_not_depend_on_threads(renderer: Renderer) -> None:
    with Renderer(2) as other:
        assert digest(other) == digest(renderer)


LABEL_FIRST = """
import numpy as np
from synthgen.labels.kernels import visible_depths
image = np.ones((1, 1), np.uint16)
visible_depths(image, image, np.zeros(2, np.int64))
"""
DIGEST = """
from tests.unit.simserver.render.test_determinism import digest
from synthgen.simserver.render.renderer import Renderer
with Renderer(2) as r: print(digest(r))
"""


@pytest.mark.parametrize("first", ["", LABEL_FIRST], ids=["server", "labels first"])
def test_bytes_are_the_same_in_another_process(renderer: Renderer, first: str) -> None:
    command = [sys.executable, "-c", first + DIGEST]
    fresh = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_CPU")}
    run = subprocess.run(command, env=fresh, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == digest(renderer)


CAST = """
import hashlib, sys
import numpy as np
from synthgen.simserver.render.renderer import Renderer
from tests.unit.simserver.render.scenes import road_with_cube
with Renderer(1) as renderer:
    road_with_cube(renderer, right_m=1.0)
    aims = np.random.default_rng(3).normal(size=(4000, 3))
    aims = (aims / np.linalg.norm(aims, axis=1)[:, None]).astype(np.float32)
    hits = renderer.cast(np.full_like(aims, 1.7), aims, 200.0)
code = hits.distance_m.tobytes() + hits.normal.tobytes() + hits.instance.tobytes()
print(hashlib.sha256(code).hexdigest())
"""


@pytest.mark.slow
def test_kernels_just_compiled_and_kernels_from_the_cache_give_the_same_bytes(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", CAST]
    empty = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    compiled = subprocess.run(command, env=empty, capture_output=True, text=True, check=True)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb*")}
    loaded = subprocess.run(command, env=empty, capture_output=True, text=True, check=True)
    assert kept
    assert kept == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb*")}
    assert loaded.stdout == compiled.stdout


def test_noise_follows_frame_and_seed(renderer: Renderer) -> None:
    road_with_cube(renderer)
    only_rgb = frozenset({"rgb"})
    first = look(renderer, only_rgb, spec=SPEC, frame=1)["rgb"]
    assert (first == look(renderer, only_rgb, spec=SPEC, frame=1)["rgb"]).all()
    assert (first != look(renderer, only_rgb, spec=SPEC, frame=2)["rgb"]).any()


def test_cleared_scene_shows_the_next_actor_as_a_fresh_one_does(renderer: Renderer) -> None:
    road_with_cube(renderer, right_m=1.0)
    fresh = look(renderer, CAMERA_OUTPUTS, spec=SPEC, frame=3)
    renderer.add_actor(2, 7, cube_model(2.0))
    renderer.move([2], [pose(5.0)[None]], [0])
    renderer.clear_actors()
    renderer.add_actor(1, 0x1234, cube_model())
    place_cube(renderer, 10.0, 1.0)
    again = look(renderer, CAMERA_OUTPUTS, spec=SPEC, frame=3)
    assert all((again[name] == fresh[name]).all() for name in CAMERA_OUTPUTS)
