"""One slot worker: owns a simulator, tries the draws of the slots it is given, reports.

It imports neither carla nor ray; the inline pool runs it in a thread, the Ray pool in an actor.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, Protocol

from synthgen.campaign.capture_process import CAPTURE_COMMAND, CaptureFiles, Stopped, capture
from synthgen.campaign.carla_probe import opendrive_of
from synthgen.campaign.config import CarlaSimulator, EmbeddedSimulator
from synthgen.campaign.faults import Fault, FaultKind
from synthgen.campaign.plan import SlotTask
from synthgen.campaign.processes import reap
from synthgen.campaign.quarantine import keep_job
from synthgen.campaign.simulators import Simulator, SimulatorRequest, start_simulator
from synthgen.campaign.slot_state import SlotState, write_state
from synthgen.datatypes.clip_job import (
    CaptureSettings,
    ClipJob,
    Heartbeat,
    MapSource,
    Receipt,
    Record,
    RigSource,
    SimulatorKind,
)
from synthgen.datatypes.seeds import seed_for
from synthgen.errors import (
    ConfigError,
    OutputError,
    ScenarioRejected,
    SimulatorLost,
    SimulatorVersionError,
)
from synthgen.store.commit import STAGING, collect_staging
from synthgen.store.durable import require_writable, write_durably
from synthgen.store.layout import readable_json

logger = logging.getLogger(__name__)

REJECTED_SCHEMA: Final = "synthgen/rejected@1"
_STATE_PERIOD_S: Final = 0.4


class WorkerSettings(Record):
    """What all slots of a run share; plain data, so that it can be sent to another host."""

    seed: int
    max_draws: int
    rig: RigSource
    capture: CaptureSettings
    simulator_kind: SimulatorKind
    simulator: EmbeddedSimulator | CarlaSimulator
    dataset: str
    capture_command: tuple[str, ...] = CAPTURE_COMMAND
    pin: bool = False

    @property
    def run_folder(self) -> Path:
        """Folder of what is about this run and not part of the dataset."""
        return Path(self.dataset) / "run"


class SlotOutcome(Record):
    """How a worker's turn at a slot ended.

    `exhausted`: all draws were rejected, the last for `reason`. `fault`: something failed, see
    `fault`. `stopped`: the run was asked to stop.
    """

    task: SlotTask
    worker: int
    status: Literal["accepted", "exhausted", "fault", "stopped"]
    draw: int = 0
    rejected: int = 0
    reason: str = ""
    receipt: Receipt | None = None
    fault: Fault | None = None
    wall_s: float = 0.0


class JobSource(Protocol):
    """Makes the jobs of draws."""

    def job(self, task: SlotTask, draw: int, dataset: str) -> ClipJob:
        """The job of one draw of a slot, for a clip of this dataset."""


class SlotWorker:
    """Makes clips one after another; a context manager that ends its simulator."""

    def __init__(
        self,
        settings: WorkerSettings,
        number: int,
        *,
        jobs: JobSource,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._settings = settings
        self._number = number
        self._jobs = jobs
        self._stopped = stopped
        self._files = CaptureFiles.of(settings.run_folder, number)
        self._simulator: Simulator | None = None
        self._said_s = 0.0
        # A worker with this number that was killed may have left processes and staging behind.
        reap(self._files.registry, name_suffix=f"-{number}")
        collect_staging(Path(settings.dataset) / STAGING)

    def run(self, task: SlotTask) -> SlotOutcome:
        """Try the slot's draws until one is accepted, all are rejected or something fails."""
        started = time.monotonic()
        if self._settings.pin:
            _pin_thread(self._number)
        try:
            outcome = self._try_draws(task)
        except (ConfigError, SimulatorVersionError) as err:
            outcome = self._failed(task, FaultKind.CONFIG, str(err))
        except OutputError as err:
            outcome = self._failed(task, FaultKind.DISK, str(err))
        except SimulatorLost as err:
            outcome = self._failed(task, FaultKind.HOST, str(err))
        except Exception as err:
            logger.exception("slot %s: our own fault", task.slot.name)
            outcome = self._failed(task, FaultKind.SIMULATOR, f"{type(err).__name__}: {err}")
        if outcome.fault is not None:
            outcome = self._blame_disk(outcome, outcome.fault)
        if outcome.status != "accepted":
            self._drop_simulator()
        self._say("idle", task)
        return outcome.model_copy(update={"wall_s": time.monotonic() - started})

    def close(self) -> None:
        """End the simulator."""
        self._drop_simulator()

    def _failed(self, task: SlotTask, kind: FaultKind, message: str) -> SlotOutcome:
        fault = Fault(kind=kind, signature=message.splitlines()[0][:160], message=message[:4000])
        return SlotOutcome(task=task, worker=self._number, status="fault", fault=fault)

    def _blame_disk(self, outcome: SlotOutcome, fault: Fault) -> SlotOutcome:
        """Of a full disk a program dies without a word, since it cannot write its log either."""
        if fault.kind not in (FaultKind.HOST, FaultKind.SIMULATOR):
            return outcome
        try:
            require_writable(self._settings.run_folder)
        except OutputError as err:
            return self._failed(outcome.task, FaultKind.DISK, f"{err}; before: {fault.message}")
        return outcome

    def _try_draws(self, task: SlotTask) -> SlotOutcome:
        rejected = 0
        for draw in range(self._settings.max_draws):
            if self._stopped():
                return SlotOutcome(task=task, worker=self._number, status="stopped")
            if self._record_path(task, draw).exists():
                rejected += 1
                continue
            try:
                task = self._with_known_map(task)
                job = self._compile(task, draw)
            except ScenarioRejected as err:
                self._record_rejected(task, draw, stage="compile", reason=str(err))
                rejected += 1
                continue
            end = self._capture(task, job)
            outcome = self._judge(task, draw, end)
            if outcome is not None:
                return outcome.model_copy(update={"rejected": rejected})
            assert isinstance(end, Receipt)
            self._record_rejected(task, draw, stage="verify", reason=end.reason or "rejected")
            rejected += 1
        last = json.loads(self._record_path(task, self._settings.max_draws - 1).read_bytes())
        return SlotOutcome(
            task=task,
            worker=self._number,
            status="exhausted",
            rejected=rejected,
            reason=last["reason"],
        )

    def _judge(
        self, task: SlotTask, draw: int, end: Receipt | Fault | Stopped
    ) -> SlotOutcome | None:
        """What an attempt means for the slot; None if its clip was rejected."""
        outcome = SlotOutcome(task=task, worker=self._number, status="stopped", draw=draw)
        if isinstance(end, Fault):
            return outcome.model_copy(update={"status": "fault", "fault": end})
        if isinstance(end, Stopped):
            return outcome
        if end.status == "rejected":
            return None
        return outcome.model_copy(update={"status": "accepted", "receipt": end})

    def _compile(self, task: SlotTask, draw: int) -> ClipJob:
        self._say("compile", task, draw=draw)
        return self._jobs.job(task, draw, self._target(task))

    def _target(self, task: SlotTask) -> str:
        """Where the clip goes: the dataset, or a scratch folder of its own for a canary."""
        if not task.canary:
            return self._settings.dataset
        scratch = self._settings.run_folder / "canary" / str(self._number)
        shutil.rmtree(scratch, ignore_errors=True)
        return str(scratch)

    def _with_known_map(self, task: SlotTask) -> SlotTask:
        """The task with its map's OpenDRIVE file, asked from the CARLA server if need be."""
        if task.map.path is not None:
            return task
        path = self._settings.run_folder / "maps" / f"{task.map.name}.xodr"
        if not path.is_file():
            server = self._ready_simulator(task, draw=0)
            load_s = self._settings.simulator.deadlines.load_s
            text = opendrive_of(server.host, server.port, task.map.name, load_s)
            write_durably(path, text.encode())
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        source = MapSource(name=task.map.name, path=str(path), sha256=digest)
        return task.model_copy(update={"map": source})

    def _capture(self, task: SlotTask, job: ClipJob) -> Receipt | Fault | Stopped:
        simulator = self._ready_simulator(task, draw=job.draw)
        if self._stopped():
            return Stopped()
        end = capture(
            job,
            simulator,
            self._files,
            self._settings.simulator.deadlines,
            command=self._settings.capture_command,
            worker=self._number,
            on_beat=lambda beat: self._say_beat(beat, task, job.draw),
            stopped=self._stopped,
        )
        simulator.clips += 1
        if isinstance(end, Fault):
            logger.info("slot %s draw %d: %s", task.slot.name, job.draw, end.message)
            self._drop_simulator()
            collect_staging(Path(self._settings.dataset) / STAGING)
            keep_job(self._settings.run_folder, self._files.job, job)
        return end

    def _ready_simulator(self, task: SlotTask, *, draw: int) -> Simulator:
        """The simulator at hand if it is alive and not due for replacement, else a fresh one."""
        if self._simulator is not None and self._is_due(self._simulator, task):
            self._drop_simulator()
        if self._simulator is None:
            self._say("boot", task, draw=draw)
            request = SimulatorRequest(
                settings=self._settings.simulator,
                worker=self._number,
                tick_s=self._settings.capture.tick_s,
                seed=seed_for(self._settings.seed, "server", 0, 0, "server"),
                run_folder=self._settings.run_folder,
            )
            self._simulator = start_simulator(request, task.map.name, stopped=self._stopped)
        return self._simulator

    def _is_due(self, simulator: Simulator, task: SlotTask) -> bool:
        limits = self._settings.simulator.recycle
        return (
            simulator.exit_code is not None
            or simulator.clips >= limits.clips
            or time.monotonic() - simulator.started_s > limits.minutes * 60
            or simulator.memory_growth_mb > limits.growth_mb
            or simulator.map_name != task.map.name
        )

    def _drop_simulator(self) -> None:
        if self._simulator is not None:
            self._simulator.stop()
            self._simulator = None

    def _record_path(self, task: SlotTask, draw: int) -> Path:
        return Path(self._settings.dataset) / "rejected" / f"{task.slot.name}.{draw}.json"

    def _record_rejected(self, task: SlotTask, draw: int, *, stage: str, reason: str) -> None:
        record = {
            "schema": REJECTED_SCHEMA,
            "slot": task.slot.model_dump(),
            "draw": draw,
            "stage": stage,
            "reason": reason,
        }
        write_durably(self._record_path(task, draw), readable_json(record))
        logger.info("slot %s draw %d: rejected: %s", task.slot.name, draw, reason)

    def _say_beat(self, beat: Heartbeat, task: SlotTask, draw: int) -> None:
        now = time.monotonic()
        if now - self._said_s > _STATE_PERIOD_S:
            self._said_s = now
            self._say(beat.phase, task, draw=draw, beat=beat)

    def _say(
        self, doing: str, task: SlotTask, *, draw: int = 0, beat: Heartbeat | None = None
    ) -> None:
        state = SlotState(
            worker=self._number,
            doing=doing,
            slot=task.slot.name,
            map=task.map.name,
            draw=draw,
            tick=beat.tick if beat else 0,
            ticks=beat.ticks if beat else 0,
            frames=beat.frames if beat else 0,
        )
        write_state(self._settings.run_folder, state)


def _pin_thread(number: int) -> None:
    """Keep this thread, and the processes that it starts, on one core."""
    cores = sorted(os.sched_getaffinity(os.getpid()))
    os.sched_setaffinity(0, {cores[number % len(cores)]})
