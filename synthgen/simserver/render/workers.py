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
        self._pool = ThreadPoolExecutor(threads - 1, "render") if threads > 1 else None

    def over(self, rows: int, step: int, work: Callable[[int, int], object]) -> None:
        """Call `work(first, last)` for all ranges of `step` rows.

        The ranges are the same for any number of threads, so the work may depend on them. The
        caller's thread draws them too: the next number of a range is drawn under the
        interpreter's lock, so that each range is drawn once.
        """
        starts = iter(range(0, rows, step))

        def draw() -> None:
            for first in starts:
                work(first, min(first + step, rows))

        self.together(draw)

    def together(self, work: Callable[[], object]) -> None:
        """Call `work()` on all threads at once, which share it out among themselves."""
        others = [self._pool.submit(work) for _ in range(self._threads - 1)] if self._pool else []
        work()
        for other in others:
            other.result()

    def close(self) -> None:
        """Stop the threads."""
        if self._pool is not None:
            self._pool.shutdown()
