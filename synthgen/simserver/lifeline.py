"""A process that ends with the one that started it (Linux)."""

import ctypes
import os
import signal

# prctl(2): the signal a process gets when the thread that started it dies.
PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int) -> bool:
    """Be killed when the parent dies; False if it is gone already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before the call.
    return os.getppid() == parent_pid
