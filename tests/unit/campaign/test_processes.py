"""Nothing that a worker starts outlives it, whoever is killed first."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from synthgen.campaign.processes import OwnedProcess, reap, wait_until_dead
from synthgen.store.process_identity import ProcessIdentity

SLEEPER = (sys.executable, "-ESs", "-c", "import time; time.sleep(60)")
# A launcher that does not exec, as CarlaUE4.sh: the engine is its child.
WRAPPED = ("sh", "-c", "sleep 60 & echo $!; wait")


def own(folder: Path, command: tuple[str, ...] = SLEEPER) -> OwnedProcess:
    return OwnedProcess(
        command, registry=folder / "processes", name="server-0", log=folder / "server.log"
    )


def wait_for_record(folder: Path) -> dict[str, Any]:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for path in (folder / "processes").glob("*.json"):
            return dict(json.loads(path.read_text()))
        time.sleep(0.01)
    raise AssertionError("the process was not registered")


def wait_for_engine(folder: Path) -> int:
    end = time.monotonic() + 10
    while not (text := (folder / "server.log").read_text()).endswith("\n"):
        assert time.monotonic() < end
        time.sleep(0.01)
    return int(text)


def test_exit_code_is_passed_on(tmp_path: Path) -> None:
    with own(tmp_path, (sys.executable, "-ESs", "-c", "raise SystemExit(75)")) as process:
        assert process.wait(10) == 75


def test_signal_is_passed_on_as_in_a_shell(tmp_path: Path) -> None:
    with own(tmp_path, ("sh", "-c", "kill -SEGV $$")) as process:
        assert process.wait(10) == 128 + signal.SIGSEGV


def test_stop_ends_what_a_launcher_started(tmp_path: Path) -> None:
    process = own(tmp_path, WRAPPED)
    engine = wait_for_engine(tmp_path)
    process.stop()
    assert wait_until_dead([engine], 5)


def test_killed_guard_takes_the_launchers_child_along(tmp_path: Path) -> None:
    process = own(tmp_path, WRAPPED)
    engine = wait_for_engine(tmp_path)
    os.kill(process._guard.pid, signal.SIGKILL)
    assert process.stop() == -signal.SIGKILL
    assert wait_until_dead([engine], 5)


def test_graceful_stop_lets_the_command_finish(tmp_path: Path) -> None:
    command = ("sh", "-c", "trap 'exit 3' TERM; echo 1; while :; do sleep 0.02; done")
    process = own(tmp_path, command)
    wait_for_engine(tmp_path)
    assert process.stop(grace_s=5) == 3


def test_killed_owner_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import time; from pathlib import Path; import test_processes as t\n"
        f"p = t.own(Path({str(tmp_path)!r})); time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": f"{Path(__file__).parent}:{Path.cwd()}"}
    owner = subprocess.Popen([sys.executable, "-c", code], env=environment)
    pid = wait_for_record(tmp_path)["pid"]
    owner.kill()
    owner.wait()
    assert wait_until_dead([pid], 5)


def test_reaper_kills_the_registered_process(tmp_path: Path) -> None:
    process = own(tmp_path)
    pid = wait_for_record(tmp_path)["pid"]
    assert reap(tmp_path / "processes") == 1
    assert wait_until_dead([pid], 5)
    process.stop()


def test_reaper_finds_the_engine_of_a_dead_launcher(tmp_path: Path) -> None:
    process = own(tmp_path, WRAPPED)
    engine = wait_for_engine(tmp_path)
    os.kill(process._guard.pid, signal.SIGSTOP)  # So that it cannot clean up.
    os.kill(wait_for_record(tmp_path)["pid"], signal.SIGKILL)
    time.sleep(0.1)
    assert reap(tmp_path / "processes") == 1
    assert wait_until_dead([engine], 5)
    process.stop()


def test_reaper_ends_the_guard_of_a_living_process(tmp_path: Path) -> None:
    process = own(tmp_path)
    wait_for_record(tmp_path)
    os.kill(process._guard.pid, signal.SIGSTOP)  # So that it cannot end by itself.
    assert reap(tmp_path / "processes") == 1
    assert process.wait(5) == -signal.SIGKILL
    process.stop()


def test_reaper_spares_a_process_that_reused_the_pid(tmp_path: Path) -> None:
    with own(tmp_path) as process:
        record = wait_for_record(tmp_path)
        other = tmp_path / "others"
        other.mkdir()
        stale = {**record, "start_ticks": record["start_ticks"] - 1, "owner": ""}
        (other / "stale.json").write_text(json.dumps(stale))
        assert reap(other) == 0
        assert process.exit_code is None
        assert list(other.iterdir()) == []


def test_reaper_leaves_other_hosts_alone(tmp_path: Path) -> None:
    record = {"name": "s", "pid": 1, "start_ticks": 1, "boot_id": "b", "host": "h", "owner": ""}
    (tmp_path / "1.json").write_text(json.dumps(record))
    assert reap(tmp_path) == 0
    assert (tmp_path / "1.json").exists()


@pytest.mark.parametrize(("suffix", "killed"), [("-0", 1), ("-10", 0)])
def test_reaper_takes_one_workers_processes(tmp_path: Path, suffix: str, killed: int) -> None:
    with own(tmp_path):
        wait_for_record(tmp_path)
        assert reap(tmp_path / "processes", name_suffix=suffix) == killed


def test_guard_names_a_process_as_the_store_does(tmp_path: Path) -> None:
    with own(tmp_path):
        record = wait_for_record(tmp_path)
        facts = {key: record[key] for key in ("pid", "start_ticks", "boot_id", "host")}
        assert ProcessIdentity.of(record["pid"]) == ProcessIdentity(**facts)
