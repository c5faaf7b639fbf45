"""Criticality of a finished run: swept-box TTC, gap, THW, PET, DRAC, TET, sight.

Definitions: https://criticality-metrics.readthedocs.io (Westhofen et al., Criticality Metrics for
Automated Driving).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scenarios.behaviours.stage import Event, Track
from scenarios.concrete import ConcreteScenario, Meet
from scenarios.geometry2d import DOOR_M, DOOR_S, door_box, gap, time_to_collision

F64 = NDArray[np.float64]

TET_BELOW_S = 1.5
STOPPED_MPS = 0.3
STARTED_MPS = 0.3
MIN_PX = 20
OVER_LINE_M = 0.3
STILL_MPS = 0.05
ARRIVAL_SLACK_M = 1.0


@dataclass(frozen=True, eq=False, slots=True)
class ActorTrack:
    """Motion of one actor over the ticks of the record window.

    `xy_m` (T, 2) and `yaw_rad` (T,) of the box centre, float64, world frame; `speed_mps` (T,);
    `size_lwh_m` the full box.
    """

    xy_m: F64
    yaw_rad: F64
    speed_mps: F64
    size_lwh_m: tuple[float, float, float]

    def boxes(self) -> F64:
        """(T, 5) planar boxes."""
        n = len(self.yaw_rad)
        sizes = np.tile(self.size_lwh_m[:2], (n, 1))
        return np.column_stack([self.xy_m, self.yaw_rad, sizes])

    def velocities(self, tick_s: float) -> F64:
        """(T, 2) central differences of the positions; zero where the actor stands."""
        velocity = np.gradient(self.xy_m, tick_s, axis=0)
        velocity[self.speed_mps < STILL_MPS] = 0.0
        return np.asarray(velocity)


@dataclass(frozen=True, slots=True)
class Collision:
    """A contact in the record window; `tick` counts from its start, `other` is None for static."""

    tick: int
    actor: str
    other: str | None


@dataclass(frozen=True, eq=False, slots=True)
class RunRecord:
    """What one run left behind, by scenario actor name (`ego` included).

    `visible_px`: (actor, camera role) to an int array (F,), pixels of the actor in the instance
    image of each captured frame; frame f is tick f * capture_period_ticks. `signals`: OpenDRIVE id
    to the list of (tick, state) changes, the first at tick 0. `events`: `Choreography.events` as
    they are (their ticks count from the spawn).
    """

    tick_s: float
    capture_period_ticks: int
    tracks: Mapping[str, ActorTrack]
    visible_px: Mapping[tuple[str, str], NDArray[np.int64]]
    collisions: tuple[Collision, ...] = ()
    signals: Mapping[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, eq=False)
class Metrics:
    """Measures of one run; times in seconds from the start of the record window.

    What never happened is NaN, so that every comparison with it is false; a TTC that was never
    finite is infinite.
    """

    concrete: ConcreteScenario
    run: RunRecord

    @cached_property
    def ego_path(self) -> Track:
        """The ego's pinned path."""
        return Track(self.concrete.ego)

    @cached_property
    def frames(self) -> dict[str, F64]:
        """Station and left offset (T, 2) of every actor along the ego's path."""
        path = self.ego_path
        found = {}
        for name in self.run.tracks:
            track = self.track(name)
            delta = track.xy_m[:, None] - path.path[None, :, :2]
            nearest = np.argmin((delta**2).sum(axis=2), axis=1)
            pairs = zip(track.xy_m, nearest, strict=True)
            found[name] = np.array([path.project(xy, int(near)) for xy, near in pairs])
        return found

    def track(self, name: str) -> ActorTrack:
        """Motion of an actor; a car that opens a door is its door from then on, hidden before."""
        track = self.run.tracks[name]
        for event in self.run.events:
            if event.actor == name and event.kind == "door_open":
                tick = max(event.tick - self.concrete.warmup_ticks, 0)
                box = door_box(track.boxes(), event.label)
                xy = np.where(np.arange(len(box))[:, None] < tick, track.xy_m, box[:, :2])
                still = np.zeros(len(box))
                return ActorTrack(xy, track.yaw_rad, still, (DOOR_M, DOOR_M, track.size_lwh_m[2]))
        return track

    def ttc_s(self, a: str, b: str) -> F64:
        """(T,) swept-box time to collision."""
        first, second, dt = self.track(a), self.track(b), self.run.tick_s
        return time_to_collision(
            first.boxes(), second.boxes(), first.velocities(dt), second.velocities(dt)
        )

    def gap_m(self, a: str, b: str) -> F64:
        """(T,) clearance of the boxes."""
        return gap(self.track(a).boxes(), self.track(b).boxes())

    def min_ttc(self, a: str, b: str) -> float:
        """Least swept-box TTC."""
        return float(self.ttc_s(a, b).min())

    def min_gap(self, a: str, b: str) -> float:
        """Least clearance."""
        return float(self.gap_m(a, b).min())

    def tet(self, a: str, b: str) -> float:
        """Time exposed to a TTC below 1.5 s."""
        return float((self.ttc_s(a, b) < TET_BELOW_S).sum() * self.run.tick_s)

    def headway_s(self, follower: str, leader: str) -> F64:
        """(T,) bumper distance over speed while the leader is ahead in the follower's lane."""
        a, b = self.frames[follower], self.frames[leader]
        one, two = self.track(follower), self.track(leader)
        free = b[:, 0] - a[:, 0] - (one.size_lwh_m[0] + two.size_lwh_m[0]) / 2
        overlap = np.abs(b[:, 1] - a[:, 1]) < (one.size_lwh_m[1] + two.size_lwh_m[1]) / 2
        behind = overlap & (free > -1.0) & (one.speed_mps > 1.0)
        time = np.maximum(free, 0.0) / np.maximum(one.speed_mps, 0.1)
        return np.where(behind, time, np.inf)

    def min_thw(self, follower: str, leader: str) -> float:
        """Least time headway."""
        return float(self.headway_s(follower, leader).min())

    def drac(self, a: str, b: str) -> float:
        """Greatest deceleration `a` would need not to touch `b`: v_rel^2 / (2 gap)."""
        ttc, clear = self.ttc_s(a, b), self.gap_m(a, b)
        coming = np.isfinite(ttc) & (ttc > 1e-3) & (clear > 0.05)
        closing = np.divide(clear, ttc, out=np.zeros_like(ttc), where=coming)
        need = np.divide(closing**2, 2 * clear, out=np.zeros_like(ttc), where=coming)
        return float(need.max())

    def pet(self, a: str, b: str) -> float:
        """Time from the one leaving the conflict area to the other entering it; NaN without one."""
        point = self._crossing(a, b)
        if point is None:
            return float("nan")
        one, two = self.track(a), self.track(b)
        near = int(np.argmin(((one.xy_m - point) ** 2).sum(axis=1)))
        area = np.array([*point, one.yaw_rad[near], two.size_lwh_m[1], one.size_lwh_m[1]])
        spans = []
        for track in (one, two):
            inside = np.flatnonzero(gap(track.boxes(), area[None]) <= 0.0)
            if not len(inside):
                return float("nan")
            spans.append((inside[0], inside[-1]))
        (a0, a1), (b0, b1) = spans
        return float(max(max(a0, b0) - min(a1, b1), 0) * self.run.tick_s)

    def _crossing(self, a: str, b: str) -> F64 | None:
        meet = self.concrete.meet
        if meet is not None and {meet.actor, meet.other} == {a, b}:
            return np.array([meet.conflict_x_m, meet.conflict_y_m])
        one, two = self.track(a).xy_m, self.track(b).xy_m
        distance = np.hypot(*(one[:, None] - two[None]).transpose(2, 0, 1))
        i, j = np.unravel_index(int(np.argmin(distance)), distance.shape)
        middle: F64 = (one[i] + two[j]) / 2
        return middle if distance[i, j] < 1.0 else None

    def lane_entry_tick(self, actor: str) -> int | None:
        """First tick with the actor 30 cm over the edge of the ego's lane (UN R157, cut-in)."""
        half = float(self.concrete.site.get("lane_width_m") or 3.5) / 2
        track, frame = self.track(actor), self.frames[actor]
        stations = np.clip(frame[:, 0], 0, self.ego_path.stations[-1])
        near = np.searchsorted(self.ego_path.stations, stations)
        last = len(self.ego_path.stations) - 1
        tangents = np.array([self.ego_path.tangent(min(int(i), last)) for i in near])
        turn = track.yaw_rad - np.arctan2(tangents[:, 1], tangents[:, 0])
        length, width, _ = track.size_lwh_m
        reach = np.abs(np.sin(turn)) * length / 2 + np.abs(np.cos(turn)) * width / 2
        inside = np.flatnonzero(np.abs(frame[:, 1]) - reach < half - OVER_LINE_M)
        return int(inside[0]) if len(inside) else None

    def in_ego_lane(self, actor: str) -> bool:
        """Whether the actor was ever in the ego's lane."""
        return self.lane_entry_tick(actor) is not None

    def lane_entry_time(self, actor: str, lane: str = "ego") -> float:
        """When the actor came into the ego's lane."""
        tick = self.lane_entry_tick(actor)
        return float("nan") if tick is None or lane != "ego" else tick * self.run.tick_s

    def ttc_at_lane_entry(self, ego: str, actor: str) -> float:
        """TTC when the actor came into the ego's lane."""
        tick = self.lane_entry_tick(actor)
        return float("nan") if tick is None else float(self.ttc_s(ego, actor)[tick])

    def start_tick(self, actor: str) -> int | None:
        """Tick at which the actor's script started it, or at which it first moved."""
        for event in self.run.events:
            if event.actor == actor and event.kind in ("started", "door_open"):
                return max(event.tick - self.concrete.warmup_ticks, 0)
        moving = np.flatnonzero(self.track(actor).speed_mps > STARTED_MPS)
        return int(moving[0]) if len(moving) else None

    def started(self, actor: str) -> bool:
        """Whether the actor ever moved, or opened its door."""
        return self.start_tick(actor) is not None

    def seen(self, actor: str, camera: str, min_px: int) -> NDArray[np.bool_]:
        """(F,) frames in which a camera role shows at least that many pixels of the actor."""
        pixels = self.run.visible_px.get((actor, camera))
        return np.zeros(0, dtype=bool) if pixels is None else np.asarray(pixels >= min_px)

    def visible_frames(self, actor: str, camera: str = "front", min_px: int = MIN_PX) -> int:
        """Captured frames in which the actor is seen."""
        return int(self.seen(actor, camera, min_px).sum())

    def first_visible_ttc(self, actor: str, camera: str = "front", min_px: int = MIN_PX) -> float:
        """The ego's route time to the conflict in the first frame that shows the started actor."""
        start, meet = self.start_tick(actor), self.concrete.meet
        if start is None or meet is None:
            return float("nan")
        frames = np.flatnonzero(self.seen(actor, camera, min_px))
        ticks = frames * self.run.capture_period_ticks
        ticks = ticks[ticks >= start]
        if not len(ticks):
            return float("nan")
        return self.arrival_s(int(ticks[0]))

    def arrival_s(self, tick: int) -> float:
        """The ego's route time to the conflict at a tick, at its speed there."""
        meet = self.concrete.meet
        assert meet is not None
        path = self.ego_path
        path.station = float(self.frames["ego"][tick, 0])
        return path.arrival_s(meet.other_station_m, float(self.track("ego").speed_mps[tick]))

    def offset_error_s(self) -> float:
        """Realised minus requested offset of the encounter, by the ego's way before it reacts.

        The ego's arrival is the one it had in view when the actor set off; of an actor that keeps
        the appointment until the conflict, when it arrived there or the ego began to brake.
        """
        meet = self.concrete.meet
        start = None if meet is None else self.start_tick(meet.actor)
        if meet is None or start is None:
            return float("nan")
        steps = self.concrete.actor(meet.actor).behaviours
        if any(step.do in ("hesitate", "turn_back") for step in steps):
            return float("nan")
        if any(step.do == "open_door" for step in steps):
            return self.arrival_s(start) - DOOR_S - meet.offset_s
        arrived = self._arrival_tick(meet)
        if arrived is None:
            return float("nan")
        look = start
        if meet.resync == "until_conflict":
            brakes = [e.tick - self.concrete.warmup_ticks for e in self.run.events
                      if e.actor == meet.other and e.kind == "reacts"]  # fmt: skip
            look = max(min([math.floor(arrived), self._passed_tick(), *brakes]), start)
        due = look * self.run.tick_s + self.arrival_s(look)
        return due - arrived * self.run.tick_s - meet.offset_s

    def _arrival_tick(self, meet: Meet) -> float | None:
        """When the actor comes within reach of the conflict point, between ticks."""
        conflict = np.array([meet.conflict_x_m, meet.conflict_y_m])
        distance = np.hypot(*(self.track(meet.actor).xy_m - conflict).T)
        nearest = int(np.argmin(distance))
        reach = max(meet.reach_m, float(distance[nearest]))
        inside = np.flatnonzero(distance <= reach)
        if distance[nearest] > meet.reach_m + ARRIVAL_SLACK_M or nearest == len(distance) - 1:
            return None
        first = int(inside[0])
        if first == 0:
            return 0.0
        far, near = distance[first - 1], distance[first]
        return first - 1 + float((far - reach) / (far - near))

    def _passed_tick(self) -> int:
        """The last tick with the ego before the conflict."""
        meet = self.concrete.meet
        assert meet is not None
        before = np.flatnonzero(self.frames["ego"][:, 0] < meet.other_station_m)
        return int(before[-1]) if len(before) else 0

    def residuals(self, start: int) -> dict[str, float]:
        """How the run differs from its plan: start delay, speeds of the actor and of the ego."""
        meet = self.concrete.meet
        assert meet is not None
        actor, ego = self.concrete.actor(meet.actor), self.track("ego")
        step = next(s for s in actor.behaviours if s.meet is not None)
        due = self.arrival_s(start) - meet.travel_time_s - meet.offset_s
        path = self.ego_path
        path.station = float(self.frames["ego"][start, 0])
        found = {
            "start_delay_s": -due if not actor.path_speeds_mps else float("nan"),
            "ego_speed_ratio": float(ego.speed_mps[start]) / path.wanted(),
        }
        wanted = float(step.args.get("speed_mps", 0.0))
        if wanted > 0.0:
            ramp = round(2 * wanted / (2.0 * self.run.tick_s))
            steady = self.track(meet.actor).speed_mps[start + ramp : start + ramp + 20]
            if len(steady):
                found["actor_speed_ratio"] = float(np.median(steady)) / wanted
        return found

    def collided(self, actor: str, other: str | None = None) -> bool:
        """Whether the actor touched anything, or that other."""
        pairs = [(c.actor, c.other) for c in self.run.collisions]
        pairs += [(b, a) for a, b in pairs if b is not None]
        return any(a == actor and (other is None or b == other) for a, b in pairs)

    def v_impact(self, a: str, b: str) -> float:
        """Speed of `a` at its first contact with `b`; 0 without one."""
        for collision in self.run.collisions:
            if {collision.actor, collision.other} == {a, b}:
                return float(self.track(a).speed_mps[collision.tick])
        return 0.0

    def signal(self, actor: str, at: str = "junction_entry") -> str:
        """State of the light on the actor's way as the run began; scripts freeze it there."""
        site = self.concrete.site
        light = site.get("ego_signal" if actor == "ego" else "other_signal")
        changes = self.run.signals.get(str(light), ())
        return changes[0][1] if changes else "none"

    def stopped(self, actor: str) -> bool:
        """Whether the actor came to a stand after having moved."""
        speed = self.track(actor).speed_mps
        moving = np.flatnonzero(speed > 1.0)
        return bool(len(moving)) and bool((speed[moving[0] :] < STOPPED_MPS).any())

    def speed(self, actor: str) -> float:
        """Greatest speed."""
        return float(self.track(actor).speed_mps.max())

    def min_speed(self, actor: str) -> float:
        """Least speed."""
        return float(self.track(actor).speed_mps.min())

    def ego_deviation_m(self) -> float:
        """Greatest distance of the ego from its path."""
        return float(np.abs(self.frames["ego"][:, 1]).max())
