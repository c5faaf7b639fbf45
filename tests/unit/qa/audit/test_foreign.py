"""Labels of other formats stand in a world that rests, where the format tells how the car moves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synthgen.datatypes.labelled_frame import LabelledBoxes, LabelledFrame
from synthgen.geometry.rotations import rotation_about_z
from synthgen.geometry.se3 import SE3
from synthgen.qa.audit.audit import audit_dataset
from synthgen.qa.audit.checks import score_boxes
from synthgen.qa.audit.evidence import no_blobs
from synthgen.qa.audit.foreign import recording_of
from synthgen.qa.audit.labels import Labels
from synthgen.qa.audit.match import match
from synthgen.qa.audit.report import write_report
from synthgen.qa.audit.sizes import NO_SIZES
from synthgen.qa.audit.systematic import findings, sample
from synthgen.qa.audit.vote import default_calibration

PARKED_M, PARKED_YAW = np.array([20.0, 5.0, 0.8]), 0.7


def seen_from(pose: SE3, number: int, *, is_placed: bool = True) -> LabelledFrame:
    """A parked car as a car at some pose labels it."""
    ego_from_world = pose.inverse()
    yaw = PARKED_YAW - np.arctan2(pose.rotation[1, 0], pose.rotation[0, 0])
    boxes = LabelledBoxes(
        category=np.array(["car"]), native_category=np.array(["car"]), track_id=np.array([1]),
        xyxy_px=None, truncated=None, occluded=None,
        centre_m=ego_from_world.apply(PARKED_M)[None], size_lwh_m=np.array([[4.5, 1.8, 1.5]]),
        yaw_rad=np.array([yaw]),
    )  # fmt: skip
    return LabelledFrame(
        sequence="a", frame_index=number, timestamp_ns=number * 500_000_000, image=None,
        image_size_wh=None, camera_matrix=None, camera_from_boxes=None, lidar=None,
        lidar_from_boxes=None, box_frame="ego", boxes=boxes,
        world_from_boxes=pose if is_placed else None,
    )  # fmt: skip


def poses() -> list[SE3]:
    """A car that turns into a street."""
    return [SE3(rotation_about_z(0.3 * k), np.array([4.0 * k, 0.5 * k**2, 0.0])) for k in range(4)]


def test_parked_car_rests_while_the_platform_turns() -> None:
    frames = tuple(seen_from(pose, k) for k, pose in enumerate(poses()))
    labels = recording_of("a", frames, []).labels
    assert labels.is_static_frame
    assert labels.world_m == pytest.approx(np.tile(PARKED_M, (4, 1)), abs=1e-9)
    assert labels.world_yaw_rad == pytest.approx(np.full(4, PARKED_YAW), abs=1e-9)


def test_format_without_poses_is_known_to_move() -> None:
    frames = tuple(seen_from(pose, k, is_placed=False) for k, pose in enumerate(poses()))
    assert not recording_of("a", frames, []).labels.is_static_frame


def driving(course_rad: float, yaw_rad: float, track: int) -> list[tuple[int, np.ndarray, float]]:
    """Track, place and heading of a car at 10 m/s in frames 0.5 s apart."""
    ahead = np.array([np.cos(course_rad), np.sin(course_rad), 0.0])
    start = np.array([10.0, 10.0 * track, 0.8])
    return [(track, start + 5.0 * k * ahead, yaw_rad) for k in range(12)]


def recorded(cars: list[list[tuple[int, np.ndarray, float]]]) -> Labels:
    frames = []
    for number, seen in enumerate(zip(*cars, strict=True)):
        frame = seen_from(SE3.identity(), number)
        count = len(seen)
        boxes = LabelledBoxes(
            category=np.array(["car"] * count), native_category=np.array(["car"] * count),
            track_id=np.array([track for track, _, _ in seen]), xyxy_px=None, truncated=None,
            occluded=None, centre_m=np.array([place for _, place, _ in seen]),
            size_lwh_m=np.tile([4.5, 1.8, 1.5], (count, 1)),
            yaw_rad=np.array([yaw for _, _, yaw in seen]),
        )  # fmt: skip
        frames.append(replace(frame, boxes=boxes))
    return recording_of("a", tuple(frames), []).labels


def alarms(labels: Labels) -> list[str]:
    """Names of the constant errors that are found."""
    blobs = no_blobs(len(labels.times_s))
    samples = sample(labels, blobs, match(labels, blobs), 0)
    return [f.name for f in findings([samples], np.random.default_rng(0)) if f.is_alarm]


COURSES = (0.6, 1.2, 2.1, -0.9)


def test_headings_along_the_motion_are_well() -> None:
    assert not alarms(recorded([driving(course, course, i) for i, course in enumerate(COURSES)]))


def test_one_car_that_reverses_all_along_is_no_convention() -> None:
    cars = [driving(c, c + (np.pi if i == 0 else 0.0), i) for i, c in enumerate(COURSES)]
    assert not alarms(recorded(cars))


@pytest.mark.parametrize(
    ("sign", "offset", "name"),
    [
        (-1, 0.0, "yaw counts clockwise"),
        (1, np.pi, "boxes point backwards"),
        (1, np.pi / 2, "yaw starts a quarter to the right"),
    ],
)
def test_headings_of_another_convention_are_named(sign: int, offset: float, name: str) -> None:
    cars = [driving(c, sign * c + offset, i) for i, c in enumerate(COURSES)]
    assert alarms(recorded(cars)) == [f"heading off the motion, as if {name}"]


def test_id_that_two_boxes_of_a_frame_share_is_found() -> None:
    labels = recorded([driving(0.6, 0.6, 1), driving(0.9, 0.9, 2)])
    labels = replace(labels, track=np.ones(len(labels), dtype=np.int64))
    blobs = no_blobs(len(labels.times_s))
    scores = score_boxes(labels, blobs, match(labels, blobs), NO_SIZES, 100.0)
    assert (scores.values[:, scores.names.index("dup")] > 1).all()
    assert np.isnan(scores.values[:, scores.names.index("track_pos")]).all()


def write_kitti(folder: Path, labels: list[str]) -> Path:
    for name, text in {"label_02": "\n".join(labels), "calib": CALIBRATION}.items():
        (folder / name).mkdir(parents=True)
        (folder / f"{name}/0000.txt").write_text(text + "\n")
    return folder


CALIBRATION = (
    "P2: 700 0 600 0 0 700 180 0 0 0 1 0\nR0_rect: 1 0 0 0 1 0 0 0 1\n"
    "Tr_velo_to_cam: 0 -1 0 0 0 0 -1 0 1 0 0 0"
)


def oblique(yaw_rad: float, track: int) -> list[str]:
    """Rows of a car whose image box is that of a car turned by 0.6 rad, seen from ahead."""
    corners = np.array([[x, y, z] for x in (-2.1, 2.1) for y in (-0.9, 0.9) for z in (0.0, 1.5)])
    rows = []
    for k in range(10):
        ahead, right = 15.0 + k, 4.0 * track - 4
        place = corners @ rotation_about_z(0.6).T + [ahead, -right, -1.6]
        x, y = 600 - 700 * place[:, 1] / place[:, 0], 180 - 700 * place[:, 2] / place[:, 0]
        image = f"{x.min():.2f} {y.min():.2f} {x.max() - 1:.2f} {y.max() - 1:.2f}"
        ry = -yaw_rad - np.pi / 2
        rows.append(f"{k} {track} Car 0 0 0 {image} 1.5 1.8 4.2 {right} 1.6 {ahead} {ry:.4f}")
    return rows


def test_label_that_is_no_box_is_a_fault_and_spoils_no_neighbour(tmp_path: Path) -> None:
    rows = oblique(0.6, 1)
    rows[3] = rows[3].replace(" 1.5 1.8 4.2", " nan 1.8 4.2")
    audit = audit_dataset(write_kitti(tmp_path / "set", rows), default_calibration())
    assert [(s.reason, s.frame, s.p_fault) for s in audit.queue] == [("broken", 3, 1.0)]
    assert (audit.boxes, audit.exit_code) == (10, 1)
    write_report(audit, tmp_path / "report")
    document = (tmp_path / "report/audit.json").read_text()
    assert json.loads(document, parse_constant=pytest.fail)["by_check"] == {"broken": 1}


@pytest.mark.parametrize(("yaw_rad", "exit_code"), [(0.6, 0), (-0.6, 1)])
def test_yaw_of_the_other_hand_shows_in_the_images(
    tmp_path: Path, yaw_rad: float, exit_code: int
) -> None:
    rows = [row for track in (1, 2, 3) for row in oblique(yaw_rad, track)]
    audit = audit_dataset(write_kitti(tmp_path / "set", rows), default_calibration())
    wrong = [finding for finding in audit.findings if finding.is_alarm]
    assert (audit.exit_code, len(wrong)) == (exit_code, exit_code)
