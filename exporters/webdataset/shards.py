"""Tar shards that are the same for the same samples."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

MAX_BYTES: Final = 1_000_000_000


class Shards:
    """The shards of one clip, `<prefix>-00.tar` and so on.

    Attributes:
        samples: Name and number of samples of each shard so far.
    """

    def __init__(self, folder: Path, prefix: str, max_bytes: int = MAX_BYTES) -> None:
        self.samples: list[tuple[str, int]] = []
        self._folder = folder
        self._prefix = prefix
        self._max_bytes = max_bytes
        self._tar: tarfile.TarFile | None = None
        self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def write(self, members: Sequence[tuple[str, bytes]]) -> None:
        """Append a sample, as a whole; it starts a new shard where this one would grow too big."""
        size = sum(len(content) for _, content in members)
        if self._tar is None or self._bytes + size > self._max_bytes:
            self._tar = self._next()
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            self._tar.addfile(info, io.BytesIO(content))
        self._bytes += size
        name, count = self.samples[-1]
        self.samples[-1] = (name, count + 1)

    def _next(self) -> tarfile.TarFile:
        self._close()
        self._bytes = 0
        name = f"{self._prefix}-{len(self.samples):02d}.tar"
        self.samples.append((name, 0))
        # Pax headers stand only where ustar has no room: names that are long or not ASCII.
        return tarfile.open(self._folder / name, "w", format=tarfile.PAX_FORMAT)

    def _close(self) -> None:
        if self._tar is not None:
            self._tar.close()
