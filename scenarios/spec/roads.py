"""Where a scenario can take place, and where on the site its actors are."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import model_validator

from scenarios.distributions import Angle
from scenarios.spec.bounds import Aside, Count, Nearby, OnTheWay, SpeedLimit, Strict
from scenarios.within import Within

Edge = Literal["parking", "shoulder", "sidewalk", "bike"]
Fallback = Literal["parking->shoulder", "parking->curb_lane", "sidewalk->shoulder"]
LaneName = Literal[
    "ego", "left", "right", "opposite", "parking_right", "parking_left", "kerb_right", "kerb_left",
    "sidewalk_right", "sidewalk_left", "shoulder_right", "crosswalk",
]  # fmt: skip


class JunctionQuery(Strict):
    """Which junction, and what the ego does in it."""

    control: Literal["traffic_light", "stop", "yield", "none", "any"] = "any"
    arms: Count | None = None
    ego_turn: Literal["left", "right", "straight"] = "straight"
    conflict: Literal[
        "oncoming_straight", "same_straight", "from_left", "from_right", "from_side",
        "exit_crosswalk", "none",
    ] = "none"  # fmt: skip


class RoadQuery(Strict):
    """A placement query: what the road must be like, never where it is."""

    kind: Literal["straight", "curve", "junction", "merge", "any"] = "straight"
    length_min: Nearby = 50.0
    heading_change_max: Annotated[Angle, Within(0.0, math.pi, "rad")] = 0.35
    lanes_same_direction: Count | None = None
    lanes_opposite: Count | None = None
    edge_right: tuple[Edge, ...] = ()
    edge_left: tuple[Edge, ...] = ()
    speed_limit: SpeedLimit | None = None
    crosswalk_within: Nearby | None = None
    crosswalk_absent_within: Nearby | None = None
    junction_absent_within: Nearby | None = None
    junction: JunctionQuery | None = None
    maps: Literal["any"] | tuple[str, ...] = "any"
    fallback: tuple[Fallback, ...] = ()

    @model_validator(mode="after")
    def _junction_is_described(self) -> Self:
        if (self.kind == "junction") != (self.junction is not None):
            raise ValueError("kind: junction and the junction block go together")
        return self


class At(Strict):
    """Where an actor is: s along and t left of the ego's path, from an anchor.

    `gap` and `side` ask for a distance between bumpers instead of `s`; `clearance` asks for one
    between the actor's left side and the right side of the ego as it passes, instead of `t`.
    """

    anchor: str = "conflict"
    s: OnTheWay = 0.0
    t: Aside | None = None
    lane: LaneName | None = None
    arm: Literal["opposite", "same", "side", "left", "right"] | None = None
    heading: Angle = 0.0
    gap: Nearby | None = None
    side: Literal["before", "after"] | None = None
    clearance: Aside | None = None

    @model_validator(mode="after")
    def _is_said_once(self) -> Self:
        if (self.gap is None) != (self.side is None):
            raise ValueError("gap and side go together")
        if self.clearance is not None and self.t is not None:
            raise ValueError("clearance takes the place of t; give one of them")
        if self.clearance is not None and self.lane not in ("parking_right", "kerb_right"):
            raise ValueError("clearance is for lane: parking_right and kerb_right")
        return self
