"""Read an OpenDRIVE text into records; nothing is computed here.

Source: ASAM OpenDRIVE 1.4 to 1.6. Coordinates stay OpenDRIVE's (right-handed, y left).
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import numpy as np

from synthgen.simserver.maps.network_checks import first_fault
from synthgen.simserver.maps.road_records import (
    Connection,
    Cubics,
    Geometry,
    Junction,
    Lane,
    LaneSection,
    MarkLine,
    Road,
    RoadLink,
    RoadMark,
    RoadNetwork,
    RoadObject,
    RoadSignal,
)
from synthgen.simserver.maps.townmap import MapError


def parse_opendrive(name: str, text: str) -> RoadNetwork:
    """Read an OpenDRIVE text.

    Raises:
        MapError: The text is no OpenDRIVE that roads can be built from.
    """
    try:
        # A declared encoding contradicts a str; the parser wants bytes then.
        root = ET.fromstring(text.encode("utf-8"), parser=ET.XMLParser(encoding="utf-8"))
    except ET.ParseError as err:
        raise MapError(f"{name}: not well-formed XML: {err}") from err
    if _local(root.tag) != "OpenDRIVE":
        raise MapError(f"{name}: expected the root element OpenDRIVE, found {root.tag}")
    for element in root.iter():
        element.tag = _local(element.tag)
    try:
        roads = _roads(root.findall("road"))
        junctions = {j.junction_id: j for j in (_junction(e) for e in root.findall("junction"))}
    except _BadRecord as err:
        raise MapError(f"{name}: {err}") from err
    if not roads:
        raise MapError(f"{name}: no <road> in the file")
    controllers = {
        c.get("id", ""): tuple(dict.fromkeys(k.get("signalId", "") for k in c.findall("control")))
        for c in root.findall("controller")
    }
    network = RoadNetwork(roads, junctions, controllers)
    fault = first_fault(network)
    if fault:
        raise MapError(f"{name}: {fault}")
    return network


# Beyond these a number is a slip, and memory would run out before anybody saw it.
_MAX_LENGTH_M, _MAX_COORDINATE_M = 1e5, 1e6


class _BadRecord(ValueError):
    pass


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]


def _num(element: ET.Element, key: str, default: float | None = None) -> float:
    raw = element.get(key)
    if raw is None or raw == "":
        if default is None:
            raise _BadRecord(f"<{element.tag}> lacks {key}")
        return default
    try:
        value = float(raw)
    except ValueError as err:
        if default is not None:
            return default
        raise _BadRecord(f"<{element.tag} {key}>: expected a number, found {raw!r}") from err
    if not math.isfinite(value):
        raise _BadRecord(f"<{element.tag} {key}>: expected a finite number, found {raw!r}")
    return value


def _cubics(elements: list[ET.Element], start_key: str = "s") -> Cubics:
    rows = sorted((_num(e, start_key), *(_num(e, k, 0.0) for k in "abcd")) for e in elements)
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    return Cubics(table[:, 0], table[:, 1:])


def _roads(elements: list[ET.Element]) -> dict[str, Road]:
    roads: dict[str, Road] = {}
    for element in elements:
        road = _road(element)
        if not road.road_id.isdecimal():
            raise _BadRecord(f"road {road.road_id!r}: CARLA knows whole numbers as ids only")
        if road.road_id in roads:
            raise _BadRecord(f"road {road.road_id}: two roads have this id")
        roads[road.road_id] = road
    return roads


def _road(element: ET.Element) -> Road:
    road_id = element.get("id", "")
    try:
        return _road_body(element, road_id)
    except _BadRecord as err:
        raise _BadRecord(f"road {road_id or '?'}: {err}") from err


def _road_body(element: ET.Element, road_id: str) -> Road:
    length = _num(element, "length")
    if not 0.0 < length <= _MAX_LENGTH_M:
        raise _BadRecord(f"expected a length above 0 up to {_MAX_LENGTH_M:g}, found {length}")
    geometries = tuple(_geometry(g) for g in element.findall("planView/geometry"))
    if not geometries:
        raise _BadRecord("no <planView><geometry>")
    if any(max(abs(g.x), abs(g.y)) > _MAX_COORDINATE_M for g in geometries):
        raise _BadRecord(
            f"expected coordinates up to {_MAX_COORDINATE_M:g} m; move the map to its origin"
        )
    sections = _sections(element.findall("lanes/laneSection"), length)
    if not sections:
        raise _BadRecord("no <laneSection>")
    kinds = element.find("type")
    return Road(
        road_id=road_id,
        length=length,
        junction=element.get("junction", "-1"),
        kind="" if kinds is None else kinds.get("type", ""),
        predecessor=_link(element.find("link/predecessor")),
        successor=_link(element.find("link/successor")),
        geometries=tuple(sorted(geometries, key=lambda g: g.s)),
        elevation=_cubics(element.findall("elevationProfile/elevation")),
        lane_offset=_cubics(element.findall("lanes/laneOffset")),
        sections=sections,
        objects=tuple(_object(o) for o in element.findall("objects/object")),
        signals=tuple(
            _signal(s)
            for s in element.findall("signals/*")
            if s.tag in ("signal", "signalReference")
        ),
        is_left_hand=element.get("rule", "RHT") == "LHT",
    )


def _geometry(element: ET.Element) -> Geometry:
    shapes = [c for c in element if c.tag in _SHAPES]
    if not shapes:
        raise _BadRecord("<geometry> holds none of " + ", ".join(sorted(_SHAPES)))
    shape = shapes[0]
    params = tuple(_num(shape, k, d) for k, d in _SHAPES[shape.tag])
    if shape.tag == "paramPoly3":
        params = (*params, 1.0 if shape.get("pRange") == "arcLength" else 0.0)
    s, x, y, heading, length = (_num(element, k) for k in ("s", "x", "y", "hdg", "length"))
    if length < 0.0:
        raise _BadRecord(f"<geometry length>: expected 0 or more, found {length:g}")
    return Geometry(s, x, y, heading, length, shape.tag, params)


_SHAPES: dict[str, tuple[tuple[str, float | None], ...]] = {
    "line": (),
    "arc": (("curvature", None),),
    "spiral": (("curvStart", None), ("curvEnd", None)),
    "poly3": (("a", 0.0), ("b", 0.0), ("c", 0.0), ("d", 0.0)),
    "paramPoly3": tuple((k + c, 0.0) for c in "UV" for k in "abcd"),
}


def _link(element: ET.Element | None) -> RoadLink | None:
    if element is None:
        return None
    return RoadLink(
        element.get("elementType", "road"),
        element.get("elementId", ""),
        element.get("contactPoint", "start"),
    )


def _sections(elements: list[ET.Element], length: float) -> tuple[LaneSection, ...]:
    starts = [_num(e, "s", 0.0) for e in elements]
    if len(set(starts)) < len(starts) or any(s >= length for s in starts):
        raise _BadRecord(
            f"expected lane sections at different s below {length:g}, found {sorted(starts)}"
        )
    order = sorted(range(len(elements)), key=lambda i: starts[i])
    sections = []
    for place, i in enumerate(order):
        end = starts[order[place + 1]] if place + 1 < len(order) else length
        lanes = [
            _lane(e)
            for side in ("left", "center", "right")
            for e in elements[i].findall(f"{side}/lane")
        ]
        if end - starts[i] > 1e-6:
            sections.append(LaneSection(starts[i], end, {lane.lane_id: lane for lane in lanes}))
    return tuple(sections)


def _lane(element: ET.Element) -> Lane:
    heights = element.findall("height")
    borders = element.findall("border")
    return Lane(
        lane_id=int(_num(element, "id")),
        kind=element.get("type", "none"),
        width=_cubics(element.findall("width"), "sOffset"),
        border=_cubics(borders, "sOffset") if borders and not element.findall("width") else None,
        marks=tuple(
            sorted((_mark(m) for m in element.findall("roadMark")), key=lambda m: m.s_offset_m)
        ),
        height_m=max(_num(h, "inner", 0.0) for h in heights) if heights else None,
        predecessor=_lane_link(element.find("link/predecessor")),
        successor=_lane_link(element.find("link/successor")),
    )


def _lane_link(element: ET.Element | None) -> int | None:
    return None if element is None else int(_num(element, "id"))


def _mark(element: ET.Element) -> RoadMark:
    # Default width: the German standard's thin line, 0.12 m, and double for bold.
    bold = element.get("weight") == "bold"
    width = _num(element, "width", 0.0) or (0.25 if bold else 0.12)
    lines = tuple(
        MarkLine(
            _num(line, "length", 0.0),
            _num(line, "space", 0.0),
            _num(line, "tOffset", 0.0),
            _num(line, "sOffset", 0.0),
            _num(line, "width", width) or width,
        )
        for line in element.findall("type/line")
    )
    return RoadMark(
        _num(element, "sOffset", 0.0),
        element.get("type", "none"),
        element.get("color", "standard"),
        width,
        lines,
    )


def _object(element: ET.Element) -> RoadObject:
    def corners(tag: str, keys: tuple[str, str, str]) -> tuple[tuple[float, float, float], ...]:
        outline = element.find("outline")
        if outline is None:
            outline = element.find("outlines/outline")
        if outline is None:
            return ()
        found = outline.findall(tag)
        return tuple((_num(c, keys[0]), _num(c, keys[1]), _num(c, keys[2], 0.0)) for c in found)

    return RoadObject(
        object_id=element.get("id", ""),
        kind=element.get("type", ""),
        name=element.get("name", ""),
        s=_num(element, "s", 0.0),
        t=_num(element, "t", 0.0),
        z=_num(element, "zOffset", 0.0),
        heading=_num(element, "hdg", 0.0),
        length=_num(element, "length", 0.0),
        width=_num(element, "width", 0.0),
        local_corners=corners("cornerLocal", ("u", "v", "z")),
        road_corners=corners("cornerRoad", ("s", "t", "dz")),
    )


def _signal(element: ET.Element) -> RoadSignal:
    return RoadSignal(
        signal_id=element.get("id", ""),
        kind=element.get("type", ""),
        subtype=element.get("subtype", ""),
        name=element.get("name", ""),
        value=_num(element, "value", 0.0),
        s=_num(element, "s", 0.0),
        t=_num(element, "t", 0.0),
        orientation=element.get("orientation", "+"),
        h_offset=_num(element, "hOffset", 0.0),
        is_dynamic=element.get("dynamic") == "yes",
        lanes=tuple(
            (int(_num(v, "fromLane", 0.0)), int(_num(v, "toLane", 0.0)))
            for v in element.findall("validity")
        ),
        is_reference=element.tag == "signalReference",
    )


def _junction(element: ET.Element) -> Junction:
    connections = []
    for c in element.findall("connection"):
        links = tuple((int(_num(k, "from")), int(_num(k, "to"))) for k in c.findall("laneLink"))
        connections.append(
            Connection(
                c.get("incomingRoad", ""),
                c.get("connectingRoad", ""),
                c.get("contactPoint", "start"),
                links,
            )
        )
    return Junction(
        element.get("id", ""),
        tuple(connections),
        tuple(c.get("id", "") for c in element.findall("controller")),
    )
