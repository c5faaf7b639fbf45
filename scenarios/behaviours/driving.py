"""Pedals and wheel: a pinned path, a wanted speed, and the ego's own emergency brake."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from scenarios.behaviours.commands import ActorView, VehicleControl
from scenarios.behaviours.stage import Stage, Track
from scenarios.concrete import Meet, Step

F64 = NDArray[np.float64]

LOOKAHEAD_MIN_M = 4.0
LOOKAHEAD_S = 0.45
REAR_AXLE_SHARE = 0.45
KP, KI, I_MAX = 0.45, 0.25, 1.2
# Pedal maps of a mid-size car, corrected by the integral: full throttle gives about 4 m/s2 at town
# speeds, full brake about 9.
THROTTLE_MPS2, BRAKE_MPS2 = 4.0, 9.0
CORRIDOR_MARGIN_M = 0.4
CALM_S = 0.5
SIGHT_M = 80.0
MOVING_MPS = 0.3
WAIT_MPS, WAIT_M, WAIT_S = 1.5, 10.0, 2.5


class Driver:
    """Keeps one vehicle on its path and at a speed; state is the controller's integral."""

    def __init__(self, name: str, stage: Stage) -> None:
        self.name = name
        self.stage = stage
        self.integral = 0.0
        self.last_wanted: float | None = None

    @property
    def track(self) -> Track:
        """Its path."""
        return self.stage.tracks[self.name]

    @property
    def view(self) -> ActorView:
        """It, now."""
        return self.stage.view.actors[self.name]

    def drive(
        self, wanted_mps: float, *, lateral_m: float = 0.0, decel_mps2: float = 0.0
    ) -> VehicleControl:
        """Pedals and wheel for the next tick; `decel_mps2` > 0 brakes that hard instead."""
        steer = self._steer(lateral_m)
        if decel_mps2 > 0.0 or (wanted_mps < 0.05 and self.view.speed_mps < 0.3):
            self.integral = 0.0
            self.last_wanted = None
            brake = 1.0 if decel_mps2 <= 0.0 else self._brake(decel_mps2)
            return VehicleControl(self.name, 0.0, steer, brake)
        error = wanted_mps - self.view.speed_mps
        slope = 0.0 if self.last_wanted is None else wanted_mps - self.last_wanted
        self.last_wanted = wanted_mps
        ahead = slope / self.stage.concrete.tick_s if abs(slope) < 1.0 else 0.0
        self.integral = float(
            np.clip(self.integral + error * self.stage.concrete.tick_s, -I_MAX, I_MAX)
        )
        # Rolling and air drag of a car, so that the integral has little left to learn.
        drag = 0.15 + 0.0006 * self.view.speed_mps**2
        accel = ahead + drag + 4.0 * KP * error + 4.0 * KI * self.integral
        throttle = float(np.clip(accel / THROTTLE_MPS2, 0.0, 1.0))
        brake = float(np.clip(-accel / BRAKE_MPS2, 0.0, 1.0))
        return VehicleControl(self.name, throttle, steer, brake)

    def _brake(self, decel_mps2: float) -> float:
        return float(np.clip(decel_mps2 / BRAKE_MPS2, 0.0, 1.0))

    def _steer(self, lateral_m: float) -> float:
        """Pure pursuit about the rear axle; -1..1, positive left."""
        view, track = self.view, self.track
        ahead = max(LOOKAHEAD_MIN_M, LOOKAHEAD_S * view.speed_mps)
        back = REAR_AXLE_SHARE * view.wheelbase_m
        station = track.station + ahead
        aim = track.at(station)[:2]
        over = station - float(track.stations[-1])
        near = int(np.searchsorted(track.stations, station))
        tangent = track.tangent(min(near, len(track.stations) - 1))
        if over > 0:
            aim = aim + over * tangent
        aim = aim + lateral_m * np.array([-tangent[1], tangent[0]])
        x = view.x_m - back * math.cos(view.yaw_rad)
        y = view.y_m - back * math.sin(view.yaw_rad)
        angle = math.atan2(aim[1] - y, aim[0] - x) - view.yaw_rad
        reach = math.hypot(aim[0] - x, aim[1] - y)
        wheel = math.atan2(2 * view.wheelbase_m * math.sin(angle), reach)
        return float(np.clip(wheel / view.max_steer_rad, -1.0, 1.0))


class EmergencyBrake:
    """Brakes for what is seen in the ego's corridor, or will be there when the ego is."""

    def __init__(self, driver: Driver, step: Step) -> None:
        self.driver = driver
        self.delay_s = float(step.args.get("reaction_delay_s", 0.5))
        self.decel_mps2 = float(step.args.get("reaction_decel_mps2", 6.0))
        self.ttc_s = float(step.args.get("reaction_ttc_s", 2.5))
        self.threat_s = 0.0
        self.calm_s = 10.0
        self.brakes = False

    def decel(self) -> float:
        """Deceleration asked for now, 0 for none."""
        stage, tick_s = self.driver.stage, self.driver.stage.concrete.tick_s
        others = stage.hazards()
        names = [name for name in sorted(others) if name != self.driver.name]
        threat = any(self.is_threat(name, others[name]) for name in names)
        self.calm_s = 0.0 if threat else self.calm_s + tick_s
        keeps = threat or (self.threat_s > 0 and self.calm_s < CALM_S)
        self.threat_s = self.threat_s + tick_s if keeps else 0.0
        if self.threat_s <= self.delay_s:
            self.brakes = False
            return 0.0
        if not self.brakes:
            self.brakes = True
            stage.note(self.driver.name, "reacts")
        return self.decel_mps2

    def is_threat(self, name: str, other: ActorView) -> bool:
        """Whether one actor is worth braking for."""
        driver, stage = self.driver, self.driver.stage
        me, track = driver.view, driver.track
        xy = np.array([other.x_m, other.y_m])
        if not other.is_alive:
            return False
        meet = stage.concrete.meet
        if meet is not None and name == meet.actor:
            return self._will_cross(meet, other) and stage.sees(driver.name, name)
        if self._is_prop(name):
            return False
        if np.hypot(xy[0] - me.x_m, xy[1] - me.y_m) > SIGHT_M:
            return False
        station, t = track.project(xy)
        near = int(np.clip(np.searchsorted(track.stations, station), 0, len(track.stations) - 1))
        tangent = track.tangent(near)
        velocity = np.array([other.velocity_x_mps, other.velocity_y_mps])
        along = float(velocity @ tangent)
        rate = float(tangent[0] * velocity[1] - tangent[1] * velocity[0])
        turned = abs(math.sin(other.yaw_rad - math.atan2(tangent[1], tangent[0])))
        length, width, _ = other.size_lwh_m
        reach = (1 - turned) * length / 2 + turned * width / 2
        side = (1 - turned) * width / 2 + turned * length / 2
        free = station - track.station - me.size_lwh_m[0] / 2 - reach
        closing = me.speed_mps - max(along, 0.0)
        if free < -2.0 or closing < 0.2:
            return False
        arrival = max(free, 0.0) / max(closing, 0.5)
        if arrival > self.ttc_s:
            return False
        if abs(rate) > 0.3:
            side = min(length, width) / 2
        margin = CORRIDOR_MARGIN_M if other.speed_mps > MOVING_MPS else 0.0
        half = me.size_lwh_m[1] / 2 + margin + side
        offset = t - track.lateral
        inside = any(abs(offset + rate * arrival * share) < half for share in (0.0, 0.5, 1.0))
        return inside and stage.sees(driver.name, name)

    def _is_prop(self, name: str) -> bool:
        """Emergency brakes are for road users and whom they meet: not for balls and carts."""
        return any(a.name == name and a.role == "prop" for a in self.driver.stage.concrete.actors)

    def _will_cross(self, meet: Meet, other: ActorView) -> bool:
        """Whether the one it is to meet is, or will be on its arrival, in its corridor there.

        The same rule as in `scenarios.surrogate`, in the frame of the ego's way where its front is
        when they meet.
        """
        driver = self.driver
        me, track = driver.view, driver.track
        left = meet.other_station_m - track.station
        arrival = driver.stage.arrival_s(driver.name, meet.other_station_m)
        if left < -2.0:
            return False
        front = meet.other_station_m + me.size_lwh_m[0] / 2
        near = min(int(np.searchsorted(track.stations, front)), len(track.stations) - 1)
        tangent = track.tangent(near)
        delta = np.array([other.x_m, other.y_m]) - track.at(front)[:2]
        t = float(tangent[0] * delta[1] - tangent[1] * delta[0])
        rate = float(tangent[0] * other.velocity_y_mps - tangent[1] * other.velocity_x_mps)
        turn = other.yaw_rad - math.atan2(tangent[1], tangent[0])
        length, width, _ = other.size_lwh_m
        half = me.size_lwh_m[1] / 2 + abs(math.sin(turn)) * length / 2
        half += abs(math.cos(turn)) * width / 2
        half += CORRIDOR_MARGIN_M if other.speed_mps > MOVING_MPS else 0.0
        if me.speed_mps < WAIT_MPS and left < WAIT_M:
            # Having stopped, it lets pass what is still coming.
            return abs(t) < half or (t * rate < 0 and abs(t) - half < abs(rate) * WAIT_S)
        inside = any(abs(t + rate * arrival * share) < half for share in (0.0, 0.5, 1.0))
        return inside and arrival <= self.ttc_s
