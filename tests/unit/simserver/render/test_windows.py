"""What a beam can meet, judged by where the thing lies."""

import numpy as np

from synthgen.simserver.render.windows import AZIMUTH, HALF_WIDTH, HIGH, LOW, windows_of, windows_on

LEVEL = np.eye(3, 4, dtype=np.float32)


def test_window_of_beams_across_straight_back_is_narrow() -> None:
    turn = np.deg2rad([176.0, 178.0, 180.0, -178.0, -176.0])
    aims = np.stack([np.cos(turn), np.sin(turn), np.full(5, 0.0)])[:, None].astype(np.float32)
    azimuth, half, low, high = windows_of(aims, 8)[:, 0, 0]
    assert np.isclose(np.cos(azimuth), -1.0, atol=1e-6)
    assert np.isclose(half, np.deg2rad(4.0), atol=1e-5)
    assert low == high == 0.0


def test_window_on_a_box_ahead_reaches_its_corners() -> None:
    box = np.array([[[10.0, 0.0, 1.0], [1.0, 1.0, 0.5]]])
    window = windows_on(box, LEVEL, 100.0)[:, 0]
    assert abs(window[AZIMUTH]) < 1e-6
    # The nearest corner of the cylinder about it is 10 - sqrt(2) m away.
    assert window[HALF_WIDTH] >= np.arctan2(1.0, 9.0)
    assert window[LOW] <= np.arctan2(0.5, 11.0)
    assert np.arctan2(1.5, 9.0) <= window[HIGH] < np.arctan2(1.5, 8.0)


def test_window_on_a_box_overhead_is_all_around() -> None:
    window = windows_on(np.array([[[0.5, 0.0, 8.0], [1.0, 1.0, 1.0]]]), LEVEL, 100.0)[:, 0]
    assert window[HALF_WIDTH] >= np.float32(np.pi)
    assert window[HIGH] >= np.pi / 2


def test_box_beyond_the_range_has_no_window() -> None:
    assert windows_on(np.array([[[110.0, 0, 0], [1.0, 1, 1]]]), LEVEL, 100.0).shape == (4, 0)
