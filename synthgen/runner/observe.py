"""One look at the world after a tick: states for the tables and a view for the choreography."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import carla
import numpy as np

from scenarios.behaviours.commands import ActorView, WorldView
from sensors.carla_adapter.poses import pose_from_carla, spin_from_carla, vector_from_carla
from synthgen.datatypes.actors import ActorStates
from synthgen.datatypes.frames import FrameRecord, Weather
from synthgen.geometry.rotations import quat_from_rotation
from synthgen.runner.cast import Cast, CastMember

SIGNAL_STATES: Final = {0: "red", 1: "yellow", 2: "green", 3: "off", 4: "unknown"}


def world_view(
    snapshot: carla.WorldSnapshot, cast: Cast, tick: int, signals: Mapping[str, str]
) -> WorldView:
    """What the choreography sees: the scenario's own actors, right-handed."""
    views = {
        name: _actor_view(member, snapshot.find(member.actor.id))
        for name, member in cast.by_name().items()
    }
    return WorldView(tick=tick, actors=views, signals=signals)


def _actor_view(member: CastMember, state: Any) -> ActorView:
    length, width, height = member.info.size_lwh_m.tolist()
    geometry: dict[str, Any] = {}
    if member.wheelbase_m > 0:
        geometry = {
            "max_steer_rad": member.max_steer_rad,
            "wheelbase_m": member.wheelbase_m,
        }
    if state is None:
        return ActorView(
            x_m=0.0,
            y_m=0.0,
            z_m=0.0,
            yaw_rad=0.0,
            velocity_x_mps=0.0,
            velocity_y_mps=0.0,
            speed_mps=0.0,
            size_lwh_m=(length, width, height),
            is_alive=False,
            **geometry,
        )
    transform = state.get_transform()
    velocity = state.get_velocity()
    return ActorView(
        x_m=transform.location.x,
        y_m=-transform.location.y,
        z_m=transform.location.z,
        yaw_rad=-math.radians(transform.rotation.yaw),
        velocity_x_mps=velocity.x,
        velocity_y_mps=-velocity.y,
        speed_mps=math.hypot(velocity.x, velocity.y),
        size_lwh_m=(length, width, height),
        **geometry,
    )


def actor_states(
    snapshot: carla.WorldSnapshot,
    cast: Cast,
    *,
    tick: int,
    timestamp_ns: int,
    light_states: Mapping[int, int],
    doors: Mapping[int, int],
    bones_m: Mapping[int, np.ndarray],
) -> ActorStates:
    """States of all objects at one tick, the still ones included, ascending track ids.

    Args:
        snapshot: The world after the tick.
        cast: All objects.
        tick: Tick of the clip.
        timestamp_ns: Its time.
        light_states: CARLA's light flags by actor id.
        doors: Open doors as bit masks by actor id.
        bones_m: World joints by track id, where they were asked.
    """
    found = [(m, snapshot.find(m.actor.id)) for m in cast.members]
    alive = [(m, state) for m, state in found if state is not None]
    poses = [pose_from_carla(state.get_transform()) for _, state in alive]
    all_poses = [*poses, *(item.world_from_actor for item in cast.still)]
    zeros = np.zeros((len(cast.still), 3))
    spins = [
        pose.inverse().rotate(spin_from_carla(state.get_angular_velocity()))
        for pose, (_, state) in zip(poses, alive, strict=True)
    ]
    ids = [m.info.track_id for m, _ in alive] + [s.info.track_id for s in cast.still]
    return ActorStates(
        tick=tick,
        timestamp_ns=timestamp_ns,
        track_id=np.array(ids, dtype=np.int32),
        position_m=np.array([pose.translation_m for pose in all_poses]),
        quat_wxyz=quat_from_rotation(np.array([pose.rotation for pose in all_poses])),
        velocity_mps=_stack([vector_from_carla(s.get_velocity()) for _, s in alive], zeros),
        acceleration_mps2=_stack(
            [vector_from_carla(s.get_acceleration()) for _, s in alive], zeros
        ),
        angular_velocity_radps=_stack(spins, zeros),
        light_state=_column([light_states.get(m.actor.id, 0) for m, _ in alive], cast, np.uint32),
        door_state=_column([doors.get(m.actor.id, 0) for m, _ in alive], cast, np.uint8),
        steer_rad=_column([_steer_rad(m) for m, _ in alive], cast, np.float32),
        bones_m=bones_m,
    )


def _stack(vectors: list[np.ndarray], zeros: np.ndarray) -> np.ndarray:
    return np.concatenate([np.array(vectors, dtype=np.float64).reshape(-1, 3), zeros])


def _column(values: list[Any], cast: Cast, dtype: type[np.generic]) -> np.ndarray:
    return np.array([*values, *([0] * len(cast.still))], dtype=dtype)


def _steer_rad(member: CastMember) -> float:
    """Road-wheel angle, positive left; 0 for what does not steer."""
    if member.max_steer_rad == 0:
        return 0.0
    return -float(member.actor.get_control().steer) * member.max_steer_rad


def frame_record(
    snapshot: carla.WorldSnapshot,
    ego: CastMember,
    world_map: carla.Map,
    *,
    frame_index: int,
    tick: int,
    timestamp_ns: int,
    weather: Weather,
) -> FrameRecord:
    """The ego car at one capture."""
    state = snapshot.find(ego.actor.id)
    control = ego.actor.get_control()
    pose = pose_from_carla(state.get_transform())
    spin = spin_from_carla(state.get_angular_velocity())
    waypoint = world_map.get_waypoint(
        state.get_transform().location, project_to_road=False, lane_type=carla.LaneType.Any
    )
    limit_kmh = ego.actor.get_speed_limit()
    return FrameRecord(
        frame_index=frame_index,
        tick=tick,
        timestamp_ns=timestamp_ns,
        world_from_ego=pose,
        velocity_mps=vector_from_carla(state.get_velocity()),
        acceleration_mps2=vector_from_carla(state.get_acceleration()),
        angular_velocity_radps=pose.inverse().rotate(spin),
        throttle=control.throttle,
        brake=control.brake,
        steer_rad=_steer_rad(ego),
        reverse=control.reverse,
        gear=control.gear,
        speed_limit_mps=limit_kmh / 3.6 if limit_kmh > 0 else None,
        lane_id=None
        if waypoint is None
        else f"{waypoint.road_id}:{waypoint.section_id}:{waypoint.lane_id}",
        weather=weather,
    )


def weather_record(weather: carla.WeatherParameters) -> Weather:
    """The weather as the server states it; angles in radians, azimuth counter-clockwise."""
    return Weather(
        cloudiness=weather.cloudiness,
        precipitation=weather.precipitation,
        precipitation_deposits=weather.precipitation_deposits,
        wind_intensity=weather.wind_intensity,
        fog_density=weather.fog_density,
        wetness=weather.wetness,
        dust_storm=weather.dust_storm,
        fog_distance_m=weather.fog_distance,
        fog_falloff=weather.fog_falloff,
        scattering_intensity=weather.scattering_intensity,
        mie_scattering_scale=weather.mie_scattering_scale,
        rayleigh_scattering_scale=weather.rayleigh_scattering_scale,
        sun_azimuth_rad=-math.radians(weather.sun_azimuth_angle),
        sun_altitude_rad=math.radians(weather.sun_altitude_angle),
    )
