"""Whole comparisons of KITTI sets made from dry runs, and of damaged ones."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from synthgen.cli import main
from synthgen.errors import ConfigError, DatasetError
from synthgen.qa.compare import Options
from synthgen.qa.gates import Gates, judge, verdict
from synthgen.qa.junit import junit
from synthgen.qa.outputs import gate_cases
from synthgen.qa.profile import bad_reference, hand_default
from synthgen.qa.run_compare import Result, run_compare
from synthgen.qa.sources import open_source
from tests.unit.qa.kitti_files import write_tracking_set

QUICK = Options(null_draws=5, replay_splits=2)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("sets")
    return {
        "real": write_tracking_set(root / "real", hand_default(), seed=1),
        "same": write_tracking_set(root / "same", hand_default(), seed=2),
        "bad": write_tracking_set(root / "bad", bad_reference(), seed=3),
        "few": write_tracking_set(root / "few", hand_default(), sequences=2, frames=2, seed=4),
    }


@pytest.fixture(scope="module")
def bad(folders: dict[str, Path]) -> Result:
    out = folders["real"].parent / "report"
    return run_compare(folders["real"], folders["bad"], out, options=QUICK)


def test_bad_set_has_a_low_index(bad: Result) -> None:
    assert bad.report["index"] < 30


def test_set_from_the_same_source_has_a_high_index(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    found = run_compare(folders["real"], folders["same"], tmp_path, options=QUICK)
    assert found.report["index"] > 80


def test_advice_names_the_class_mix_of_a_set_with_a_wrong_one(bad: Result) -> None:
    assert "mix of the traffic profile" in {item["knob"] for item in bad.report["advice"]}


def test_twenty_boxes_are_inconclusive(folders: dict[str, Path], tmp_path: Path) -> None:
    code = main(
        ["compare", str(folders["real"]), str(folders["few"]), "--out", str(tmp_path / "r")]
    )
    assert code == 3


def test_report_needs_nothing_from_outside(bad: Result, folders: dict[str, Path]) -> None:
    page = (folders["real"].parent / "report/report.html").read_text()
    assert not [word for word in ("<script", "http://", "https://", "<link") if word in page]


def test_every_chart_of_the_report_tells_its_text(bad: Result, folders: dict[str, Path]) -> None:
    page = (folders["real"].parent / "report/report.html").read_text()
    assert page.count("<svg") == page.count('role="img" aria-label="')


def test_report_json_is_valid_without_nan(bad: Result, folders: dict[str, Path]) -> None:
    text = (folders["real"].parent / "report/report.json").read_text()
    assert json.loads(text, parse_constant=lambda c: pytest.fail(c))["schema"] == (
        "synthgen/comparison@1"
    )


@pytest.fixture(scope="module")
def odd(folders: dict[str, Path]) -> Result:
    """The real set against one with a damaged sequence and a label that is no box."""
    folder = write_tracking_set(folders["real"].parent / "odd", hand_default(), seed=5)
    (folder / "training/label_02/0003.txt").write_text("0 1 Car nonsense\n")
    path = folder / "training/label_02/0004.txt"
    first, *rest = path.read_text().splitlines()
    fields = first.split()
    fields[10] = "nan"  # the height
    path.write_text("\n".join([" ".join(fields), *rest]))
    return run_compare(
        folders["real"], folder, folders["real"].parent / "odd_report", options=QUICK
    )


def test_damaged_sequence_is_named_and_the_rest_compared(odd: Result) -> None:
    assert odd.exit_code == 2
    assert [("0003.txt" in p) for p in odd.report["problems"]] == [True]
    assert odd.report["synthetic"]["sequences"] == 7


def test_labels_that_are_no_boxes_are_told_and_left_out(
    odd: Result, folders: dict[str, Path]
) -> None:
    assert [n for n in odd.report["notes"] if "1 of " in n and "0004 frame" in n]
    page = (folders["real"].parent / "odd_report/report.html").read_text()
    assert not re.search(r"[>\s]-?nan[\s<]", page)


def test_foreign_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="not a data set of a known format"):
        open_source(tmp_path)


def test_absent_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such file"):
        open_source(tmp_path / "nothing")


def gates(**limits: dict[str, float | str]) -> Gates:
    named = {name.replace("__", "."): limit for name, limit in limits.items()}
    return Gates.model_validate({"schema": "synthgen/gates@1", "gates": named})


def test_gate_fails_on_the_wrong_side_of_its_limit(bad: Result) -> None:
    judged = judge(gates(compare__c2st__auc={"max": 0.6}), bad.report, None)
    assert [j.outcome for j in judged] == ["fail"]


def test_gate_without_data_is_inconclusive(bad: Result) -> None:
    chosen = gates(audit__error_rate={"max": 0.01})
    judged = judge(chosen, bad.report, None)
    assert verdict(chosen, judged) == "inconclusive"


def test_gate_reads_the_audit(bad: Result) -> None:
    judged = judge(gates(audit__error_rate={"max": 0.01}), bad.report, {"error_rate": 0.002})
    assert judged[0].outcome == "pass"


def test_gate_with_an_unknown_name_is_refused(bad: Result) -> None:
    with pytest.raises(ConfigError, match=r"compare\.beauty"):
        judge(gates(compare__beauty={"min": 1}), bad.report, None)


def test_junit_counts_failures(bad: Result) -> None:
    judged = judge(gates(compare__c2st__auc={"max": 0.6}), bad.report, None)
    suite = ElementTree.fromstring(junit("gates", gate_cases(judged)))
    assert [suite.get(name) for name in ("tests", "failures", "skipped")] == ["1", "1", "0"]
    assert suite.find("testcase/failure") is not None


def test_users_features_are_never_called_fid(folders: dict[str, Path], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    paths = (tmp_path / "a.npy", tmp_path / "b.npy")
    for shift, path in enumerate(paths):
        np.save(path, rng.normal(shift, 1, (300, 4)))
    found = run_compare(
        folders["real"], folders["same"], tmp_path / "r", features=paths, options=QUICK
    )
    # Four features shifted by one each: 4, within sampling noise.
    assert found.report["user_features"]["frechet"] == pytest.approx(4.0, abs=0.8)
    assert "fid" not in found.report["user_features"]


def test_features_of_the_wrong_shape_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.zeros(5))
    with pytest.raises(ConfigError, match=r"found shape \(5,\)"):
        run_compare(
            folders["real"], folders["same"], tmp_path, features=(path, path), options=QUICK
        )


def object_set(folder: Path) -> Path:
    """Three KITTI object frames with pictures and sweeps, cut out of a tracking set's labels."""
    tracking = write_tracking_set(folder / "tracking", hand_default(), sequences=1, frames=3)
    training = folder / "object/training"
    for name in ("label_2", "calib", "image_2", "velodyne"):
        (training / name).mkdir(parents=True)
    rows = (tracking / "training/label_02/0000.txt").read_text().splitlines()
    for frame in range(3):
        mine = [" ".join(r.split()[2:]) for r in rows if r.startswith(f"{frame} ")]
        (training / f"label_2/{frame:06d}.txt").write_text("\n".join(mine) + "\n")
        calib = (tracking / "training/calib/0000.txt").read_text()
        (training / f"calib/{frame:06d}.txt").write_text(calib)
        picture = np.full((375, 1242, 3), 90 + frame, np.uint8)
        cv2.imwrite(str(training / f"image_2/{frame:06d}.png"), picture)
        np.ones((50, 4), "<f4").tofile(training / f"velodyne/{frame:06d}.bin")
    return folder / "object"


def test_cut_off_picture_is_named_and_the_others_read(tmp_path: Path) -> None:
    source = open_source(object_set(tmp_path))
    path = source.path / "training/image_2/000001.png"
    path.write_bytes(path.read_bytes()[:60])
    assert len(list(source.images(10))) == 2
    assert ["000001.png" in problem for problem in source.problems] == [True]


def test_cut_off_sweep_is_named_and_the_others_read(tmp_path: Path) -> None:
    source = open_source(object_set(tmp_path))
    path = source.path / "training/velodyne/000002.bin"
    path.write_bytes(path.read_bytes()[:-3])
    assert len(list(source.sweeps(10))) == 2
    assert ["000002.bin" in problem for problem in source.problems] == [True]
