"""The one way into numba."""

from __future__ import annotations

import subprocess
import sys

import pytest
from numba import njit
from numba.core.errors import TypingError

from synthgen.kernels import helper

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


def test_constants_do_not_compile_a_helper_again() -> None:
    half = helper()(lambda x: x // 2)
    assert njit(lambda n: half(6) + half(9) + half(n))(12) == 3 + 4 + 6
    assert len(half.overloads) == 1


@pytest.mark.parametrize("time", ["first", "second"])
def test_what_no_kernel_can_do_is_refused_each_time(time: str) -> None:
    with pytest.raises(TypingError, match="No implementation of function"):
        njit(lambda: 1 + "2")()  # type: ignore[operator]  # on purpose
