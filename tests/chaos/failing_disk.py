"""Builds and steers the disk that fails (failing_disk.c)."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("failing_disk.c")


@dataclass(frozen=True)
class FailingDisk:
    """A library to preload and its shared counter."""

    library: Path
    counter: Path

    @classmethod
    def build(cls, folder: Path) -> FailingDisk | None:
        """Compile the library into a folder; None without a C compiler."""
        compiler = shutil.which("cc")
        if compiler is None:
            return None
        library = folder / "failing_disk.so"
        flags = ["-shared", "-fPIC", "-O1", "-w", "-o", str(library), str(SOURCE), "-ldl"]
        subprocess.run([compiler, *flags], check=True)
        disk = cls(library, folder / "counter")
        disk.arm(0)
        return disk

    def arm(self, nth: int) -> None:
        """Count from 0 again and let the n-th call fail, with -n all from the n-th; 0: none."""
        if not self.counter.exists():
            self.counter.write_bytes(bytes(16))
        with self.counter.open("r+b") as file:  # In place: running processes map this file.
            file.write(struct.pack("<qq", 0, nth))

    @property
    def calls(self) -> int:
        """Calls since `arm`."""
        return int(struct.unpack("<q", self.counter.read_bytes()[:8])[0])

    def environment(self, root: Path, code: int) -> dict[str, str]:
        """Environment of a process whose changes below `root` count."""
        return {
            **os.environ,
            "LD_PRELOAD": str(self.library),
            "FAILING_ROOT": str(root),
            "FAILING_COUNTER": str(self.counter),
            "FAILING_ERRNO": str(code),
        }
