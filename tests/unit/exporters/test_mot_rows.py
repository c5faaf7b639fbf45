from __future__ import annotations

import configparser

import pytest

from exporters.mot.rows import sequence_text, truth_line
from tests.unit.exporters.label_rows import make_box2d


def test_line_counts_pixels_from_one() -> None:
    # https://motchallenge.net/instructions/: frames, ids and boxes are 1-based.
    assert truth_line(make_box2d(), 1) == "1,7,100.5000,40.0000,11.5000,22.0000,1,1,1.0000"


def test_visibility_is_what_is_neither_hidden_nor_outside() -> None:
    row = make_box2d(occluded_fraction=0.5, truncated_fraction=0.2)
    assert truth_line(row, 1).endswith(",1,1,0.4000")


@pytest.mark.parametrize("change", [{"ignore": True}, {"visible_px": 0}])
def test_rows_that_do_not_count_have_flag_zero(change: dict[str, object]) -> None:
    assert truth_line(make_box2d(**change), 1).split(",")[6] == "0"


def test_sequence_is_an_ini_file_with_mots_keys() -> None:
    text = sequence_text("a_cam", rate_hz=10.0, length=80, size_wh=(800, 450), suffix=".png")
    parsed = configparser.ConfigParser()
    parsed.read_string(text)
    section = parsed["Sequence"]
    assert section.getint("frameRate") == 10
    assert section.getint("seqLength") == 80
    assert (section.getint("imWidth"), section.getint("imHeight")) == (800, 450)
    assert section["imDir"] == "img1"
