"""Rigs with fisheyes: said where a format has words for the lens, left out or refused elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from exporters.export import ExportOptions, export
from exporters.formats import FORMATS
from exporters.mcap import messages
from exporters.openlabel import document
from synthgen.datatypes.calibration import CameraModel
from synthgen.errors import ConfigError
from synthgen.geometry.camera import FisheyeCamera, PinholeCamera
from tests.unit.small_dataset import write_dataset

OPTIONS = ExportOptions(jobs=1, trust=True)
EXPRESS = {"coco", "mcap", "mot", "openlabel", "rerun", "webdataset", "yolo"}
NEED_CAMERAS = {"kitti-object", "kitti-raw", "kitti-tracking"}
LENS = FisheyeCamera(640, 480, 210.0, 205.0, 321.5, 238.0, (0.05, -0.01, 0.002, -0.0003))
PINHOLE = PinholeCamera(640, 480, 210.0, 205.0, 321.5, 238.0)
POINTS_M = np.array([[[0.3, -0.2, 1.0], [-2.0, 0.5, 1.5], [4.0, 3.0, 0.4]]])


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One clip whose only camera is said to be a fisheye, and which has a LiDAR."""
    folder = tmp_path_factory.mktemp("fisheye") / "dataset"
    write_dataset(folder, clips=1)
    (path,) = folder.glob("clips/*/*/calibration.json")
    calibration = json.loads(path.read_bytes())
    (camera,) = (s["camera"] for s in calibration["sensors"] if s["modality"] == "camera")
    camera["model"] = "equidistant"
    path.write_text(json.dumps(calibration))
    return folder


@pytest.mark.parametrize("form", sorted(FORMATS.keys() - NEED_CAMERAS))
def test_what_a_format_cannot_express_is_left_out_and_told(
    dataset: Path, tmp_path: Path, form: str
) -> None:
    report = export(dataset, form, tmp_path / "out", OPTIONS)
    assert report["cameras_left_out"] == ([] if form in EXPRESS else ["cam"])


@pytest.mark.parametrize("form", sorted(NEED_CAMERAS))
def test_formats_of_one_pinhole_refuse_a_rig_of_fisheyes(
    dataset: Path, tmp_path: Path, form: str
) -> None:
    with pytest.raises(ConfigError, match=f"{form} needs .* lacks .* besides the fisheyes cam"):
        export(dataset, form, tmp_path / "out", OPTIONS)
    assert not (tmp_path / "out").exists()


def opencv_pixels(matrix: Any, coefficients: Any) -> Any:
    pixels, _ = cv2.fisheye.projectPoints(
        POINTS_M, np.zeros(3), np.zeros(3), np.reshape(matrix, (3, 3)), np.array(coefficients)
    )
    return pixels[0]


def test_mcap_says_the_lens_as_opencv_reads_it() -> None:
    name, coefficients = messages.distortion(CameraModel(PINHOLE, ("rgb",), LENS))
    assert name == "kannala_brandt"
    pixels = opencv_pixels(PINHOLE.matrix, coefficients)
    np.testing.assert_allclose(pixels, LENS.project(POINTS_M[0]), atol=1e-9)


def test_openlabel_says_the_lens_as_opencv_reads_it() -> None:
    said = document.intrinsics(CameraModel(PINHOLE, ("rgb",), LENS))["intrinsics_fisheye"]
    fx, fy, cx, cy = (
        said[n] for n in ("focal_length_x", "focal_length_y", "center_x_px", "center_y_px")
    )
    pixels = opencv_pixels([fx, 0, cx, 0, fy, cy, 0, 0, 1], said["lens_coeffs"])
    np.testing.assert_allclose(pixels, LENS.project(POINTS_M[0]), atol=1e-9)
    assert said["aspect_ratio"] == pytest.approx(210.0 / 205.0)
