from __future__ import annotations

import subprocess
import sys

import pytest

PICTURES = """
import resource, threading, numpy as np
from synthgen.runner.heap import keep_freed_memory

def draw():
    for _ in range(50):
        np.ones((900, 1600, 4), np.uint8)
    faults = [resource.getrusage(resource.RUSAGE_SELF).ru_minflt]
    for _ in range(50):
        np.ones((900, 1600, 4), np.uint8)
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
    print(faults[1] - faults[0])

keep_freed_memory()
thread = threading.Thread(target=draw)
thread.start()
thread.join()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is glibc's")
def test_a_threads_pictures_take_the_memory_of_those_before() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PICTURES], capture_output=True, text=True, check=True
    )
    # Each picture in new memory would be 1,407 pages, or 3 huge ones.
    assert int(done.stdout) < 50
