"""Draw OpenDRIVE towns: streets, junctions with kerbs, signals, crosswalks.

Coordinates are OpenDRIVE's (right-handed, y left, headings anticlockwise). Everything that is
drawn joins with one tangent (G1) and one height.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

import numpy as np

from synthgen.simserver.maps.geometry import plan_at
from synthgen.simserver.maps.road_records import Cubics, Geometry, Road

_GEO_REFERENCE = (
    "+proj=tmerc +lat_0={lat} +lon_0={lon} +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"
)

PlanPose = tuple[float, float, float]
Piece = tuple[str, float, tuple[float, ...]]


def line(length: float) -> Piece:
    """A straight piece."""
    return ("line", length, ())


def arc(length: float, curvature: float) -> Piece:
    """A circular piece; positive curvature turns left."""
    return ("arc", length, (curvature,))


def spiral(length: float, start: float, end: float) -> Piece:
    """A clothoid from one curvature to another."""
    return ("spiral", length, (start, end))


def lay_pieces(start: PlanPose, pieces: Sequence[Piece]) -> tuple[list[Geometry], PlanPose]:
    """Put pieces end to end from a pose; gives them and the pose at the end."""
    x, y, heading = start
    s, laid = 0.0, []
    for kind, length, params in pieces:
        piece = Geometry(s, x, y, heading, length, kind, params)
        laid.append(piece)
        s += length
        x, y, heading = _end_of(piece)
    return laid, (x, y, heading)


def _end_of(piece: Geometry) -> PlanPose:
    none = Cubics(np.zeros(0), np.zeros((0, 4)))
    road = Road("", piece.length, "-1", "", None, None, (piece,), none, none, (), (), ())
    x, y, heading = plan_at(road, np.array([piece.s + piece.length]))
    return float(x[0]), float(y[0]), float(heading[0])


def join(start: PlanPose, end: PlanPose, largest_radius_m: float = math.inf) -> list[Piece]:
    """Pieces from one pose to another: line, arc and line, or a Hermite curve.

    The curve is OpenDRIVE's paramPoly3 with normalised parameter.
    """
    x0, y0, h0 = start
    x1, y1, h1 = end
    turn = (h1 - h0 + math.pi) % (2 * math.pi) - math.pi
    dx, dy = x1 - x0, y1 - y0
    ahead = dx * math.cos(h0) + dy * math.sin(h0)
    aside = -dx * math.sin(h0) + dy * math.cos(h0)
    if abs(turn) < 1e-6 and abs(aside) < 1e-6:
        return [line(ahead)]
    if abs(turn) > 0.05:
        # Distances to the crossing of both tangents; positive when it lies between the poses.
        after = aside / math.sin(turn)
        before = ahead - after * math.cos(turn)
        tangent = min(before, after)
        if tangent > 0.5:
            radius = min(tangent / math.tan(abs(turn) / 2), largest_radius_m)
            tangent = radius * math.tan(abs(turn) / 2)
            bend = arc(radius * abs(turn), math.copysign(1.0 / radius, turn))
            pieces = [line(before - tangent), bend, line(after - tangent)]
            return [p for p in pieces if p[1] > 1e-4]
    reach = math.hypot(dx, dy)
    cos, sin = math.cos(turn), math.sin(turn)
    u = (0.0, reach, 3 * ahead - 2 * reach - reach * cos, -2 * ahead + reach + reach * cos)
    v = (0.0, 0.0, 3 * aside - reach * sin, -2 * aside + reach * sin)
    p = np.linspace(0.0, 1.0, 2001)
    speed = np.hypot(u[1] + p * (2 * u[2] + 3 * u[3] * p), p * (2 * v[2] + 3 * v[3] * p))
    length = float(np.sum((speed[1:] + speed[:-1]) / 2) / 2000)
    return [("paramPoly3", length, (*u, *v, 0.0))]


@dataclass(frozen=True, slots=True)
class LaneDraft:
    """A lane as it is written: width polynomial a + b ds, mark on its outer edge."""

    kind: str
    width: float
    mark: str = "none"
    color: str = "white"
    growth: float = 0.0
    predecessor: int | None = None
    successor: int | None = None


@dataclass(frozen=True, slots=True)
class SectionDraft:
    """Lanes from `s` on, each side from the middle outwards."""

    s: float
    left: tuple[LaneDraft, ...]
    right: tuple[LaneDraft, ...]
    center_mark: str = "none"
    center_color: str = "white"


@dataclass(eq=False, slots=True)
class RoadDraft:
    """A road while it is drawn."""

    road_id: int
    name: str
    geometries: list[Geometry]
    sections: list[SectionDraft]
    junction: int = -1
    kind: str = "town"
    speed: tuple[int, str] = (50, "km/h")
    elevation: list[tuple[float, float, float, float, float]] = field(default_factory=list)
    predecessor: tuple[str, int, str] | None = None
    successor: tuple[str, int, str] | None = None
    objects: list[str] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)

    @property
    def length(self) -> float:
        """Length of the reference line."""
        return sum(g.length for g in self.geometries)

    def pose(self, at_end: bool) -> PlanPose:
        """Pose of the reference line at one of its ends."""
        if at_end:
            return _end_of(self.geometries[-1])
        first = self.geometries[0]
        return first.x, first.y, first.heading

    def height(self, at_end: bool) -> float:
        """Elevation at one of its ends."""
        if not self.elevation:
            return 0.0
        s, a, b, c, d = self.elevation[-1 if at_end else 0]
        ds = self.length - s if at_end else 0.0
        return a + ds * (b + ds * (c + ds * d))


@dataclass(eq=False, slots=True)
class _JunctionDraft:
    junction_id: int
    connections: list[tuple[int, int, str, list[tuple[int, int]]]] = field(default_factory=list)
    controllers: list[int] = field(default_factory=list)


class TownDrawing:
    """A sheet on which roads and junctions are drawn, and its OpenDRIVE text."""

    def __init__(self, name: str, latitude: float, longitude: float) -> None:
        self.name = name
        self._geo = _GEO_REFERENCE.format(lat=latitude, lon=longitude)
        self.roads: dict[int, RoadDraft] = {}
        self._junctions: dict[int, _JunctionDraft] = {}
        self._controllers: list[tuple[int, list[int]]] = []
        self._next_id = 1

    def new_id(self) -> int:
        """A number that no other element of the file has."""
        self._next_id += 1
        return self._next_id - 1

    def add_road(
        self, name: str, start: PlanPose, pieces: Sequence[Piece], sections: list[SectionDraft]
    ) -> RoadDraft:
        """Draw a road from a pose."""
        geometries, _ = lay_pieces(start, pieces)
        road = RoadDraft(self.new_id(), name, geometries, sections)
        self.roads[road.road_id] = road
        return road

    def add_junction(self) -> int:
        """Open a junction; gives its id."""
        junction = self.new_id()
        self._junctions[junction] = _JunctionDraft(junction)
        return junction

    def connect(
        self,
        junction: int,
        connecting: RoadDraft,
        incoming: RoadDraft,
        links: list[tuple[int, int]],
    ) -> None:
        """Say that lanes of a road go on in a connecting road, which starts there."""
        draft = self._junctions[junction]
        draft.connections.append((incoming.road_id, connecting.road_id, "start", links))

    def add_controller(self, junction: int, signals: list[int]) -> None:
        """Let signals of a junction switch together."""
        controller = self.new_id()
        self._controllers.append((controller, signals))
        self._junctions[junction].controllers.append(controller)

    def text(self) -> str:
        """The OpenDRIVE text; the same drawing always gives the same text."""
        parts = [
            '<?xml version="1.0" encoding="UTF-8"?>\n<OpenDRIVE>\n',
            f'<header revMajor="1" revMinor="4" name={quoteattr(self.name)} version="1" '
            'date="2025-01-01T00:00:00" north="0" south="0" east="0" west="0" '
            f'vendor="synthgen"><geoReference><![CDATA[{self._geo}]]></geoReference></header>\n',
        ]
        parts += [_road_xml(road) for road in self.roads.values()]
        for number, (controller, signals) in enumerate(self._controllers):
            controls = "".join(f'<control signalId="{s}" type=""/>' for s in signals)
            parts.append(
                f'<controller name="ctrl{controller}" id="{controller}" sequence="{number}">'
                f"{controls}</controller>\n"
            )
        parts += [_junction_xml(j) for j in self._junctions.values()]
        return "".join(parts) + "</OpenDRIVE>\n"


def _n(value: float) -> str:
    """A number with at most ten decimals and no trailing zeros."""
    text = f"{value:.10f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _road_xml(road: RoadDraft) -> str:
    link = "".join(
        f'<{side} elementType="{kind}" elementId="{other}"'
        + (f' contactPoint="{contact}"' if kind == "road" else "")
        + "/>"
        for side, target in (("predecessor", road.predecessor), ("successor", road.successor))
        if target is not None
        for kind, other, contact in [target]
    )
    plan = "".join(_geometry_xml(g) for g in road.geometries)
    elevation = "".join(_cubic_xml("elevation", "s", e) for e in road.elevation)
    sections = "".join(_section_xml(s) for s in road.sections)
    speed = f'<speed max="{road.speed[0]}" unit="{road.speed[1]}"/>'
    return (
        f'<road name={quoteattr(road.name)} length="{_n(road.length)}" id="{road.road_id}" '
        f'junction="{road.junction}"><link>{link}</link>\n'
        f'<type s="0" type="{road.kind}">{speed}</type>\n'
        f"<planView>{plan}</planView>\n"
        f"<elevationProfile>{elevation or _cubic_xml('elevation', 's', (0, 0, 0, 0, 0))}"
        f"</elevationProfile><lateralProfile></lateralProfile>\n"
        f"<lanes>{_cubic_xml('laneOffset', 's', (0, 0, 0, 0, 0))}\n{sections}</lanes>\n"
        f"<objects>{''.join(road.objects)}</objects><signals>{''.join(road.signals)}</signals>"
        "</road>\n"
    )


def _cubic_xml(tag: str, key: str, row: Sequence[float]) -> str:
    s, a, b, c, d = (_n(v) for v in row)
    return f'<{tag} {key}="{s}" a="{a}" b="{b}" c="{c}" d="{d}"/>'


def _geometry_xml(g: Geometry) -> str:
    if g.kind == "line":
        shape = "<line/>"
    elif g.kind == "arc":
        shape = f'<arc curvature="{_n(g.params[0])}"/>'
    elif g.kind == "spiral":
        shape = f'<spiral curvStart="{_n(g.params[0])}" curvEnd="{_n(g.params[1])}"/>'
    else:
        names = [k + c for c in "UV" for k in "abcd"]
        coef = " ".join(f'{k}="{_n(v)}"' for k, v in zip(names, g.params[:8], strict=True))
        shape = f'<paramPoly3 {coef} pRange="normalized"/>'
    return (
        f'<geometry s="{_n(g.s)}" x="{_n(g.x)}" y="{_n(g.y)}" hdg="{_n(g.heading)}" '
        f'length="{_n(g.length)}">{shape}</geometry>'
    )


def _section_xml(section: SectionDraft) -> str:
    left = "".join(_lane_xml(i + 1, lane) for i, lane in reversed(list(enumerate(section.left))))
    right = "".join(_lane_xml(-i - 1, lane) for i, lane in enumerate(section.right))
    center = (
        f'<lane id="0" type="none" level="false"><link/>'
        f"{_mark_xml(section.center_mark, section.center_color, change='none')}</lane>"
    )
    sides = [("left", left), ("center", center), ("right", right)]
    body = "".join(f"<{tag}>{lanes}</{tag}>\n" for tag, lanes in sides if lanes)
    return f'<laneSection s="{_n(section.s)}">{body}</laneSection>\n'


def _lane_xml(lane_id: int, lane: LaneDraft) -> str:
    link = "".join(
        f'<{side} id="{other}"/>'
        for side, other in (("predecessor", lane.predecessor), ("successor", lane.successor))
        if other is not None
    )
    width = _cubic_xml("width", "sOffset", (0, lane.width, lane.growth, 0, 0))
    return (
        f'<lane id="{lane_id}" type="{lane.kind}" level="false"><link>{link}</link>{width}'
        f"{_mark_xml(lane.mark, lane.color, change='both' if lane.mark == 'broken' else 'none')}"
        "</lane>"
    )


def _mark_xml(mark: str, color: str, *, change: str) -> str:
    """A marking; as in CARLA's towns `change` is none on a centre line, broken or not.

    Route planners take what a line allows for a lane of the same direction.
    """
    return (
        f'<roadMark sOffset="0" type="{mark}" weight="standard" color="{color}" width="0.12" '
        f'laneChange="{change}"/>'
    )


def _junction_xml(junction: _JunctionDraft) -> str:
    rows = []
    for number, (incoming, connecting, contact, links) in enumerate(junction.connections):
        lanes = "".join(f'<laneLink from="{a}" to="{b}"/>' for a, b in links)
        rows.append(
            f'<connection id="{number}" incomingRoad="{incoming}" connectingRoad="{connecting}" '
            f'contactPoint="{contact}">{lanes}</connection>'
        )
    rows += [f'<controller id="{c}" type="0"/>' for c in junction.controllers]
    return (
        f'<junction id="{junction.junction_id}" name="junction{junction.junction_id}">'
        f"{''.join(rows)}</junction>\n"
    )
