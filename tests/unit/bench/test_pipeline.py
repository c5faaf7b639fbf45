from __future__ import annotations

import pytest

from synthgen.bench.pipeline import report_of


def test_rates_are_over_the_clips_wall_time_and_shares_over_the_same() -> None:
    receipt = {
        "wall_s": 20.0,
        "frames": 80,
        "boxes2d": 400,
        "bytes": 50_000_000,
        "seconds": {"render": 10.0, "simulate": 1.0, "label": 4.0, "encode": 5.0, "write": 0.5},
    }
    report = report_of([receipt, receipt])
    assert report["frames_per_s"] == pytest.approx(4.0)
    assert report["boxes2d_per_s"] == pytest.approx(20.0)
    assert report["mb_per_s"] == pytest.approx(2.5)
    assert report["share_render"] == pytest.approx(0.5)
    assert report["share_simulate"] == pytest.approx(0.05)
    assert report["share_transfer"] == 0
