"""Slot workers in threads of this process: no Ray, the same workers, the same bytes."""

from __future__ import annotations

import queue
import threading

from synthgen.campaign.job_process import JobProcess
from synthgen.campaign.plan import SlotTask
from synthgen.campaign.worker import SlotOutcome, SlotWorker, WorkerSettings


class InlinePool:
    """A thread per worker. The workers' children do the heavy lifting."""

    def __init__(self, settings: WorkerSettings, workers: int) -> None:
        self.workers = workers
        self._settings = settings
        self._stop = threading.Event()
        self._tasks: list[queue.SimpleQueue[SlotTask | None]] = []
        self._outcomes: queue.SimpleQueue[SlotOutcome] = queue.SimpleQueue()
        self._jobs = JobProcess(settings)
        self._threads = []
        for number in range(workers):
            self._tasks.append(queue.SimpleQueue())
            thread = threading.Thread(target=self._serve, args=(number,), name=f"slot-{number}")
            self._threads.append(thread)
            thread.start()

    def is_ready(self, _worker: int) -> bool:
        """Threads are up at once."""
        return True

    def submit(self, worker: int, task: SlotTask) -> None:
        """Give a worker its next slot."""
        self._tasks[worker].put(task)

    def wait(self, timeout_s: float) -> list[SlotOutcome]:
        """Outcomes that have come in, after waiting for the first for at most `timeout_s`."""
        outcomes = []
        try:
            outcomes.append(self._outcomes.get(timeout=timeout_s))
            while True:
                outcomes.append(self._outcomes.get_nowait())
        except queue.Empty:
            return outcomes

    def close(self) -> None:
        """Stop the workers where they are; their simulators end with them."""
        self._stop.set()
        for tasks in self._tasks:
            tasks.put(None)
        for thread in self._threads:
            thread.join()
        self._jobs.close()

    def _serve(self, number: int) -> None:
        worker = SlotWorker(self._settings, number, jobs=self._jobs, stopped=self._stop.is_set)
        try:
            while (task := self._tasks[number].get()) is not None and not self._stop.is_set():
                self._outcomes.put(worker.run(task))
        finally:
            worker.close()
