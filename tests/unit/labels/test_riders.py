"""One box around a cycle and its rider."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from synthgen.geometry.cuboid import Cuboid
from synthgen.geometry.se3 import SE3
from synthgen.labels.clip import label_clip
from synthgen.labels.riders import ridden_boxes, union_box
from synthgen.labels.scene_boxes import scene_boxes
from tests.unit.labels.ray_world import Solid, ego_info, info_of, states_of, turned
from tests.unit.labels.small_clip import TICKS, ego_pose, make_clip, scene


def test_rider_on_a_turned_cycle() -> None:
    # In the cycle's frame the rider reaches from 0.5 to 1.8 m above its middle at 0.5 m.
    cycle = Cuboid(SE3.from_yaw(0.7, [3.0, 2.0, 0.5]), np.array([1.8, 0.6, 1.0]))
    rider = Cuboid(SE3.from_yaw(0.7, [3.0, 2.0, 1.15]), np.array([0.5, 0.8, 1.3]))
    both = union_box(cycle, rider)
    np.testing.assert_allclose(both.size_lwh_m, [1.8, 0.8, 1.8])
    np.testing.assert_allclose(both.frame_from_box.translation_m, [3.0, 2.0, 0.9])
    assert abs(both.frame_from_box.yaw_rad - 0.7) < 1e-12


def test_union_holds_both() -> None:
    cycle = Cuboid(SE3.from_yaw(0.3, [3.0, 2.0, 0.5]), np.array([1.8, 0.6, 1.0]))
    rider = Cuboid(SE3(turned(0.5, 0.2, 0.1), np.array([2.9, 2.1, 1.2])), np.array([0.5, 0.6, 1.3]))
    corners = np.concatenate([cycle.corners_m, rider.corners_m])
    assert union_box(cycle, rider).contains(corners, margin_m=1e-9).all()


def test_only_cycles_with_a_rider_of_their_own_have_one() -> None:
    cycle = Solid(np.array([5.0, 0, 0.5]), np.array([1.8, 0.6, 1.0]), 2, category="bicycle")
    rider = Solid(np.array([5.0, 0, 1.2]), np.array([0.5, 0.6, 1.2]), 3, category="rider")
    alone = Solid(np.array([9.0, 0, 0.5]), np.array([1.8, 0.6, 1.0]), 4, category="bicycle")
    infos = [ego_info(), info_of(cycle), info_of(rider, parent_track_id=2), info_of(alone)]
    found = ridden_boxes(scene_boxes(infos, states_of([cycle, rider, alone])))
    assert set(found) == {2}
    np.testing.assert_allclose(found[2].size_lwh_m, [1.8, 0.6, 1.8])


def test_table_holds_the_union_in_the_ego_frame_and_who_waits() -> None:
    def cycle(tick: int) -> Solid:
        # It stands for the first second, then rolls on at 2 m/s.
        x_m = 12.0 + 2.0 * max(tick * 0.05 - 1.0, 0.0)
        return Solid(np.array([x_m, 1.0, 0.5]), np.array([1.8, 0.6, 1.0]), 7, category="bicycle")

    def rider(tick: int) -> Solid:
        center_m = cycle(tick).center_m + np.array([0.0, 0.0, 0.7])
        return Solid(center_m, np.array([0.5, 0.6, 1.2]), 8, category="rider")

    clip = make_clip()
    riders = [info_of(cycle(0)), info_of(rider(0), parent_track_id=7)]
    ticks = [
        states_of([*scene(t), cycle(t), rider(t)], tick=t, ego=ego_pose(t * 0.05))
        for t in range(TICKS)
    ]
    rows = label_clip(replace(clip, objects=[*clip.objects, *riders], ticks=ticks))["boxes3d"]
    own = [row for row, track_id in enumerate(rows["track_id"]) if track_id == 7]
    union = np.asarray(rows["rider_union"][own[0]], dtype=np.float64)
    # The ego starts at the world's origin, turned left by 0.1 rad.
    c, s = np.cos(0.1), np.sin(0.1)
    expected = [12.0 * c + 1.0 * s, -12.0 * s + 1.0 * c, 0.9]
    np.testing.assert_allclose(union[:3], expected, atol=1e-9)
    np.testing.assert_allclose(union[7:], [1.8, 0.6, 1.8])
    assert [rows["activity"][row] for row in (own[0], own[-1])] == ["waiting", "moving"]
    assert all(
        rows["rider_union"][row] is None for row in range(len(rows["track_id"])) if row not in own
    )
