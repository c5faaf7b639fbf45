"""Scripts of vehicles: one generator a behaviour, a command list a tick."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from scenarios.behaviours.commands import Command, OpenDoor, VehicleControl
from scenarios.behaviours.driving import Driver, EmergencyBrake
from scenarios.behaviours.stage import Stage, is_due
from scenarios.concrete import ConcreteActor, Step

Script = Iterator[list[Command]]
RESYNC_LIMIT = 0.2
LANE_M = 3.5


class VehicleScript:
    """A vehicle's state shared by its behaviours: lateral shift and the speed it has come to."""

    def __init__(self, actor: ConcreteActor, stage: Stage) -> None:
        self.actor = actor
        self.stage = stage
        self.driver = Driver(actor.name, stage)
        self.lateral_m = 0.0
        self.speed_mps: float | None = None
        self.since_passed_s = 0.0

    def run(self, step: Step) -> Script:
        """The generator of one behaviour."""
        return _SCRIPTS[step.do](self, step)

    def hold(self) -> Script:
        """What it does while it waits: rolls on if it has a path, else stands."""
        while True:
            if self.actor.path_speeds_mps:
                yield [self._follow(None)]
            else:
                yield [VehicleControl(self.actor.name, 0.0, 0.0, 1.0, hand_brake=True)]

    def _follow(self, brake: EmergencyBrake | None, ratio: float = 1.0) -> VehicleControl:
        wanted = self.driver.track.wanted() if self.speed_mps is None else self.speed_mps
        decel = brake.decel() if brake is not None else 0.0
        return self.driver.drive(wanted * ratio, lateral_m=self.lateral_m, decel_mps2=decel)

    def _resync(self, step: Step) -> float:
        """Share of its speed at which it keeps the appointment, at most 20 percent off."""
        meet = step.meet
        if meet is None or meet.resync != "until_conflict" or meet.actor != self.actor.name:
            return 1.0
        view = self.stage.view.actors[self.actor.name]
        left = np.hypot(view.x_m - meet.conflict_x_m, view.y_m - meet.conflict_y_m)
        left -= meet.reach_m
        arrival = self.stage.arrival_s(meet.other, meet.other_station_m)
        # Once the other has passed, the clock runs on.
        self.since_passed_s += self.stage.concrete.tick_s if arrival <= 0.0 else 0.0
        due = arrival - self.since_passed_s - meet.offset_s
        wanted = self.driver.track.wanted()
        if left < 1.0 or due < 0.2:
            return 1.0
        return float(np.clip(left / due / wanted, 1 - RESYNC_LIMIT, 1 + RESYNC_LIMIT))

    def follow(self, step: Step) -> Script:
        """Along its path at the path's speeds."""
        brake = EmergencyBrake(self.driver, step) if step.args.get("react") == "aeb" else None
        self.speed_mps = None
        while True:
            yield [self._follow(brake, self._resync(step))]

    def turn(self, step: Step) -> Script:
        """Through the junction; with `yield: gap` it waits for gaps of the critical length."""
        brake = EmergencyBrake(self.driver, step) if step.args.get("react") == "aeb" else None
        self.speed_mps = None
        while True:
            yield [self._follow(brake, self._resync(step))]

    def brake(self, step: Step) -> Script:
        """Down to a speed at a steady deceleration, by a falling target speed."""
        decel, goal = float(step.args["decel_mps2"]), float(step.args.get("to_mps", 0.0))
        view = self.stage.view.actors[self.actor.name]
        target = view.speed_mps
        while target > goal:
            target = max(target - decel * self.stage.concrete.tick_s, goal)
            self.speed_mps = target
            error = self.stage.view.actors[self.actor.name].speed_mps - target
            yield [
                self.driver.drive(
                    target, lateral_m=self.lateral_m, decel_mps2=max(decel + 3.0 * error, 0.01)
                )
            ]
        self.speed_mps = goal

    def shift(self, to_m: float, lateral_mps: float) -> Script:
        """Sideways by a smooth step whose mean lateral speed is the given one."""
        start = self.lateral_m
        duration = max(abs(to_m - start) / max(lateral_mps, 0.1), 0.5)
        ticks = max(1, round(duration / self.stage.concrete.tick_s))
        for i in range(1, ticks + 1):
            x = i / ticks
            # Quintic: no jump in lateral acceleration at either end.
            self.lateral_m = start + (to_m - start) * x**3 * (10 - 15 * x + 6 * x**2)
            yield [self._follow(None)]

    def cut_in(self, step: Step) -> Script:
        """Into the ego's lane, at the relative speed asked for."""
        ego = self.stage.view.actors["ego"]
        self.speed_mps = max(ego.speed_mps + float(step.args.get("rel_speed_mps", 0.0)), 1.0)
        width = float(step.args.get("shift_m", LANE_M))
        sign = -1.0 if step.args["from"] == "left" else 1.0
        self.stage.note(self.actor.name, "started", step.label)
        yield from self.shift(self.lateral_m + sign * width, float(step.args["lateral_speed_mps"]))

    def cut_out(self, step: Step) -> Script:
        """Out of its lane to one side."""
        width = float(step.args.get("shift_m", LANE_M))
        sign = 1.0 if step.args["to"] == "left" else -1.0
        self.stage.note(self.actor.name, "started", step.label)
        yield from self.shift(self.lateral_m + sign * width, float(step.args["lateral_speed_mps"]))

    def swerve(self, step: Step) -> Script:
        """Sideways and back."""
        home, speed = self.lateral_m, float(step.args["lateral_speed_mps"])
        self.stage.note(self.actor.name, "started", step.label)
        yield from self.shift(home + float(step.args["offset_m"]), speed)
        for _ in range(round(float(step.args["hold_s"]) / self.stage.concrete.tick_s)):
            yield [self._follow(None)]
        yield from self.shift(home, speed)

    def open_door(self, step: Step) -> Script:
        """One command; doors stay open."""
        door = str(step.args["door"])
        yield [VehicleControl(self.actor.name, 0.0, 0.0, 1.0, hand_brake=True)]
        while step.meet is not None and not is_due(self.stage, step.meet):
            yield []
        self.stage.note(self.actor.name, "door_open", door)
        yield [OpenDoor(self.actor.name, door)]

    def reverse(self, step: Step) -> Script:
        """Backwards along its path at a speed, over a distance."""
        speed, distance = float(step.args["speed_mps"]), float(step.args["distance_m"])
        start = self.stage.view.actors[self.actor.name]
        while step.meet is not None and not is_due(self.stage, step.meet):
            yield [VehicleControl(self.actor.name, 0.0, 0.0, 1.0, hand_brake=True)]
        self.stage.note(self.actor.name, "started", step.label)
        while True:
            view = self.stage.view.actors[self.actor.name]
            if np.hypot(view.x_m - start.x_m, view.y_m - start.y_m) >= distance:
                break
            push = float(np.clip(0.15 + 0.6 * (speed - view.speed_mps), 0.0, 1.0))
            yield [VehicleControl(self.actor.name, push, 0.0, 0.0, reverse=True)]
        yield [VehicleControl(self.actor.name, 0.0, 0.0, 1.0, reverse=True)]

    def idle(self, step: Step) -> Script:
        """Stand with the brake on."""
        duration = step.args.get("duration_s")
        ticks = None if duration is None else round(float(duration) / self.stage.concrete.tick_s)
        yield [VehicleControl(self.actor.name, 0.0, 0.0, 1.0, hand_brake=True)]
        done = 1
        while ticks is None or done < ticks:
            done += 1
            yield []


_SCRIPTS: dict[str, Callable[[VehicleScript, Step], Script]] = {
    "follow_lane": VehicleScript.follow,
    "follow_path": VehicleScript.follow,
    "run_red_light": VehicleScript.follow,
    "turn": VehicleScript.turn,
    "brake": VehicleScript.brake,
    "cut_in": VehicleScript.cut_in,
    "cut_out": VehicleScript.cut_out,
    "swerve": VehicleScript.swerve,
    "open_door": VehicleScript.open_door,
    "reverse": VehicleScript.reverse,
    "idle": VehicleScript.idle,
}
