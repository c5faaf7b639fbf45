"""How the physics kernels are compiled: they count no references, and so can make no arrays."""

from __future__ import annotations

from typing import Any

from synthgen.kernels import helper, kernel

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}

fast = helper(**_OPTIONS)
"""For functions that other kernels call."""


def fast_kernel(signature: Any) -> Any:
    """For functions that Python calls, with arguments of these types."""
    return kernel(signature, **_OPTIONS)
