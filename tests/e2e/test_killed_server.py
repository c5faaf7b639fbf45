"""A simulator that is killed in mid-clip costs time and nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from synthgen.campaign.capture_process import read_heartbeat
from synthgen.store.layout import root_hash
from tests.e2e.conftest import ROOT

pytestmark = [pytest.mark.server, pytest.mark.slow]


def wait_for_tick(run_folder: Path, tick: int, deadline_s: float = 300.0) -> None:
    """Return once the capture process has ticked so far."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        beat = read_heartbeat(run_folder / "slots" / "0.heartbeat.json")
        if beat is not None and beat.phase == "run" and beat.tick >= tick:
            return
        time.sleep(0.05)
    raise AssertionError(f"tick {tick} was not reached within {deadline_s:g} s")


def server_pid(run_folder: Path) -> int:
    """The server's process as the run's registry names it."""
    records = [json.loads(path.read_text()) for path in (run_folder / "processes").glob("*.json")]
    return next(int(r["pid"]) for r in records if r["name"] == "server-0")


def test_server_killed_in_mid_clip_changes_no_byte(tiny_dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    run = subprocess.Popen(
        [sys.executable, "run_generation.py", "tests/e2e/tiny.yaml", "--out", str(out)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_tick(out / "run", 30)
    os.kill(server_pid(out / "run"), signal.SIGKILL)
    _, said = run.communicate(timeout=600)
    assert run.returncode == 0, said
    assert "server ended with SIGKILL" in said
    assert root_hash(out) == root_hash(tiny_dataset)
