"""CARLA's own towns; skipped where the data is absent."""

from __future__ import annotations

import os
from pathlib import Path

import carla
import numpy as np
import pytest

from synthgen.simserver.maps import load_map

MAPS_DIR = Path(os.environ.get("SYNTHGEN_SHARED", "../shared")) / "data" / "maps"
NAMES = ["Town01", "Town02", "Town10HD"]

pytestmark = pytest.mark.skipif(not MAPS_DIR.is_dir(), reason=f"no {MAPS_DIR}")


@pytest.mark.parametrize("name", NAMES)
def test_ground_meets_the_clients_waypoints(name: str) -> None:
    text = (MAPS_DIR / f"{name}.xodr").read_text(encoding="utf-8")
    town = load_map(name, text)
    places = [w.transform.location for w in carla.Map(name, text).generate_waypoints(5.0)]
    xyz = np.array([[p.x, p.y, p.z] for p in places])
    z, _, kind = town.ground(xyz[:, :2])
    assert np.abs(z - xyz[:, 2]).max() < 0.01
    assert (kind == 1).all()


@pytest.mark.parametrize(("name", "lights"), [("Town01", 36), ("Town02", 24), ("Town10HD", 17)])
def test_each_light_id_is_one_light_with_an_approach(name: str, lights: int) -> None:
    town = load_map(name, (MAPS_DIR / f"{name}.xodr").read_text(encoding="utf-8"))
    found = [s for s in town.signals if s.type_id == "traffic.traffic_light"]
    assert len(found) == lights
    assert all(s.approaches and s.group for s in found)


def test_town10hd_stays_small() -> None:
    town = load_map("Town10HD", (MAPS_DIR / "Town10HD.xodr").read_text(encoding="utf-8"))
    assert len(town.static.triangles) < 600_000
    assert len(town.spawn_points) > 150
