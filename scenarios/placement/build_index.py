"""Builds the index of one OpenDRIVE map: `python -m scenarios.placement.build_index XODR OUT`.

The only part of the scenarios that imports `carla` (its map reader, no server), hence a program of
its own. Writes `index.npz`, `lanes.parquet` and `areas.parquet` to OUT. CARLA's left-handed frame
ends here: y and yaw change sign once, in `_sample`.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path

import carla
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

F64 = NDArray[np.float64]

STEP_M = 1.0
_END_M = 0.01
_DRIVABLE = frozenset({"driving", "bidirectional", "biking", "parking", "entry", "exit", "onRamp"})
_SPEED_UNIT = {"mph": 0.44704, "km/h": 1 / 3.6, "m/s": 1.0}
_NO_MARK = ("none", "standard")
_SIGNAL_TYPES = {"1000001": "light", "206": "stop", "205": "yield"}


@dataclass
class Lane:
    """One lane of one section; points run in driving direction."""

    road: int
    section: int
    lane: int
    kind: str
    junction: int
    speed_limit_mps: float
    points: F64 = field(default_factory=lambda: np.empty((0, 6)))
    markings: tuple[str, str, str, str] = (_NO_MARK[0], _NO_MARK[0], _NO_MARK[1], _NO_MARK[1])
    successors: list[str] = field(default_factory=list)
    predecessors: list[str] = field(default_factory=list)
    signal: str = ""
    control: str = "none"

    @property
    def lane_id(self) -> str:
        """`road:section:lane`."""
        return f"{self.road}:{self.section}:{self.lane}"


def build(xodr: str, name: str, out: Path) -> None:
    """Write the index of the OpenDRIVE text to the folder `out`."""
    town = carla.Map(name, xodr)
    root = ET.fromstring(xodr)
    for element in root.iter():
        # The client knows no namespaces, and reads the names without.
        element.tag = element.tag.rsplit("}", 1)[-1]
    lanes = {lane.lane_id: lane for road in root.findall("road") for lane in _lanes(road)}
    for lane in list(lanes.values()):
        _sample(town, lane, lanes)
        if len(lane.points) < 2:
            del lanes[lane.lane_id]
        elif not np.isfinite(lane.points).all():
            raise ValueError(f"road {lane.road}, lane {lane.lane}: its course is no number")
    if not lanes:
        raise ValueError("it has no lane")
    for lane in lanes.values():
        lane.successors = sorted(s for s in lane.successors if s in lanes)
        for successor in lane.successors:
            lanes[successor].predecessors.append(lane.lane_id)
    signals = _signals(town, lanes)
    crosswalks = _crosswalks(town)
    _write_index(out, list(lanes.values()), signals, crosswalks)
    pq.write_table(_lane_table(lanes), out / "lanes.parquet", compression="zstd")
    areas = _area_table(list(lanes.values()), crosswalks)
    pq.write_table(areas, out / "areas.parquet", compression="zstd")


def _lanes(road: ET.Element) -> list[Lane]:
    speed = road.find("type/speed")
    limit = 0.0
    if speed is not None and speed.get("max", "no limit").replace(".", "").isdigit():
        limit = float(speed.get("max", "0")) * _SPEED_UNIT.get(speed.get("unit", "m/s"), 1.0)
    road_id, junction = _whole(road, "id", "0"), _whole(road, "junction", "-1")
    sections = road.findall("lanes/laneSection")
    starts = [float(s.get("s", "0")) for s in sections] + [float(road.get("length", "0"))]
    found = []
    for i, section in enumerate(sections):
        for element in (*section.findall("left/lane"), *section.findall("right/lane")):
            kind = element.get("type", "none")
            if kind == "none":
                continue
            lane = Lane(road_id, i, _whole(element, "id", "0"), kind, junction, limit)
            lane.points = np.array([starts[i], starts[i + 1]])  # until it is sampled
            found.append(lane)
    return found


def _whole(element: ET.Element, name: str, default: str) -> int:
    """An id, which `carla.Map` reads as a whole number."""
    text = element.get(name, default)
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{element.tag} {name}={text!r}: CARLA knows whole numbers only") from None


def _sample(town: carla.Map, lane: Lane, lanes: dict[str, Lane]) -> None:
    """Fill in points (x, y, z, yaw, width, road s), markings and successors."""
    start, end = lane.points
    lane.points = np.empty((0, 6))
    length = end - start
    if length < 4 * _END_M:
        return
    stations = np.linspace(start + _END_M, end - _END_M, max(2, int(np.ceil(length / STEP_M)) + 1))
    if lane.lane > 0:
        stations = stations[::-1]
    rows = []
    waypoint = None
    for s in stations:
        found = town.get_waypoint_xodr(lane.road, lane.lane, float(s))
        if found is None or found.lane_width < 0.05:
            continue
        waypoint = found
        at, yaw = found.transform.location, found.transform.rotation.yaw
        rows.append((at.x, -at.y, at.z, -np.deg2rad(yaw), found.lane_width, float(s)))
        if len(rows) == max(1, len(stations) // 2):
            lane.markings = _markings(found)
    if waypoint is None:
        return
    lane.points = np.array(rows, dtype=np.float64)
    if lane.kind in _DRIVABLE:
        for following in waypoint.next(5 * _END_M):
            lane_id = f"{following.road_id}:{following.section_id}:{following.lane_id}"
            if lane_id != lane.lane_id:
                lane.successors.append(lane_id)


def _markings(waypoint: carla.Waypoint) -> tuple[str, str, str, str]:
    """Type left and right, colour left and right; a border without a mark has `none`."""
    sides = (waypoint.left_lane_marking, waypoint.right_lane_marking)
    types = [_NO_MARK[0] if mark is None else str(mark.type).lower() for mark in sides]
    colours = [_NO_MARK[1] if mark is None else str(mark.color).lower() for mark in sides]
    return types[0], types[1], colours[0], colours[1]


def _signals(
    town: carla.Map, lanes: dict[str, Lane]
) -> list[tuple[str, str, float, float, float, float]]:
    """Signals (id, kind, x, y, z, yaw), each noted on the lanes it is valid for."""
    rows: dict[str, tuple[str, str, float, float, float, float]] = {}
    of_road: dict[int, list[Lane]] = {}
    for lane in lanes.values():
        of_road.setdefault(lane.road, []).append(lane)
    for mark in town.get_all_landmarks():
        kind = _SIGNAL_TYPES.get(mark.type)
        if kind is None:
            continue
        at, yaw = mark.transform.location, mark.transform.rotation.yaw
        rows[mark.id] = (mark.id, kind, at.x, -at.y, at.z, -float(np.deg2rad(yaw)))
        for lane in of_road.get(mark.road_id, ()):
            if lane.kind in _DRIVABLE and _is_valid(mark, lane.lane):
                lane.control = kind
                lane.signal = mark.id if kind == "light" else lane.signal
    for lane in lanes.values():
        # A light on the road that leads in governs the ways through the junction behind it.
        for predecessor in (lanes[p] for p in lane.predecessors):
            if lane.junction >= 0 and predecessor.junction < 0:
                lane.signal = lane.signal or predecessor.signal
                if lane.control == "none":
                    lane.control = predecessor.control
    return [rows[key] for key in sorted(rows)]


def _is_valid(mark: carla.Landmark, lane: int) -> bool:
    validities = mark.get_lane_validities()
    if validities:
        return any(min(a, b) <= lane <= max(a, b) for a, b in validities)
    if str(mark.orientation) == "Both":
        return True
    return (lane < 0) == (str(mark.orientation) == "Positive")


def _crosswalks(town: carla.Map) -> list[F64]:
    """Crosswalk outlines (n, 3); the map gives them in one list, each closed by its first point."""
    outlines: list[F64] = []
    current: list[tuple[float, float, float]] = []
    for at in town.get_crosswalks():
        point = (at.x, -at.y, at.z)
        if len(current) > 2 and np.allclose(point, current[0], atol=1e-3):
            outlines.append(np.array(current))
            current = []
        else:
            current.append(point)
    return outlines


def _neighbour(lanes: dict[str, Lane], lane: Lane, side: int) -> str | None:
    """The next lane in the same direction, `side` = 1 to the left, -1 to the right."""
    step = side if lane.lane < 0 else -side
    other = lane.lane + step
    if other == 0 or (other < 0) != (lane.lane < 0):
        return None
    lane_id = f"{lane.road}:{lane.section}:{other}"
    return lane_id if lane_id in lanes else None


def _borders(points: F64) -> tuple[F64, F64, F64]:
    """Centre, left and right lines (n, 3) of a lane."""
    normal = np.stack([-np.sin(points[:, 3]), np.cos(points[:, 3])], axis=1)
    shift = np.column_stack([normal * points[:, 4:5] / 2, np.zeros(len(points))])
    centre = points[:, :3]
    return centre, centre + shift, centre - shift


def _write_index(
    out: Path,
    lanes: list[Lane],
    signals: list[tuple[str, str, float, float, float, float]],
    crosswalks: list[F64],
) -> None:
    number = {lane.lane_id: i for i, lane in enumerate(lanes)}
    links = [(number[a.lane_id], number[b]) for a in lanes for b in a.successors]
    table = {lane.lane_id: lane for lane in lanes}
    left = [number.get(_neighbour(table, lane, 1) or "", -1) for lane in lanes]
    right = [number.get(_neighbour(table, lane, -1) or "", -1) for lane in lanes]
    np.savez(
        out / "index.npz",
        lane_id=np.array([lane.lane_id for lane in lanes]),
        road=np.array([lane.road for lane in lanes], dtype=np.int64),
        section=np.array([lane.section for lane in lanes], dtype=np.int64),
        lane=np.array([lane.lane for lane in lanes], dtype=np.int64),
        kind=np.array([lane.kind for lane in lanes]),
        junction=np.array([lane.junction for lane in lanes], dtype=np.int64),
        speed_limit_mps=np.array([lane.speed_limit_mps for lane in lanes]),
        signal=np.array([lane.signal for lane in lanes]),
        control=np.array([lane.control for lane in lanes]),
        left=np.array(left, dtype=np.int64),
        right=np.array(right, dtype=np.int64),
        first=np.cumsum([0] + [len(lane.points) for lane in lanes]),
        points=np.concatenate([lane.points for lane in lanes]),
        links=np.array(links, dtype=np.int64).reshape(-1, 2),
        signal_id=np.array([s[0] for s in signals], dtype=np.str_),
        signal_kind=np.array([s[1] for s in signals], dtype=np.str_),
        signal_pose=np.array([s[2:] for s in signals], dtype=np.float64).reshape(-1, 4),
        crosswalk_first=np.cumsum([0] + [len(c) for c in crosswalks]),
        crosswalk_points=np.concatenate([*crosswalks, np.empty((0, 3))]),
    )


def _lane_table(lanes: dict[str, Lane]) -> pa.Table:
    """`map/lanes.parquet` of docs/clip_format.md."""
    text, lines, texts = pa.string(), _list(pa.float32()), _list(pa.string())
    rows = list(lanes.values())
    borders = [_borders(lane.points) for lane in rows]
    fields: list[tuple[str, pa.DataType, bool, list[object]]] = [
        ("lane_id", text, False, [lane.lane_id for lane in rows]),
        ("road_id", pa.int32(), False, [lane.road for lane in rows]),
        ("section", pa.int32(), False, [lane.section for lane in rows]),
        ("lane", pa.int32(), False, [lane.lane for lane in rows]),
        ("kind", text, False, [lane.kind for lane in rows]),
        ("junction_id", pa.int32(), True, [_or_none(lane.junction, -1) for lane in rows]),
        ("speed_limit_mps", pa.float32(), True, [lane.speed_limit_mps or None for lane in rows]),
        ("center_xyz_m", lines, False, [b[0].ravel() for b in borders]),
        ("left_xyz_m", lines, False, [b[1].ravel() for b in borders]),
        ("right_xyz_m", lines, False, [b[2].ravel() for b in borders]),
        ("left_marking", text, False, [lane.markings[0] for lane in rows]),
        ("right_marking", text, False, [lane.markings[1] for lane in rows]),
        ("left_marking_colour", text, False, [lane.markings[2] for lane in rows]),
        ("right_marking_colour", text, False, [lane.markings[3] for lane in rows]),
        ("predecessors", texts, False, [sorted(lane.predecessors) for lane in rows]),
        ("successors", texts, False, [lane.successors for lane in rows]),
        ("left_lane_id", text, True, [_neighbour(lanes, lane, 1) for lane in rows]),
        ("right_lane_id", text, True, [_neighbour(lanes, lane, -1) for lane in rows]),
    ]
    return _table(fields)


def _area_table(lanes: list[Lane], crosswalks: list[F64]) -> pa.Table:
    """`map/areas.parquet` of docs/clip_format.md."""
    areas: list[tuple[str, str, F64, str | None]] = [
        (f"crosswalk_{i}", "crosswalk", outline, None) for i, outline in enumerate(crosswalks)
    ]
    for lane in lanes:
        if lane.junction >= 0 and lane.kind == "driving" and lane.control in ("light", "stop"):
            _, left, right = _borders(lane.points[:1])
            heading = lane.points[0, 3]
            back = 0.4 * np.array([np.cos(heading), np.sin(heading), 0.0])
            outline = np.concatenate([left, right, right - back, left - back])
            areas.append((f"stop_line_{lane.lane_id}", "stop_line", outline, lane.signal or None))
    edges: dict[int, list[F64]] = {}
    for lane in lanes:
        edges.setdefault(lane.junction, []).extend(_borders(lane.points)[1:])
    edges.pop(-1, None)
    areas += [
        (f"junction_{junction}", "junction", _hull(np.concatenate(edges[junction])), None)
        for junction in sorted(edges)
    ]
    fields: list[tuple[str, pa.DataType, bool, list[object]]] = [
        ("area_id", pa.string(), False, [a[0] for a in areas]),
        ("kind", pa.string(), False, [a[1] for a in areas]),
        ("polygon_xyz_m", _list(pa.float32()), False, [a[2].ravel() for a in areas]),
        ("signal_id", pa.string(), True, [a[3] for a in areas]),
    ]
    return _table(fields)


def _hull(points: F64) -> F64:
    """The points (n, 3) around all others as seen from above; all where they lie on one line."""
    try:
        return np.asarray(points[ConvexHull(points[:, :2]).vertices])
    except QhullError:
        return points


def _list(item: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("item", item, nullable=False))


def _or_none(value: int, missing: int) -> int | None:
    return None if value == missing else value


def _table(fields: list[tuple[str, pa.DataType, bool, list[object]]]) -> pa.Table:
    schema = pa.schema([pa.field(name, kind, nullable=null) for name, kind, null, _ in fields])
    return pa.table([pa.array(values, kind) for _, kind, _, values in fields], schema=schema)


def main() -> None:
    """Entry point of the subprocess."""
    xodr, out = Path(sys.argv[1]), Path(sys.argv[2])
    try:
        build(xodr.read_text(encoding="utf-8"), sys.argv[3], out)
    except (RuntimeError, ET.ParseError, ValueError) as err:
        sys.exit(str(err))


if __name__ == "__main__":
    main()
