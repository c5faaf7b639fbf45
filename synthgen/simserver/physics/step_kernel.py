"""The call into compiled code that makes a tick: who may touch, and all of its steps."""

import numba as nb

from synthgen.simserver.physics import contact_kernel, vehicle_kernel, walker_kernel
from synthgen.simserver.physics.compiled import fast_kernel
from synthgen.simserver.physics.contact_kernel import (
    BODY,
    POINT_ROWS,
    TOUCH_NUMBERS,
)
from synthgen.simserver.physics.contacts import REPORT_COLUMNS
from synthgen.simserver.physics.records import PROP, VEHICLE, WALKER

__all__ = [
    "BODY",
    "POINT_ROWS",
    "TOUCH_NUMBERS",
    "tick",
]

_ACTORS = nb.types.Tuple(tuple(nb.from_dtype(dtype)[::1] for dtype in (VEHICLE, WALKER, PROP)))
_BODIES = nb.from_dtype(BODY)[::1]
_TABLE = nb.float64[:, ::1]
_PAIRS = nb.int64[:, ::1]
_HEIGHTS = nb.float32[:, ::1]
_DECKS = nb.float32[:, :, ::1]
_GROUND = nb.types.Tuple((_HEIGHTS, _DECKS, nb.float64, nb.float64, nb.float64))
_STATICS = nb.types.Tuple(
    (_TABLE, nb.uint8[::1], nb.int32[::1], nb.int32[::1], nb.float64[::1], nb.float64[::1])
)
_KINEMATICS = nb.types.UniTuple(nb.float32[:, ::1], 3)
_WORK = nb.types.Tuple((nb.float64[::1], _TABLE))


@fast_kernel(
    nb.int64(
        *(_ACTORS, _GROUND, _BODIES, nb.int64[::1], _STATICS, _PAIRS, _TABLE, _WORK),
        *(_KINEMATICS, nb.int64, nb.float64, nb.boolean),
    )
)
def tick(
    actors, ground, bodies, order, statics, pairs, report, work, kinematics, parts, dt, is_begun
):
    """One tick of all actors in equal parts; gives how many pairs may touch.

    Contacts go to `report`, a row a pair. With more pairs than there are rows nothing is moved:
    call again with room for all, and say that the tick has begun.
    """
    vehicles, walkers, props = actors
    if not is_begun:
        vehicle_kernel.begin_vehicles(vehicles, dt)
    count = contact_kernel.find_pairs(actors, bodies, order, statics, pairs, dt)
    if count > len(pairs):
        return count
    for p in range(count):
        for column in range(REPORT_COLUMNS):
            report[p, column] = 0.0
    touch, rows = work
    h = dt / parts
    for _ in range(parts):
        vehicle_kernel.step_vehicles(vehicles, ground, h)
        walker_kernel.step_walkers(walkers, ground, h)
        walker_kernel.step_props(props, ground, h)
        contact_kernel.resolve_pairs(actors, bodies, statics[0], pairs[:count], report, touch, rows)
    vehicle_kernel.end_vehicles(vehicles, ground, dt, kinematics[0])
    walker_kernel.end_walkers(walkers, dt, kinematics[1])
    walker_kernel.end_props(props, dt, kinematics[2])
    return count
