"""What a small model learned on one set holds on another, or does not, and the probe says so."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from synthgen.cli import main
from synthgen.errors import DatasetError
from synthgen.geometry.arrays import F64
from synthgen.qa.image_crops import gradient_histograms
from synthgen.qa.probe import probe_labels
from synthgen.qa.probe_crops import probe_crops
from synthgen.qa.probe_scores import scored
from synthgen.qa.profile import hand_default
from tests.unit.qa.kitti_files import write_tracking_set

WIDTH, HEIGHT, FOCAL, CAMERA_UP_M = 400, 200, 300.0, 1.6
SIZES = {"Car": (1.5, 1.8, 4.2), "Pedestrian": (1.8, 0.6, 0.8)}  # height, width, length


def write_object_set(root: Path, seed: int, *, is_striped: bool = True) -> Path:
    """KITTI object frames: striped upright boxes before grey posts, in pictures and in sweeps."""
    rng = np.random.default_rng(seed)
    for name in ("label_2", "calib", "image_2", "velodyne"):
        (root / "training" / name).mkdir(parents=True)
    camera = f"{FOCAL} 0 {WIDTH / 2} 0 0 {FOCAL} {HEIGHT / 2} 0 0 0 1 0"
    calibration = "\n".join(
        [*(f"P{k}: {camera}" for k in range(4)), "R0_rect: 1 0 0 0 1 0 0 0 1",
         "Tr_velo_to_cam: 0 -1 0 0 0 0 -1 0 1 0 0 0", "Tr_imu_to_velo: 1 0 0 0 0 1 0 0 0 0 1 0"]
    )  # fmt: skip
    for frame in range(12):
        image = rng.normal(120, 6, (HEIGHT, WIDTH, 3))
        ground = np.stack([rng.uniform(2, 40, 600), rng.uniform(-15, 15, 600),
                           np.full(600, -CAMERA_UP_M)], axis=1)  # fmt: skip
        rows, points = [], [ground, *(_post(rng) for _ in range(12))]
        for slot in rng.permutation(4).tolist():
            kind = ("Car", "Pedestrian")[slot % 2]
            high, wide, long = SIZES[kind]
            ahead, right = 9.0 + 5 * slot + rng.uniform(0, 2), 2.4 * slot - 3.6
            x0, x1 = (WIDTH / 2 + FOCAL * (right + s * wide / 2) / ahead for s in (-1, 1))
            y0, y1 = (HEIGHT / 2 + FOCAL * (CAMERA_UP_M - s) / ahead for s in (high, 0))
            patch = image[round(y0) : round(y1), max(0, round(x0)) : round(x1)]
            patch[:] = 60
            patch[(slice(None, None, 3), slice(None)) if is_striped else ()] += 120
            rows.append(
                f"{kind} 0 0 0 {x0:.2f} {y0:.2f} {x1:.2f} {y1:.2f} {high} {wide} {long} "
                f"{right} {CAMERA_UP_M} {ahead} {-np.pi / 2}"
            )
            half = np.array([long, wide, high]) / 2
            points.append(
                np.array([ahead, -right, high / 2 - CAMERA_UP_M])
                + rng.uniform(-half, half, (80, 3))
            )
        name, folder = f"{frame:06d}", root / "training"
        (folder / f"label_2/{name}.txt").write_text("\n".join(rows) + "\n")
        (folder / f"calib/{name}.txt").write_text(calibration + "\n")
        cv2.imwrite(str(folder / f"image_2/{name}.png"), image.clip(0, 255).astype(np.uint8))
        sweep = np.concatenate(points).astype("<f4")
        bright = np.full((len(sweep), 1), 0.3, dtype="<f4")
        (folder / f"velodyne/{name}.bin").write_bytes(np.hstack([sweep, bright]).tobytes())
    return root


def _post(rng: np.random.Generator) -> F64:
    foot = np.array([rng.uniform(6, 30), rng.choice([-1, 1]) * rng.uniform(11, 15), -CAMERA_UP_M])
    return foot + rng.uniform([-0.1, -0.1, 0], [0.1, 0.1, 4.0], (30, 3))


@pytest.fixture(scope="module")
def striped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_object_set(tmp_path_factory.mktemp("striped"), 1)


def test_what_two_sets_share_is_learned_from_either(striped: Path, tmp_path: Path) -> None:
    report = probe_crops(striped, write_object_set(tmp_path, 2))
    assert report["image.train_syn_test_real.auc"]["value"] > 0.95
    assert report["lidar.train_syn_test_real.auc"]["value"] > 0.95
    assert report["image.train_syn_test_real.group_recall"]["value"] > 0.9
    assert abs(report["image.auc_gap"]) < 0.05
    assert report["not_probed"] == []


def test_objects_that_look_otherwise_teach_nothing(striped: Path, tmp_path: Path) -> None:
    report = probe_crops(striped, write_object_set(tmp_path, 2, is_striped=False))
    assert report["image.auc_gap"] > 0.05


def test_cut_off_picture_is_named_and_the_rest_probed(
    striped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = write_object_set(tmp_path, 2)
    path = broken / "training/image_2/000003.png"
    path.write_bytes(path.read_bytes()[:200])
    assert main(["probe", str(striped), str(broken), "--tier", "P1", "--json"]) == 2
    report = json.loads(capsys.readouterr().out)
    assert [str(path) in line for line in report["not_readable"]] == [True]
    assert "image.auc_gap" in report


def test_sets_without_sensor_data_are_named(tmp_path: Path) -> None:
    rng_set = write_tracking_set(tmp_path, hand_default(), sequences=4, frames=5)
    with pytest.raises(DatasetError, match=r"image: .*expected 40 objects, found 0; lidar: "):
        probe_crops(rng_set, rng_set)


def test_labels_of_one_source_are_learned_from_either(tmp_path: Path) -> None:
    sides = [
        write_tracking_set(tmp_path / str(seed), hand_default(), sequences=9, seed=seed)
        for seed in (1, 2)
    ]
    report = probe_labels(*sides)
    assert report["distance_gap_ratio"] == pytest.approx(1.0, abs=0.2)


def test_two_sequences_give_no_interval() -> None:
    rng = np.random.default_rng(0)
    told = scored(np.repeat([0, 1], 50), lambda rows: float(rows.mean()), rng)
    assert (told.low, told.high) == (None, None)


def test_edge_upright_fills_the_bin_of_its_direction() -> None:
    crop = np.zeros((64, 64, 3), dtype=np.uint8)
    crop[:, 32:] = 200  # brightness grows to the right: direction 0, the first of nine bins
    shares = gradient_histograms(crop).reshape(64, 9).sum(axis=0)
    assert shares.argmax() == 0
    assert shares[1:].sum() == pytest.approx(0, abs=1e-9)
