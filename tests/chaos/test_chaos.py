"""Under random kills of everything, a dataset loses, doubles and breaks nothing.

The stand-in server and capture program make a clip a second; `synthgen bench chaos` does the same
with the real ones.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from synthgen.bench.chaos.chaos import is_flawless, run_chaos
from tests.chaos.standin_run import standin_chaos


@pytest.mark.slow
def test_thirty_kills_leave_an_inline_dataset_flawless(tmp_path: Path) -> None:
    report = run_chaos(standin_chaos(tmp_path, kills=30), tmp_path)
    assert is_flawless(report), report


@pytest.mark.long
def test_kills_leave_a_ray_dataset_flawless(tmp_path: Path) -> None:
    setup = standin_chaos(tmp_path, kills=15, executor="ray", workers=2)
    report = run_chaos(setup, tmp_path)
    assert is_flawless(report), report


@pytest.mark.long
def test_ten_times_killed_and_resumed_equals_one_go(tmp_path: Path) -> None:
    setup = standin_chaos(tmp_path, kills=10)
    report = run_chaos(replace(setup, targets={"driver": 1.0}, kills_per_clip=10 / 12), tmp_path)
    assert report["kills_driver"] >= 10
    assert is_flawless(report), report
