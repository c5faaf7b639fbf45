from __future__ import annotations

from exporters.yolo.labels import dataset_yaml, label_line
from synthgen.geometry.camera import PinholeCamera
from tests.unit.exporters.label_rows import make_box2d

CAMERA = PinholeCamera(200, 100, 100.0, 100.0, 100.0, 50.0)


def test_line_has_class_centre_and_size_as_shares() -> None:
    # By hand: centre (105, 50) of 200 x 100 pixels, size 10 x 20.
    line = label_line(8, make_box2d(), CAMERA)
    assert line == "8 0.52500000 0.50000000 0.05000000 0.20000000"


def test_box_of_the_whole_image_stays_within_one() -> None:
    row = make_box2d(
        visible_x_min_px=0.0, visible_y_min_px=0.0, visible_x_max_px=200.0, visible_y_max_px=100.0
    )
    assert label_line(0, row, CAMERA) == "0 0.50000000 0.50000000 1.00000000 1.00000000"


def test_data_yaml_names_both_splits_that_ultralytics_insists_on() -> None:
    text = dataset_yaml(["test", "train"], ["car", "van"])
    assert text == (
        "train: images/train\nval: images/val\ntest: images/test\nnames:\n  0: car\n  1: van\n"
    )
