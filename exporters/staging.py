"""Where an export grows before it gets its name: nobody sees half of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from synthgen.errors import OutputError


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A fresh folder that becomes `out` when the block ends well; what a dead run left is removed.

    Raises:
        OutputError: `out` is there already, or the disk refused.
    """
    if out.exists():
        raise OutputError(f"{out}: expected a new folder, found one; remove it or name another")
    partial = out.with_name(f"{out.name}.partial")
    try:
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir(parents=True)
        yield partial
        partial.rename(out)
    except OSError as err:
        raise OutputError(f"{out}: cannot write: {err.strerror or err}") from err
    finally:
        shutil.rmtree(partial, ignore_errors=True)
