"""Draw the towns we ship: `python -m synthgen.simserver.maps.draw_towns [FOLDER]`."""

from __future__ import annotations

import math
import sys
from pathlib import Path

from synthgen.simserver.maps.motorway_drawing import (
    Carriageway,
    LaneBundle,
    add_speed_sign,
    chain,
    connect_bundles,
    draw_carriageway,
)
from synthgen.simserver.maps.roundabout_drawing import draw_roundabout
from synthgen.simserver.maps.street_drawing import draw_junction, draw_street, hermite
from synthgen.simserver.maps.streets import Arm, Side, Street
from synthgen.simserver.maps.town_drawing import RoadDraft, TownDrawing, arc, join, line

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


_LANE_SIDE = Side(gutter_m=0.4, walk_m=1.9)
_LANE = Street(
    1,
    1,
    3.25,
    left=_LANE_SIDE,
    right=_LANE_SIDE,
    center_mark=("broken", "white"),
    speed=(40, "km/h"),
)
_QUIET_LANE = Street(
    1,
    1,
    3.1,
    left=_LANE_SIDE,
    right=Side(2.2, has_parking=True, walk_m=1.9),
    center_mark=("none", "white"),
    speed=(30, "km/h"),
)
_ARM_M, _RING_ARM_M = 15.0, 31.0
# Bends are short: a client's Traffic Manager aims at points about six metres ahead and cuts a
# curve of 100 m radius by 0.16 m at any speed.
_BEND_M = 60.0
_ROUNDABOUTS = ("R", "H", "K")
# Place and height of each meeting point of the suburb, then its arms: compass directions in
# degrees, anticlockwise from +x.
_SUBURB_NODES: dict[str, tuple[float, float, float]] = {
    "R": (0.0, 0.0, 0.0),
    "A": (185.0, 35.0, 6.0),
    "B": (25.0, 175.0, 7.0),
    "C": (-190.0, -15.0, -3.0),
    "D": (-15.0, -180.0, 2.0),
    "E": (105.0, -130.0, 5.0),
    "F": (-110.0, 150.0, 9.0),
    "H": (-95.0, 5.0, 1.0),
    "K": (98.0, 12.0, 2.5),
}
_SUBURB_EDGES: tuple[tuple[str, float, str, float, float], ...] = (
    # from, its arm, to, its arm, height of a hump half way
    ("R", 0.0, "K", 180.0, 0.0),
    ("K", 5.0, "A", 195.0, 0.0),
    ("K", 270.0, "E", 105.0, 0.0),
    ("R", 90.0, "B", 260.0, 0.0),
    ("A", 95.0, "B", -8.0, 2.5),
    ("B", 170.0, "F", 15.0, 0.0),
    ("F", 200.0, "C", 85.0, -1.5),
    ("F", 285.0, "H", 92.0, 0.0),
    ("H", 2.0, "R", 180.0, 0.0),
    ("H", 178.0, "C", 5.0, 1.5),
    ("C", 275.0, "D", 172.0, 0.0),
    ("R", 270.0, "D", 85.0, 0.0),
    ("D", -2.0, "E", 205.0, 0.0),
    ("E", 30.0, "A", 265.0, 0.0),
)


def draw_suburb() -> str:
    """Winding hilly streets with roundabouts, stop and yield signs, some lights."""
    town = TownDrawing("SynthSuburb", 48.312, 11.668)
    arms: dict[str, list[Arm]] = {name: [] for name in _SUBURB_NODES}
    for a, out, b, back, hump in _SUBURB_EDGES:
        start = _suburb_pose(a, out)
        end = _suburb_pose(b, back + 180.0, back)
        street = _QUIET_LANE if {a, b} in ({"K", "E"}, {"F", "H"}, {"H", "C"}) else _LANE
        road = draw_street(town, f"{a}{b} Lane", start, join(start, end, _BEND_M), street)
        road.elevation = _hill(_SUBURB_NODES[a][2], _SUBURB_NODES[b][2], hump, road.length)
        arms[a].append(Arm(road, street, at_end=False))
        arms[b].append(Arm(road, street, at_end=True))
    for name, meeting in arms.items():
        if name in _ROUNDABOUTS:
            draw_roundabout(town, _SUBURB_NODES[name][:2], meeting)
        else:
            # Stop signs where little traffic meets; elsewhere lights, since the client's
            # Traffic Manager takes no turns at a sign and blocks itself when it is busy.
            control = "stop" if name == "E" else "lights"
            draw_junction(town, meeting, control=control, minor=_minor(meeting))
    return town.text()


def _suburb_pose(
    node: str, heading_deg: float, arm_deg: float | None = None
) -> tuple[float, float, float]:
    """Where an arm of a node begins; its own direction where it is not the heading."""
    x, y, _ = _SUBURB_NODES[node]
    angle = math.radians(heading_deg if arm_deg is None else arm_deg)
    gap = _RING_ARM_M if node in _ROUNDABOUTS else _ARM_M
    return x + gap * math.cos(angle), y + gap * math.sin(angle), math.radians(heading_deg)


def _hill(
    z0: float, z1: float, hump: float, length: float
) -> list[tuple[float, float, float, float, float]]:
    """Level at both ends and, with a hump, at the top half way."""
    if hump == 0.0:
        return [(0.0, *hermite(z0, z1, length))]
    half, top = length / 2, (z0 + z1) / 2 + hump
    return [(0.0, *hermite(z0, top, half)), (half, *hermite(top, z1, half))]


_MAIN = Carriageway(3)
_WITH_EXIT = Carriageway(4)
_RAMP = Carriageway(1, 4.0, right_m=1.5, speed=(60, "km/h"))
_REST = Carriageway(
    1,
    4.5,
    left_m=3.2,
    right_m=2.6,
    left_kind="parking",
    right_kind="parking",
    speed=(30, "km/h"),
    kind="town",
)
_STRAIGHT_M, _TURN_M, _HALF_MEDIAN_M, _BEND_HEIGHT_M = 1000.0, 220.0, 3.0, 5.0


def draw_motorway() -> str:
    """A loop of two carriageways with three lanes each, and a rest area by ramps on each."""
    town = TownDrawing("SynthMotorway", 48.214, 11.435)
    far = 2 * _TURN_M
    # Outside, anticlockwise: right of the median in the south, exits to the outside.
    radius = _TURN_M + _HALF_MEDIAN_M
    south = _exits(town, "South", -_HALF_MEDIAN_M, 0.0)
    _close_loop(town, "Outer", south, radius, 1.0)
    # Inside, clockwise: heading east in the north, exits to the inside.
    radius = _TURN_M - _HALF_MEDIAN_M
    north = _exits(town, "North", far - _HALF_MEDIAN_M, _BEND_HEIGHT_M)
    _close_loop(town, "Inner", north, radius, -1.0)
    return town.text()


def _close_loop(
    town: TownDrawing, name: str, exits: tuple[RoadDraft, RoadDraft], radius: float, side: float
) -> None:
    """From the end of a straight with exits round and back to its start."""
    first, last = exits
    low, high = last.height(at_end=True), _BEND_HEIGHT_M - last.height(at_end=True)
    bend = [arc(math.pi * radius, side / radius)]
    roads = [last]
    for label, pieces, heights in (
        ("bend", bend, (low, high)),
        ("straight", [line(_STRAIGHT_M)], (high, high)),
        ("bend", bend, (high, low)),
    ):
        road = draw_carriageway(
            town, f"{name} {label}", roads[-1].pose(at_end=True), pieces, _MAIN, heights
        )
        add_speed_sign(town, road, 20.0, _MAIN)
        chain(roads[-1], road)
        roads.append(road)
    chain(roads[-1], first)


def _exits(town: TownDrawing, name: str, y: float, z: float) -> tuple[RoadDraft, RoadDraft]:
    """A straight to the east with an exit, a rest area and an entry; its first and last road."""

    def piece(x0: float, x1: float, way: Carriageway) -> RoadDraft:
        start = (x0, y, 0.0)
        return draw_carriageway(town, name, start, [line(x1 - x0)], way, (z, z))

    first, decel, middle, accel, last = (
        piece(0.0, 100.0, _MAIN),
        piece(150.0, 300.0, _WITH_EXIT),
        piece(370.0, 690.0, _MAIN),
        piece(760.0, 900.0, _WITH_EXIT),
        piece(960.0, _STRAIGHT_M, _MAIN),
    )
    # Ramps leave and arrive a gore's width beside the main lanes.
    edge, gore, away = y - 3 * _MAIN.lane_m, 4.5, 34.0
    slope = math.radians(7.0)
    out = (370.0, edge - gore, -slope)
    rest_start, rest_end = (470.0, edge - away, 0.0), (590.0, edge - away, 0.0)
    back = (690.0, edge - gore, slope)
    ramp_out = draw_carriageway(town, f"{name} exit", out, join(out, rest_start), _RAMP, (z, z))
    rest = draw_carriageway(town, f"{name} rest area", rest_start, [line(120.0)], _REST, (z, z))
    ramp_in = draw_carriageway(town, f"{name} entry", rest_end, join(rest_end, back), _RAMP, (z, z))
    _through(town, (first, _MAIN, 1, 3), (decel, _WITH_EXIT, 1, 3), (3, 4))
    junction = town.add_junction()
    _carry(town, junction, (decel, _WITH_EXIT, 1, 3), (middle, _MAIN, 1, 3), "both")
    _carry(town, junction, (decel, _WITH_EXIT, 4, 1), (ramp_out, _RAMP, 1, 1), "right")
    junction = town.add_junction()
    _carry(town, junction, (middle, _MAIN, 1, 3), (accel, _WITH_EXIT, 1, 3), "left")
    _carry(town, junction, (ramp_in, _RAMP, 1, 1), (accel, _WITH_EXIT, 4, 1), "right")
    _through(town, (accel, _WITH_EXIT, 1, 3), (last, _MAIN, 1, 3), (4, 3))
    for before, after in ((ramp_out, rest), (rest, ramp_in)):
        chain(before, after)
    for road, way in ((first, _MAIN), (middle, _MAIN), (ramp_out, _RAMP), (rest, _REST)):
        add_speed_sign(town, road, 8.0, way)
    return first, last


Bundle = tuple[RoadDraft, Carriageway, int, int]


def _through(town: TownDrawing, source: Bundle, target: Bundle, extra: tuple[int, int]) -> None:
    """Main lanes straight on, and one more lane that opens or closes beside them."""
    junction = town.add_junction()
    _carry(town, junction, source, target, "left")
    one, other = extra
    _carry(town, junction, (*source[:2], one, 1), (*target[:2], other, 1), "right")


def _carry(town: TownDrawing, junction: int, source: Bundle, target: Bundle, sides: str) -> None:
    connect_bundles(
        town,
        junction,
        LaneBundle(*source),
        LaneBundle(*target),
        left_shoulder=sides in ("left", "both"),
        right_shoulder=sides in ("right", "both"),
    )


TOWNS = {
    "SynthDowntown": draw_downtown,
    "SynthSuburb": draw_suburb,
    "SynthMotorway": draw_motorway,
}


def main(folder: Path = TOWNS_DIR) -> None:
    """Write every town to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in TOWNS.items():
        (folder / f"{name}.xodr").write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main(*(Path(p) for p in sys.argv[1:2]))
