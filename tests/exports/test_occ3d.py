"""Occ3D exports, read by a reader of the published format beside the nuScenes export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporters.export import ExportOptions, export
from tests.exports import occ3d_reader as occ3d

pytestmark = [pytest.mark.server, pytest.mark.slow]
SHARES = {"val": 1.0}


@pytest.fixture(scope="module")
def nuscenes(export_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("nuscenes") / "out"
    export(export_dataset, "nuscenes", out, ExportOptions(shares=SHARES, jobs=1))
    return out


@pytest.fixture(scope="module")
def root(export_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("occ3d") / "out"
    export(export_dataset, "occ3d", out, ExportOptions(shares=SHARES, jobs=1))
    return out


def infos(root: Path) -> list[tuple[str, str, dict[str, Any]]]:
    scenes = occ3d.read_annotations(root)["scene_infos"]
    return [(scene, token, info) for scene, of in scenes.items() for token, info in of.items()]


def test_every_sample_of_nuscenes_has_a_grid_of_the_published_shape(
    root: Path, nuscenes: Path
) -> None:
    samples = json.loads((nuscenes / "v1.0-trainval/sample.json").read_text())
    listed = infos(root)
    assert {token for _, token, _ in listed} == {row["token"] for row in samples}
    for scene, token, info in listed:
        assert info["gt_path"] == f"gts/{scene}/{token}/labels.npz"
        for grid in occ3d.read_labels(root / info["gt_path"]):
            assert grid.shape == (200, 200, 16)
            assert grid.dtype == np.uint8
        semantics, lidar, camera = occ3d.read_labels(root / info["gt_path"])
        assert semantics.max() == occ3d.FREE
        assert set(np.unique(lidar)) | set(np.unique(camera)) <= {0, 1}


def test_scenes_poses_and_images_are_those_of_nuscenes(root: Path, nuscenes: Path) -> None:
    version = nuscenes / "v1.0-trainval"
    scenes = {row["name"] for row in json.loads((version / "scene.json").read_text())}
    poses = {row["token"]: row for row in json.loads((version / "ego_pose.json").read_text())}
    document = occ3d.read_annotations(root)
    assert set(document["scene_infos"]) == set(document["val_split"]) == scenes
    for _, _, info in infos(root):
        assert info["camera_sensor"]
        for token, camera in info["camera_sensor"].items():
            assert (nuscenes / camera["img_path"]).is_file()
            np.testing.assert_allclose(
                camera["ego_pose"]["translation"], poses[token]["translation"], atol=1e-6
            )


def agreement(
    points: np.ndarray, classes: np.ndarray, semantics: np.ndarray
) -> tuple[float, float]:
    """Share of points in occupied voxels, and of those in voxels of their own class."""
    index, inside = occ3d.voxels_of(points)
    found = semantics[tuple(index[inside].T)]
    occupied = found != occ3d.FREE
    return float(occupied.mean()), float((found == classes[inside])[occupied].mean())


def test_points_of_the_sweep_lie_in_voxels_of_their_class(root: Path, nuscenes: Path) -> None:
    shares, turned = [], []
    for _, token, info in infos(root)[::6]:
        semantics, lidar, _ = occ3d.read_labels(root / info["gt_path"])
        points, classes = occ3d.sweep_in_ego(nuscenes, token)
        index, inside = occ3d.voxels_of(points)
        # Points on the ego itself are in no grid.
        inside &= np.linalg.norm(points[:, :2], axis=1) > 4.0
        assert lidar[tuple(index[inside].T)].mean() > 0.8
        shares.append(agreement(points[inside], classes[inside], semantics))
        # The negative control: the same grid with its axes swapped.
        turned.append(agreement(points[inside], classes[inside], semantics.transpose(1, 0, 2)))
    assert min(share for share, _ in shares) > 0.8
    assert min(same for _, same in shares) > 0.8
    assert max(same for _, same in turned) < min(same for _, same in shares) - 0.05
