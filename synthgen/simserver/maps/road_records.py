"""Records of an OpenDRIVE file; coordinates are OpenDRIVE's (right-handed, y left)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Cubics:
    """Piecewise cubic polynomials along s.

    Attributes:
        start: (N,) where each piece begins, ascending.
        coef: (N, 4) a, b, c, d of each piece, in the distance from its start.
    """

    start: F64
    coef: F64

    def __call__(self, s: F64) -> F64:
        """Value at s; before the first piece it is 0."""
        if not len(self.start):
            return np.zeros_like(s)
        piece = np.clip(np.searchsorted(self.start, s + 1e-9, side="right") - 1, 0, None)
        ds = s - self.start[piece]
        a, b, c, d = np.moveaxis(self.coef[piece], -1, 0)
        value = a + ds * (b + ds * (c + ds * d))
        return np.where(s + 1e-9 < self.start[0], 0.0, value)


@dataclass(frozen=True, slots=True)
class MarkLine:
    """One explicit line of a road mark: lengths in metres, `t_offset_m` to the left."""

    length_m: float
    space_m: float
    t_offset_m: float
    s_offset_m: float
    width_m: float


@dataclass(frozen=True, slots=True)
class RoadMark:
    """A lane marking from `s_offset_m` (within the section) to the next one."""

    s_offset_m: float
    kind: str
    color: str
    width_m: float
    lines: tuple[MarkLine, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Lane:
    """A lane of a section; `border` replaces `width` where the file gives borders."""

    lane_id: int
    kind: str
    width: Cubics
    border: Cubics | None
    marks: tuple[RoadMark, ...]
    height_m: float | None
    predecessor: int | None
    successor: int | None


@dataclass(frozen=True, eq=False, slots=True)
class LaneSection:
    """Lanes from `s0` to `s1`, by id."""

    s0: float
    s1: float
    lanes: dict[int, Lane]


@dataclass(frozen=True, slots=True)
class Geometry:
    """One piece of a reference line; `params` hold the numbers its kind needs."""

    s: float
    x: float
    y: float
    heading: float
    length: float
    kind: str
    params: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RoadLink:
    """The neighbour at one end of a road."""

    kind: str
    element_id: str
    contact: str


@dataclass(frozen=True, slots=True)
class RoadObject:
    """An `<object>`; corners are (u, v, z) local or (s, t, z) along the road."""

    object_id: str
    kind: str
    name: str
    s: float
    t: float
    z: float
    heading: float
    length: float
    width: float
    local_corners: tuple[tuple[float, float, float], ...]
    road_corners: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class RoadSignal:
    """A `<signal>` or, with `is_reference`, a `<signalReference>`."""

    signal_id: str
    kind: str
    subtype: str
    name: str
    value: float
    s: float
    t: float
    orientation: str
    h_offset: float
    is_dynamic: bool
    lanes: tuple[tuple[int, int], ...]
    is_reference: bool


@dataclass(frozen=True, eq=False, slots=True)
class Road:
    """A road with its reference line, profiles, lane sections, objects and signals."""

    road_id: str
    length: float
    junction: str
    kind: str
    predecessor: RoadLink | None
    successor: RoadLink | None
    geometries: tuple[Geometry, ...]
    elevation: Cubics
    lane_offset: Cubics
    sections: tuple[LaneSection, ...]
    objects: tuple[RoadObject, ...]
    signals: tuple[RoadSignal, ...]
    is_left_hand: bool = False

    @property
    def in_junction(self) -> bool:
        """Whether it is a connecting road."""
        return self.junction not in ("-1", "")

    def goes_with_s(self, lane_id: int) -> bool:
        """Whether traffic on a lane drives towards growing s."""
        return (lane_id < 0) != self.is_left_hand


@dataclass(frozen=True, slots=True)
class Connection:
    """A way through a junction: lane `from` of the incoming road goes on as lane `to`."""

    incoming: str
    connecting: str
    contact: str
    links: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Junction:
    """A junction and the controllers it names."""

    junction_id: str
    connections: tuple[Connection, ...]
    controllers: tuple[str, ...]


@dataclass(frozen=True, eq=False, slots=True)
class RoadNetwork:
    """A whole file; controllers map their id to the signals they switch."""

    roads: dict[str, Road]
    junctions: dict[str, Junction]
    controllers: dict[str, tuple[str, ...]]
