"""A run that is asked to end leaves whole clips and no process; one under nohup is not asked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from synthgen.bench.chaos.killer import MARK_VARIABLE, processes_with
from synthgen.bench.chaos.verify import verify_dataset
from tests.chaos.standin_run import FAKE_CAPTURE, ROOT, standin_config, standin_environment

pytestmark = pytest.mark.slow

CLIPS = 3
LONG_S = 120.0


class Run:
    """A campaign of stand-ins whose first clip is there and whose others are not."""

    def __init__(self, folder: Path, *, ignored: tuple[signal.Signals, ...] = ()) -> None:
        scenario = str(ROOT / "scenarios/library/jaywalk_parked_van.yaml")
        self.dataset = folder / "dataset"
        self.mark = uuid.uuid4().hex
        config = standin_config(folder, scenarios=[{"file": scenario, "clips": CLIPS}])
        config_file = folder / "job.yaml"
        config_file.write_text(json.dumps({**config, "out": str(self.dataset)}))
        habits = standin_environment(crash=[], hang=[], flaky=[], reject=[], tick_s=0.05)
        self.driver = subprocess.Popen(
            [sys.executable, "-m", "synthgen.bench.chaos.driver", str(config_file), *FAKE_CAPTURE],
            env={**os.environ, **habits, MARK_VARIABLE: self.mark},
            # Whatever the tests themselves were started with, e.g. under nohup.
            preexec_fn=lambda: [
                signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            ],
        )
        end = time.monotonic() + LONG_S
        while not list(self.dataset.glob("clips/*/*")) and time.monotonic() < end:
            time.sleep(0.02)

    def ends_with(self) -> int:
        """Its exit code."""
        return self.driver.wait(LONG_S)


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_asked_to_end_keeps_whole_clips_and_leaves_no_process(
    tmp_path: Path, asked: signal.Signals
) -> None:
    run = Run(tmp_path)
    run.driver.send_signal(asked)
    assert run.ends_with() == 130
    assert processes_with(run.mark) == []
    found = verify_dataset(run.dataset)
    assert (found.corrupt, found.staging_left) == (0, 0)


def test_a_run_under_nohup_goes_on_when_its_terminal_closes(tmp_path: Path) -> None:
    run = Run(tmp_path, ignored=(signal.SIGHUP,))
    run.driver.send_signal(signal.SIGHUP)
    assert run.ends_with() == 0
    assert verify_dataset(run.dataset).lost == 0
