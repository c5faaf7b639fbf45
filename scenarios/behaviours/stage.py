"""What a behaviour can ask while it runs: times, gaps, arrivals, lines of sight; its notes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scenarios.behaviours.commands import ActorView, WorldView
from scenarios.concrete import ConcreteActor, ConcreteScenario, Meet, Trigger
from scenarios.geometry2d import door_box, gap, sight_is_blocked, time_to_collision

F64 = NDArray[np.float64]

EYE_FORWARD_M = 0.8
_SEARCH_BACK, _SEARCH_AHEAD = 5, 25


@dataclass(frozen=True, slots=True)
class Event:
    """A script `started`, `ended`, `reacts`, its `door_open` or `kinematic`; tick of the run."""

    tick: int
    actor: str
    kind: str
    label: str = ""


class Track:
    """An actor's own path with the time it takes, and where on it the actor is."""

    def __init__(self, actor: ConcreteActor) -> None:
        path = np.asarray(actor.path_xyz_m, dtype=np.float64)
        step = np.hypot(*np.diff(path[:, :2], axis=0).T)
        self.path = path
        self.stations: F64 = np.concatenate([[0.0], np.cumsum(step)])
        speeds = np.asarray(actor.path_speeds_mps or [max(actor.speed_mps, 1.0)] * len(path))
        self.speeds: F64 = np.maximum(speeds, 0.1)
        pace = 2 / (self.speeds[1:] + self.speeds[:-1])
        self.clock: F64 = np.concatenate([[0.0], np.cumsum(step * pace)])
        self.station = 0.0
        self.lateral = 0.0
        self._nearest = 0

    def update(self, view: ActorView) -> None:
        """Take note of where the actor is; searches near its last place."""
        low = max(self._nearest - _SEARCH_BACK, 0)
        window = self.path[low : self._nearest + _SEARCH_AHEAD, :2]
        at = np.array([view.x_m, view.y_m])
        self._nearest = low + int(np.argmin(((window - at) ** 2).sum(axis=1)))
        self.station, self.lateral = self.project(at, self._nearest)

    def project(self, xy: F64, near: int | None = None) -> tuple[float, float]:
        """Station and left offset of a point, by the path's nearest point."""
        if near is None:
            near = int(np.argmin(((self.path[:, :2] - xy) ** 2).sum(axis=1)))
        tangent = self.tangent(near)
        delta = xy - self.path[near, :2]
        along = float(delta @ tangent)
        return float(self.stations[near]) + along, float(
            tangent[0] * delta[1] - tangent[1] * delta[0]
        )

    def tangent(self, near: int) -> F64:
        """Unit direction (2,) of the path at a point."""
        a, b = max(near - 1, 0), min(near + 1, len(self.path) - 1)
        direction = self.path[b, :2] - self.path[a, :2]
        unit: F64 = direction / max(float(np.hypot(*direction)), 1e-9)
        return unit

    def at(self, station: float) -> F64:
        """(3,) point of the path."""
        return np.array([np.interp(station, self.stations, c) for c in self.path.T])

    def wanted(self) -> float:
        """Speed wanted where the actor is."""
        return float(np.interp(self.station, self.stations, self.speeds))

    def arrival_s(self, station: float, speed_mps: float) -> float:
        """Route time to a station at the present speed; 0 once passed."""
        if station <= self.station:
            return 0.0
        plan = np.interp([self.station, station], self.stations, self.clock)
        beyond = max(0.0, station - float(self.stations[-1])) / float(self.speeds[-1])
        return float((plan[1] - plan[0] + beyond) * self.wanted() / max(speed_mps, 0.5))


@dataclass
class Stage:
    """The run as its scripts see it; `view` is replaced every tick."""

    concrete: ConcreteScenario
    tracks: dict[str, Track]
    view: WorldView = field(default_factory=lambda: WorldView(-1, {}))
    events: list[Event] = field(default_factory=list)
    ended: set[tuple[str, str]] = field(default_factory=set)

    @property
    def record_s(self) -> float:
        """Seconds since the record window opened; negative before."""
        return (self.view.tick - self.concrete.warmup_ticks) * self.concrete.tick_s

    def look(self, view: WorldView) -> None:
        """Take in the world of a new tick."""
        self.view = view
        for name, track in self.tracks.items():
            if name in view.actors:
                track.update(view.actors[name])

    def note(self, actor: str, kind: str, label: str = "") -> None:
        """Put an event down."""
        self.events.append(Event(self.view.tick, actor, kind, label))

    def box(self, name: str) -> F64:
        """(5,) planar box of an actor."""
        a = self.view.actors[name]
        return np.array([a.x_m, a.y_m, a.yaw_rad, a.size_lwh_m[0], a.size_lwh_m[1]])

    def hazards(self) -> dict[str, ActorView]:
        """Actors, and open doors as things of their own."""
        found = dict(self.view.actors)
        for event in self.events:
            if event.kind == "door_open" and event.actor in found:
                x, y, yaw, length, width = door_box(self.box(event.actor), event.label)
                size = (float(length), float(width), 1.2)
                found[f"{event.actor}.door"] = ActorView(
                    float(x), float(y), 0.0, float(yaw), 0.0, 0.0, 0.0, size
                )
        return found

    def gap_m(self, a: str, b: str) -> float:
        """Clearance of two actors."""
        return float(gap(self.box(a), self.box(b)))

    def ttc_s(self, a: str, b: str) -> float:
        """Swept-box time to collision of two actors."""
        views = self.view.actors[a], self.view.actors[b]
        va, vb = (np.array([v.velocity_x_mps, v.velocity_y_mps]) for v in views)
        return float(time_to_collision(self.box(a), self.box(b), va, vb))

    def arrival_s(self, actor: str, station_m: float) -> float:
        """Route time of an actor to a station of its path, one tick of latency taken off."""
        track, view = self.tracks[actor], self.view.actors[actor]
        return max(track.arrival_s(station_m, view.speed_mps) - self.concrete.tick_s, 0.0)

    def sees(self, actor: str, other: str) -> bool:
        """Whether a line from the actor's windscreen to the middle of the other is free."""
        me, target = self.view.actors[actor], self.hazards()[other]
        eye = np.array(
            [
                me.x_m + EYE_FORWARD_M * np.cos(me.yaw_rad),
                me.y_m + EYE_FORWARD_M * np.sin(me.yaw_rad),
            ]
        )
        aim = np.array([target.x_m, target.y_m])
        for name in sorted(self.view.actors):
            view = self.view.actors[name]
            if (
                name in (actor, other.removesuffix(".door"))
                or view.size_lwh_m[2] < target.size_lwh_m[2] - 0.25
            ):
                continue
            if view.size_lwh_m[2] > 1.0 and bool(sight_is_blocked(eye, aim, self.box(name))):
                return False
        return True

    def fires(self, trigger: Trigger) -> bool:
        """Whether a condition holds now."""
        match trigger.kind:
            case "time":
                return self.record_s >= trigger.value
            case "distance" | "ttc":
                measure = self.gap_m if trigger.kind == "distance" else self.ttc_s
                return measure(trigger.a, trigger.b) <= trigger.value
            case "tta":
                return self.arrival_s(trigger.a, trigger.station_m) <= trigger.value
            case "signal":
                return self.view.signals.get(trigger.signal_id) == trigger.state
            case "position":
                return self.tracks[trigger.a].station >= trigger.station_m
            case "after":
                return (trigger.a, trigger.label) in self.ended
            case "all" | "any":
                held = [self.fires(part) for part in trigger.parts]
                return all(held) if trigger.kind == "all" else any(held)
            case "sync":
                return self._in_sync(trigger)

    def _in_sync(self, trigger: Trigger) -> bool:
        meet = self.concrete.meet
        if meet is None or meet.actor != trigger.a:
            return False
        mine = self.view.actors[trigger.a]
        left = np.hypot(mine.x_m - meet.conflict_x_m, mine.y_m - meet.conflict_y_m)
        own = float(left) / max(mine.speed_mps, 0.5)
        return abs(own - self.arrival_s(meet.other, meet.other_station_m)) <= trigger.value


def is_due(stage: Stage, meet: Meet, early_s: float = 0.0) -> bool:
    """The start rule: the other's route time to the conflict against one's own way there."""
    if meet.resync == "none":
        return stage.record_s >= meet.planned_start_s - early_s
    due = stage.arrival_s(meet.other, meet.other_station_m)
    return due <= meet.travel_time_s + meet.offset_s + early_s
