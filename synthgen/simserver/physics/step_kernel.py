"""The two calls into compiled code that make a tick: who may touch, and all of its steps."""

import numba as nb

from synthgen.simserver.physics import contact_kernel, vehicle_kernel, walker_kernel
from synthgen.simserver.physics.compiled import fast_kernel
from synthgen.simserver.physics.contact_kernel import (
    BODY,
    POINT_ROWS,
    REPORT_COLUMNS,
    TOUCH_NUMBERS,
)
from synthgen.simserver.physics.records import PROP, VEHICLE, WALKER

__all__ = [
    "BODY",
    "POINT_ROWS",
    "REPORT_COLUMNS",
    "TOUCH_NUMBERS",
    "advance",
    "begin",
    "find_pairs",
]

_ACTORS = nb.types.Tuple(tuple(nb.from_dtype(dtype)[::1] for dtype in (VEHICLE, WALKER, PROP)))
_BODIES = nb.from_dtype(BODY)[::1]
_TABLE = nb.float64[:, ::1]
_PAIRS = nb.int64[:, ::1]
_HEIGHTS = nb.float32[:, ::1]
_GROUND = nb.types.Tuple((_HEIGHTS, _HEIGHTS, nb.float64, nb.float64, nb.float64))
_STATICS = nb.types.Tuple(
    (_TABLE, nb.uint8[::1], nb.int32[::1], nb.int32[::1], nb.float64[::1], nb.float64[::1])
)
_KINEMATICS = nb.types.UniTuple(nb.float32[:, ::1], 3)
_WORK = nb.types.Tuple((nb.float64[::1], _TABLE))


@fast_kernel(nb.void(_ACTORS, nb.float64))
def begin(actors, dt):
    """Prepare the vehicles for a tick."""
    vehicle_kernel.begin_vehicles(actors[0], dt)


@fast_kernel(nb.int64(_ACTORS, _BODIES, nb.int64[::1], _STATICS, _PAIRS, nb.float64))
def find_pairs(actors, bodies, order, statics, pairs, dt):
    """`contact_kernel.find_pairs`."""
    return contact_kernel.find_pairs(actors, bodies, order, statics, pairs, dt)


@fast_kernel(
    nb.void(
        *(_ACTORS, _GROUND, _BODIES, _TABLE, _PAIRS, _TABLE, _WORK),
        *(_KINEMATICS, nb.int64, nb.float64),
    )
)
def advance(actors, ground, bodies, boxes, pairs, report, work, kinematics, parts, dt):
    """One tick of all actors in equal parts; contacts go to `report`, a row a pair."""
    vehicles, walkers, props = actors
    touch, rows = work
    h = dt / parts
    for _ in range(parts):
        vehicle_kernel.step_vehicles(vehicles, ground, h)
        walker_kernel.step_walkers(walkers, ground, h)
        walker_kernel.step_props(props, ground, h)
        contact_kernel.resolve_pairs(actors, bodies, boxes, pairs, report, touch, rows)
    vehicle_kernel.end_vehicles(vehicles, ground, dt, kinematics[0])
    walker_kernel.end_walkers(walkers, dt, kinematics[1])
    walker_kernel.end_props(props, dt, kinematics[2])
