"""One capture process: started with a job, watched by its heartbeat, judged by how it ended."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from synthgen.campaign.carla_probe import probe_version
from synthgen.campaign.config import Deadlines
from synthgen.campaign.faults import Fault, FaultKind
from synthgen.campaign.processes import OwnedProcess
from synthgen.campaign.simulators import Simulator
from synthgen.datatypes.clip_job import (
    EXIT_SIM_FAULT,
    MAX_RECEIPT_BYTES,
    ClipJob,
    Heartbeat,
    Receipt,
)
from synthgen.errors import ConfigError, OutputError, SimulatorLost
from synthgen.store.commit import STAGING
from synthgen.store.durable import write_durably
from synthgen.store.layout import readable_json

CAPTURE_COMMAND: Final = (sys.executable, "-m", "synthgen.runner")
# Between two looks at the heartbeat; the process's own end is noticed at once.
_POLL_S: Final = 0.2
# A capture process that lost its server says so within this time; else it is killed.
_LAST_WORDS_S: Final = 3.0
# A clip that stands still for so long makes one ask whether an attached server is still there.
_SUSPICIOUS_S: Final = 5.0
_PROBE_S: Final = 30.0  # A server that loads a map does not answer for a while.
_DRAIN_S: Final = 5.0
# As seen by the guard, and of a guard that was killed itself.
_KILLED: Final = (128 + signal.SIGKILL, -signal.SIGKILL)
_LOADING: Final = frozenset({"start", "connect", "load"})
_TICKING: Final = frozenset({"warmup", "run"})


@dataclass(frozen=True, slots=True)
class CaptureFiles:
    """Where one attempt's files lie; all below the run's folder, none part of the dataset."""

    job: Path
    heartbeat: Path
    receipt: Path
    log: Path
    registry: Path

    @classmethod
    def of(cls, run_folder: Path, worker: int) -> CaptureFiles:
        """The files of a worker; each attempt overwrites those of the one before."""
        scratch = run_folder / "slots"
        return cls(
            job=scratch / f"{worker}.job.json",
            heartbeat=scratch / f"{worker}.heartbeat.json",
            receipt=scratch / f"{worker}.receipt.json",
            log=run_folder / "logs" / f"capture-{worker}.log",
            registry=run_folder / "processes",
        )


@dataclass(frozen=True, slots=True)
class Stopped:
    """The run was asked to stop while the clip was made."""


@dataclass(slots=True)
class _Watch:
    """The heartbeat as last seen, and since when it is the same."""

    files: CaptureFiles
    deadlines: Deadlines
    beat: Heartbeat
    started_s: float
    changed_s: float
    probed_s: float = 0.0

    def overdue(self, now_s: float) -> bool:
        """Read the heartbeat; True if it stands still for longer than its phase allows."""
        beat = read_heartbeat(self.files.heartbeat) or self.beat
        if beat != self.beat:
            self.beat, self.changed_s = beat, now_s
        if now_s - self.started_s > self.deadlines.clip_s:
            return True
        return now_s - self.changed_s > self._allowed_s()

    def _allowed_s(self) -> float:
        if self.beat.phase in _LOADING:
            return self.deadlines.load_s
        return self.deadlines.tick_s if self.beat.phase in _TICKING else self.deadlines.phase_s


def read_heartbeat(path: Path) -> Heartbeat | None:
    """The heartbeat in a file, or None if there is none."""
    try:
        return Heartbeat.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def capture(
    job: ClipJob,
    simulator: Simulator,
    files: CaptureFiles,
    deadlines: Deadlines,
    *,
    command: tuple[str, ...] = CAPTURE_COMMAND,
    worker: int = 0,
    on_beat: Callable[[Heartbeat], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Receipt | Fault | Stopped:
    """Make one attempt at a clip in a fresh process.

    Args:
        job: The clip to make.
        simulator: A server that is ready.
        files: Where the attempt's files go.
        deadlines: How long each phase may stand still.
        command: The capture program; it must obey `synthgen.datatypes.clip_job`.
        worker: Number of the slot's worker, for the process's name.
        on_beat: Told the heartbeat at every look.
        stopped: True ends the attempt.

    Raises:
        ConfigError: The capture process says that the job is wrong.
        OutputError: The disk refused.
    """
    for leftover in (files.heartbeat, files.receipt):
        leftover.unlink(missing_ok=True)
    document = job.model_dump(mode="json", by_alias=True)
    write_durably(files.job, readable_json(document))
    arguments = [
        *(*command, "--job", str(files.job), "--server", f"{simulator.host}:{simulator.port}"),
        *("--tm-port", str(simulator.traffic_manager_port)),
        *("--staging", str(Path(job.dataset) / STAGING)),
        *("--heartbeat", str(files.heartbeat), "--receipt", str(files.receipt)),
    ]
    now = time.monotonic()
    watch = _Watch(files, deadlines, Heartbeat(phase="start"), now, now)
    with OwnedProcess(
        arguments, registry=files.registry, name=f"capture-{worker}", log=files.log
    ) as process:
        end = _watch_process(process, simulator, watch, on_beat, stopped)
        if isinstance(end, Stopped):
            process.stop(grace_s=_DRAIN_S)
            return end
        code = process.stop()
    hung = end is None
    return _judge(code, hung, watch, simulator, process.log_tail(40))


def _watch_process(
    process: OwnedProcess,
    simulator: Simulator,
    watch: _Watch,
    on_beat: Callable[[Heartbeat], None],
    stopped: Callable[[], bool],
) -> int | Stopped | None:
    """Wait for the process's end; None if it hangs and has to be killed."""
    while True:
        code = process.wait(_POLL_S)
        if code is not None:
            return code
        if stopped():
            return Stopped()
        if simulator.exit_code is not None or _attached_is_gone(simulator, watch):
            return process.wait(_LAST_WORDS_S) or _KILLED[0]
        if watch.overdue(time.monotonic()):
            return None
        on_beat(watch.beat)


def _attached_is_gone(simulator: Simulator, watch: _Watch) -> bool:
    """True if a server that is not ours stopped answering while the clip stands still."""
    now = time.monotonic()
    if simulator.process is not None or now - watch.changed_s < _SUSPICIOUS_S:
        return False
    if now - watch.probed_s < _SUSPICIOUS_S:
        return False
    watch.probed_s = now
    try:
        probe_version(simulator.host, simulator.port, _PROBE_S)
    except SimulatorLost:
        return True
    return False


def _judge(
    code: int, hung: bool, watch: _Watch, simulator: Simulator, log_tail: str
) -> Receipt | Fault:
    """What an ended process means.

    Raises:
        ConfigError: The capture process says that the job is wrong.
        OutputError: The disk refused.
    """
    receipt = _read_receipt(watch.files.receipt)
    if code == 0 and receipt is not None and receipt.status != "fault":
        return receipt
    said = _last_line(log_tail) if receipt is None else receipt.reason or "it gave no reason"
    if code == ConfigError.exit_code:
        raise ConfigError(said)
    if code == OutputError.exit_code:
        raise OutputError(said)
    return _fault(code, hung, watch, simulator, receipt, said, log_tail)


def _fault(
    code: int,
    hung: bool,
    watch: _Watch,
    simulator: Simulator,
    receipt: Receipt | None,
    said: str,
    log_tail: str,
) -> Fault:
    """The fault that the evidence speaks for. A dead server counts first: it takes all along."""
    beat = read_heartbeat(watch.files.heartbeat) or watch.beat
    phase, tick = beat.phase, beat.tick
    server_code = _server_end(simulator)
    kind = FaultKind.SIMULATOR
    if server_code is not None:
        what = f"server ended with {exit_name(server_code)}"
        kind = FaultKind.OUTSIDE if server_code in _KILLED else kind
        log_tail = simulator.log_tail(40)
        said = _last_line(log_tail)
    elif hung:
        what = "hung"
    elif code in _KILLED:
        what, kind = "capture process killed", FaultKind.OUTSIDE
    elif code == EXIT_SIM_FAULT and receipt is not None:
        phase = receipt.phase or phase
        tick = tick if receipt.tick is None else receipt.tick
        what = (receipt.signature or "fault").rpartition("|")[2]
    else:
        what = f"capture process ended with {exit_name(code)}"
    return Fault(
        kind=kind,
        signature=f"{phase}|{tick}|{what}",
        message=f"{phase}, tick {tick}: {what}: {said}"[:600],
        incarnation=simulator.incarnation,
        log=log_tail[-4000:],
    )


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else "it said nothing"


def _server_end(simulator: Simulator) -> int | None:
    """The server's exit code, with a moment for a dying server's guard to report it."""
    end = time.monotonic() + 0.3
    while simulator.process is not None and time.monotonic() < end:
        if simulator.exit_code is not None:
            return simulator.exit_code
        time.sleep(0.02)
    return None


def exit_name(code: int) -> str:
    """An exit code in words, e.g. `SIGSEGV` for 139."""
    number = -code if code < 0 else code - 128
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"code {code}"


def _read_receipt(path: Path) -> Receipt | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if len(content) > MAX_RECEIPT_BYTES:
        return None
    try:
        return Receipt.model_validate_json(content)
    except ValidationError:
        return None
