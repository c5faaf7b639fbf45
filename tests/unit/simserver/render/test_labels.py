"""Depth, semantic, instance, normal and flow images of known scenes."""

from dataclasses import replace

import numpy as np
import pytest

from synthgen.simserver.bench.stage import pose_matrix
from synthgen.simserver.render.renderer import Renderer
from synthgen.simserver.render.self_test import plane
from synthgen.simserver.render.specs import CameraSpec
from synthgen.simserver.scene import Tag
from tests.unit.simserver.render.scenes import (
    DAY,
    LABELS,
    cube_model,
    depth_m,
    look,
    place_cube,
    pose,
    road_with_cube,
    wall_at,
)


def test_depth_of_the_road_is_along_the_optical_axis(renderer: Renderer) -> None:
    renderer.load_map(plane(60.0, 30))
    depth = depth_m(look(renderer, frozenset({"depth"}))["depth"])
    # f h / (row - cy): the ray through row 400's centre, 400 px focal length, 2 m high.
    assert depth[400, 100] == pytest.approx(400.0 * 2.0 / (400.5 - 225.0), abs=2e-3)


@pytest.mark.parametrize("yaw_deg", [90.0, 180.0])
def test_camera_that_looks_straight_down_sees_the_ground_in_every_pixel(
    renderer: Renderer, yaw_deg: float
) -> None:
    renderer.load_map(plane(40.0, 4))
    down = pose_matrix(0.0, 0.0, 20.0, yaw_deg, -90.0)
    # Odd sizes have a ray along the optical axis, and ours have a sine of half a turn in it.
    spec = CameraSpec(width=321, height=181)
    image = renderer.camera(spec, down, None, weather=DAY, frame=0, outputs=frozenset({"depth"}))[
        "depth"
    ]
    assert depth_m(image) == pytest.approx(20.0, abs=1e-3)


def test_sky_is_at_full_depth_and_tagged_sky(renderer: Renderer) -> None:
    renderer.load_map(plane(60.0, 30))
    seen = look(renderer)
    assert seen["depth"][10, 10].tolist() == [255, 255, 255, 255]
    assert seen["semantic"][10, 10].tolist() == [0, 0, int(Tag.SKY), 255]


def test_instance_image_holds_tag_then_low_and_high_byte(renderer: Renderer) -> None:
    road_with_cube(renderer, instance=0x1234)
    seen = look(renderer)
    # BGRA: blue the high byte, green the low byte, red the tag.
    assert seen["instance"][225, 400].tolist() == [0x12, 0x34, int(Tag.CAR), 255]


def test_cube_covers_the_pixels_its_face_projects_to(renderer: Renderer) -> None:
    road_with_cube(renderer, ahead_m=10.5, right_m=2.0)
    seen = look(renderer)["semantic"][225, :, 2] == Tag.CAR
    columns = np.flatnonzero(seen)
    # y from 1.5 at the far edge (x = 11, column 454.55) to 2.5 at the face (x = 10, column 500):
    # the first pixel whose centre lies inside is 455, the last 499.
    assert (columns.min(), columns.max()) == (455, 499)


def test_normals_point_at_the_camera(renderer: Renderer) -> None:
    renderer.load_map(wall_at(10.0))
    normals = look(renderer)["normals"][225, 400, 2::-1] / 255.0 * 2.0 - 1.0
    assert normals == pytest.approx([-1.0, 0.0, 0.0], abs=0.01)


def test_flow_of_a_cube_that_moved_right(renderer: Renderer) -> None:
    road_with_cube(renderer, ahead_m=10.5, right_m=0.0)
    place_cube(renderer, 10.5, 0.25)
    flow = look(renderer, before=pose())["flow"]
    # 0.25 m at 10 m with f = 400 px is 10 px; half the width is 400 px.
    assert flow[225, 410] == pytest.approx([10.0 / 400.0, 0.0], abs=1e-4)


def test_flow_of_the_road_when_the_camera_drives_on(renderer: Renderer) -> None:
    renderer.load_map(plane(60.0, 30))
    flow = look(renderer, at=pose(1.0), before=pose(0.0))["flow"]
    # The point at row 325.5, column 500.5 is 800 / 100.5 m ahead and was 1 m farther away.
    ahead = 400.0 * 2.0 / 100.5
    share = ahead / (ahead + 1.0)
    right, down = 100.5 * (1.0 - share), 100.5 * (1.0 - share)
    assert flow[325, 500] == pytest.approx([right / 400.0, -down / 225.0], abs=1e-4)


def test_flow_warps_one_frame_onto_the_next(renderer: Renderer) -> None:
    road_with_cube(renderer, ahead_m=8.0, right_m=-1.0)
    first = look(renderer, frozenset({"instance"}))["instance"]
    place_cube(renderer, 7.5, -0.5)
    second = look(renderer, at=pose(0.3, 0.1, yaw_deg=1.0), before=pose())
    rows, columns = np.nonzero(second["instance"][..., 2] == Tag.CAR)
    flow = second["flow"][rows, columns]
    back_x = np.rint(columns - flow[:, 0] * 400.0).astype(int)
    back_y = np.rint(rows + flow[:, 1] * 225.0).astype(int)
    inside = (back_x >= 0) & (back_x < 800) & (back_y >= 0) & (back_y < 450)
    on_cube = first[back_y[inside], back_x[inside], 2] == Tag.CAR
    assert on_cube.mean() > 0.97


@pytest.mark.parametrize("name", sorted(LABELS))
def test_image_asked_for_alone_is_the_same_as_among_others(renderer: Renderer, name: str) -> None:
    road_with_cube(renderer, ahead_m=10.0)
    renderer.move([1], [pose(10.0, 0.25)[None]], [0])
    views = (look(renderer, outputs, before=pose(-0.5)) for outputs in (frozenset({name}), LABELS))
    alone, among = (view[name] for view in views)
    assert alone.tobytes() == among.tobytes()


def test_hidden_object_is_not_seen_and_comes_back(renderer: Renderer) -> None:
    renderer.load_map(replace(wall_at(10.0), object_index=np.array([5, 5], np.int32)))
    shown = look(renderer)["instance"][225, 400]
    renderer.hide([4])
    hidden = look(renderer)["semantic"][225, 400, 2]
    renderer.hide([])
    again = look(renderer)["instance"][225, 400]
    assert shown.tolist() == [0x80, 0x04, int(Tag.WALLS), 255]
    assert hidden == Tag.SKY
    assert again.tolist() == shown.tolist()


def test_removed_actor_is_not_seen(renderer: Renderer) -> None:
    road_with_cube(renderer)
    renderer.remove_actor(1)
    assert look(renderer)["semantic"][225, 400, 2] != Tag.CAR


def test_actor_is_unseen_until_it_is_placed(renderer: Renderer) -> None:
    road_with_cube(renderer)
    renderer.add_actor(2, 9, cube_model(3.0))
    assert look(renderer)["instance"][225, 400, 1] == 0x34


def test_an_actor_is_added_once(renderer: Renderer) -> None:
    road_with_cube(renderer)
    with pytest.raises(ValueError, match="actor 1 is in the scene already"):
        renderer.add_actor(1, 5, cube_model())


def test_unknown_output_is_refused(renderer: Renderer) -> None:
    with pytest.raises(ValueError, match="no such image: colour"):
        look(renderer, frozenset({"colour"}))


def test_labels_are_the_same_with_and_without_anti_aliasing(renderer: Renderer) -> None:
    road_with_cube(renderer)
    plain = look(renderer, frozenset({"instance", "rgb"}), quality="low")
    smooth = look(renderer, frozenset({"instance", "rgb"}), quality="medium")
    assert (plain["instance"] == smooth["instance"]).all()
    assert (plain["rgb"] != smooth["rgb"]).any()
