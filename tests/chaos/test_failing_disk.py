"""Every write, fsync, rename and mkdir fails once: whole clips only, nothing left behind."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.failing_disk import FailingDisk

HERE = Path(__file__).parent


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_one_failing_change_never_leaves_half_a_clip(tmp_path: Path, code: int) -> None:
    disk = FailingDisk.build(tmp_path)
    if disk is None:
        pytest.skip("no C compiler")
    root = tmp_path / "datasets"
    done = subprocess.run(
        [sys.executable, str(HERE / "write_clips.py"), str(root), str(disk.counter)],
        env={**disk.environment(root, code), "PYTHONPATH": str(HERE.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["calls"] > 20
    assert report["broken"] == {}
