"""The choreography's orders as CARLA commands; one batch a tick."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, Final

import carla
import numpy as np

from scenarios.behaviours import commands as order
from scenarios.concrete import Weather
from sensors.carla_adapter.poses import pose_to_carla, vector_to_carla
from synthgen.errors import InternalError
from synthgen.geometry.se3 import SE3
from synthgen.runner.cast import CastMember

_DOORS: Final = {
    "front_left": carla.VehicleDoor.FL,
    "front_right": carla.VehicleDoor.FR,
    "rear_left": carla.VehicleDoor.RL,
    "rear_right": carla.VehicleDoor.RR,
}
_LIGHTS: Final = {
    "position": carla.VehicleLightState.Position,
    "low_beam": carla.VehicleLightState.LowBeam,
    "high_beam": carla.VehicleLightState.HighBeam,
    "brake": carla.VehicleLightState.Brake,
    "right_indicator": carla.VehicleLightState.RightBlinker,
    "left_indicator": carla.VehicleLightState.LeftBlinker,
    "reverse": carla.VehicleLightState.Reverse,
    "fog": carla.VehicleLightState.Fog,
    "interior": carla.VehicleLightState.Interior,
    "special1": carla.VehicleLightState.Special1,
    "special2": carla.VehicleLightState.Special2,
}
_SIGNAL_STATES: Final = {
    "red": carla.TrafficLightState.Red,
    "yellow": carla.TrafficLightState.Yellow,
    "green": carla.TrafficLightState.Green,
    "off": carla.TrafficLightState.Off,
}


class Orders:
    """Carries out orders on one world and remembers which doors stand open."""

    def __init__(
        self,
        client: carla.Client,
        cast: Mapping[str, CastMember],
        signals: Mapping[str, carla.TrafficLight],
    ) -> None:
        self._client = client
        self._cast = cast
        self._signals = signals
        self.open_doors: dict[int, int] = {}

    def apply(self, orders: Sequence[order.Command]) -> None:
        """Send a tick's orders, in their order, before the next tick."""
        batch = [command for item in orders if (command := self._command(item)) is not None]
        if batch:
            self._client.apply_batch_sync(batch, False)

    def _command(self, item: order.Command) -> Any:
        if isinstance(item, order.SetSignal):
            set_signal(self._signals[item.signal_id], item.state, freeze=item.freeze)
            return None
        actor = self._cast[item.actor].actor
        match item:
            case order.VehicleControl():
                return carla.command.ApplyVehicleControl(actor.id, _vehicle_control(item))
            case order.WalkerControl():
                return carla.command.ApplyWalkerControl(actor.id, _walker_control(item))
            case order.Teleport():
                return self._teleport(item, actor)
            case order.SetTargetVelocity():
                velocity = vector_to_carla(np.array(item.velocity_world_xyz_mps))
                return carla.command.ApplyTargetVelocity(actor.id, velocity)
            case order.OpenDoor():
                door = _DOORS[item.door]
                actor.open_door(door)
                bits = self.open_doors.get(actor.id, 0)
                self.open_doors[actor.id] = bits | 1 << int(door)
                return None
            case order.SetLights():
                return carla.command.SetVehicleLightState(actor.id, light_flags(item.flags))
        raise InternalError(f"no CARLA command for {item!r}")

    def _teleport(self, item: order.Teleport, actor: carla.Actor) -> Any:
        pose = item.pose
        world_from_actor = SE3.from_yaw(pose.yaw_rad, np.array([pose.x_m, pose.y_m, pose.z_m]))
        transform = pose_to_carla(world_from_actor)
        if actor.type_id.startswith("walker."):
            # Told as the client's own crowd tells it, at the feet: the server lifts a walker's
            # origin to mid-height.
            return carla.command.ApplyWalkerState(actor.id, transform, item.speed_mps)
        return carla.command.ApplyTransform(actor.id, transform)


def set_signal(light: carla.TrafficLight, state: str, *, freeze: bool) -> None:
    """Put a traffic light into a state, and hold it there if asked."""
    light.set_state(_SIGNAL_STATES[state])
    if freeze:
        light.freeze(True)


def light_flags(names: Sequence[str]) -> carla.VehicleLightState:
    """CARLA's flags of lights by our names."""
    bits = reduce(or_, (int(_LIGHTS[name]) for name in names), 0)
    return carla.VehicleLightState(bits)


def _vehicle_control(item: order.VehicleControl) -> carla.VehicleControl:
    return carla.VehicleControl(
        throttle=item.throttle,
        steer=-item.steer,  # ours is positive left, CARLA's positive right
        brake=item.brake,
        reverse=item.reverse,
        hand_brake=item.hand_brake,
    )


def _walker_control(item: order.WalkerControl) -> carla.WalkerControl:
    direction = vector_to_carla(np.array(item.direction_world_xyz))
    return carla.WalkerControl(direction=direction, speed=item.speed_mps, jump=item.jump)


def carla_weather(weather: Weather) -> carla.WeatherParameters:
    """The scenario's weather in CARLA's terms; azimuth turns the other way, in degrees."""
    return carla.WeatherParameters(
        cloudiness=weather.cloudiness,
        precipitation=weather.precipitation,
        precipitation_deposits=weather.precipitation_deposits,
        wind_intensity=weather.wind_intensity,
        fog_density=weather.fog_density,
        wetness=weather.wetness,
        dust_storm=weather.dust_storm,
        fog_distance=weather.fog_distance_m,
        fog_falloff=weather.fog_falloff,
        scattering_intensity=weather.scattering_intensity,
        mie_scattering_scale=weather.mie_scattering_scale,
        rayleigh_scattering_scale=weather.rayleigh_scattering_scale,
        sun_azimuth_angle=-math.degrees(weather.sun_azimuth_rad),
        sun_altitude_angle=math.degrees(weather.sun_altitude_rad),
    )
