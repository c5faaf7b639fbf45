"""Jobs of another process are those of this one, and its end is no run's end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from synthgen.campaign.config import PACKAGE_ROOT, load_config
from synthgen.campaign.draw_job import DrawnJobs
from synthgen.campaign.job_process import COMMAND, JobProcess
from synthgen.campaign.plan import make_plan
from synthgen.campaign.worker import WorkerSettings
from synthgen.errors import ConfigError, SimulatorLost

PLAN = make_plan(load_config(PACKAGE_ROOT / "configs/generation/quickstart.yaml"), PACKAGE_ROOT)
TASK = PLAN.slots[0]
HEAVY = ("numba", "scipy", "cv2", "open3d", "pyarrow", "carla", "ray", "scenarios.compile")


def settings() -> WorkerSettings:
    config = load_config(PACKAGE_ROOT / "configs/generation/quickstart.yaml")
    return WorkerSettings(
        seed=PLAN.seed,
        max_draws=PLAN.max_draws,
        rig=PLAN.rig,
        capture=PLAN.capture,
        simulator_kind=PLAN.simulator,
        simulator=config.simulator,
        dataset="-",
    )


@pytest.fixture(scope="module")
def jobs() -> Iterator[JobProcess]:
    """One child for all tests."""
    made = JobProcess(settings())
    yield made
    made.close()


def test_a_child_makes_the_job_that_this_process_makes(jobs: JobProcess) -> None:
    assert jobs.job(TASK, 0, "-") == DrawnJobs(settings()).job(TASK, 0, "-")


def test_an_error_in_the_child_is_raised_here_in_its_words(jobs: JobProcess) -> None:
    lost = TASK.model_copy(update={"scenario_file": "/nowhere/lost.yaml"})
    with pytest.raises(ConfigError, match="lost"):
        jobs.job(lost, 0, "-")


def test_a_killed_child_is_a_lost_program_and_the_next_call_has_another(jobs: JobProcess) -> None:
    first = jobs.job(TASK, 0, "-")
    os.kill(jobs.pid, signal.SIGKILL)
    with pytest.raises(SimulatorLost, match="ended with code -9"):
        jobs.job(TASK, 0, "-")
    assert jobs.job(TASK, 0, "-") == first


def test_a_child_that_had_ended_before_the_call_is_a_lost_program_too() -> None:
    jobs = JobProcess(settings())
    os.kill(jobs.pid, signal.SIGKILL)
    # Once it can be waited for, nobody reads what is written to it.
    os.waitid(os.P_PID, jobs.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(SimulatorLost, match="ended with code -9"):
        jobs.job(TASK, 0, "-")
    jobs.close()


def test_the_child_ends_when_nobody_is_left_to_ask() -> None:
    done = subprocess.run(
        COMMAND, input=settings().model_dump_json() + "\n", text=True, check=True, timeout=60
    )
    assert done.returncode == 0


def test_the_driver_loads_nothing_that_only_its_children_need() -> None:
    program = "import sys, synthgen.campaign.run; print(*sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert not set(HEAVY) & set(shown.stdout.split())
