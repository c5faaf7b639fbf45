"""The capture process says by its exit code whose fault a failure was."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from synthgen.datatypes.clip_job import (
    EXIT_SIM_FAULT,
    CaptureSettings,
    ClipJob,
    MapSource,
    RigSource,
    SimulatorKind,
    Slot,
)
from synthgen.errors import ConfigError, OutputError, SimulatorLost
from synthgen.runner import __main__ as capture


def job_of(dataset: Path) -> ClipJob:
    return ClipJob(
        slot=Slot(scenario="jaywalk", k=0),
        draw=0,
        clip_id="0" * 16,
        seed=1,
        scenario={},
        rig=RigSource(path="rig.yaml", content={}),
        map=MapSource(name="Town01", path=None, sha256=None),
        capture=CaptureSettings(),
        simulator=SimulatorKind(kind="embedded", quality="low"),
        dataset=str(dataset),
    )


def no_space() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("err", "code"),
    [
        (no_space(), 4),
        (OutputError("out: cannot write: No space left on device"), 4),
        (ConfigError("rig: wrong"), 2),
        (SimulatorLost("127.0.0.1:2000: nothing listens there"), EXIT_SIM_FAULT),
        (RuntimeError("time-out of 60000ms while waiting for the simulator"), EXIT_SIM_FAULT),
    ],
)
@pytest.mark.parametrize("disk_is_full", [False, True])
def test_failure_is_told_by_the_exit_code_even_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, err: Exception, code: int, disk_is_full: bool
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise err

    def refuse(path: Path, _content: bytes) -> None:
        raise OutputError(f"{path}: cannot write: No space left on device")

    monkeypatch.setattr(capture, "run_job", fail)
    if disk_is_full:
        monkeypatch.setattr(capture, "write_durably", refuse)
    job = tmp_path / "job.json"
    job.write_text(job_of(tmp_path).model_dump_json(by_alias=True))
    places = [f"--{name}={tmp_path / name}" for name in ("staging", "heartbeat", "receipt")]
    arguments = [f"--job={job}", "--server=127.0.0.1:2000", "--tm-port=2003", *places]
    assert capture.main(arguments) == code
