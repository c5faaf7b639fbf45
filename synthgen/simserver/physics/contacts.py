"""What touched in a step, told only when somebody asks: a pile-up touches in many places."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.physics.bodies import F64, Records

# Running up less than this is a bump, not a collision.
_KERB_M = 0.06
# Columns of the kernel's report: impulse, point, whether it touched, lowest height.
REPORT_COLUMNS = 6
_IMPULSE_X, _IMPULSE_Y, _X, _Y, _TOUCHED, _Z = range(REPORT_COLUMNS)


@dataclass(frozen=True, slots=True)
class Contact:
    """Two bodies touched in a tick.

    Attributes:
        actor_id: One of the two, always an actor; the lower id when both are actors.
        other_id: The other actor, or 0 when it is a static box or a kerb.
        static_index: Index of the static box, or None when the other is an actor or a kerb.
        normal_impulse: Impulse on `actor_id`, N s, world axes; the other got its negative.
        point_m: Where, in the world.
    """

    actor_id: int
    other_id: int
    static_index: int | None
    normal_impulse: tuple[float, float, float]
    point_m: tuple[float, float, float]


# Records of the vehicles, the walkers and the props; (P, 2) the pairs of bodies that were looked
# at, static box k being -1 - k; (P, 6) what became of each pair.
Report = tuple[tuple[Records, ...], NDArray[np.int64], F64]


def contacts_of(
    actors: tuple[Records, ...], pairs: NDArray[np.int64], report: F64
) -> tuple[Contact, ...]:
    """One contact a pair, sorted by (actor_id, other_id, static_index); see `Report`."""
    touched = report[:, _TOUCHED] != 0.0
    vehicles = actors[0]
    ran_up = vehicles["kerb_rise"] > _KERB_M
    ran_up &= (vehicles["kerb_impulse_x"] != 0.0) | (vehicles["kerb_impulse_y"] != 0.0)
    ids = np.concatenate([records["actor_id"] for records in actors]).tolist()
    rows = zip(pairs[touched].tolist(), report[touched].tolist(), strict=True)
    found = [_contact(ids, first, second, row) for (first, second), row in rows]
    found += [_kerb_contact(record) for record in vehicles[ran_up]]
    return tuple(sorted(found, key=_order))


def _order(contact: Contact) -> tuple[int, int, int]:
    # Static boxes in their order, then the kerb.
    last = np.iinfo(np.int64).max if contact.static_index is None else contact.static_index
    return contact.actor_id, contact.other_id, int(last)


def _contact(ids: list[int], first: int, second: int, row: list[float]) -> Contact:
    x, y = row[_IMPULSE_X], row[_IMPULSE_Y]
    point = (row[_X], row[_Y], row[_Z])
    if second < 0:
        return Contact(ids[first], 0, -1 - second, (x, y, 0.0), point)
    if ids[first] < ids[second]:
        return Contact(ids[first], ids[second], None, (x, y, 0.0), point)
    return Contact(ids[second], ids[first], None, (-x, -y, 0.0), point)


def _kerb_contact(record: Any) -> Contact:
    yaw = math.radians(record["yaw"])
    impulse = (float(record["kerb_impulse_x"]), float(record["kerb_impulse_y"]), 0.0)
    ahead = impulse[0] * math.cos(yaw) + impulse[1] * math.sin(yaw) < 0.0
    reach = float(record["axle_front"] if ahead else -record["axle_rear"])
    point = (
        float(record["x"]) + reach * math.cos(yaw),
        float(record["y"]) + reach * math.sin(yaw),
        float(max(record["lead_left"], record["lead_right"])),
    )
    return Contact(int(record["actor_id"]), 0, None, impulse, point)
