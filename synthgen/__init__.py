"""Synthetic driving data through the real CARLA client."""

import os
import platform
from typing import Final

__version__: Final = "0.1.0"

# Numba reads these when it is first imported. One processor for all kernels of ours: the same
# machine code, and with it the same bytes, in every process and on every ordinary machine.
if platform.machine() in ("x86_64", "AMD64"):
    os.environ.setdefault("NUMBA_CPU_NAME", "x86-64-v3")
    os.environ.setdefault(
        "NUMBA_CPU_FEATURES", "+avx2,+fma,+bmi,+bmi2,+f16c,+lzcnt,+movbe,+popcnt,+sse4.2"
    )
