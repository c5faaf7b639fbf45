"""Jobs made by a child process: what places and solves scenarios takes seconds to load, and 150 MB.

The driver stays thin by it, and free of the work. The child ends when its stdin does, so it
outlives no run, however that ends.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from typing import Any, Final

from synthgen import errors
from synthgen.campaign.plan import SlotTask
from synthgen.campaign.worker import WorkerSettings
from synthgen.datatypes.clip_job import ClipJob

COMMAND: Final = (sys.executable, "-m", "synthgen.campaign.draw_job")
_END_S: Final = 5.0


class JobProcess:
    """See `synthgen.campaign.worker.JobSource`; workers in threads may share one."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._child = self._start()

    @property
    def pid(self) -> int:
        """The child's."""
        return self._child.pid

    def job(self, task: SlotTask, draw: int, dataset: str) -> ClipJob:
        """The job of one draw; see `synthgen.campaign.draw_job.DrawnJobs.job`.

        Raises:
            SimulatorLost: The child was killed; the next call starts another.
        """
        request = {"task": task.model_dump(mode="json"), "draw": draw, "dataset": dataset}
        with self._lock:
            answer = self._ask(json.dumps(request))
        if "job" in answer:
            return ClipJob.model_validate(answer["job"])
        raise getattr(errors, answer["error"])(answer["message"])

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._end()

    def _ask(self, line: str) -> dict[str, Any]:
        if self._child.stdin is None or self._child.stdin.closed:
            self._child = self._start()
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        try:
            self._child.stdin.write(line + "\n")
            self._child.stdin.flush()
            answer = self._child.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer.endswith("\n"):
            code = self._end()
            raise errors.SimulatorLost(f"the process that solves draws ended with code {code}")
        found: dict[str, Any] = json.loads(answer)
        return found

    def _start(self) -> subprocess.Popen[str]:
        # A session of its own: Ctrl-C is for the run, which ends its children in order.
        child = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # It has ended: the next request notices.
            child.stdin.write(self._settings.model_dump_json() + "\n")
            child.stdin.flush()
        return child

    def _end(self) -> int:
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # Of what was written and nobody read.
            child.stdin.close()
        child.stdout.close()
        try:
            return child.wait(_END_S)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()
