"""The one way into numba, from two threads at once."""

from __future__ import annotations

import subprocess
import sys

_TWO_DOORS = """
import sys, threading, time
threading.Thread(target=__import__, args=("numba",)).start()
while "numba.core" not in sys.modules:
    time.sleep(0.0005)
import synthgen.kernels
"""


def test_kernels_wait_for_a_thread_that_imports_numba() -> None:
    """A server loads its compiled physics in a thread while its first client asks for a town."""
    done = subprocess.run(
        [sys.executable, "-c", _TWO_DOORS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
