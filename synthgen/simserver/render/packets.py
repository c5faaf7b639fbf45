"""Rays in packets of eight, as Embree wants them, and the queries on them (numba).

A queue is (packets, ROWS, LANES) float32; ray i lies in packet i >> 3, lane i & 7. Rows follow
RTCRayHit8: origin 0-2, near 3, direction 4-6, time 7, far 8, mask 9, id 10, flags 11, normal
12-14, u 15, v 16, triangle 17, geometry 18, instance 19, instance's primitive 20.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from synthgen.kernels import helper, kernel
from synthgen.simserver.render.embree import LANES, intersect8, occluded8

ROWS = 21
PACKET_BYTES = ROWS * LANES * 4
NO_HIT = 0xFFFFFFFF
FAR = 1.0e6

_MAKING: dict[str, Any] = {"nogil": True, "fastmath": True, "error_model": "numpy"}
_FAST: dict[str, Any] = {**_MAKING, "_nrt": False}

making = helper(**_MAKING)
"""How a helper that makes arrays is compiled; threads are ours, so numba starts none."""

fast = helper(**_FAST)
"""How every other helper is compiled: it counts no references, and so can make no arrays.

Counting them, atomically and at each call, took two thirds of the time of a ray.
"""

making_kernel = kernel(**_MAKING)
"""How a kernel that Python calls, and that makes arrays, is compiled and cached."""

fast_kernel = kernel(**_FAST)
"""How every other kernel that Python calls is compiled and cached."""

# No reciprocal estimates among the freedoms: processors differ in them.
_EXACT = {"nnan", "ninf", "nsz", "contract", "reassoc"}
_single = helper(**(_FAST | {"fastmath": _EXACT}))
_poured = njit(inline="always")


def single(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a kernel as `fast` does, in float32: arguments, literals; its divisions exact."""
    made = _single(_with_float32_literals(kernel))
    made.in_float32 = True
    return made


def poured(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Copy a kernel's statements into each caller: it is never compiled by itself.

    Loops over lanes need that of what they call, to become SIMD. It also saves compiling:
    whatever a kernel calls is optimised anew within it, so each level of calls costs the time
    of all that lies below, and numba compiles a kernel once more for each constant argument.
    """
    return _poured(_with_float32_literals(kernel))


def _with_float32_literals(kernel: Callable[..., Any]) -> Callable[..., Any]:
    code = kernel.__code__
    literals = (np.float32(c) if isinstance(c, float) else c for c in code.co_consts)
    kernel.__code__ = code.replace(co_consts=tuple(literals))
    return kernel


@making
def aligned_floats(count):
    """A float32 array whose first element lies on a cache line."""
    buffer = np.empty(count + 16, np.float32)
    skip = ((64 - buffer.ctypes.data % 64) % 64) // 4
    return buffer[skip : skip + count]


@making
def ray_queue(rays):
    """An empty queue for so many rays (a multiple of LANES)."""
    return aligned_floats(rays // LANES * ROWS * LANES).reshape(rays // LANES, ROWS, LANES)


@making
def lane_masks():
    """(9, 8) int32: row n lets the first n lanes through."""
    masks = aligned_floats(9 * LANES).view(np.int32).reshape(9, LANES)
    for n in range(9):
        for lane in range(LANES):
            masks[n, lane] = -1 if lane < n else 0
    return masks


@single
def put_ray(rays, ids, i, ox, oy, oz, dx, dy, dz, near, far, time):
    """Write ray i of a queue; `ids` is the queue seen as uint32.

    `time` is 0 at the previous frame and 1 at this one; only a moving scene looks at it.
    """
    p = i >> 3
    lane = i & 7
    rays[p, 0, lane] = ox
    rays[p, 1, lane] = oy
    rays[p, 2, lane] = oz
    rays[p, 3, lane] = near
    rays[p, 4, lane] = dx
    rays[p, 5, lane] = dy
    rays[p, 6, lane] = dz
    rays[p, 7, lane] = time
    rays[p, 8, lane] = far
    ids[p, 9, lane] = NO_HIT
    ids[p, 11, lane] = 0
    ids[p, 18, lane] = NO_HIT
    ids[p, 19, lane] = NO_HIT


@fast
def trace_one(scene, query, rays, count, masks):
    """First hits of the first `count` rays in one of a pair's scenes, nearer than so far."""
    base = rays.ctypes.data
    lanes = masks.ctypes.data
    for p in range((count + LANES - 1) // LANES):
        n = min(count - p * LANES, LANES)
        intersect8(lanes + n * LANES * 4, scene, base + p * PACKET_BYTES, query)


@fast
def trace(scene, query, rays, count, masks):
    """First hits of the first `count` rays: on the map's triangles, then on what is nearer."""
    trace_one(scene.ground, query.ground, rays, count, masks)
    trace_one(scene.things, query.things, rays, count, masks)


@fast
def occlude(scene, query, rays, count, masks):
    """Far (row 8) becomes negative for each of the first `count` rays that meets anything."""
    base = rays.ctypes.data
    lanes = masks.ctypes.data
    for p in range((count + LANES - 1) // LANES):
        valid = lanes + min(count - p * LANES, LANES) * LANES * 4
        occluded8(valid, scene.ground, base + p * PACKET_BYTES, query.ground)
        occluded8(valid, scene.things, base + p * PACKET_BYTES, query.things)
