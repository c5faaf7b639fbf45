"""Scripts of people and of things that roll: straight lines, started when the ego is due."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from scenarios.behaviours.commands import ActorView, Command, Teleport, WalkerControl
from scenarios.behaviours.stage import Stage, is_due
from scenarios.concrete import ConcreteActor, Pose, Step

F64 = NDArray[np.float64]
Script = Iterator[list[Command]]

RESYNC_LIMIT = 0.2
STALL_S = 0.5
STALL_MPS = 0.15


class WalkerScript:
    """Someone on foot, or a prop pushed along: `moves_by_pose` actors are moved by teleports."""

    def __init__(self, actor: ConcreteActor, stage: Stage) -> None:
        self.actor = actor
        self.stage = stage
        self.moves_by_pose = actor.role == "prop"
        self.speed_mps = 0.0
        self.stalled_s = 0.0
        self.interruptions: list[Step] = []
        path = np.asarray(actor.path_xyz_m or [(0.0, 0.0, 0.0)] * 2, dtype=np.float64)
        self.start: F64 = path[0]
        delta = path[-1] - path[0]
        self.length = float(np.hypot(delta[0], delta[1]))
        self.heading: F64 = delta / max(self.length, 1e-9)
        self.progress = 0.0

    @property
    def view(self) -> ActorView:
        """It, now."""
        return self.stage.view.actors[self.actor.name]

    def run(self, step: Step) -> Script:
        """The generator of one behaviour."""
        return _SCRIPTS[step.do](self, step)

    def hold(self) -> Script:
        """Stand still."""
        while True:
            yield self._stand()

    def _stand(self) -> list[Command]:
        self.speed_mps = 0.0
        if self.moves_by_pose:
            return []
        x, y = self.heading[:2]
        return [WalkerControl(self.actor.name, (float(x), float(y), 0.0), 0.0)]

    def idle(self, step: Step) -> Script:
        """Stand for a while, or for good."""
        duration = step.args.get("duration_s")
        ticks = None if duration is None else round(float(duration) / self.stage.concrete.tick_s)
        done = 0
        while ticks is None or done < ticks:
            done += 1
            yield self._stand()

    def cross(self, step: Step) -> Script:
        """Wait until the ego is due, then go straight across; pauses and retreats on the way."""
        while not self._is_due(step):
            yield self._stand()
        self.stage.note(self.actor.name, "started", step.label)
        wanted = float(step.args["speed_mps"])
        accel = float(step.args.get("accel_mps2", 2.0))
        waiting = list(self.interruptions)
        while self.progress < self.length:
            if waiting and self.progress >= float(waiting[0].args["at_m"]):
                interruption = waiting.pop(0)
                self.stage.note(self.actor.name, "started", interruption.label)
                if interruption.do == "turn_back":
                    yield from self._go_back(float(interruption.args["speed_mps"]), accel)
                    return
                yield from self._pause(float(interruption.args["duration_s"]))
            yield self._go(wanted * self._resync(step, wanted), accel)
        yield self._stand()

    def along(self, step: Step) -> Script:
        """Along its own path, corner by corner, at a steady pace."""
        self.stage.note(self.actor.name, "started", step.label)
        track = self.stage.tracks[self.actor.name]
        wanted, tick_s = float(step.args["speed_mps"]), self.stage.concrete.tick_s
        while track.station < float(track.stations[-1]) - 0.5:
            ahead = track.at(track.station + 1.0)[:2] - np.array([self.view.x_m, self.view.y_m])
            x, y = ahead / max(float(np.hypot(*ahead)), 1e-6)
            self.speed_mps = min(self.speed_mps + 2.0 * tick_s, wanted)
            yield [WalkerControl(self.actor.name, (float(x), float(y), 0.0), self.speed_mps)]
        yield self._stand()

    def follow_prop(self, step: Step) -> Script:
        """Run after a prop, some time after it set off."""
        prop = str(step.args["prop"])
        while not any(e.actor == prop and e.kind == "started" for e in self.stage.events):
            yield self._stand()
        first = next(e.tick for e in self.stage.events if e.actor == prop and e.kind == "started")
        due = first + round(float(step.args["delay_s"]) / self.stage.concrete.tick_s)
        while self.stage.view.tick < due and step.meet is None:
            yield self._stand()
        yield from self.cross(step)

    def _is_due(self, step: Step) -> bool:
        """Whether to set off: by one's own appointment, or ahead of one's pursuer."""
        if step.meet is not None:
            return is_due(self.stage, step.meet)
        for actor in self.stage.concrete.actors:
            for other in actor.behaviours:
                if other.args.get("prop") == self.actor.name and other.meet is not None:
                    return is_due(self.stage, other.meet, float(other.args["delay_s"]))
        return True

    def _resync(self, step: Step, wanted: float) -> float:
        meet = step.meet
        if meet is None or meet.resync != "until_conflict":
            return 1.0
        left = meet.distance_m - self.progress
        due = self.stage.arrival_s(meet.other, meet.other_station_m) - meet.offset_s
        if left < 0.5 or due < 0.2:
            return 1.0
        return float(np.clip(left / due / wanted, 1 - RESYNC_LIMIT, 1 + RESYNC_LIMIT))

    def _pause(self, duration_s: float) -> Script:
        for _ in range(round(duration_s / self.stage.concrete.tick_s)):
            yield self._stand()

    def _go_back(self, wanted: float, accel: float) -> Script:
        self.start, self.length = self.start + self.heading * self.progress, self.progress
        self.heading = -self.heading
        self.progress = 0.0
        while self.progress < self.length:
            yield self._go(wanted, accel)
        yield self._stand()

    def _go(self, wanted: float, accel: float) -> list[Command]:
        """One tick of walking: speed is ramped, progress is what was really covered."""
        tick_s = self.stage.concrete.tick_s
        self.speed_mps = min(self.speed_mps + accel * tick_s, wanted)
        view = self.view
        if self.moves_by_pose:
            self.progress += self.speed_mps * tick_s
            return [self._teleport(self.start[2])]
        at = np.array([view.x_m, view.y_m])
        self.progress = float((at - self.start[:2]) @ self.heading[:2])
        slow = self.speed_mps > 0.5 and view.speed_mps < STALL_MPS
        self.stalled_s = self.stalled_s + tick_s if slow else 0.0
        if self.stalled_s > STALL_S:
            # A kerb holds the capsule (CARLA issue 4291): carry it, so that the animation goes on.
            self.moves_by_pose = True
            self.stage.note(self.actor.name, "kinematic")
        x, y = self.heading[:2]
        return [WalkerControl(self.actor.name, (float(x), float(y), 0.0), self.speed_mps)]

    def _teleport(self, z_m: float) -> Teleport:
        at = self.start + self.heading * self.progress
        yaw = float(np.arctan2(self.heading[1], self.heading[0]))
        pose = Pose(x_m=float(at[0]), y_m=float(at[1]), z_m=float(z_m), yaw_rad=yaw)
        return Teleport(self.actor.name, pose, self.speed_mps)


_SCRIPTS: dict[str, Callable[[WalkerScript, Step], Script]] = {
    "idle": WalkerScript.idle,
    "cross_road": WalkerScript.cross,
    "dart_out": WalkerScript.cross,
    "walk_along": WalkerScript.along,
    "follow_path": WalkerScript.along,
    "follow_prop": WalkerScript.follow_prop,
}
