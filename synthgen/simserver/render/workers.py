"""Threads of our own that run compiled kernels side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


class Workers:
    """Runs a kernel over ranges of rows; the kernel frees the interpreter's lock.

    numba's own threads are not used: they cannot be told per call how many they are, and
    compile more slowly.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, "render") if threads > 1 else None

    def over(self, rows: int, step: int, work: Callable[[int, int], object]) -> None:
        """Call `work(first, last)` for all ranges of `step` rows.

        The ranges are the same for any number of threads, so the work may depend on them.
        """
        spans = [(k, min(k + step, rows)) for k in range(0, rows, step)]
        if self._pool is None:
            for first, last in spans:
                work(first, last)
            return
        for pending in [self._pool.submit(work, first, last) for first, last in spans]:
            pending.result()

    def close(self) -> None:
        """Stop the threads."""
        if self._pool is not None:
            self._pool.shutdown()
