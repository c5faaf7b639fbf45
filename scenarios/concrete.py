"""One concrete scenario: every value drawn, placed and solved; plain data that a worker executes.

Frame: right-handed `world` (x forward, y left, z up), metres, radians. `tick` counts simulation
ticks from the spawn: ticks 0 .. warmup_ticks - 1 are not recorded, the record window follows.
"""

from __future__ import annotations

import hashlib
import json
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

Scalar = bool | int | float | str
Role = Literal["ego", "critical", "actor", "prop"]
TriggerKind = Literal[
    "time", "distance", "ttc", "tta", "signal", "position", "sync", "after", "all", "any"
]


class Record(BaseModel):
    """Base of the concrete records: frozen, no unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Pose(Record):
    """`world_from_actor` of an upright actor; z is that of the ground below its origin."""

    x_m: float
    y_m: float
    z_m: float
    yaw_rad: float


class Trigger(Record):
    """A resolved condition; which fields count depends on `kind`.

    time: `value` seconds after the start of the record window. distance: gap of the boxes of `a`
    and `b` below `value` m. ttc: swept-box TTC below `value` s. tta: route time of `a` to station
    `station_m` of its path below `value` s. signal: light `signal_id` shows `state`. position: `a`
    has passed `station_m` of its own path. sync: `a` and `b` are `value` s apart at the conflict.
    after: step `label` of the same actor has ended. all, any: of `parts`.
    """

    kind: TriggerKind
    a: str = ""
    b: str = ""
    value: float = 0.0
    station_m: float = 0.0
    signal_id: str = ""
    state: str = ""
    label: str = ""
    parts: tuple[Trigger, ...] = ()


class Meet(Record):
    """A solved encounter of actor `actor` with `other` (usually the ego).

    `other_station_m` is the station of `other`'s origin on its path at which its front reaches the
    conflict point; `distance_m` is what `actor` travels from its start to its arrival, which is
    when its middle is `reach_m` from the conflict point (0 for walkers; vehicles arrive with their
    front). `offset_s` > 0: `actor` is first. Times are planned, in seconds after the start of the
    record window.
    """

    actor: str
    other: str
    conflict_x_m: float
    conflict_y_m: float
    reach_m: float = 0.0
    other_station_m: float
    distance_m: float
    travel_time_s: float
    impact: float
    offset_s: float
    reveal_low_s: float | None = None
    reveal_high_s: float | None = None
    resync: Literal["none", "until_start", "until_conflict"] = "until_start"
    planned_start_s: float
    planned_other_arrival_s: float
    planned_actor_arrival_s: float


class Step(Record):
    """One resolved behaviour: what to do, from when, until when; `args` in SI units."""

    do: str
    label: str = ""
    when: Trigger | None = None
    until: Trigger | None = None
    args: dict[str, Scalar] = Field(default_factory=dict)
    meet: Meet | None = None


class ConcreteActor(Record):
    """One actor to spawn. `size_lwh_m` is what the solver assumed; the server's own box rules.

    `path_xyz_m` starts at the spawn pose (station 0) and has 1 m steps; `path_speeds_mps` is the
    speed wanted at each of its points.
    """

    name: str
    role: Role
    category: str
    blueprint: str
    attributes: dict[str, str] = Field(default_factory=dict)
    start: Pose
    speed_mps: float = 0.0
    size_lwh_m: tuple[float, float, float]
    path_xyz_m: tuple[tuple[float, float, float], ...] = ()
    path_speeds_mps: tuple[float, ...] = ()
    behaviours: tuple[Step, ...] = ()
    lights: tuple[str, ...] = ()


class Weather(Record):
    """All of CARLA's weather parameters; the azimuth turns left, as yaw does in our frames."""

    cloudiness: float
    precipitation: float
    precipitation_deposits: float
    wind_intensity: float
    fog_density: float
    wetness: float
    dust_storm: float
    fog_distance_m: float
    fog_falloff: float
    scattering_intensity: float
    mie_scattering_scale: float
    rayleigh_scattering_scale: float
    sun_azimuth_rad: float
    sun_altitude_rad: float


class Traffic(Record):
    """Ambient traffic: Traffic Manager vehicles and AI walkers, kept away from the conflict.

    `mix` is the share of each kind of vehicle; None draws from all models of cars and vans alike.
    `walker_mix` is that of each profile of walkers; None draws from all of them.
    """

    vehicles: int = 0
    walkers: int = 0
    vehicle_seed: int = 0
    walker_seed: int = 0
    tm_seed: int = 0
    radius_m: float = 120.0
    keep_clear_x_m: float = 0.0
    keep_clear_y_m: float = 0.0
    keep_clear_radius_m: float = 25.0
    mix: dict[str, float] | None = None
    walker_mix: dict[str, float] | None = None

    @model_serializer(mode="wrap")
    def _without_absent_mix(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Leave out a mix that is not asked for: clips are known by a hash of what is written."""
        written: dict[str, object] = write(self)
        return {key: value for key, value in written.items() if value is not None}


class Check(Record):
    """One expectation: an expression over the clip's metrics, in SI units, parameters put in."""

    check: str
    on_fail: Literal["reject", "flag"] = "reject"


class Signal(Record):
    """A traffic light (OpenDRIVE id) put into a state before the first tick and frozen there."""

    signal_id: str
    state: Literal["red", "yellow", "green", "off"]


class ConcreteScenario(Record):
    """All a worker needs to run one draw; `parameters` are the values drawn."""

    schema_version: Literal["synthgen/concrete@1"] = "synthgen/concrete@1"
    name: str
    k: int
    draw: int
    root_seed: int
    candidate: int = 0
    family: str = "crossing"
    description: str = ""
    tags: tuple[str, ...] = ()
    map_name: str
    map_sha256: str
    site: dict[str, Scalar | None] = Field(default_factory=dict)
    parameters: dict[str, Scalar] = Field(default_factory=dict)
    tick_s: float
    warmup_ticks: int
    duration_ticks: int
    rig: str | None = None
    weather: Weather
    street_lights: Literal["auto", "on", "off"] = "auto"
    actors: tuple[ConcreteActor, ...]
    traffic: Traffic = Traffic()
    signals: tuple[Signal, ...] = ()
    expect: tuple[Check, ...] = ()
    forecast: dict[str, float] = Field(default_factory=dict)

    def canonical_json(self) -> str:
        """The same text for equal scenarios on any machine: sorted keys, no spaces."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    def digest(self) -> str:
        """SHA-256 of `canonical_json`, in hex."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()

    def actor(self, name: str) -> ConcreteActor:
        """The actor of that name."""
        return next(a for a in self.actors if a.name == name)

    @property
    def ego(self) -> ConcreteActor:
        """The ego vehicle."""
        return self.actor("ego")

    @property
    def meet(self) -> Meet | None:
        """The first solved encounter, if the scenario has one."""
        return next((s.meet for a in self.actors for s in a.behaviours if s.meet), None)
