"""A file for a writer that logs what the disk says and goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType


class FaultKeepingFile:
    """A new binary file; what the disk refuses is kept in `fault` and raised in the end.

    Foxglove's writer does not stop at a full disk: it warns once a message and then fails with an
    error of its own. Here it hears of nothing, and the block around it ends with the OSError.
    """

    def __init__(self, path: Path) -> None:
        self.fault: OSError | None = None
        self._position = self._end = 0  # Where a file that takes everything would be.
        # Unbuffered: Foxglove writes whole chunks, and a buffer would fail a second time.
        self._file = path.open("wb", buffering=0)

    def write(self, content: bytes) -> int:
        """Write bytes; returns how many there were."""
        self._unless_faulty(lambda: self._write_all(content))
        self._position += len(content)
        self._end = max(self._end, self._position)
        return len(content)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a place, counted from the start, from here or from the end; returns it."""
        self._position = offset + (0, self._position, self._end)[whence]
        self._unless_faulty(lambda: self._file.seek(self._position))
        return self._position

    def flush(self) -> None:
        """Nothing to do without a buffer."""

    def __enter__(self) -> FaultKeepingFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if self.fault is not None and error is None:
            raise self.fault

    def _write_all(self, content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _unless_faulty(self, action: Callable[[], object]) -> None:
        if self.fault is None:
            try:
                action()
            except OSError as err:
                self.fault = err
