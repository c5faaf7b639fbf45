"""A lock catches what moved and names it."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from synthgen.campaign.config import load_config
from synthgen.campaign.plan import make_plan, write_record
from synthgen.campaign.progress import PlainProgress
from synthgen.cli import main
from synthgen.errors import ConfigError, OutputError, SimulatorLost
from synthgen.regression import lock as lock_module
from synthgen.regression import verify as verify_module
from synthgen.regression.change import Kind
from synthgen.regression.diff import diff_datasets
from synthgen.regression.environment import cpu_fingerprint, present_environment
from synthgen.regression.lock import make_lock, read_lock
from synthgen.regression.outcome import Outcome
from synthgen.regression.verify import VerifyOptions, parse_shard, shard_of, verify_lock
from synthgen.store.layout import clip_folder
from tests.unit.small_dataset import edit_table, write_dataset

CONFIG = """schema: synthgen/generation@1
name: small
seed: 1
scenarios:
  - {{file: scenarios/library/jaywalk_parked_van.yaml, clips: 2}}
maps: [{map}]
rig: sensors/rigs/front.yaml
simulator: {{kind: embedded}}
out: out
"""


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A lock file and the dataset that it was made of."""
    folder = tmp_path_factory.mktemp("locked") / "configs"
    folder.mkdir()
    (folder / "Flat.xodr").write_text("<OpenDRIVE/>")
    config = folder / "small.yaml"
    config.write_text(CONFIG.format(map=folder / "Flat.xodr"))
    dataset = write_dataset(folder / "dataset")
    write_record(dataset, make_plan(load_config(config), folder.parent))
    make_lock(config, folder / "small.lock", PlainProgress(), dataset)
    return folder / "small.lock", dataset


@pytest.fixture
def copy(locked: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy of the dataset, to break."""
    shutil.copytree(locked[1], tmp_path / "copy")
    return tmp_path / "copy"


def check(locked: tuple[Path, Path], dataset: Path, **options: Any) -> Outcome:
    return verify_lock(locked[0], VerifyOptions(against=dataset, **options), PlainProgress())


def clip(dataset: Path, k: int = 1) -> Path:
    return clip_folder(dataset, f"{k:016x}")


def boxes2d(dataset: Path) -> Path:
    return clip(dataset) / "labels/v1/boxes2d.parquet"


def shift_a_box(rows: list[dict[str, Any]]) -> None:
    row = next(r for r in rows if r["track_id"] == 3 and r["frame_index"] == 4)
    row["visible_x_min_px"] += 2.0


def hide_a_box(rows: list[dict[str, Any]]) -> None:
    row = next(r for r in rows if r["track_id"] == 3 and r["frame_index"] == 4)
    row |= {f"visible_{edge}_px": None for edge in ("x_min", "y_min", "x_max", "y_max")}


def rename_a_class(rows: list[dict[str, Any]]) -> None:
    rows[0]["category"] = "truck"


def change_a_pixel(rows: list[dict[str, Any]]) -> None:
    image = cv2.imdecode(np.frombuffer(rows[6]["image"], np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    image[20, 70, 1] += 3
    rows[6]["image"] = cv2.imencode(".png", image)[1].tobytes()


def test_same_bytes_reach_r1(locked: tuple[Path, Path], copy: Path) -> None:
    outcome = check(locked, copy)
    assert (outcome.level, outcome.exit_code, outcome.changes) == ("R1", 0, ())


def test_label_moved_by_two_pixels_is_named(locked: tuple[Path, Path], copy: Path) -> None:
    edit_table(boxes2d(copy), shift_a_box)
    outcome = check(locked, copy, out=copy / "report")
    moved = [c for c in outcome.changes if c.kind is Kind.MOVED]
    assert [(c.slot, c.where, c.amount, c.unit) for c in moved] == [
        ("jaywalk_parked_van-00001", "boxes2d cam frame 4 object 3", 2.0, "px")
    ]
    assert (outcome.exit_code, outcome.level) == (1, "none")


def test_box_seen_in_one_set_only_has_no_distance(locked: tuple[Path, Path], copy: Path) -> None:
    edit_table(boxes2d(copy), hide_a_box)
    [moved] = [c for c in check(locked, copy).changes if c.kind is Kind.MOVED]
    assert re.fullmatch(r"visible_x_min_px \d+ is now none", moved.text)


def test_a_picture_of_the_moved_label_is_drawn(locked: tuple[Path, Path], copy: Path) -> None:
    edit_table(boxes2d(copy), shift_a_box)
    check(locked, copy, out=copy / "report")
    pictures = sorted((copy / "report/pictures").iterdir())
    assert [p.name for p in pictures] == ["00-jaywalk_parked_van-00001-cam-0004.png"]


def test_renamed_class_is_named(locked: tuple[Path, Path], copy: Path) -> None:
    edit_table(boxes2d(copy), rename_a_class)
    changes = check(locked, copy).changes
    assert [(c.kind, c.text.endswith("is now truck")) for c in changes] == [(Kind.CLASS, True)]


def test_missing_clip_is_named(locked: tuple[Path, Path], copy: Path) -> None:
    shutil.rmtree(clip(copy))
    outcome = check(locked, copy)
    assert [(c.kind, c.slot) for c in outcome.changes] == [
        (Kind.CLIP_MISSING, "jaywalk_parked_van-00001")
    ]
    assert outcome.exit_code == 1


def test_changed_pixel_is_named_by_its_frame(locked: tuple[Path, Path], copy: Path) -> None:
    edit_table(clip(copy) / "cameras/cam/rgb.parquet", change_a_pixel)
    outcome = check(locked, copy)
    assert [(c.kind, c.where) for c in outcome.changes] == [(Kind.IMAGE, "cam rgb frame 6")]
    assert outcome.exit_code == 1


def test_changed_pixel_is_located_where_the_old_data_are_at_hand(
    locked: tuple[Path, Path], copy: Path
) -> None:
    edit_table(clip(copy) / "cameras/cam/rgb.parquet", change_a_pixel)
    text = check(locked, copy, reference=locked[1]).changes[0].text
    assert text.startswith("1 pixel differs, the first at column 70 row 20, by up to 3 (")


def test_other_wheel_version_is_named(locked: tuple[Path, Path], tmp_path: Path) -> None:
    lock, dataset = edited_lock(locked, tmp_path, numpy_version="1.0.0")
    outcome = check((lock, dataset), dataset)
    assert [(c.kind, c.where) for c in outcome.breaches] == [(Kind.VERSION, "wheel numpy")]
    assert (outcome.level, outcome.exit_code) == ("R1", 1)


def test_allowed_kind_does_not_fail(locked: tuple[Path, Path], tmp_path: Path) -> None:
    lock, dataset = edited_lock(locked, tmp_path, numpy_version="1.0.0")
    assert check((lock, dataset), dataset, allowed=frozenset([Kind.VERSION])).exit_code == 0


def test_other_code_with_equal_bytes_passes(locked: tuple[Path, Path], tmp_path: Path) -> None:
    lock, dataset = edited_lock(locked, tmp_path, code="0" * 64)
    outcome = check((lock, dataset), dataset)
    assert [c.where for c in outcome.changes] == ["code synthgen/labels"]
    assert (outcome.level, outcome.exit_code) == ("R1", 0)


def edited_lock(
    locked: tuple[Path, Path], folder: Path, *, numpy_version: str = "", code: str = ""
) -> tuple[Path, Path]:
    target = folder / "configs"
    shutil.copytree(locked[0].parent, target, ignore=shutil.ignore_patterns("dataset"))
    document = json.loads((target / "small.lock").read_text())
    if numpy_version:
        document["environment"]["wheels"]["numpy"]["version"] = numpy_version
    if code:
        document["environment"]["code"]["synthgen/labels"] = code
    (target / "small.lock").write_text(json.dumps(document))
    return target / "small.lock", locked[1]


@pytest.fixture
def other_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine under another processor's name."""
    present = present_environment()
    cpu = present.cpu.model_copy(update={"model": "another"})
    monkeypatch.setattr(
        verify_module, "present_environment", lambda: present.model_copy(update={"cpu": cpu})
    )


def nudge_a_box(rows: list[dict[str, Any]]) -> None:
    rows[0]["amodal_x_min_px"] += 0.5


@pytest.mark.usefixtures("other_cpu")
def test_half_a_pixel_on_another_processor_is_r2(locked: tuple[Path, Path], copy: Path) -> None:
    edit_table(boxes2d(copy), nudge_a_box)
    outcome = check(locked, copy)
    assert (outcome.level, outcome.exit_code) == ("R2", 0)


@pytest.mark.usefixtures("other_cpu")
def test_r2_is_inconclusive_where_exact_bytes_are_required(
    locked: tuple[Path, Path], copy: Path
) -> None:
    edit_table(boxes2d(copy), nudge_a_box)
    assert check(locked, copy, require_exact=True).exit_code == 3


@pytest.mark.usefixtures("other_cpu")
def test_two_pixels_fail_on_another_processor_too(locked: tuple[Path, Path], copy: Path) -> None:
    edit_table(boxes2d(copy), shift_a_box)
    assert check(locked, copy).exit_code == 1


def test_truncated_table_is_named_and_the_rest_compared(
    locked: tuple[Path, Path], copy: Path
) -> None:
    path = boxes2d(copy)
    path.write_bytes(path.read_bytes()[:100])
    edit_table(clip(copy, 0) / "labels/v1/boxes2d.parquet", rename_a_class)
    kinds = {change.kind for change in check(locked, copy).changes}
    assert kinds == {Kind.CLIP_UNREADABLE, Kind.CLASS}


def test_diff_names_added_and_removed_objects(locked: tuple[Path, Path], copy: Path) -> None:
    def drop(rows: list[dict[str, Any]]) -> None:
        del rows[0]

    edit_table(boxes2d(copy), drop)
    forth = diff_datasets(locked[1], copy)
    back = diff_datasets(copy, locked[1])
    kinds = [{c.kind for c in outcome.changes} for outcome in (forth, back)]
    assert kinds == [{Kind.REMOVED}, {Kind.ADDED}]


def test_diff_under_r2_lets_one_pixel_pass(locked: tuple[Path, Path], copy: Path) -> None:
    edit_table(clip(copy) / "cameras/cam/rgb.parquet", change_a_pixel)
    codes = [diff_datasets(locked[1], copy, is_exact=e).exit_code for e in (True, False)]
    assert codes == [1, 0]


def test_junit_has_one_failure_for_the_broken_clip(locked: tuple[Path, Path], copy: Path) -> None:
    edit_table(boxes2d(copy), shift_a_box)
    check(locked, copy, out=copy / "report")
    suite = ElementTree.parse(copy / "report/junit.xml").getroot()
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert (suite.get("tests"), failed) == ("3", ["jaywalk_parked_van-00001"])


def test_shards_cover_every_slot_once() -> None:
    slots = ["a", "b", "c", "d", "e"]
    shards = [shard_of(slots, (i, 3)) for i in (1, 2, 3)]
    assert sorted([*shards[0], *shards[1], *shards[2]]) == slots


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "-1/2", "1/2/3", ""])
def test_wrong_shard_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="argument --shard: expected i/n"):
        parse_shard(text)


def test_foreign_folder_ends_with_2(
    locked: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(locked[0]), "--against", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"{tmp_path}: expected a dataset (a folder with clips/), found none\n"
    )


def test_damaged_lock_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.lock").write_text('{"schema": "synthgen/lock@1"}')
    assert main(["verify", str(tmp_path / "bad.lock")]) == 2
    assert "generator_version: Field required; lock again" in capsys.readouterr().err


def test_unknown_kind_to_allow_is_refused(locked: tuple[Path, Path], copy: Path) -> None:
    assert main(["diff", str(locked[1]), str(copy), "--allow", "everything"]) == 2


def test_fingerprint_reads_what_code_is_chosen_by(tmp_path: Path) -> None:
    text = (
        "vendor_id\t: V\ncpu family\t: 6\nmodel\t\t: 85\nflags\t\t: fpu avx2 fma\n\nvendor_id: W\n"
    )
    (tmp_path / "cpuinfo").write_text(text)
    found = cpu_fingerprint(tmp_path / "cpuinfo")
    assert (found.vendor, found.family, found.model) == ("V", "6", "85")
    assert found.features == ("avx2", "fma")


def test_clip_is_kept_until_its_inputs_change(locked: tuple[Path, Path], copy: Path) -> None:
    file = read_lock(locked[0])
    inputs = verify_module.slot_inputs(file, present_environment())
    (copy / "run").mkdir()
    (copy / "run/inputs.json").write_text(json.dumps(inputs))
    changed = {**inputs, "jaywalk_parked_van-00001": "other"}
    kept = verify_module.drop_outdated(copy, changed, file.plan)
    assert kept == {"jaywalk_parked_van-00000"}
    assert not clip(copy).exists()


def test_other_labels_code_changes_every_input(locked: tuple[Path, Path]) -> None:
    file = read_lock(locked[0])
    now = present_environment()
    other = now.model_copy(update={"code": {**now.code, "synthgen/labels": "0"}})
    before = verify_module.slot_inputs(file, now)
    after = verify_module.slot_inputs(file, other)
    assert not set(before.values()) & set(after.values())


@pytest.mark.parametrize(
    ("ended", "says"),
    [(130, KeyboardInterrupt), (4, OutputError), (3, SimulatorLost)],
)
def test_run_that_ended_early_locks_nothing(
    locked: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ended: int,
    says: type[BaseException],
) -> None:
    monkeypatch.setattr(lock_module, "run_campaign", lambda *_: ended)
    with pytest.raises(says):
        make_lock(locked[0].with_name("small.yaml"), tmp_path / "new.lock", PlainProgress())
    assert not list(tmp_path.iterdir())
