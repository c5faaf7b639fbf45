"""A world without physics that plays a solved scenario: for previews, and for tests of scripts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scenarios.behaviours.choreography import Choreography
from scenarios.behaviours.commands import (
    ActorView,
    Teleport,
    VehicleControl,
    WalkerControl,
    WorldView,
)
from scenarios.concrete import ConcreteScenario
from scenarios.geometry2d import gap
from scenarios.metrics import ActorTrack, Collision, RunRecord


@dataclass
class Body:
    """A point with a heading and a speed; vehicles are bicycle models, walkers go where told."""

    x_m: float
    y_m: float
    yaw_rad: float
    speed_mps: float
    size_lwh_m: tuple[float, float, float]
    pedals: VehicleControl | None = None
    is_placed: bool = False

    def step(self, tick_s: float) -> None:
        """Move on by one tick."""
        if self.pedals is not None:
            drive = 4.0 * self.pedals.throttle - 0.15 - 0.0006 * self.speed_mps**2
            slowed = self.speed_mps + (drive - 9.0 * self.pedals.brake) * tick_s
            self.speed_mps = max(slowed, 0.0)
            self.yaw_rad += self.speed_mps / 2.8 * math.tan(1.22 * self.pedals.steer) * tick_s
        if not self.is_placed:
            vx, vy = self.velocity_mps
            self.x_m += vx * tick_s
            self.y_m += vy * tick_s
        self.is_placed = False

    @property
    def velocity_mps(self) -> tuple[float, float]:
        """Velocity in the world; against the heading in reverse gear."""
        pace = (
            -self.speed_mps if self.pedals is not None and self.pedals.reverse else self.speed_mps
        )
        return pace * math.cos(self.yaw_rad), pace * math.sin(self.yaw_rad)

    def view(self) -> ActorView:
        """It, as scripts see it."""
        vx, vy = self.velocity_mps
        return ActorView(
            self.x_m, self.y_m, 0.0, self.yaw_rad, vx, vy, self.speed_mps, self.size_lwh_m
        )

    def obey(self, order: object) -> None:
        """Take an order; orders that move nobody change nothing."""
        if isinstance(order, VehicleControl):
            self.pedals = order
        elif isinstance(order, WalkerControl):
            x, y, _ = order.direction_world_xyz
            self.yaw_rad, self.speed_mps = math.atan2(y, x), order.speed_mps
        elif isinstance(order, Teleport):
            self.x_m, self.y_m = order.pose.x_m, order.pose.y_m
            self.yaw_rad, self.speed_mps = order.pose.yaw_rad, order.speed_mps
            self.is_placed = True


def play(concrete: ConcreteScenario, period: int = 2) -> RunRecord:
    """What a run of the scenario leaves behind in a world without physics; all is in sight."""
    bodies = {
        a.name: Body(a.start.x_m, a.start.y_m, a.start.yaw_rad, a.speed_mps, a.size_lwh_m)
        for a in concrete.actors
    }
    script = Choreography(concrete)
    rows: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in bodies}
    last = concrete.warmup_ticks + concrete.duration_ticks
    for tick in range(last + 1):
        if tick >= concrete.warmup_ticks:
            for name, body in bodies.items():
                rows[name].append((body.x_m, body.y_m, body.yaw_rad, body.speed_mps))
        views = {name: body.view() for name, body in bodies.items()}
        for order in script.step(WorldView(tick, views)):
            obeying = bodies.get(getattr(order, "actor", ""))
            if obeying is not None:
                obeying.obey(order)
        for body in bodies.values():
            body.step(concrete.tick_s)
    tracks = {
        name: ActorTrack(table[:, :2], table[:, 2], table[:, 3], bodies[name].size_lwh_m)
        for name, table in ((n, np.array(r)) for n, r in rows.items())
    }
    frames = np.full(concrete.duration_ticks // period, 100, dtype=np.int64)
    return RunRecord(
        tick_s=concrete.tick_s,
        capture_period_ticks=period,
        tracks=tracks,
        visible_px={(name, "front"): frames for name in tracks if name != "ego"},
        collisions=_contacts(tracks),
        events=script.events,
    )


def _contacts(tracks: dict[str, ActorTrack]) -> tuple[Collision, ...]:
    found = []
    for name in sorted(set(tracks) - {"ego"}):
        touching = np.flatnonzero(gap(tracks["ego"].boxes(), tracks[name].boxes()) < 0)
        found += [Collision(int(tick), "ego", name) for tick in touching[:1]]
    return tuple(found)
