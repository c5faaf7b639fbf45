from __future__ import annotations

import numpy as np
import pytest

from synthgen.simserver.maps.build import build_town
from tests.unit.simserver.maps.detour_reader import Face, read_faces
from tests.unit.simserver.maps.tiny_roads import TWO_WAY_WITH_WALKS, opendrive, road

ZEBRA = (
    '<objects><object id="8" type="crosswalk" name="z" s="50" t="0" hdg="0" length="4" '
    'width="7"/></objects>'
)


def faces_of(inside: str = "", lanes: str = TWO_WAY_WITH_WALKS) -> list[Face]:
    town = build_town("tiny", opendrive(road(100.0, lanes=lanes, inside=inside)), 0)
    return read_faces(town.navmesh)


def area_m2(faces: list[Face], name: str) -> float:
    total = 0.0
    for face in faces:
        x, y = face.corners_m[:, 0], face.corners_m[:, 1]
        turned = np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))
        total += abs(float(turned)) / 2 * (face.area == name)
    return total


def test_sidewalks_are_walkable_over_their_whole_area() -> None:
    assert area_m2(faces_of(), "sidewalk") == pytest.approx(400.0, rel=1e-4)


def test_road_lies_between_the_sidewalks() -> None:
    assert area_m2(faces_of(), "road") == pytest.approx(700.0, rel=1e-4)


def test_crosswalk_covers_its_polygon() -> None:
    assert area_m2(faces_of(ZEBRA), "crosswalk") == pytest.approx(28.0, rel=1e-3)


def test_neighbours_name_each_other() -> None:
    faces = faces_of(ZEBRA)
    pairs = {(i, n) for i, face in enumerate(faces) for n in face.neighbours if n >= 0}
    assert pairs
    assert all((b, a) in pairs for a, b in pairs)


def test_crosswalk_leads_from_sidewalk_to_sidewalk() -> None:
    faces = faces_of(ZEBRA)
    crossing = [k for k, face in enumerate(faces) if face.area == "crosswalk"]
    beyond = [faces[n] for k in crossing for n in faces[k].neighbours if n >= 0]
    walks = [face for face in beyond if face.area == "sidewalk"]
    assert sorted(float(np.sign(f.corners_m[:, 1].mean())) for f in walks) == [-1.0, 1.0]


def test_road_is_cut_out_where_the_crosswalk_lies() -> None:
    assert area_m2(faces_of(ZEBRA), "road") == pytest.approx(700.0 - 28.0, rel=1e-3)


def test_pedestrians_walk_at_the_height_of_the_kerb_and_cross_at_the_roads() -> None:
    faces = faces_of(ZEBRA)
    walks = np.concatenate([f.corners_m for f in faces if f.area == "sidewalk"])
    roads = np.concatenate([f.corners_m for f in faces if f.area == "crosswalk"])
    assert walks[:, 2] == pytest.approx(0.15)
    assert roads[:, 2].min() == pytest.approx(0.0, abs=1e-6)


def test_polygons_are_convex() -> None:
    for face in faces_of(ZEBRA):
        edges = np.roll(face.corners_m, -1, axis=0) - face.corners_m
        turns = np.cross(edges, np.roll(edges, -1, axis=0))[:, 2]
        assert (turns > -1e-6).all() or (turns < 1e-6).all()


def test_town_without_sidewalks_has_no_mesh() -> None:
    assert build_town("tiny", opendrive(road(100.0)), 0).navmesh == b""
