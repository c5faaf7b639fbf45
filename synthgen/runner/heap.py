"""How this process keeps memory that it has freed."""

from __future__ import annotations

import ctypes
from typing import Final

# Options of mallopt(3), from glibc's malloc.h.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8

# The most that glibc takes; a picture of 3840x2160 needs as much.
_LARGEST_KEPT: Final = 32 << 20
_MOST_FREE: Final = 512 << 20


def keep_freed_memory() -> None:
    """Keep pictures' memory for the next ones; call it before threads start.

    glibc gives memory of this size back as soon as it is free, above all what threads had, and the
    system clears every page of it anew: as much time as decoding and labelling took themselves.
    Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(_M_ARENA_MAX, 1)
    mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT)
    mallopt(_M_TRIM_THRESHOLD, _MOST_FREE)
