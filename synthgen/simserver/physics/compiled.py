"""How the physics kernels are compiled: they count no references, and so can make no arrays."""

from __future__ import annotations

from numba import njit

fast = njit(nogil=True, error_model="numpy", _nrt=False)
"""For functions that other kernels call."""
