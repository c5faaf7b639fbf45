"""What readers of other programs' files have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from synthgen.errors import DatasetError, InternalError
from synthgen.geometry.se3 import SE3

_ODD_CONTENT = (
    *(AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError),
    OverflowError,  # A whole number of more than 64 bits.
    InternalError,  # An array of another shape than our records hold.
)


@contextmanager
def expected_content(path: Path, what: str) -> Iterator[None]:
    """Turn what odd content raises in the block into a DatasetError that names `path`.

    Args:
        path: File or folder that is read.
        what: It should be, for the message.
    """
    try:
        yield
    except _ODD_CONTENT as err:
        reason = f"found no {err}" if isinstance(err, KeyError) else str(err)
        raise DatasetError(f"{path}: expected {what}: {reason}") from err


def sound_pose(pose: SE3, what: str) -> SE3:
    """The pose, if it is one.

    Args:
        pose: As a file says.
        what: File and record, for the message.

    Raises:
        DatasetError: A number of it is NaN or infinite, or its quaternion has no length.
    """
    if not (np.isfinite(pose.rotation).all() and np.isfinite(pose.translation_m).all()):
        raise DatasetError(f"{what}: expected a pose, found a quaternion or place that is none")
    return pose


def size_wh(width: object, height: object) -> tuple[int, int]:
    """Columns and rows of an image as a document gives them.

    Raises:
        ValueError: They are no whole numbers above nought.
    """
    sizes = [v for v in (width, height) if isinstance(v, int | float) and v >= 1 and v == v // 1]
    if len(sizes) < 2:
        raise ValueError(f"expected an image of whole pixels, found {width!r} x {height!r}")
    return int(sizes[0]), int(sizes[1])


def plain_files(folder: Path, pattern: str) -> list[Path]:
    """The files of a folder by name, without hidden ones such as a Mac's `._000000.txt`."""
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))
