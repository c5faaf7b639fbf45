"""The scenario schema `synthgen/scenario@1`: what a YAML file may say. See docs/scenarios.md.

Quantities carry units in YAML and are SI here. A model is what was written: ranges, not values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from scenarios.distributions import (
    DISTRIBUTION_PLACEHOLDER,
    DISTRIBUTION_SCHEMA,
    Acceleration,
    Angle,
    Choice,
    Density,
    Distribution,
    Length,
    Quantity,
    Ratio,
    Reference,
    Speed,
    Time,
    parse_parameter,
    parse_scalar,
)
from scenarios.expressions import CheckExpression, Constraint
from scenarios.within import Within

NAME = r"^[a-z][a-z0-9_]{0,63}$"
Name = Annotated[str, Field(pattern=NAME)]
LaneName = Literal[
    "ego", "left", "right", "opposite", "parking_right", "parking_left", "kerb_right", "kerb_left",
    "sidewalk_right", "sidewalk_left", "shoulder_right", "crosswalk",
]  # fmt: skip
Edge = Literal["parking", "shoulder", "sidewalk", "bike"]
Side = Literal["left", "right"]
Door = Literal["front_left", "front_right", "rear_left", "rear_right"]
Fallback = Literal["parking->shoulder", "parking->curb_lane", "sidewalk->shoulder"]
ActorKind = Literal[
    "car", "van", "truck", "bus", "motorcycle", "bicycle", "scooter", "pedestrian", "prop",
    "emergency",
]  # fmt: skip
# 250 km/h; the fastest sprinter runs 12.4 m/s, a kicked ball is somewhat faster.
DrivingSpeed = Annotated[Speed, Within(0.0, 70.0, "m/s")]
RelativeSpeed = Annotated[Speed, Within(-70.0, 70.0, "m/s")]
LateralSpeed = Annotated[Speed, Within(0.1, 5.0, "m/s")]
FootSpeed = Annotated[Speed, Within(0.0, 15.0, "m/s")]
# Dry road and the best tyres give 1.2 g.
Pull = Annotated[Acceleration, Within(0.1, 12.0, "m/s2")]
Wait = Annotated[Time, Within(0.0, 3600.0, "s")]
Soon = Annotated[Time, Within(0.0, 30.0, "s")]
Share = Annotated[Ratio, Within(0.0, 1.0)]
Nearby = Annotated[Length, Within(0.0, 1000.0, "m")]
Aside = Annotated[Length, Within(-60.0, 60.0, "m")]
OnTheWay = Annotated[Length, Within(-300.0, 300.0, "m")]
Elevation = Annotated[Angle, Within(-math.pi / 2, math.pi / 2, "rad")]
Weight = Annotated[float, Field(ge=0.0, le=1e6)]
Crowd = Annotated[Density, Within(0.0, 500.0, "/km")]
_COMPARISON = re.compile(r"\s*(<=|>=|==|<|>)\s*(.+?)\s*")


class Strict(BaseModel):
    """Base of every part of the schema: frozen, no unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Comparison(Strict):
    """`">= 2"` or `"<= 60 km/h"`: an operator and a value in SI units."""

    op: Literal["<", "<=", "==", ">=", ">"]
    value: float

    def holds(self, found: float) -> bool:
        """Whether `found` satisfies the comparison."""
        return {
            "<": found < self.value,
            "<=": found <= self.value,
            "==": found == self.value,
            ">=": found >= self.value,
            ">": found > self.value,
        }[self.op]


def _comparison(dimension: str, example: str) -> tuple[PlainValidator, WithJsonSchema]:
    def parse(value: object) -> Comparison:
        match = _COMPARISON.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise ValueError(f'expected a comparison, e.g. "{example}"')
        return Comparison.model_validate(
            {"op": match[1], "value": parse_scalar(match[2], dimension)}
        )

    return PlainValidator(parse), WithJsonSchema(
        {"type": "string", "pattern": r"^\s*(<=|>=|==|<|>)\s*\S", "examples": [example]}
    )


Count = Annotated[Comparison, *_comparison("ratio", ">= 1")]
SpeedLimit = Annotated[Comparison, *_comparison("speed", "<= 60 km/h")]
Parameter = Annotated[
    Distribution,
    PlainValidator(parse_parameter),
    WithJsonSchema({"anyOf": [{"type": ["string", "number"]}, dict(DISTRIBUTION_PLACEHOLDER)]}),
]


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


class Between(Strict):
    """Two actors and the value below which the trigger fires."""

    between: tuple[str, str]
    below: Nearby


class BetweenTime(Strict):
    """Two actors and the time below which the trigger fires."""

    between: tuple[str, str]
    below: Soon


class TimeToArrival(Strict):
    """An actor's time of travel along its own path to a place."""

    actor: str = "ego"
    to: Literal["conflict", "stop_line"] = "conflict"
    below: Soon


class SignalIs(Strict):
    """The light that controls an actor's way shows a state."""

    of: str = "ego"
    state: Literal["red", "yellow", "green"]


class Passed(Strict):
    """An actor has come to a place on its own path."""

    actor: str = "ego"
    anchor: Literal["conflict", "stop_line", "start"] = "conflict"
    s: OnTheWay = 0.0


class Sync(Strict):
    """An actor would reach its conflict point with `with` in this time of it or less."""

    with_: str = Field("ego", alias="with")
    below: Soon


class Trigger(Strict):
    """A condition: exactly one key; combine with all and any."""

    time: Wait | None = None
    distance: Between | None = None
    ttc: BetweenTime | None = None
    tta: TimeToArrival | None = None
    signal: SignalIs | None = None
    position: Passed | None = None
    sync: Sync | None = None
    after: str | None = None
    all: tuple[Trigger, ...] | None = None
    any: tuple[Trigger, ...] | None = None

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("a trigger has exactly one key; combine with all: or any:")
        return self


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


class Actor(Strict):
    """A scripted actor."""

    kind: ActorKind
    model: Choice | None = None
    profile: Choice | None = None
    colour: Choice | None = None
    at: At
    behaviour: tuple[AnyBehaviour, ...] = Field((), max_length=12)
    lights: tuple[str, ...] = ()
    count: Annotated[int, Field(ge=1, le=20)] = 1
    spacing: Nearby = 1.0
    critical: bool = False


class Reaction(Strict):
    """The ego's own emergency braking: how late, how hard, how soon it believes in a conflict."""

    delay: Soon = 0.5
    decel: Pull = 6.0
    ttc: Soon = 2.5


class Ego(Strict):
    """The ego vehicle."""

    model: Choice = "vehicle.lincoln.mkz_2020"
    rig: str | None = None
    approach: Annotated[Length, Within(5.0, 160.0, "m")] = 70.0
    reaction: Reaction = Reaction()
    behaviour: tuple[AnyBehaviour, ...] = Field(min_length=1, max_length=12)


class Weather(Strict):
    """A CARLA preset and what differs from it; percentages as ratios."""

    preset: Choice | None = None
    rain: Share | None = None
    puddles: Share | None = None
    wetness: Share | None = None
    fog: Share | None = None
    fog_distance: Nearby | None = None
    cloud: Share | None = None
    wind: Share | None = None
    dust: Share | None = None
    sun_altitude: Elevation | None = None
    sun_azimuth: Angle | None = None
    sun_ahead: Angle | None = None
    street_lights: Literal["auto", "on", "off"] = "auto"


class TrafficMix(Strict):
    """How often each kind of vehicle drives in ambient traffic: weights, of any sum."""

    car: Weight = 0.0
    van: Weight = 0.0
    truck: Weight = 0.0
    bus: Weight = 0.0
    motorcycle: Weight = 0.0
    bicycle: Weight = 0.0

    @model_validator(mode="after")
    def _has_someone(self) -> Self:
        if not any(self.model_dump().values()):
            raise ValueError("at least one weight must be above 0")
        return self


class Traffic(Strict):
    """Ambient traffic per kilometre of lane, and the free circle around the conflict.

    Without a mix, vehicles are drawn from all models of cars and vans alike.
    """

    vehicles: Crowd = 0.0
    pedestrians: Crowd = 0.0
    keep_clear: Nearby = 25.0
    mix: TrafficMix | None = None


class Expectation(Strict):
    """What must be true of a finished clip, and what happens otherwise."""

    name: Name | None = None
    check: CheckExpression
    else_: Literal["reject", "flag"] = Field("reject", alias="else")


class Window(Strict):
    """The record window: the planned conflict falls at this share of it."""

    conflict_at: Share = 0.6


class Sampling(Strict):
    """How values are spread over the slots of a data set.

    `usual_trigger` is the yardstick: no pre-screen, and `meet` replaced by the fixed speed and time
    to arrival that others use (2.0 m/s and 2.1 s, ScenarioRunner DynamicObjectCrossing).
    """

    method: Literal["random", "sobol", "grid", "pairwise", "criticality", "usual_trigger"] = (
        "random"
    )
    target: Literal["near_miss", "mild", "natural", "contact", "any"] = "near_miss"
    budget: Annotated[int, Field(ge=1, le=4096)] = 64


def _unique(tags: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(tags)) != len(tags):
        raise ValueError("a tag stands twice")
    return tags


class ScenarioSpec(Strict):
    """A scenario as written."""

    schema_: Literal["synthgen/scenario@1"] = Field(alias="schema")
    name: Name
    description: str = ""
    source: tuple[str, ...] = ()
    tags: Annotated[tuple[Name, ...], AfterValidator(_unique)] = ()
    extends: str | None = None
    include: tuple[str, ...] = ()
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    duration: Annotated[Time, Within(0.5, 3600.0, "s")] = 8.0
    warmup: Soon = 1.0
    record: Window = Window()
    params: dict[Name, Parameter] = Field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()
    where: RoadQuery
    ego: Ego
    actors: dict[Name, Actor] = Field(default_factory=dict, max_length=40)
    weather: Weather = Weather()
    traffic: Traffic = Traffic()
    expect: tuple[Expectation, ...] = ()
    sampling: Sampling = Sampling()


def json_schema() -> dict[str, object]:
    """The JSON Schema (2020-12) of a scenario file, for editors and other programs."""
    schema = ScenarioSpec.model_json_schema(by_alias=True)
    schema["$defs"]["Distribution"] = DISTRIBUTION_SCHEMA
    resolved = _resolved(schema)
    assert isinstance(resolved, dict)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **resolved}


def _resolved(node: object) -> object:
    """The schema with references in place of the placeholders."""
    if node == DISTRIBUTION_PLACEHOLDER:
        return {"$ref": "#/$defs/Distribution"}
    if isinstance(node, dict):
        return {key: _resolved(value) for key, value in node.items()}
    return [_resolved(value) for value in node] if isinstance(node, list) else node


def quantities(
    part: object, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], Quantity | str]]:
    """Every reference and distribution below `part`, with its path in the file's names."""
    if isinstance(part, Reference | Distribution):
        yield path, part
    elif isinstance(part, Strict):
        for name, field in type(part).model_fields.items():
            yield from quantities(getattr(part, name), (*path, field.alias or name))
    elif isinstance(part, dict):
        for key, item in part.items():
            yield from quantities(item, (*path, key))
    elif isinstance(part, tuple):
        for i, item in enumerate(part):
            yield from quantities(item, (*path, i))
