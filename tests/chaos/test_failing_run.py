"""A whole run on a disk that fails: driver, guards, capture processes, all below one folder."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from synthgen.bench.chaos.verify import verify_dataset
from tests.chaos.failing_disk import FailingDisk
from tests.chaos.standin_run import FAKE_CAPTURE, ROOT, standin_config, standin_environment

# Ended well, refused, or stopped so that it can go on.
CLEAN_ENDS = (0, 2, 4)
# Runs of a few seconds; test_failing_disk.py lets every single change of a commit fail.
SAMPLES = 12


@dataclass
class Bench:
    """A small campaign of stand-ins on a failing disk."""

    folder: Path
    disk: FailingDisk
    clips: int = 1

    def run(self, name: str, code: int) -> tuple[int, str]:
        """Exit code and log of a run over dataset `name`."""
        dataset = self.folder / "data" / name
        scenario = str(ROOT / "scenarios/library/jaywalk_parked_van.yaml")
        config = standin_config(
            self.folder, scenarios=[{"file": scenario, "clips": self.clips}], out=str(dataset)
        )
        config_file = self.folder / f"{name}.yaml"
        config_file.write_text(json.dumps(config))
        habits = standin_environment(crash=[], hang=[], flaky=[], reject=[0], ticks=3, tick_s=0.0)
        command = [sys.executable, "-m", "synthgen.bench.chaos.driver", str(config_file)]
        done = subprocess.run(
            [*command, *FAKE_CAPTURE],
            env={**self.disk.environment(self.folder / "data", code), **habits},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr + done.stdout

    def root_hash(self, name: str) -> str:
        return verify_dataset(self.folder / "data" / name).root_hash


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    disk = FailingDisk.build(tmp_path)
    if disk is None:
        pytest.skip("no C compiler")
    return Bench(tmp_path, disk)


def broken_rules(bench: Bench, name: str, code: int, log: str) -> list[str]:
    """What is wrong after a run on the failing disk and one on a good disk."""
    dataset = bench.folder / "data" / name
    rules = [] if code in CLEAN_ENDS else [f"ended with {code}: {log[-600:]}"]
    rules += ["a traceback"] if "Traceback" in log else []
    if (dataset / "dataset.json").exists() and verify_dataset(dataset).corrupt:
        rules.append("a visible clip is not whole")
    bench.disk.arm(0)
    again, log = bench.run(name, errno.EIO)
    if again != 0:
        rules.append(f"the next run ended with {again}: {log[-600:]}")
    elif verify_dataset(dataset).staging_left:
        rules.append("staging is left behind")
    elif bench.root_hash(name) != bench.root_hash("reference"):
        rules.append("the next run made other bytes")
    return rules


@pytest.mark.slow
def test_a_change_that_fails_once_anywhere_in_a_run_loses_nothing(bench: Bench) -> None:
    bench.disk.arm(0)
    assert bench.run("reference", errno.EIO)[0] == 0
    calls = bench.disk.calls
    broken = {}
    for nth in range(1, calls + 1, max(1, calls // SAMPLES)):
        bench.disk.arm(nth)
        code, log = bench.run(str(nth), errno.EIO if nth % 2 else errno.ENOSPC)
        rules = broken_rules(bench, str(nth), code, log)
        if rules:
            broken[nth] = rules
    assert calls > 40
    assert broken == {}


@pytest.mark.slow
def test_full_disk_leaves_whole_clips_and_the_run_goes_on_when_there_is_room(bench: Bench) -> None:
    bench.clips = 3
    bench.disk.arm(0)
    assert bench.run("reference", errno.ENOSPC)[0] == 0
    bench.disk.arm(-bench.disk.calls // 2)
    code, log = bench.run("full", errno.ENOSPC)
    assert code == 4, log
    assert "No space left on device" in log
    assert f"MB are free for {bench.folder / 'data' / 'full'}" in log
    assert 0 < len(list((bench.folder / "data" / "full").glob("clips/*/*"))) < 3
    assert broken_rules(bench, "full", code, log) == []
