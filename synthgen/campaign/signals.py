"""The signals that a run heeds while it works."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Sequence
from types import FrameType


@contextlib.contextmanager
def handling(
    numbers: Sequence[signal.Signals], handler: Callable[[int, FrameType | None], None]
) -> Iterator[None]:
    """Handle signals so within the block, except those that we were started to ignore (nohup)."""
    before = {number: signal.getsignal(number) for number in numbers}
    heeded = [number for number, old in before.items() if old is not signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number])


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """Handler that ends the program as Ctrl-C does."""
    raise KeyboardInterrupt
