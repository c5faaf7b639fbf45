"""What actors do, and the encounter that is solved for them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scenarios.distributions import Angle, Time
from scenarios.spec.bounds import (
    Aside,
    DrivingSpeed,
    FootSpeed,
    LateralSpeed,
    Name,
    Nearby,
    Pull,
    RelativeSpeed,
    Share,
    Soon,
    Strict,
    Wait,
)
from scenarios.spec.roads import At
from scenarios.spec.triggers import Trigger
from scenarios.within import Within

Side = Literal["left", "right"]
Door = Literal["front_left", "front_right", "rear_left", "rear_right"]


class Meet(Strict):
    """The encounter to solve for. `offset` > 0: this actor reaches the conflict point first.

    `impact` is the share of the other's width at which the paths meet, 0 its right edge;
    `reveal_ttc` is the band of the ego's time to conflict at first sight, kept by the pre-screen.
    """

    with_: str = Field("ego", alias="with")
    at: Literal["conflict", "crosswalk"] = "conflict"
    impact: Share = 0.5
    offset: Annotated[Time, Within(-30.0, 30.0, "s")] = 0.0
    reveal_ttc: tuple[Soon, Soon] | None = None
    resync: Literal["none", "until_start", "until_conflict"] = "until_start"

    @model_validator(mode="after")
    def _band_is_in_order(self) -> Self:
        low, high = self.reveal_ttc or (0.0, 0.0)
        if isinstance(low, float) and isinstance(high, float) and low > high:
            raise ValueError("reveal_ttc: low must not be above high")
        return self


class Behaviour(Strict):
    """What every behaviour can have: a name, a start and an end."""

    do: str
    name: Name | None = None
    when: Trigger | None = None
    until: Trigger | None = None


class FollowLane(Behaviour):
    """Drive along the lane."""

    do: Literal["follow_lane"]
    speed: DrivingSpeed
    control: Literal["path", "tm"] = "path"
    react: Literal["none", "aeb"] = "none"
    meet: Meet | None = None


class Turn(Behaviour):
    """Drive through the junction; `yield` says for whom."""

    do: Literal["turn"]
    direction: Literal["left", "right", "straight"]
    speed: DrivingSpeed
    yield_: Literal["none", "gap", "full"] = Field("none", alias="yield")
    critical_gap: Soon = 4.5
    react: Literal["none", "aeb"] = "none"
    meet: Meet | None = None


class FollowPath(Behaviour):
    """Go through points given relative to the site."""

    do: Literal["follow_path"]
    points: tuple[At, ...] = Field(min_length=1)
    speed: DrivingSpeed
    meet: Meet | None = None


class CrossRoad(Behaviour):
    """Walk across the road."""

    do: Literal["cross_road"]
    speed: FootSpeed
    angle: Angle = 0.0
    accel: Pull = 2.0
    meet: Meet | None = None


class DartOut(Behaviour):
    """Run into the road; the encounter must be said."""

    do: Literal["dart_out"]
    speed: FootSpeed
    angle: Angle = 0.0
    accel: Pull = 3.0
    meet: Meet


class WalkAlong(Behaviour):
    """Walk along the road."""

    do: Literal["walk_along"]
    speed: FootSpeed
    direction: Literal["with_traffic"] = "with_traffic"
    meet: Meet | None = None


class Hesitate(Behaviour):
    """Stop in mid-crossing, then go on: after `at` metres of the way, for `duration`."""

    do: Literal["hesitate"]
    at: Nearby
    duration: Soon


class TurnBack(Behaviour):
    """Go back to where the crossing began, after `at` metres of the way."""

    do: Literal["turn_back"]
    at: Nearby
    speed: FootSpeed


class CutIn(Behaviour):
    """Change into the ego's lane from one side; without `when`, once the gap is down to `gap`."""

    do: Literal["cut_in"]
    from_: Side = Field(alias="from")
    gap: Nearby
    lateral_speed: LateralSpeed
    rel_speed: RelativeSpeed = 0.0


class CutOut(Behaviour):
    """Leave the lane to one side."""

    do: Literal["cut_out"]
    to: Side
    lateral_speed: LateralSpeed


class Swerve(Behaviour):
    """Shift sideways by `offset` (left positive) and back after `hold`."""

    do: Literal["swerve"]
    offset: Aside
    lateral_speed: LateralSpeed
    hold: Soon = 1.0


class Brake(Behaviour):
    """Brake at a steady deceleration down to a speed."""

    do: Literal["brake"]
    decel: Pull
    to: DrivingSpeed = 0.0


class RunRedLight(Behaviour):
    """Drive straight through the junction against the light; the ego has green."""

    do: Literal["run_red_light"]
    speed: DrivingSpeed
    meet: Meet | None = None


class OpenDoor(Behaviour):
    """Open a door of a standing car."""

    do: Literal["open_door"]
    door: Door = "front_left"
    meet: Meet | None = None


class Reverse(Behaviour):
    """Drive backwards."""

    do: Literal["reverse"]
    speed: DrivingSpeed
    distance: Nearby
    meet: Meet | None = None


class Idle(Behaviour):
    """Stand."""

    do: Literal["idle"]
    duration: Wait | None = None


class FollowProp(Behaviour):
    """Run after a moving prop (a ball), `delay` after it started."""

    do: Literal["follow_prop"]
    prop: str
    speed: FootSpeed
    delay: Soon = 0.5
    accel: Pull = 3.0
    angle: Angle = 0.0
    meet: Meet | None = None


AnyBehaviour = Annotated[
    FollowLane | Turn | FollowPath | CrossRoad | DartOut | WalkAlong | Hesitate | TurnBack | CutIn
    | CutOut | Swerve | Brake | RunRedLight | OpenDoor | Reverse | Idle | FollowProp,
    Field(discriminator="do"),
]  # fmt: skip
