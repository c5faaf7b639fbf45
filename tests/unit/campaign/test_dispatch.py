"""Which slot goes to whom, and what follows from an outcome."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest

from synthgen.campaign import dispatch
from synthgen.campaign.dispatch import Dispatcher, Tally
from synthgen.campaign.faults import Fault, FaultBook, FaultKind
from synthgen.campaign.plan import SlotTask
from synthgen.campaign.worker import SlotOutcome
from synthgen.datatypes.clip_job import MapSource, Receipt, Slot

Script = Callable[[SlotTask, int, int], SlotOutcome]


def task(k: int, town: str = "Town01") -> SlotTask:
    return SlotTask(
        slot=Slot(scenario="jaywalk", k=k),
        scenario_file="jaywalk.yaml",
        map=MapSource(name=town, path=None, sha256=None),
    )


def accepted(job: SlotTask, worker: int) -> SlotOutcome:
    receipt = Receipt(clip_id="0" * 16, status="accepted")
    return SlotOutcome(task=job, worker=worker, status="accepted", receipt=receipt)


def failed(job: SlotTask, worker: int, attempt: int, kind: FaultKind) -> SlotOutcome:
    fault = Fault(kind=kind, signature="run|7|SIGSEGV", message="m", incarnation=str(attempt))
    return SlotOutcome(task=job, worker=worker, status="fault", fault=fault)


class ScriptedPool:
    """Workers that answer at once what a script says; keeps who got what."""

    def __init__(self, workers: int, script: Script, missing: tuple[int, ...] = ()) -> None:
        self.workers = workers
        self.missing = missing
        self.given: list[tuple[int, SlotTask]] = []
        self._script = script
        self._outcomes: deque[SlotOutcome] = deque()

    def is_ready(self, worker: int) -> bool:
        return worker not in self.missing

    def submit(self, worker: int, task: SlotTask) -> None:
        attempt = sum(given.slot == task.slot for _, given in self.given)
        self.given.append((worker, task))
        self._outcomes.append(self._script(task, worker, attempt))

    def wait(self, timeout_s: float) -> list[SlotOutcome]:
        return [self._outcomes.popleft()] if self._outcomes else []

    def close(self) -> None:
        pass


def run(folder: Path, pool: ScriptedPool, tasks: list[SlotTask]) -> Tally:
    return Dispatcher(pool, tasks, FaultBook(folder / "faults.jsonl")).run()


def test_every_slot_is_given_once_when_all_goes_well(tmp_path: Path) -> None:
    pool = ScriptedPool(3, lambda job, worker, _: accepted(job, worker))
    tally = run(tmp_path, pool, [task(k) for k in range(10)])
    assert sorted(job.slot.k for _, job in pool.given) == list(range(10))
    assert len(tally.accepted) == 10
    assert tally.left == 0


def test_workers_that_never_come_up_keep_no_slot(tmp_path: Path) -> None:
    pool = ScriptedPool(3, lambda job, worker, _: accepted(job, worker), missing=(0, 2))
    tally = run(tmp_path, pool, [task(k) for k in range(5)])
    assert {worker for worker, _ in pool.given} == {1}
    assert len(tally.accepted) == 5


def test_failed_slot_goes_to_another_worker(tmp_path: Path) -> None:
    def script(job: SlotTask, worker: int, attempt: int) -> SlotOutcome:
        if job.slot.k == 0 and attempt == 0:
            return failed(job, worker, attempt, FaultKind.SIMULATOR)
        return accepted(job, worker)

    pool = ScriptedPool(2, script)
    run(tmp_path, pool, [task(k) for k in range(4)])
    first, second = (worker for worker, job in pool.given if job.slot.k == 0)
    assert first != second


def test_poison_is_quarantined_and_the_rest_is_made(tmp_path: Path) -> None:
    def script(job: SlotTask, worker: int, attempt: int) -> SlotOutcome:
        if job.slot.k == 1:
            return failed(job, worker, attempt, FaultKind.SIMULATOR)
        return accepted(job, worker)

    tally = run(tmp_path, ScriptedPool(1, script), [task(k) for k in range(3)])
    assert [slot.k for slot in tally.quarantined] == [1]
    assert len(tally.accepted) == 2


@pytest.mark.parametrize("kind", [FaultKind.DISK, FaultKind.CONFIG])
def test_full_disk_or_wrong_config_stops_the_run(tmp_path: Path, kind: FaultKind) -> None:
    pool = ScriptedPool(1, lambda job, worker, n: failed(job, worker, n, kind))
    tally = run(tmp_path, pool, [task(k) for k in range(5)])
    assert tally.stop_kind is kind
    assert tally.left == 5


def test_workers_whose_simulator_never_starts_are_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_FIRST_BACKOFF_S", 0.0)
    pool = ScriptedPool(2, lambda job, worker, n: failed(job, worker, n, FaultKind.HOST))
    tally = run(tmp_path, pool, [task(0), task(1)])
    assert tally.stop_kind is FaultKind.HOST
    assert tally.quarantined == {}
    assert len(pool.given) == 2 * dispatch.MAX_HOST_FAULTS


def test_worker_stays_on_its_map(tmp_path: Path) -> None:
    pool = ScriptedPool(1, lambda job, worker, _: accepted(job, worker))
    run(tmp_path, pool, [task(0, "Town01"), task(1, "Town02"), task(2, "Town01")])
    assert [job.map.name for _, job in pool.given] == ["Town01", "Town01", "Town02"]


def test_many_clips_failing_stop_the_run_instead_of_filling_the_quarantine(tmp_path: Path) -> None:
    pool = ScriptedPool(4, lambda job, worker, n: failed(job, worker, n, FaultKind.SIMULATOR))
    tally = run(tmp_path, pool, [task(k) for k in range(100)])
    assert tally.stop_kind is FaultKind.HOST
    assert len(tally.quarantined) < 20


@pytest.mark.parametrize(("canary_lives", "stop"), [(True, None), (False, FaultKind.HOST)])
def test_canary_tells_whether_the_host_or_the_clips_are_to_blame(
    tmp_path: Path, canary_lives: bool, stop: FaultKind | None
) -> None:
    def script(job: SlotTask, worker: int, attempt: int) -> SlotOutcome:
        is_good = canary_lives if job.canary else job.slot.k % 2 == 0
        return (
            accepted(job, worker) if is_good else failed(job, worker, attempt, FaultKind.SIMULATOR)
        )

    pool = ScriptedPool(1, script)
    tally = run(tmp_path, pool, [task(k) for k in range(100)])
    assert any(job.canary for _, job in pool.given)
    assert tally.stop_kind is stop
    assert len({o.task.slot for o in tally.accepted}) == len(tally.accepted)
