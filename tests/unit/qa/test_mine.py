"""Mining: what goes with misses, and what does not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from scenarios.loader import load_scenario
from synthgen.errors import ConfigError
from synthgen.qa import mine as mining
from synthgen.qa.mine import _causes, _met, _predictions, _write
from synthgen.store.layout import clip_folder
from tests.unit.small_dataset import write_dataset

LIBRARY = Path(__file__).resolve().parents[3] / "scenarios" / "library"


def clips(*, missed_at_speed: float) -> list[dict[str, object]]:
    rng = np.random.default_rng(0)
    speeds = rng.uniform(7, 14, 40)
    return [
        {
            "parameters": {"ego_speed": v, "van_gap": float(rng.uniform(0.5, 1.5))},
            "labelled": 50,
            "missed": 30 if v > missed_at_speed else 5,
        }
        for v in speeds.tolist()
    ]


def test_boxes_meet_at_half_overlap() -> None:
    box = np.array([[0.0, 0.0, 10.0, 10.0]])
    # Shifted by 3 px: 70 / 130 = 0.54; by 4 px: 60 / 140 = 0.43.
    assert _met(box, box + np.array([3, 0, 3, 0])).tolist() == [True]
    assert _met(box, box + np.array([4, 0, 4, 0])).tolist() == [False]


def test_parameter_that_goes_with_misses_is_named() -> None:
    causes = _causes("jaywalk_parked_van", clips(missed_at_speed=11), np.random.default_rng(1))
    by_name = {c.parameter: c.p_value for c in causes}
    assert by_name["ego_speed"] < 0.01
    assert by_name["van_gap"] > 0.1


def test_written_scenario_loads_and_prefers_the_missed_speeds(tmp_path: Path) -> None:
    causes = _causes("jaywalk_parked_van", clips(missed_at_speed=11), np.random.default_rng(1))
    path = _write(tmp_path, "jaywalk_parked_van", causes[:1], LIBRARY)
    speed = load_scenario(path).params["ego_speed"]
    assert speed.weights[-1] > speed.weights[0]


def test_few_clips_have_no_causes() -> None:
    few = clips(missed_at_speed=11)[: mining.LEAST_CLIPS - 1]
    assert _causes("jaywalk_parked_van", few, np.random.default_rng(1)) == []


def test_prediction_without_a_box_is_refused_by_place(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text('[{"clip_id": "a", "frame_index": 0}]')
    with pytest.raises(ConfigError, match=r"0\.bbox"):
        _predictions(path)


def test_prediction_of_no_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text('[{"clip_id": "a", "frame_index": 0, "bbox": [1, 2, NaN, 4]}]')
    with pytest.raises(ConfigError, match=r"0\.bbox\.2: .*finite"):
        _predictions(path)


def predicted(folder: Path, clip_ids: list[str]) -> Path:
    rows = [{"clip_id": name, "frame_index": 0, "bbox": [1, 2, 3, 4]} for name in clip_ids]
    (folder / "p.json").write_text(json.dumps(rows))
    return folder / "p.json"


def test_predictions_of_another_dataset_are_no_misses(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "small")
    with pytest.raises(ConfigError, match="found none of them"):
        mining.mine(dataset, predicted(tmp_path, ["another"]), tmp_path / "out", LIBRARY)


def test_clip_that_cannot_be_read_is_named_and_the_rest_mined(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "small")
    broken = clip_folder(dataset, f"{1:016x}") / "labels/v1/boxes2d.parquet"
    broken.write_bytes(broken.read_bytes()[:100])
    known, strange = "0" * 16, "another"
    scenario = clip_folder(dataset, known) / "scenario.json"
    scenario.write_text(
        json.dumps(json.loads(scenario.read_text()) | {"name": "small", "parameters": {}})
    )
    report = mining.mine(dataset, predicted(tmp_path, [known, strange]), tmp_path / "out", LIBRARY)
    assert (report["clips"], report["unknown_clips"]) == (1, [strange])
    assert [str(broken) in line for line in report["not_readable"]] == [True]
