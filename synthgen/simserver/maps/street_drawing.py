"""Streets with kerbs and the junctions where they meet, drawn on a `TownDrawing`."""

from __future__ import annotations

import math

from synthgen.simserver.maps.street_signs import (
    SPEED_SIGN_AT_M,
    draw_lights,
    draw_sign,
    draw_speed_sign,
)
from synthgen.simserver.maps.streets import Arm, Side, Street, beside, turn_between
from synthgen.simserver.maps.town_drawing import (
    LaneDraft,
    Piece,
    PlanPose,
    RoadDraft,
    SectionDraft,
    TownDrawing,
    join,
)

# Parking ends so far before a junction.
_NO_PARKING_M = 14.0
_CROSSWALK_AT_M, _CROSSWALK_WIDTH_M = 2.8, 3.0


def draw_street(
    town: TownDrawing, name: str, start: PlanPose, pieces: list[Piece], street: Street
) -> RoadDraft:
    """Draw a street with its middle from `start`; parking lanes end before both of its ends.

    The reference line of a one-way street lies beside the middle, so its pieces must be straight.
    """
    length = sum(p[1] for p in pieces)
    has_parking = street.left.has_parking or street.right.has_parking
    sections = [_section(street, 0.0, parking=False)]
    if has_parking and length > 3 * _NO_PARKING_M:
        sections += [
            _section(street, _NO_PARKING_M, parking=True),
            _section(street, length - _NO_PARKING_M, parking=False),
        ]
        sections = [_linked(s, i > 0, i < 2) for i, s in enumerate(sections)]
    road = town.add_road(name, beside(start, street.offset_m), pieces, sections)
    road.speed, road.kind = street.speed, street.kind
    for arm in (Arm(road, street, at_end=False), Arm(road, street, at_end=True)):
        # Traffic that leaves the junction by this arm reads its limit a little later.
        if arm.lanes_out and length > 2 * SPEED_SIGN_AT_M:
            draw_speed_sign(town, arm)
    return road


def _section(street: Street, s: float, *, parking: bool) -> SectionDraft:
    def lanes(count: int, side: Side) -> tuple[LaneDraft, ...]:
        drawn = [
            LaneDraft("driving", street.lane_m, "broken" if i + 1 < count else _edge(side))
            for i in range(count)
        ]
        if side.gutter_m > 0.0:
            is_parking = parking and side.has_parking
            drawn.append(LaneDraft("parking" if is_parking else "shoulder", side.gutter_m))
        if side.walk_m > 0.0:
            drawn.append(LaneDraft("sidewalk", side.walk_m))
        return tuple(drawn)

    is_one_way = street.lanes_left == 0 or street.lanes_right == 0
    mark, color = ("solid", "white") if is_one_way else street.center_mark
    return SectionDraft(
        s,
        lanes(street.lanes_left, street.left),
        lanes(street.lanes_right, street.right),
        mark,
        color,
    )


def _edge(side: Side) -> str:
    return "solid" if side.gutter_m >= 1.0 or side.walk_m == 0.0 else "none"


def _linked(section: SectionDraft, before: bool, after: bool) -> SectionDraft:
    def link(lanes: tuple[LaneDraft, ...], sign: int) -> tuple[LaneDraft, ...]:
        return tuple(
            LaneDraft(
                lane.kind,
                lane.width,
                lane.mark,
                lane.color,
                lane.growth,
                sign * (i + 1) if before else None,
                sign * (i + 1) if after else None,
            )
            for i, lane in enumerate(lanes)
        )

    return SectionDraft(
        section.s,
        link(section.left, 1),
        link(section.right, -1),
        section.center_mark,
        section.center_color,
    )


def draw_junction(
    town: TownDrawing,
    arms: list[Arm],
    *,
    control: str = "none",
    minor: tuple[int, ...] = (),
    crosswalks: bool = True,
) -> int:
    """Join arms by connecting roads, kerbs round the corners, crosswalks and signals.

    Args:
        town: Sheet.
        arms: At least two.
        control: `lights`, `stop`, `yield` or `none`; signs stand at the `minor` arms.
        minor: Indices of arms that give way.
        crosswalks: Whether arms with two sidewalks get a crosswalk.
    """
    junction = town.add_junction()
    for arm in arms:
        _set_link(arm, junction)
    ordered = sorted(arms, key=lambda a: a.angle)
    for arm in ordered:
        for movement in _movements(arm, ordered):
            _draw_movement(town, junction, *movement)
    for i, arm in enumerate(ordered):
        _draw_corner(town, junction, arm, ordered[(i + 1) % len(ordered)])
    for arm in ordered if crosswalks else ():
        _draw_crosswalk(town, arm)
    if control == "lights":
        draw_lights(town, junction, ordered)
    for i in minor if control in ("stop", "yield") else ():
        draw_sign(town, arms[i], control)
    return junction


def _set_link(arm: Arm, junction: int) -> None:
    if arm.at_end:
        arm.road.successor = ("junction", junction, "")
    else:
        arm.road.predecessor = ("junction", junction, "")


def _movements(arm: Arm, arms: list[Arm]) -> list[tuple[Arm, Arm, list[tuple[int, int]]]]:
    """Ways from an arm: the other arm and pairs of lane numbers, left to right."""
    n = arm.lanes_in
    if n == 0:
        return []
    targets = [b for b in arms if b is not arm and b.lanes_out > 0]
    straight = [b for b in targets if abs(turn_between(arm, b)) < math.radians(50)]
    moves = []
    for b in targets:
        turn, m = turn_between(arm, b), b.lanes_out
        if b in straight:
            count = min(n, m)
            pairs = [(n - count + i, m - count + i) for i in range(count)]
        elif turn > 0:
            pairs = [(0, 0)]
        else:
            pairs = [(n - 1, m - 1)]
        moves.append((arm, b, pairs))
    used = {a for _, _, pairs in moves for a, _ in pairs}
    for lane in sorted(set(range(n)) - used):
        # A lane that nothing uses would strand its cars: it joins the nearest movement's lane.
        a, b, pairs = moves[0 if lane < n / 2 else -1]
        moves.append((a, b, [(lane, min(lane, b.lanes_out - 1))]))
    return moves


def _draw_movement(
    town: TownDrawing, junction: int, a: Arm, b: Arm, pairs: list[tuple[int, int]]
) -> None:
    wa, wb = a.street.lane_m, b.street.lane_m
    start = a.point(a.middle_right_m() + pairs[0][0] * wa)
    end = b.point(b.middle_right_m() - pairs[0][1] * wb, outward=True)
    pieces = join(start, end)
    length = sum(p[1] for p in pieces)
    lanes = tuple(
        LaneDraft(
            "driving",
            wa,
            growth=(wb - wa) / length,
            predecessor=a.lane_id(i, incoming=True),
            successor=b.lane_id(j, incoming=False),
        )
        for i, j in pairs
    )
    road = connecting_road(town, junction, a, b, start, pieces, lanes)
    links = [(a.lane_id(i, incoming=True), -k - 1) for k, (i, _) in enumerate(pairs)]
    town.connect(junction, road, a.road, links)


def connecting_road(
    town: TownDrawing,
    junction: int,
    a: Arm,
    b: Arm,
    start: PlanPose,
    pieces: list[Piece],
    lanes: tuple[LaneDraft, ...],
) -> RoadDraft:
    """Add a road through a junction from one arm to another."""
    road = town.add_road(f"j{junction}", start, pieces, [SectionDraft(0.0, (), lanes)])
    road.junction = junction
    road.speed, road.kind = a.street.speed, a.street.kind
    road.predecessor = ("road", a.road.road_id, "end" if a.at_end else "start")
    road.successor = ("road", b.road.road_id, "end" if b.at_end else "start")
    z0, z1 = a.road.height(a.at_end), b.road.height(b.at_end)
    road.elevation = [(0.0, *hermite(z0, z1, road.length))]
    return road


def hermite(z0: float, z1: float, length: float) -> tuple[float, float, float, float]:
    """Cubic from z0 to z1 that is level at both ends."""
    rise = z1 - z0
    return z0, 0.0, 3 * rise / length**2, -2 * rise / length**3


def _draw_corner(town: TownDrawing, junction: int, a: Arm, b: Arm) -> None:
    """Gutter and sidewalk from the right of arm a round to arm b."""
    before, after = a.side_in, b.side_out
    if before.walk_m == 0.0 and after.walk_m == 0.0:
        return
    start = a.point(a.street.half_m)
    end = b.point(-b.street.half_m, outward=True)
    pieces = join(start, end)
    length = sum(p[1] for p in pieces)
    lanes = tuple(
        LaneDraft(
            kind,
            w0,
            growth=(w1 - w0) / length,
            predecessor=a.lane_id(a.lanes_in + k, incoming=True),
            successor=b.lane_id(b.lanes_out + k, incoming=False),
        )
        for k, (kind, w0, w1) in enumerate(
            (
                ("shoulder", before.gutter_m, after.gutter_m),
                ("sidewalk", before.walk_m, after.walk_m),
            )
        )
    )
    road = connecting_road(town, junction, a, b, start, pieces, lanes)
    links = [(a.lane_id(a.lanes_in + k, incoming=True), -k - 1) for k in range(2)]
    town.connect(junction, road, a.road, links)


def _draw_crosswalk(town: TownDrawing, arm: Arm) -> None:
    if arm.street.left.walk_m == 0.0 or arm.street.right.walk_m == 0.0:
        return
    left = arm.street.half_m + arm.street.left.gutter_m
    right = arm.street.half_m + arm.street.right.gutter_m
    t = (left - right) / 2 - arm.street.offset_m
    half, span = _CROSSWALK_WIDTH_M / 2, (left + right) / 2
    s = arm.road.length - _CROSSWALK_AT_M if arm.at_end else _CROSSWALK_AT_M
    corners = "".join(
        f'<cornerLocal u="{u:g}" v="{v:.6g}" z="0"/>'
        for u, v in ((-half, -span), (half, -span), (half, span), (-half, span), (-half, -span))
    )
    arm.road.objects.append(
        f'<object id="{town.new_id()}" name="SimpleCrosswalk" type="crosswalk" s="{s:.4f}" '
        f't="{t:.4f}" zOffset="0" orientation="none" hdg="0" pitch="0" roll="0" '
        f'length="{_CROSSWALK_WIDTH_M:g}" width="{2 * span:.6g}">'
        f"<outline>{corners}</outline></object>\n"
    )
