"""Hands slots to workers and decides what follows from each outcome."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from synthgen.campaign.faults import FaultBook, FaultKind
from synthgen.campaign.plan import SlotTask
from synthgen.campaign.worker import SlotOutcome
from synthgen.datatypes.clip_job import Slot

logger = logging.getLogger(__name__)

# Back-off of a slot whose simulator does not start: 2, 4, 8 … s; after this many it is given up.
MAX_HOST_FAULTS: Final = 5
_FIRST_BACKOFF_S: Final = 2.0
_WAIT_S: Final = 0.25
# A circuit breaker: many different clips failing one after another speak against the host.
BREAKER_WINDOW: Final = 50
BREAKER_SHARE: Final = 0.2


class Pool(Protocol):
    """Workers that take slots and give outcomes."""

    workers: int

    def is_ready(self, worker: int, /) -> bool:
        """False while a worker could not begin with a slot."""

    def submit(self, worker: int, task: SlotTask) -> None:
        """Give a worker its next slot."""

    def wait(self, timeout_s: float) -> list[SlotOutcome]:
        """Outcomes that have come in, after waiting for the first for at most `timeout_s`."""

    def close(self) -> None:
        """Stop the workers where they are; their simulators end with them."""


@dataclass(slots=True)
class Worker:
    """What the dispatcher knows of one worker."""

    number: int
    busy: bool = False
    last_map: str | None = None
    host_faults: int = 0
    not_before_s: float = 0.0

    @property
    def given_up(self) -> bool:
        """Its simulator never starts."""
        return self.host_faults >= MAX_HOST_FAULTS


@dataclass(slots=True)
class Tally:
    """How a run went."""

    accepted: list[SlotOutcome] = field(default_factory=list)
    exhausted: list[SlotOutcome] = field(default_factory=list)
    quarantined: dict[Slot, str] = field(default_factory=dict)
    rejected: int = 0
    stop_kind: FaultKind | None = None
    stop_reason: str = ""
    interrupted: bool = False
    left: int = 0


class Dispatcher:
    """Runs the slots of a plan on a pool until all are done or the run has to stop."""

    def __init__(
        self,
        pool: Pool,
        tasks: list[SlotTask],
        faults: FaultBook,
        *,
        on_outcome: Callable[[SlotOutcome], None] = lambda _: None,
        on_wait: Callable[[], None] = lambda: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._pool = pool
        self._queue = deque(tasks)
        self._faults = faults
        self._on_outcome = on_outcome
        self._on_wait = on_wait
        self._stopped = stopped
        self._workers = [Worker(number) for number in range(pool.workers)]
        self._last_worker: dict[Slot, int] = {}
        self._recent_faults: deque[bool] = deque(maxlen=BREAKER_WINDOW)
        self._suspicion = ""
        self.tally = Tally()

    def run(self) -> Tally:
        """Dispatch until nothing is left, a fault stops the run or `stopped` says so."""
        while not self._is_over():
            self._submit_all()
            for outcome in self._pool.wait(_WAIT_S):
                self._settle(outcome)
                self._on_outcome(outcome)
            self._on_wait()
        self.tally.left = len(self._queue) + sum(w.busy for w in self._workers)
        return self.tally

    def _is_over(self) -> bool:
        if self._stopped():
            self.tally.interrupted = True
        if self.tally.interrupted or self.tally.stop_kind is not None:
            return True
        busy = any(worker.busy for worker in self._workers)
        if not busy and self._queue and all(worker.given_up for worker in self._workers):
            self.tally.stop_kind = FaultKind.HOST
            return True
        return not busy and not self._queue

    def _submit_all(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.busy or worker.given_up or now < worker.not_before_s or not self._queue:
                continue
            if not self._pool.is_ready(worker.number):
                continue
            task = self._choose(worker)
            self._queue.remove(task)
            worker.busy, worker.last_map = True, task.map.name
            self._last_worker[task.slot] = worker.number
            self._pool.submit(worker.number, task)

    def _choose(self, worker: Worker) -> SlotTask:
        """A canary, else what another worker failed, else a slot on this map; own failures last."""

        def cost(task: SlotTask) -> tuple[bool, bool, bool, bool]:
            last = self._last_worker.get(task.slot)
            other_map = worker.last_map not in (None, task.map.name)
            return not task.canary, last == worker.number, last is None, other_map

        return min(self._queue, key=cost)

    def _settle(self, outcome: SlotOutcome) -> None:
        worker = self._workers[outcome.worker]
        worker.busy = False
        self._last_worker[outcome.task.slot] = outcome.worker
        if outcome.task.canary and outcome.status in ("accepted", "fault"):
            self._settle_canary(outcome)
            return
        match outcome.status:
            case "accepted":
                worker.host_faults = 0
                self._recent_faults.append(False)
                self.tally.rejected += outcome.rejected
                self.tally.accepted.append(outcome)
            case "exhausted":
                self.tally.rejected += outcome.rejected
                self.tally.exhausted.append(outcome)
            case "fault":
                self._settle_fault(outcome, worker)
            case "stopped":
                self._queue.append(outcome.task)

    def _settle_fault(self, outcome: SlotOutcome, worker: Worker) -> None:
        fault, task = outcome.fault, outcome.task
        assert fault is not None
        self._faults.add(task.slot, fault)
        match fault.kind:
            case FaultKind.CONFIG | FaultKind.DISK:
                self.tally.stop_kind, self.tally.stop_reason = fault.kind, fault.message
                self._queue.append(task)
                return
            case FaultKind.HOST:
                backoff_s = _FIRST_BACKOFF_S * 2**worker.host_faults
                worker.host_faults += 1
                worker.not_before_s = time.monotonic() + backoff_s
                self.tally.stop_reason = fault.message
            case FaultKind.SIMULATOR:
                self._recent_faults.append(True)
                self._trip_breaker(fault.message)
            case FaultKind.OUTSIDE:
                pass
        verdict = self._faults.verdict(task.slot)
        if verdict is None:
            self._queue.append(task)
        else:
            self.tally.quarantined[task.slot] = verdict
            logger.error("slot %s: quarantined: %s", task.slot.name, verdict)

    def _trip_breaker(self, message: str) -> None:
        """Send a canary when faults are too many to be the clips' own."""
        recent = self._recent_faults
        if len(recent) < BREAKER_WINDOW or sum(recent) <= BREAKER_SHARE * BREAKER_WINDOW:
            return
        self._suspicion = (
            f"{sum(recent)} of the last {BREAKER_WINDOW} attempts failed; the host or the "
            f"simulator is suspect, the last fault was: {message}"
        )
        recent.clear()
        if not self.tally.accepted:
            self.tally.stop_kind, self.tally.stop_reason = FaultKind.HOST, self._suspicion
            return
        proven = self.tally.accepted[-1].task
        self._queue.appendleft(proven.model_copy(update={"canary": True}))

    def _settle_canary(self, outcome: SlotOutcome) -> None:
        """Go on if a clip that was made before can be made again; else the host is to blame."""
        fault = outcome.fault
        if fault is None:
            logger.warning("a clip that was made before was made again: the faults are the clips'")
        elif fault.kind is FaultKind.OUTSIDE:
            self._queue.appendleft(outcome.task)
        else:
            self.tally.stop_kind = FaultKind.HOST
            self.tally.stop_reason = f"{self._suspicion}; a clip made before fails now as well"
