"""The vector map of a clip, its traffic lights through time, and its events."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from synthgen.geometry.arrays import F32, F64, frozen_array


@dataclass(frozen=True, eq=False, slots=True)
class Lane:
    """One row of map/lanes; all lines run in driving direction, world frame.

    Attributes:
        lane_id: `road:section:lane`.
        road_id: OpenDRIVE road.
        section: Index of the lane section.
        lane: OpenDRIVE lane number, never 0.
        kind: `driving`, `parking`, `sidewalk`, `shoulder`, `biking`, …
        center_m: (P, 3) float32.
        left_m: (Q, 3) float32, left edge.
        right_m: (R, 3) float32, right edge.
        left_marking: OpenDRIVE road mark type, e.g. `broken`, `solid`, `none`.
        right_marking: The same of the right edge.
        left_marking_colour: E.g. `white`.
        right_marking_colour: E.g. `white`.
        junction_id: Junction the lane is part of, or None.
        speed_limit_mps: Or None.
        predecessors: Lanes that lead into this one.
        successors: Lanes that this one leads to.
        left_lane_id: Left neighbour in the same direction, or None.
        right_lane_id: Right neighbour in the same direction, or None.
    """

    lane_id: str
    road_id: int
    section: int
    lane: int
    kind: str
    center_m: F32
    left_m: F32
    right_m: F32
    left_marking: str = "none"
    right_marking: str = "none"
    left_marking_colour: str = "white"
    right_marking_colour: str = "white"
    junction_id: int | None = None
    speed_limit_mps: float | None = None
    predecessors: tuple[str, ...] = ()
    successors: tuple[str, ...] = ()
    left_lane_id: str | None = None
    right_lane_id: str | None = None

    def __post_init__(self) -> None:
        """Check the lines and make them read-only."""
        for name in ("center_m", "left_m", "right_m"):
            array = frozen_array(name, getattr(self, name), (None, 3), np.float32)
            object.__setattr__(self, name, array)


@dataclass(frozen=True, eq=False, slots=True)
class Area:
    """One row of map/areas.

    Attributes:
        area_id: Stable name.
        kind: `crosswalk`, `stop_line` or `junction`.
        polygon_m: (P, 3) float32, world; a stop line is a polygon of two points.
        signal_id: The light that governs it, or None.
    """

    area_id: str
    kind: str
    polygon_m: F32
    signal_id: str | None = None

    def __post_init__(self) -> None:
        """Check the polygon and make it read-only."""
        polygon_m = frozen_array("polygon_m", self.polygon_m, (None, 3), np.float32)
        object.__setattr__(self, "polygon_m", polygon_m)


@dataclass(frozen=True, eq=False, slots=True)
class SignalChange:
    """One row of signals: from `tick` on, the light shows `state`.

    Attributes:
        tick: Simulation step.
        timestamp_ns: Clip-relative time.
        signal_id: OpenDRIVE signal.
        state: `red`, `yellow`, `green`, `off` or `unknown`.
        position_m: (3,) float64, world.
    """

    tick: int
    timestamp_ns: int
    signal_id: str
    state: str
    position_m: F64

    def __post_init__(self) -> None:
        """Check the position and make it read-only."""
        position_m = frozen_array("position_m", self.position_m, (3,), np.float64)
        object.__setattr__(self, "position_m", position_m)


@dataclass(frozen=True, eq=False, slots=True)
class RoadMap:
    """The lanes and areas of a clip's map."""

    lanes: tuple[Lane, ...] = field(default=())
    areas: tuple[Area, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class ClipEvent:
    """One row of events.

    Attributes:
        tick: Simulation step.
        timestamp_ns: Clip-relative time.
        kind: `collision` or `lane_invasion`.
        track_id: Whom it happened to.
        other_track_id: Whom with, if that is an object of the clip.
        other_kind: What with, otherwise.
        impulse_ns: Newton seconds, or None.
        detail: E.g. the lane markings crossed.
    """

    tick: int
    timestamp_ns: int
    kind: str
    track_id: int
    other_track_id: int | None = None
    other_kind: str | None = None
    impulse_ns: float | None = None
    detail: str | None = None
