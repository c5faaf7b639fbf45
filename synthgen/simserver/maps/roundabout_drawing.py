"""A roundabout: one lane round a kerbed island, give way on every arm."""

from __future__ import annotations

import math
from dataclasses import dataclass

from synthgen.simserver.maps.street_drawing import connecting_road
from synthgen.simserver.maps.street_signs import draw_yield_sign
from synthgen.simserver.maps.streets import Arm
from synthgen.simserver.maps.town_drawing import (
    LaneDraft,
    Piece,
    PlanPose,
    RoadDraft,
    SectionDraft,
    TownDrawing,
    arc,
    join,
)

# The ring lane lies between the island's apron and the outer kerb.
INNER_M, LANE_M, APRON_M, GUTTER_M = 13.5, 4.6, 1.2, 0.4
# Each arm's junction takes this much of the ring to both sides.
_HALF_ANGLE = math.radians(26.0)
_KERB_ANGLE = math.radians(33.0)


@dataclass(frozen=True, eq=False, slots=True)
class _Ring:
    center: tuple[float, float]
    height: float

    def pose(self, angle: float, radius: float = INNER_M) -> PlanPose:
        """Pose on the ring, heading round it anticlockwise."""
        x = self.center[0] + radius * math.cos(angle)
        y = self.center[1] + radius * math.sin(angle)
        return x, y, angle + math.pi / 2

    def lane(self, **links: int) -> SectionDraft:
        """The ring's cross-section."""
        apron = LaneDraft("median", APRON_M)
        lane = LaneDraft("driving", LANE_M, **links)  # type: ignore[arg-type]  # ids only
        return SectionDraft(0.0, (apron,), (lane,))


def draw_roundabout(town: TownDrawing, center: tuple[float, float], arms: list[Arm]) -> None:
    """Join arms that point at `center` by a ring; they keep their distance from it."""
    ring = _Ring(center, arms[0].road.height(arms[0].at_end))
    ordered = sorted(arms, key=lambda a: a.angle)
    junctions = [town.add_junction() for _ in ordered]
    pieces = [_ring_road(town, ring, ordered, k) for k in range(len(ordered))]
    for k, arm in enumerate(ordered):
        before, after = pieces[k - 1], pieces[k]
        before.successor = ("junction", junctions[k], "")
        after.predecessor = ("junction", junctions[k], "")
        link = ("junction", junctions[k], "")
        if arm.at_end:
            arm.road.successor = link
        else:
            arm.road.predecessor = link
        _join_arm(town, ring, junctions[k], arm, before, after)
        _corner(town, ring, junctions[k], arm, ordered[(k + 1) % len(ordered)])
        draw_yield_sign(town, arm)


def _ring_road(town: TownDrawing, ring: _Ring, arms: list[Arm], k: int) -> RoadDraft:
    """The stretch of the ring from arm k to the next."""
    start = arms[k].angle + _HALF_ANGLE
    end = arms[(k + 1) % len(arms)].angle - _HALF_ANGLE
    sweep = (end - start) % (2 * math.pi)
    road = town.add_road(
        "Roundabout", ring.pose(start), [arc(sweep * INNER_M, 1.0 / INNER_M)], [ring.lane()]
    )
    road.speed = (30, "km/h")
    road.elevation = [(0.0, ring.height, 0.0, 0.0, 0.0)]
    return road


def _join_arm(
    town: TownDrawing, ring: _Ring, junction: int, arm: Arm, before: RoadDraft, after: RoadDraft
) -> None:
    low, high = ring.pose(arm.angle - _HALF_ANGLE), ring.pose(arm.angle + _HALF_ANGLE)
    ends = (("road", before.road_id, "end"), ("road", after.road_id, "start"))
    round_it = [arc(2 * _HALF_ANGLE * INNER_M, 1.0 / INNER_M)]
    section = ring.lane(predecessor=-1, successor=-1)
    through = _add(town, ring, junction, low, round_it, section, *ends)
    town.connect(junction, through, before, [(-1, -1)])

    arm_end = ("road", arm.road.road_id, "end" if arm.at_end else "start")
    width = arm.street.lane_m
    lane_in = arm.lane_id(0, incoming=True)
    start = arm.point(arm.middle_right_m())
    pieces = join(start, high)
    growth = (LANE_M - width) / sum(p[1] for p in pieces)
    lane = LaneDraft("driving", width, growth=growth, predecessor=lane_in, successor=-1)
    entry = _add(
        town, ring, junction, start, pieces, SectionDraft(0.0, (), (lane,)), arm_end, ends[1]
    )
    town.connect(junction, entry, arm.road, [(lane_in, -1)])

    lane_out = arm.lane_id(0, incoming=False)
    pieces = join(low, arm.point(arm.middle_right_m(), outward=True))
    growth = (width - LANE_M) / sum(p[1] for p in pieces)
    lane = LaneDraft("driving", LANE_M, growth=growth, predecessor=-1, successor=lane_out)
    way_out = _add(
        town, ring, junction, low, pieces, SectionDraft(0.0, (), (lane,)), ends[0], arm_end
    )
    town.connect(junction, way_out, before, [(-1, -1)])


def _add(
    town: TownDrawing,
    ring: _Ring,
    junction: int,
    start: PlanPose,
    pieces: list[Piece],
    section: SectionDraft,
    predecessor: tuple[str, int, str],
    successor: tuple[str, int, str],
) -> RoadDraft:
    road = town.add_road(f"j{junction}", start, pieces, [section])
    road.junction, road.predecessor, road.successor = junction, predecessor, successor
    road.speed = (30, "km/h")
    road.elevation = [(0.0, ring.height, 0.0, 0.0, 0.0)]
    return road


def _corner(town: TownDrawing, ring: _Ring, junction: int, a: Arm, b: Arm) -> None:
    """Kerb and sidewalk outside the ring, from the right of arm a to arm b."""
    outer = INNER_M + LANE_M
    first = ring.pose(a.angle + _KERB_ANGLE, outer)
    last_angle = a.angle + ((b.angle - a.angle) % (2 * math.pi)) - _KERB_ANGLE
    last = ring.pose(last_angle, outer)
    sweep = last_angle - a.angle - _KERB_ANGLE
    start, end = a.point(a.street.half_m), b.point(-b.street.half_m, outward=True)
    pieces = [*join(start, first), arc(sweep * outer, 1.0 / outer), *join(last, end)]
    lanes = tuple(
        LaneDraft(
            kind,
            width,
            predecessor=a.lane_id(a.lanes_in + k, incoming=True),
            successor=b.lane_id(b.lanes_out + k, incoming=False),
        )
        for k, (kind, width) in enumerate(
            (("shoulder", a.side_in.gutter_m), ("sidewalk", a.side_in.walk_m))
        )
    )
    road = connecting_road(town, junction, a, b, start, pieces, lanes)
    links = [(a.lane_id(a.lanes_in + k, incoming=True), -k - 1) for k in range(2)]
    town.connect(junction, road, a.road, links)
