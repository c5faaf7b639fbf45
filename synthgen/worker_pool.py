"""Processes that share work, and that end with the one that shares it, however that ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.context import BaseContext


@contextmanager
def worker_pool(processes: int, context: BaseContext) -> Iterator[ProcessPoolExecutor]:
    """A pool whose processes leave Ctrl-C to this one and never outlive it.

    What is not begun at the end of the block is not done any more; after Ctrl-C, what is begun
    is not finished either.

    Args:
        processes: How many at most.
        context: Where the processes come from.
    """
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_begin) as pool:
        try:
            yield pool
        except KeyboardInterrupt:
            for process in multiprocessing.active_children():
                process.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_owner, name="owner", daemon=True).start()


def _end_with_owner() -> None:
    # Not by prctl(2): the parent of a fork server's processes is that server, which lives as long
    # as they do.
    owner = multiprocessing.parent_process()
    assert owner is not None, "a pool's process has an owner"
    owner.join()
    os._exit(1)
