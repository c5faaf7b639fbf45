"""Every invariant fires on a fault injected for it, and none on a clean clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from synthgen.datatypes.actors import ActorStates, ObjectInfo
from synthgen.datatypes.clip import MemoryClip
from synthgen.datatypes.frames import FrameRecord
from synthgen.datatypes.taxonomy import default_taxonomy
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.rotations import quat_from_rotation
from synthgen.geometry.se3 import SE3
from synthgen.labels.box_invariants import check_counts
from synthgen.labels.boxes2d import Boxes2d, label_camera_frame
from synthgen.labels.clip import LabelTables, label_clip
from synthgen.labels.invariants import check_image
from synthgen.labels.scene_boxes import SceneBoxes, scene_boxes
from synthgen.labels.settings import LabelSettings
from synthgen.labels.track_invariants import check_tracks, common_delay
from synthgen.labels.verdict import CHECKS, Finding, Source, Votes, frame_verdict, label_status
from tests.unit.labels.ray_world import (
    FORWARD_CAMERA,
    Ground,
    Solid,
    ego_info,
    info_of,
    make_rig,
    photograph,
    states_of,
    turned,
)
from tests.unit.labels.small_clip import CAMERA, STILL, make_clip

TAXONOMY = default_taxonomy()
SETTINGS = LabelSettings(occupancy_period=0, bev_cells=20)  # their tables are not looked at
Fault = Callable[[MemoryClip], MemoryClip]


@pytest.fixture(scope="module")
def clip() -> MemoryClip:
    return make_clip()


@pytest.fixture(scope="module")
def clean(clip: MemoryClip) -> LabelTables:
    return label_clip(clip, SETTINGS)


def failed_in(tables: LabelTables) -> set[str]:
    """Names of all checks that failed in any frame."""
    rows: Any = tables["status"]["failed_checks"]
    return {name.partition(":")[0].partition("@")[0] for names in rows for name in names}


ARRAYS = (
    "position_m",
    "quat_wxyz",
    "velocity_mps",
    "acceleration_mps2",
    "angular_velocity_radps",
    "light_state",
)


def picked(states: ActorStates, rows: np.ndarray, track_id: np.ndarray) -> ActorStates:
    """The rows of all columns, under these ids."""
    columns: dict[str, Any] = {name: getattr(states, name)[rows] for name in ARRAYS}
    return replace(states, track_id=track_id.astype(np.int32), **columns)


def with_info(track_id: int, change: Callable[[ObjectInfo], ObjectInfo]) -> Fault:
    def fault(clip: MemoryClip) -> MemoryClip:
        objects = [change(info) if info.track_id == track_id else info for info in clip.objects]
        return replace(clip, objects=objects)

    return fault


def scaled(track_id: int, factors: tuple[float, float, float]) -> Fault:
    return with_info(
        track_id, lambda info: replace(info, size_lwh_m=info.size_lwh_m * np.array(factors))
    )


def without_ids(clip: MemoryClip) -> MemoryClip:
    """No LiDAR points from which a size could be repaired."""
    return replace(
        clip, lidars={"lidar": [replace(s, track_id=None) for s in clip.lidars["lidar"]]}
    )


def with_states(change: Callable[[ActorStates], ActorStates]) -> Fault:
    return lambda clip: replace(clip, ticks=[change(states) for states in clip.ticks])


def moved(
    track_id: int, offset_m: tuple[float, float, float], *, ticks: range | None = None
) -> Fault:
    def change(states: ActorStates) -> ActorStates:
        if ticks is not None and states.tick not in ticks:
            return states
        own = (states.track_id == track_id)[:, None]
        return replace(states, position_m=states.position_m + own * np.array(offset_m))

    return with_states(change)


def turned_at(track_id: int, yaw: float, *, ticks: range) -> Fault:
    def change(states: ActorStates) -> ActorStates:
        if states.tick not in ticks:
            return states
        quat = states.quat_wxyz.copy()
        own = states.track_id == track_id
        quat[own] = quat_from_rotation(states.rotation[own] @ turned(yaw))
        return replace(states, quat_wxyz=quat)

    return with_states(change)


def repainted(old: int, new: int) -> Fault:
    """Ids of pixels and points as another server would give them."""

    def paint(ids: np.ndarray | None) -> np.ndarray:
        assert ids is not None
        return np.where(ids == old, new, ids).astype(np.uint16)

    def fault(clip: MemoryClip) -> MemoryClip:
        images = [replace(image, instance=paint(image.instance)) for image in clip.cameras["cam"]]
        sweeps = [replace(one, track_id=paint(one.track_id)) for one in clip.lidars["lidar"]]
        return replace(clip, cameras={"cam": images}, lidars={"lidar": sweeps})

    return fault


def without_object(track_id: int) -> Fault:
    """CARLA's parked cars: seen, but nobody lists them and their pixels have no id."""

    def drop(states: ActorStates) -> ActorStates:
        keep = np.flatnonzero(states.track_id != track_id)
        return picked(states, keep, states.track_id[keep])

    def fault(clip: MemoryClip) -> MemoryClip:
        hidden = repainted(track_id, 0)(with_states(drop)(clip))
        return replace(hidden, objects=[o for o in clip.objects if o.track_id != track_id])

    return fault


def twin(clip: MemoryClip) -> MemoryClip:
    """A second car where the parked one stands."""

    def double(states: ActorStates) -> ActorStates:
        row = states.row_of(4)
        assert row is not None
        rows = np.append(np.arange(len(states)), row)
        return picked(states, rows, np.append(states.track_id, 9))

    objects = [*clip.objects, replace(clip.objects[3], track_id=9)]
    return replace(with_states(double)(clip), objects=objects)


def swapped(clip: MemoryClip) -> MemoryClip:
    """The ids of the car and the walker are swapped for one frame."""

    def swap(states: ActorStates) -> ActorStates:
        if states.tick != 20:
            return states
        order = np.arange(len(states))
        order[[1, 2]] = order[[2, 1]]
        return replace(
            states, position_m=states.position_m[order], quat_wxyz=states.quat_wxyz[order]
        )

    return with_states(swap)(clip)


# Faults between client and labels, some of them CARLA's own, with the checks that must fire.
FAULTS: dict[str, tuple[Fault, set[str]]] = {
    "two-wheeler of width 0": (lambda c: without_ids(scaled(2, (1, 0, 1))(c)), {"degenerate"}),
    "box 250 m high": (
        lambda c: without_ids(scaled(2, (1, 1, 160))(c)),
        {"absurd_size", "size"},
    ),
    "walker's box too large": (scaled(3, (4, 4, 1)), {"box_loose", "size"}),
    "walker's box cut at the neck": (
        scaled(3, (1, 1, 0.7)),
        {"depth_outside_box", "mask_outside_box"},
    ),
    "parked cars missing": (without_object(4), {"unlabelled_pixels", "unlabelled_points"}),
    "16-bit ids wrapped": (repainted(4, 2), {"depth_outside_box", "mask_outside_box"}),
    "id of nobody": (repainted(4, 77), {"unknown_track"}),
    "box moved by 0.6 m": (
        moved(4, (0.0, 0.6, 0.0)),
        {"depth_outside_box", "points_outside_box"},
    ),
    "jump for one frame": (moved(3, (0.0, 1.5, 0.0), ticks=range(20, 21)), {"position_jump"}),
    "ghost": (moved(4, (30.0, 0.0, 0.0)), {"no_support"}),
    "ids swapped for one frame": (swapped, {"position_jump", "no_support"}),
    "turned for one frame": (turned_at(2, 1.2, ticks=range(20, 21)), {"heading_step"}),
    "turned for good": (turned_at(2, np.pi / 2, ticks=range(99)), {"moves_sideways"}),
    "wrong class": (
        with_info(2, lambda info: replace(info, category="pedestrian")),
        {"class_of_pixels", "class_of_points"},
    ),
    "two cars in one place": (twin, {"duplicate"}),
    "two cars half in one place": (
        lambda clip: moved(9, (0.0, 1.3, 0.0))(twin(clip)),
        {"overlap"},
    ),
}


def test_clean_clip_is_ok(clean: LabelTables) -> None:
    assert set(clean["status"]["status"]) == {"ok"}
    assert failed_in(clean) == set()


@pytest.mark.parametrize("name", FAULTS)
def test_fault_before_the_labels_is_rejected_with_its_reason(clip: MemoryClip, name: str) -> None:
    fault, expected = FAULTS[name]
    tables = label_clip(fault(clip), SETTINGS)
    assert expected <= failed_in(tables)
    assert "ok" not in tables["status"]["status"] or "rejected" in tables["status"]["status"]


def with_windows(clip: MemoryClip, share: float) -> MemoryClip:
    """The parked car's topmost pixels show the depth of what stands 8 m behind it, as CARLA's."""
    images = []
    for image in clip.cameras["cam"]:
        assert image.instance is not None
        assert image.depth_cm is not None
        row, column = np.nonzero(image.instance == 4)
        count = int(share * len(row))
        depth_cm = image.depth_cm.copy()
        depth_cm[row[:count], column[:count]] += 800
        images.append(replace(image, depth_cm=depth_cm))
    return replace(clip, cameras={"cam": images})


def test_windows_that_depth_sees_through_are_no_fault(clip: MemoryClip) -> None:
    assert failed_in(label_clip(with_windows(clip, 0.2), SETTINGS)) == set()


def test_a_car_of_glass_is_one(clip: MemoryClip) -> None:
    assert "depth_outside_box" in failed_in(label_clip(with_windows(clip, 0.4), SETTINGS))


def one_frame(clip: MemoryClip) -> tuple[Boxes2d, SceneBoxes]:
    boxes = scene_boxes(clip.objects, clip.ticks[0])
    image = clip.cameras["cam"][0]
    return label_camera_frame(image, CAMERA, boxes, LabelSettings()), boxes


def changed(values: np.ndarray, index: int, value: float) -> np.ndarray:
    copy = values.copy()
    copy[index] = value
    return copy


# Faults of the label writer: column, what happens to row 0 of it, and the check that must fire.
ROW_FAULTS: dict[str, tuple[Callable[[Boxes2d], Boxes2d], str]] = {
    "pixels miscounted": (
        lambda b: replace(b, visible_px=changed(b.visible_px, 0, b.visible_px[0] + 1)),
        "pixel_count",
    ),
    "box edge off by 5 px": (
        lambda b: replace(b, visible_xyxy_px=b.visible_xyxy_px + np.float32(5)),
        "visible_box",
    ),
    "fraction above 1": (
        lambda b: replace(b, truncated_fraction=changed(b.truncated_fraction, 0, 1.5)),
        "fraction_range",
    ),
    "clipped box not clipped": (
        lambda b: replace(b, amodal_clipped_xyxy_px=b.amodal_clipped_xyxy_px + np.float32(3)),
        "amodal_order",
    ),
    "said to be hidden": (
        lambda b: replace(b, occluded_fraction=changed(b.occluded_fraction, 0, 0.9)),
        "occlusion_too_high",
    ),
    "said to be free": (
        lambda b: replace(
            b,
            hull_px=changed(b.hull_px, 0, 30 * b.visible_px[0] + 300),
            occluded_fraction=changed(b.occluded_fraction, 0, 0.0),
        ),
        "nothing_hides_it",
    ),
    "row dropped": (
        lambda b: replace(b, track_id=changed(b.track_id, 0, b.track_id[1])),
        "missing_label",
    ),
    "row twice": (
        lambda b: replace(b, track_id=changed(b.track_id, 0, b.track_id[1])),
        "track_twice",
    ),
}


@pytest.mark.parametrize("name", ROW_FAULTS)
def test_fault_of_the_label_writer_is_found(clip: MemoryClip, name: str) -> None:
    change, expected = ROW_FAULTS[name]
    labels, boxes = one_frame(clip)
    votes = check_image(
        clip.cameras["cam"][0], CAMERA, boxes, change(labels), taxonomy=TAXONOMY, range_m=60.0
    )
    assert expected in {finding.check for finding in votes.findings}
    assert frame_verdict([votes]).status == "rejected"


def test_points_miscounted_are_found(clip: MemoryClip) -> None:
    sweep = clip.lidars["lidar"][0]
    boxes = scene_boxes(clip.objects, clip.ticks[0])
    counts = np.array([np.count_nonzero(sweep.track_id == i) for i in boxes.track_id])
    right = check_counts(counts.astype(np.int32), [sweep], boxes)
    wrong = check_counts((counts + 1).astype(np.int32), [sweep], boxes)
    assert not right.findings
    assert {finding.check for finding in wrong.findings} == {"point_count"}


# Faults of the track table: column, track, factor and offset, and the check that must fire.
TRACK_FAULTS = {
    "walker speed 0": ("velocity_y_mps", 3, 0.0, 0.0, "velocity"),
    "speed of a jet": ("velocity_x_mps", 2, 1.0, 120.0, "too_fast"),
    "force of a crash": ("acceleration_y_mps2", 2, 1.0, 40.0, "too_much_force"),
}


@pytest.mark.parametrize("name", TRACK_FAULTS)
def test_fault_of_the_track_table_is_found(clean: LabelTables, name: str) -> None:
    column, track_id, factor, offset, expected = TRACK_FAULTS[name]
    own = np.asarray(clean["tracks"]["track_id"]) == track_id
    values = np.asarray(clean["tracks"][column], dtype=np.float64)
    bad = {**clean["tracks"], column: np.where(own, values * factor + offset, values)}
    votes = check_tracks(bad, TAXONOMY)
    assert expected in {f.check for part in votes.values() for f in part.findings}


def test_size_and_class_that_change_on_the_way_are_found(clean: LabelTables) -> None:
    tracks = clean["tracks"]
    row = int(np.flatnonzero(np.asarray(tracks["track_id"]) == 2)[3])
    length = np.asarray(tracks["length_m"]).copy()
    length[row] *= 1.2
    names = list(tracks["category"])
    names[row] = "truck"
    votes = check_tracks({**tracks, "length_m": length, "category": names}, TAXONOMY)
    found = {str(f) for part in votes.values() for f in part.findings}
    assert found == {"size_changes:2", "class_changes:2"}


def crossing_clip(delay_ticks: int) -> MemoryClip:
    """Four cars that cross the view both ways; states are `delay_ticks` late."""
    camera = PinholeCamera(640, 230, 300.0, 300.0, 320.0, 20.0)
    mount = SE3.from_yaw(0.0, [0.0, 0.0, 8.0]) @ FORWARD_CAMERA

    def scene(tick: int) -> list[Solid]:
        time_s = tick * 0.05
        starts = [(14.0, -6.0, 8.0), (20.0, 9.0, -9.0), (27.0, -12.0, 10.0), (34.0, 14.0, -9.0)]
        return [
            Solid(np.array([x, y + v * time_s, 0.75]), np.array([1.8, 4.2, 1.5]), k,
                  rotation=turned(0.0))
            for k, (x, y, v) in enumerate(starts, start=2)
        ]  # fmt: skip

    numbers = range(0, 32, 2)
    return MemoryClip(
        calibration=make_rig(camera, ego_from_camera=mount, ego_from_lidar=SE3.identity()),
        objects=[ego_info(), *(info_of(solid) for solid in scene(0))],
        frames=[
            FrameRecord(t // 2, t, t * 50_000_000, SE3.identity(), STILL, STILL, STILL)
            for t in numbers
        ],
        ticks=[states_of(scene(t - delay_ticks), tick=t) for t in range(32)],
        cameras={
            "cam": [
                photograph([*scene(t), Ground()], camera, mount, frame_index=t // 2)
                for t in numbers
            ]
        },
        lidars={"lidar": []},
    )


def delay_of(clip: MemoryClip) -> float | None:
    sensor = clip.calibration.sensor("cam").camera
    assert sensor is not None
    labels = [
        [
            label_camera_frame(
                image,
                sensor.camera,
                scene_boxes(clip.objects, clip.ticks[frame.tick]),
                LabelSettings(),
            )
        ]
        for frame, image in zip(clip.frames, clip.cameras["cam"], strict=True)
    ]
    return common_delay(labels, {f.frame_index: f.timestamp_ns for f in clip.frames})


def test_labels_one_tick_late_are_found() -> None:
    clip = crossing_clip(delay_ticks=1)
    delay_s = delay_of(clip)
    assert delay_s is not None
    assert abs(delay_s - 0.05) < 0.01
    rig = replace(clip.calibration, sensors=clip.calibration.sensors[:1])
    tables = label_clip(replace(clip, calibration=rig), SETTINGS)
    assert "labels_late" in failed_in(tables)
    assert set(tables["status"]["status"]) == {"rejected"}


def test_labels_in_time_are_not_late() -> None:
    delay_s = delay_of(crossing_clip(delay_ticks=0))
    assert delay_s is not None
    assert abs(delay_s) < 0.01


def test_every_check_has_a_fault() -> None:
    fired = {name for _, names in FAULTS.values() for name in names}
    fired |= {name for _, name in ROW_FAULTS.values()}
    fired |= {fault[-1] for fault in TRACK_FAULTS.values()}
    fired |= {"point_count", "size_changes", "class_changes", "labels_late"}
    assert fired == set(CHECKS)


def soft(source: Source) -> Finding:
    return Finding("check", 2, source)


def test_two_sources_against_a_label_reject_it() -> None:
    assert label_status([soft("mask"), soft("depth")], {"mask", "depth", "lidar"}) == "rejected"


def test_third_source_makes_the_label_suspect_only() -> None:
    assert label_status([soft("mask")], {"mask", "lidar"}) == "suspect"


def test_lone_source_rejects() -> None:
    assert label_status([soft("mask")], {"mask"}) == "rejected"


def test_exact_contradiction_rejects() -> None:
    assert label_status([Finding("pixel_count", 2)], {"mask", "depth", "lidar"}) == "rejected"


def test_frame_is_as_bad_as_its_worst_label() -> None:
    votes = Votes()
    votes.vote("mask", 2, {"box_loose": True})
    votes.vote("depth", 2, {"depth_outside_box": False})
    assert frame_verdict([votes]).status == "suspect"
    votes.hard("duplicate", 3)
    verdict = frame_verdict([votes])
    assert verdict.status == "rejected"
    assert verdict.failed_checks == ("box_loose:2", "duplicate:3")
