"""Draw the towns we ship: `python -m synthgen.simserver.maps.draw_towns [FOLDER]`."""

from __future__ import annotations

import math
import sys
from pathlib import Path

from synthgen.simserver.maps.street_drawing import (
    Arm,
    Side,
    Street,
    draw_junction,
    draw_street,
)
from synthgen.simserver.maps.town_drawing import TownDrawing, line

TOWNS_DIR = Path(__file__).parent / "towns"

_PARKED = Side(gutter_m=2.3, has_parking=True, walk_m=3.2)
_PLAIN = Side(gutter_m=0.4, walk_m=3.0)
_WIDE = Side(gutter_m=0.4, walk_m=4.0)
_QUIET = Street(left=_PARKED, right=_PARKED, speed=(30, "km/h"))
_MIXED = Street(left=_PLAIN, right=_PARKED)
_PLAIN_STREET = Street(left=_PLAIN, right=_PLAIN)
_AVENUE = Street(
    2, 2, left=_WIDE, right=_WIDE, center_mark=("solid solid", "yellow"), speed=(50, "km/h")
)
_ONE_WAY = Street(0, 2, 3.3, left=_PARKED, right=_PARKED, speed=(30, "km/h"))
_ONE_WAY_BACK = Street(2, 0, 3.3, left=_PARKED, right=_PARKED, speed=(30, "km/h"))
_CORNER_RADIUS_M = 7.0


def draw_downtown() -> str:
    """A grid of blocks: avenues, streets with parked cars, a pair of one-way streets, lights."""
    town = TownDrawing("SynthDowntown", 48.137, 11.575)
    xs, ys = [0.0, 92.0, 176.0, 282.0, 372.0], [0.0, 84.0, 178.0, 262.0]
    columns = [_MIXED, _ONE_WAY, _AVENUE, _ONE_WAY_BACK, _PLAIN_STREET]
    rows = [_PLAIN_STREET, _QUIET, _AVENUE, _MIXED]
    arms: dict[tuple[int, int], list[Arm]] = {(i, j): [] for i in range(5) for j in range(4)}

    def reach(street: Street) -> float:
        return street.kerb_m() + _CORNER_RADIUS_M

    def add(name: str, street: Street, a: tuple[int, int], b: tuple[int, int]) -> None:
        ax, ay, bx, by = xs[a[0]], ys[a[1]], xs[b[0]], ys[b[1]]
        heading = math.atan2(by - ay, bx - ax)
        along_x = a[1] == b[1]
        gap_a = reach(columns[a[0]] if along_x else rows[a[1]])
        gap_b = reach(columns[b[0]] if along_x else rows[b[1]])
        length = math.hypot(bx - ax, by - ay) - gap_a - gap_b
        start = (ax + gap_a * math.cos(heading), ay + gap_a * math.sin(heading), heading)
        road = draw_street(town, name, start, [line(length)], street)
        arms[a].append(Arm(road, street, at_end=False))
        arms[b].append(Arm(road, street, at_end=True))

    for j in range(4):
        for i in range(4):
            add(f"Row {j}", rows[j], (i, j), (i + 1, j))
    for i in range(5):
        for j in range(3):
            add(f"Column {i}", columns[i], (i, j), (i, j + 1))
    for (i, j), meeting in arms.items():
        is_corner = len(meeting) == 2
        has_lights = not is_corner and (i in (1, 2, 3) or j == 2)
        draw_junction(
            town,
            meeting,
            control="lights" if has_lights else "none" if is_corner else "stop",
            minor=() if is_corner else _minor(meeting),
            crosswalks=not is_corner,
        )
    return town.text()


def _minor(meeting: list[Arm]) -> tuple[int, ...]:
    """Arms without an opposite one give way."""
    angles = [arm.angle for arm in meeting]
    return tuple(
        i for i, a in enumerate(angles) if not any(abs(math.cos(a - b) + 1.0) < 0.2 for b in angles)
    )


TOWNS = {"SynthDowntown": draw_downtown}


def main(folder: Path = TOWNS_DIR) -> None:
    """Write every town to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in TOWNS.items():
        (folder / f"{name}.xodr").write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main(*(Path(p) for p in sys.argv[1:2]))
