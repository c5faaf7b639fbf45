"""One-way carriageways and ramps that join them lane by lane."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from synthgen.simserver.maps.town_drawing import (
    LaneDraft,
    Piece,
    PlanPose,
    RoadDraft,
    SectionDraft,
    TownDrawing,
    join,
)

LANE_M, HARD_SHOULDER_M, INNER_SHOULDER_M = 3.75, 2.5, 1.0


@dataclass(frozen=True, slots=True)
class Carriageway:
    """A one-way cross-section; the reference line is the left edge of its lanes."""

    lanes: int
    lane_m: float = LANE_M
    left_m: float = INNER_SHOULDER_M
    right_m: float = HARD_SHOULDER_M
    right_kind: str = "shoulder"
    left_kind: str = "shoulder"
    speed: tuple[int, str] = (120, "km/h")
    kind: str = "motorway"

    def section(self) -> SectionDraft:
        """Lanes from left to right."""
        driving = tuple(
            LaneDraft("driving", self.lane_m, "broken" if k + 1 < self.lanes else "solid")
            for k in range(self.lanes)
        )
        right = LaneDraft(self.right_kind, self.right_m)
        left = LaneDraft(self.left_kind, self.left_m)
        return SectionDraft(0.0, (left,), (*driving, right), "solid", "white")


def draw_carriageway(
    town: TownDrawing,
    name: str,
    start: PlanPose,
    pieces: list[Piece],
    way: Carriageway,
    heights: tuple[float, float] = (0.0, 0.0),
) -> RoadDraft:
    """Draw a one-way road from a pose, rising between two heights."""
    road = town.add_road(name, start, pieces, [way.section()])
    road.kind, road.speed = way.kind, way.speed
    rise, length = heights[1] - heights[0], road.length
    road.elevation = [(0.0, heights[0], 0.0, 3 * rise / length**2, -2 * rise / length**3)]
    return road


def chain(first: RoadDraft, second: RoadDraft) -> None:
    """Let a road of the same cross-section follow another without a junction."""
    first.successor = ("road", second.road_id, "start")
    second.predecessor = ("road", first.road_id, "end")
    first.sections = [_with_successors(first.sections[0])]
    second.sections = [_with_predecessors(second.sections[0])]


def _with_successors(section: SectionDraft) -> SectionDraft:
    left = tuple(replace(k, successor=i + 1) for i, k in enumerate(section.left))
    right = tuple(replace(k, successor=-i - 1) for i, k in enumerate(section.right))
    return replace(section, left=left, right=right)


def _with_predecessors(section: SectionDraft) -> SectionDraft:
    left = tuple(replace(k, predecessor=i + 1) for i, k in enumerate(section.left))
    right = tuple(replace(k, predecessor=-i - 1) for i, k in enumerate(section.right))
    return replace(section, left=left, right=right)


@dataclass(frozen=True, eq=False, slots=True)
class LaneBundle:
    """Neighbouring lanes of a road's end that go on together: the road, first lane, shoulders."""

    road: RoadDraft
    way: Carriageway
    first: int
    count: int

    def edge(self, *, at_end: bool) -> PlanPose:
        """Pose of the bundle's left edge where the road ends or starts."""
        x, y, heading = self.road.pose(at_end)
        offset = (self.first - 1) * self.way.lane_m
        return _beside(x, y, heading, offset)


def _beside(x: float, y: float, heading: float, right_m: float) -> PlanPose:
    return x + right_m * math.sin(heading), y - right_m * math.cos(heading), heading


def connect_bundles(
    town: TownDrawing,
    junction: int,
    source: LaneBundle,
    target: LaneBundle,
    *,
    left_shoulder: bool,
    right_shoulder: bool,
) -> RoadDraft:
    """Carry lanes of one road on to lanes of another through a junction."""
    start, end = source.edge(at_end=True), target.edge(at_end=False)
    pieces = join(start, end)
    length = sum(p[1] for p in pieces)
    grow = (target.way.lane_m - source.way.lane_m) / length
    count = min(source.count, target.count)
    right = [
        LaneDraft(
            "driving",
            source.way.lane_m,
            "broken" if k + 1 < count else "solid",
            growth=grow,
            predecessor=-source.first - k,
            successor=-target.first - k,
        )
        for k in range(count)
    ]
    if right_shoulder:
        grow = (target.way.right_m - source.way.right_m) / length
        right.append(
            LaneDraft(
                "shoulder",
                source.way.right_m,
                growth=grow,
                predecessor=-source.way.lanes - 1,
                successor=-target.way.lanes - 1,
            )
        )
    left: tuple[LaneDraft, ...] = ()
    if left_shoulder:
        grow = (target.way.left_m - source.way.left_m) / length
        left = (LaneDraft("shoulder", source.way.left_m, growth=grow, predecessor=1, successor=1),)
    road = town.add_road(
        f"j{junction}",
        start,
        pieces,
        [SectionDraft(0.0, left, tuple(right), "solid" if left_shoulder else "none")],
    )
    road.junction, road.kind, road.speed = junction, source.way.kind, source.way.speed
    road.predecessor = ("road", source.road.road_id, "end")
    road.successor = ("road", target.road.road_id, "start")
    z = source.road.height(at_end=True)
    road.elevation = [(0.0, z, 0.0, 0.0, 0.0)]
    source.road.successor = ("junction", junction, "")
    target.road.predecessor = ("junction", junction, "")
    links = [(-source.first - k, -k - 1) for k in range(count)]
    town.connect(junction, road, source.road, links)
    return road


def add_speed_sign(town: TownDrawing, road: RoadDraft, s: float, way: Carriageway) -> None:
    """A speed sign to the right of a one-way road."""
    t = -(way.lanes * way.lane_m + way.right_m + 1.0)
    value = way.speed[0]
    road.signals.append(
        f'<signal name="Speed_{value}" id="{town.new_id()}" s="{s:.4f}" t="{t:.4f}" zOffset="0" '
        f'hOffset="0" roll="0" pitch="0" orientation="+" dynamic="no" country="OpenDRIVE" '
        f'type="274" subtype="-1" value="{value}" text="" height="1" width="0.9">'
        f'<validity fromLane="{-way.lanes}" toLane="-1"/></signal>\n'
    )
