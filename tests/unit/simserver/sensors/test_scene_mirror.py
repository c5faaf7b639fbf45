"""Which town and which actors the renderer holds, whoever loaded it."""

from __future__ import annotations

import threading

import numpy as np

from synthgen.simserver.maps import TownMap, load_map
from synthgen.simserver.render.self_test import box
from synthgen.simserver.scene import F32, Material, Model, Part, Tag
from synthgen.simserver.sensors.scene_mirror import SceneMirror
from tests.unit.simserver.maps.tiny_roads import opendrive, road

ABOVE = np.array([[30.0, 1.75, 40.0]], np.float32)
DOWN = np.array([[0.0, 0.0, -1.0]], np.float32)


def town_at(height_m: float) -> TownMap:
    """One straight road along x, that high above zero."""
    elevation = f'<elevation s="0" a="{height_m}" b="0" c="0" d="0"/>'
    return load_map("Straight", opendrive(road(60.0, elevation=elevation)))


def depth_m(mirror: SceneMirror) -> float:
    return float(mirror.renderer.cast(ABOVE, DOWN, 100.0).distance_m[0])


def add_box(mirror: SceneMirror, at_z_m: float) -> None:
    part = Part("body", box(1.0, Material.CONCRETE, Tag.STATIC), np.zeros(3, np.float32))
    size: F32 = np.ones(3, np.float32)
    mirror.renderer.add_actor(7, 7, Model((part,), size, size, np.zeros((8, 3), np.float32)))
    pose = np.array([[1, 0, 0, 30], [0, 1, 0, 1.75], [0, 0, 1, at_z_m]], np.float32)
    mirror.renderer.move([7], [pose[None]], [0])


def test_a_town_that_is_loaded_beside_gives_way_to_the_next() -> None:
    mirror = SceneMirror(threads=1)
    mirror.start_episode(town_at(0.0))
    beside = threading.Thread(target=mirror.warm)
    beside.start()
    mirror.start_episode(town_at(10.0))
    assert abs(depth_m(mirror) - 30.0) < 0.1
    beside.join()
    assert abs(depth_m(mirror) - 30.0) < 0.1


def test_a_town_comes_back_without_the_actors_it_had() -> None:
    low, high = town_at(0.0), town_at(10.0)
    mirror = SceneMirror(threads=1)
    mirror.start_episode(low)
    add_box(mirror, at_z_m=20.0)
    assert abs(depth_m(mirror) - 19.0) < 0.1
    mirror.start_episode(high)
    mirror.start_episode(low)
    assert abs(depth_m(mirror) - 40.0) < 0.1
