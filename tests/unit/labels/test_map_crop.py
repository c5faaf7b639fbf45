"""The vector map around the ego: cut where paper says, ids that last, lights as they were."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from synthgen.datatypes.road_map import Area, Lane, RoadMap, SignalChange
from synthgen.geometry.se3 import SE3
from synthgen.labels.map_crop import MapElement, map_crop


def lane(y_m: float = 0.0) -> Lane:
    line = np.array([[-100, y_m, 0], [0, y_m, 0], [100, y_m, 1]], dtype=np.float32)
    side = np.array([0, 1.75, 0], dtype=np.float32)
    return Lane(
        "4:0:-1",
        4,
        0,
        -1,
        "driving",
        line,
        line + side,
        line - side,
        "broken",
        speed_limit_mps=13.9,
    )


CROSSING = Area("c7", "crosswalk", np.array([[8, -4, 0], [12, -4, 0], [12, 4, 0], [8, 4, 0]]))
STOP = Area("s7", "stop_line", np.array([[6, -1.75, 0], [6, 1.75, 0]]), signal_id="77")
LIGHTS = (
    SignalChange(0, 0, "77", "red", np.array([15.0, -5.0, 4.0])),
    SignalChange(40, 2_000_000_000, "77", "green", np.array([15.0, -5.0, 4.0])),
)


def crop(x_m: float = 0.0, *, tick: int = 0, yaw: float = 0.0) -> dict[str, MapElement]:
    road = RoadMap((lane(),), (CROSSING, STOP))
    pose = SE3.from_yaw(yaw, [x_m, 0.0, 0.0])
    elements = map_crop(road, LIGHTS, tick=tick, world_from_ego=pose, half_side_m=10.0)
    return {f"{item.kind} {item.element_id}": item for item in elements}


def test_kinds_and_ids() -> None:
    assert set(crop()) == {
        "centerline 4:0:-1/center#0",
        "divider 4:0:-1/left#0",
        "boundary 4:0:-1/edge#0",
        "crosswalk c7",
        "stop_line s7#0",
    }


def test_line_is_cut_at_the_square_with_its_height() -> None:
    line = crop()["centerline 4:0:-1/center#0"].points_ego_m
    np.testing.assert_allclose(line, np.array([[-10, 0, 0], [0, 0, 0], [10, 0, 0.1]]))


def test_crosswalk_is_cut_at_the_square() -> None:
    corners = crop()["crosswalk c7"].points_ego_m
    assert corners[:, 0].min() == 8.0
    assert corners[:, 0].max() == 10.0


def test_map_turns_against_the_ego() -> None:
    # The ego looks along +y of the world: what lies at +x is on its right, at -y.
    stop = crop(yaw=np.pi / 2)["stop_line s7#0"].points_ego_m
    np.testing.assert_allclose(stop, [[-1.75, -6, 0], [1.75, -6, 0]], atol=1e-12)


def test_light_shows_what_it_showed_at_the_tick() -> None:
    assert crop(10.0, tick=39)["light 77"].attributes == {"state": "red"}
    assert crop(10.0, tick=40)["light 77"].attributes == {"state": "green"}


def test_line_that_leaves_and_comes_back_has_two_pieces() -> None:
    line = np.array([[-5, 0, 0], [-5, 30, 0], [5, 30, 0], [5, 0, 0]], dtype=np.float32)
    bow = replace(lane(), center_m=line)
    elements = map_crop(
        RoadMap((bow,)), (), tick=0, world_from_ego=SE3.identity(), half_side_m=10.0
    )
    pieces = [item for item in elements if item.kind == "centerline"]
    assert [item.element_id for item in pieces] == ["4:0:-1/center#0", "4:0:-1/center#1"]
    np.testing.assert_allclose(pieces[1].points_ego_m, [[5, 10, 0], [5, 0, 0]])
