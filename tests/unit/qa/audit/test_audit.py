"""The audit speaks up about faults, keeps silent about good labels, names what is unreadable."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from synthgen.cli import main
from synthgen.qa.audit.audit import Audit, audit_dataset, corrected_rate, read_clip
from synthgen.qa.audit.checks import BOX_CHECKS, score_boxes
from synthgen.qa.audit.inject import SINGLE_FAULTS, TRACK_FAULTS, Draft, inject
from synthgen.qa.audit.labels import Labels
from synthgen.qa.audit.match import match
from synthgen.qa.audit.proof import Scene, faulty_trials, judged, prove
from synthgen.qa.audit.report import write_report
from synthgen.qa.audit.sizes import NO_SIZES
from synthgen.qa.audit.systematic import findings, sample
from synthgen.qa.audit.vote import default_calibration, fit_vote, judge
from synthgen.store.layout import clip_folder
from tests.unit.small_dataset import edit_table, write_dataset

CAR, WALKER = 2, 3


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("audit") / "small")


@pytest.fixture(scope="module")
def scene(dataset: Path) -> Scene:
    part = read_clip(clip_folder(dataset, "0" * 16))
    return Scene(part.labels, part.blobs, part.range_m)


def row_of(labels: Labels, track: int, frame: int) -> int:
    assert labels.track is not None
    return int(np.flatnonzero((labels.track == track) & (labels.frame == frame))[0])


def alarms_of(scene: Scene, labels: Labels, row: int) -> set[str]:
    """Names of the checks that speak up about one box."""
    pairs = match(labels, scene.blobs)
    values = score_boxes(labels, scene.blobs, pairs, NO_SIZES, scene.range_m).values
    scores = judge(values, default_calibration()).scores[row]
    return {name for name, score in zip(BOX_CHECKS, scores, strict=True) if score > 1}


def test_good_labels_raise_no_alarm(dataset: Path) -> None:
    audit = audit_dataset(dataset, default_calibration())
    assert [suspect.document() for suspect in audit.queue] == []
    assert audit.exit_code == 0


def moved(labels: Labels, row: int) -> Labels:
    centre, world = labels.center_m.copy(), labels.world_m.copy()
    centre[row, 1] += 0.6
    world[row, 1] += 0.6
    return replace(labels, center_m=centre, world_m=world)


def grown(labels: Labels, row: int) -> Labels:
    size = labels.size_lwh_m.copy()
    size[row] *= 1.2
    return replace(labels, size_lwh_m=size)


def renamed(labels: Labels, row: int) -> Labels:
    category = labels.category.astype("<U32")
    category[row] = "bicycle"
    return replace(labels, category=category)


def flipped(labels: Labels, row: int) -> Labels:
    yaw = labels.world_yaw_rad.copy()
    yaw[row] += np.pi
    return replace(labels, world_yaw_rad=yaw)


def edge_off(labels: Labels, row: int) -> Labels:
    image = labels.image_xyxy_px.copy()
    image[row, 0, 2] += 5
    return replace(labels, image_xyxy_px=image)


def flat(labels: Labels, row: int) -> Labels:
    size = labels.size_lwh_m.copy()
    size[row, 1] = 0.0
    return replace(labels, size_lwh_m=size)


def far_off(labels: Labels, row: int) -> Labels:
    centre = labels.center_m.copy()
    centre[row] += [0.0, 60.0, 0.0]
    return replace(labels, center_m=centre)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (moved, "depth_in"),
        (moved, "lidar_in"),
        (moved, "track_pos"),
        (grown, "track_size"),
        (renamed, "cls_tag"),
        (renamed, "track_cls"),
        (flipped, "heading"),
        (edge_off, "box2d"),
        (flat, "size_prior"),
        (far_off, "support"),
    ],
)
def test_fault_is_found_by(
    scene: Scene, change: Callable[[Labels, int], Labels], check: str
) -> None:
    row = row_of(scene.labels, CAR, 5)
    assert check in alarms_of(scene, change(scene.labels, row), row)


def test_double_box_is_found(scene: Scene) -> None:
    row = row_of(scene.labels, WALKER, 5)
    labels = scene.labels.joined(replace(scene.labels.take(np.array([row])), track=np.array([77])))
    assert "dup" in alarms_of(scene, labels, len(labels) - 1)


def test_exchanged_ids_are_found_by_what_the_sensors_show(scene: Scene) -> None:
    assert scene.labels.track is not None
    track = scene.labels.track.copy()
    rows = [row_of(scene.labels, CAR, 5), row_of(scene.labels, WALKER, 5)]
    track[rows] = track[rows[::-1]]
    assert "track_obj" in alarms_of(scene, replace(scene.labels, track=track), rows[0])


def test_size_wrong_all_along_is_found_by_the_whole_track(scene: Scene) -> None:
    assert scene.labels.track is not None
    own = scene.labels.track == CAR
    size = np.where(own[:, None], scene.labels.size_lwh_m * 1.2, scene.labels.size_lwh_m)
    row = row_of(scene.labels, CAR, 5)
    assert "track_fit" in alarms_of(scene, replace(scene.labels, size_lwh_m=size), row)


def test_open_door_reaches_out_of_the_box(scene: Scene) -> None:
    # A door of 0.9 m: what the sensors see of the car reaches as far beyond a narrower box.
    row = row_of(scene.labels, CAR, 5)
    size = scene.labels.size_lwh_m.copy()
    size[scene.labels.track == CAR, 1] -= 0.9
    narrow = replace(scene.labels, size_lwh_m=size)
    doors = {"depth_in", "lidar_in", "track_fit"}
    assert doors & alarms_of(scene, narrow, row)
    is_open = np.ones(len(narrow), dtype=np.bool_)
    assert not doors & alarms_of(scene, replace(narrow, has_open_door=is_open), row)


def test_heading_against_the_motion_is_found(scene: Scene) -> None:
    assert scene.labels.track is not None
    turn = np.where(scene.labels.track == CAR, np.pi, 0.0)
    labels = replace(scene.labels, world_yaw_rad=scene.labels.world_yaw_rad + turn)
    assert "drift" in alarms_of(scene, labels, row_of(labels, CAR, 5))


def test_object_without_a_label_is_missing(scene: Scene) -> None:
    assert scene.labels.track is not None
    labels = scene.labels.take(scene.labels.track != WALKER)
    pairs = match(labels, scene.blobs)
    missing = score_boxes(labels, scene.blobs, pairs, NO_SIZES, scene.range_m).missing
    assert set(scene.blobs.identity[missing].tolist()) == {WALKER}


def test_labels_of_one_tick_ago_show_as_lag(scene: Scene) -> None:
    # The small clip has one moving car; three of it make the three tracks that an estimate needs.
    assert scene.labels.track is not None
    yaw = np.arctan2(scene.labels.rotation[:, 1, 0], scene.labels.rotation[:, 0, 0])
    back = 0.05 * 4.8 * np.stack([np.cos(yaw), np.sin(yaw), 0 * yaw], axis=1)
    centre = scene.labels.center_m - np.where(scene.labels.track[:, None] == CAR, back, 0.0)
    labels = replace(scene.labels, center_m=centre)
    pairs = match(labels, scene.blobs)
    samples = [sample(labels, scene.blobs, pairs, number) for number in range(6)]
    lag = findings(samples, np.random.default_rng(0))[0]
    assert lag.estimate == pytest.approx(0.05, abs=0.012)
    assert lag.is_alarm


@pytest.mark.parametrize(
    "kind", ["drop", "ghost", "shift_0.6m", "yaw_flip", "id_swap", "duplicate"]
)
def test_fault_can_be_put_in(scene: Scene, kind: str) -> None:
    pairs = match(scene.labels, scene.blobs)
    seen = score_boxes(scene.labels, scene.blobs, pairs, NO_SIZES, scene.range_m).verifiable
    kinds = np.full(len(scene.labels), "", dtype=object)
    rng = np.random.default_rng(1)
    draft = Draft(scene.labels, kinds, seen.copy(), scene.blobs, pairs, rng)
    assert inject(draft, kind, budget=50)
    assert kind in draft.kinds or draft.dropped


def test_at_least_fourteen_kinds_and_those_of_whole_tracks() -> None:
    assert len(SINGLE_FAULTS) >= 14
    assert {"track_offset_0.3m", "track_size_up", "track_lag_1tick"} <= set(TRACK_FAULTS)


def test_most_faults_in_a_small_clip_are_found(scene: Scene) -> None:
    trials = [t for seed in range(6) for t in faulty_trials([judged(scene)], {}, seed, rate=0.15)]
    assert prove(trials, default_calibration()).recall > 0.85


def test_no_check_speaks_for_a_label() -> None:
    # Two checks that say the same but for noise: one alone would weigh less than nothing.
    rng = np.random.default_rng(0)
    is_fault = np.arange(400) < 100
    scores = np.zeros((400, len(BOX_CHECKS)))
    scores[:, 0] = np.where(is_fault, 3.0, 0.2)
    scores[:, 1] = np.where(is_fault, 2.0, 0.1) * (rng.random(400) < 0.5) + 0.5 * ~is_fault
    weights, _ = fit_vote(scores, is_fault)
    assert min(weights.values()) >= 0
    assert weights[BOX_CHECKS[0]] > 0


def test_rate_is_corrected_as_rogan_and_gladen_say() -> None:
    estimate, low, high = corrected_rate(30, 1000, 0.95, 0.01)
    assert estimate == pytest.approx(0.02 / 0.94, abs=1e-5)
    assert low < estimate < high


def test_no_alarm_still_has_an_upper_bound() -> None:
    # Clopper and Pearson: 1 - 0.025 ** (1 / n) for none of n
    _estimate, low, high = corrected_rate(0, 100, 1.0, 0.01)
    assert low == 0.0
    assert high == pytest.approx(1 - 0.025**0.01, abs=1e-5)


@pytest.fixture
def copy(dataset: Path, tmp_path: Path) -> Path:
    shutil.copytree(dataset, tmp_path / "copy")
    return tmp_path / "copy"


def audited(dataset: Path) -> Audit:
    return audit_dataset(dataset, default_calibration())


def test_cut_off_table_is_named_and_the_other_clip_audited(copy: Path) -> None:
    path = clip_folder(copy, f"{1:016x}") / "labels/v1/boxes3d.parquet"
    path.write_bytes(path.read_bytes()[:200])
    audit = audited(copy)
    assert [part.name for part in audit.recordings] == ["0" * 16]
    assert str(path) in audit.unreadable[0][1]
    assert audit.exit_code == 2


@pytest.mark.parametrize(
    "change",
    [
        {"ego_from_box_x_m": math.nan},
        {"ego_from_box_y_m": math.inf},
        {f"ego_from_box_q{axis}": 0.0 for axis in "wxyz"},
        {"width_m": 0.0},
        {"length_m": -4.5},
    ],
)
def test_label_that_is_no_box_is_wrong_and_spoils_no_other(
    copy: Path, tmp_path: Path, change: dict[str, float]
) -> None:
    path = clip_folder(copy, "0" * 16) / "labels/v1/boxes3d.parquet"
    row = pq.read_table(path).to_pylist()[5]
    edit_table(path, lambda rows: rows[5].update(change))
    audit = audited(copy)
    found = [(s.reason, s.frame, s.track) for s in audit.queue if s.reason == "broken"]
    assert found == [("broken", row["frame_index"], row["track_id"])]
    assert audit.exit_code == 1
    write_report(audit, tmp_path / "report")
    document = (tmp_path / "report/audit.json").read_text()
    assert json.loads(document, parse_constant=pytest.fail)["probably_wrong"] >= 1


def test_cut_off_image_is_named(copy: Path) -> None:
    def cut(rows: list[dict[str, bytes]]) -> None:
        rows[3]["image"] = rows[3]["image"][:20]

    edit_table(clip_folder(copy, f"{1:016x}") / "cameras/cam/depth.parquet", cut)
    assert "frame 3 depth: expected an image" in audited(copy).unreadable[0][1]


def test_foreign_folder_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "photos").mkdir()
    assert main(["audit", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"{tmp_path}: not a data set of a known format (synthgen, kitti-")
    assert told.count("\n") == 1


def test_dataset_without_clips_is_not_said_to_be_clean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "clips").mkdir()
    assert main(["audit", str(tmp_path)]) == 2
    assert "expected at least one clip" in capsys.readouterr().err


def test_boxes_of_images_alone_cannot_be_audited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "annotations").mkdir()
    document = {
        "images": [{"id": 1, "file_name": "1.jpg", "width": 64, "height": 48}],
        "categories": [{"id": 3, "name": "car"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 3, "bbox": [4, 4, 20, 10], "iscrowd": 0}
        ],
    }
    (tmp_path / "annotations/instances_val.json").write_text(json.dumps(document))
    assert main(["audit", str(tmp_path)]) == 2
    assert "coco: holds no 3D box" in capsys.readouterr().err


def test_report_lists_the_wrong_box_first(copy: Path) -> None:
    def shift(rows: list[dict[str, float]]) -> None:
        row = next(r for r in rows if r["track_id"] == CAR and r["frame_index"] == 5)
        row["ego_from_box_y_m"] += 1.2

    edit_table(clip_folder(copy, f"{1:016x}") / "labels/v1/boxes3d.parquet", shift)
    write_report(audited(copy), copy / "audit")
    first = json.loads((copy / "audit/audit.json").read_text())["queue"][0]
    assert (first["recording"], first["frame"], first["track"]) == (f"{1:016x}", 5, CAR)
    assert pq.read_table(copy / "audit/boxes.parquet")["is_alarm"].to_pylist().count(True) >= 1


KITTI = Path(__file__).parents[5] / "shared" / "data" / "kitti_tracking"


@pytest.mark.skipif(not KITTI.is_dir(), reason="real KITTI labels are not at hand")
def test_real_labels_can_be_audited() -> None:
    audit = audited(KITTI)
    assert len(audit.recordings) == 10
    assert audit.error_rate()[0] < 0.1
