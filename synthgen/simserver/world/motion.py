"""The world's side of the physics: actors in, their motion and contacts out."""

from __future__ import annotations

import math
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.townmap import OrientedBoxes, TownMap
from synthgen.simserver.physics import Contact, Dynamics, StaticBoxes
from synthgen.simserver.physics.bodies import BodySet
from synthgen.simserver.wire.snapshot import VEHICLE_ROW, WALKER_STATE
from synthgen.simserver.wire.structs import (
    AckermannControl,
    AckermannSettings,
    Rotation,
    Transform,
    Vector3D,
    VehicleControl,
    VehiclePhysicsControl,
    VehicleTelemetry,
    WalkerControl,
)
from synthgen.simserver.world.actors import Actor, ActorKind, ActorTable
from synthgen.simserver.world.errors import CallError
from synthgen.simserver.world.give_way import GiveWay
from synthgen.simserver.world.posts import solid_posts
from synthgen.simserver.world.speed_limits import SpeedLimits
from synthgen.simserver.world.traffic_lights import Light, TrafficLights

WHEELS = 4
_FRICTION = "static.trigger.friction"
_SIMULATED = (ActorKind.VEHICLE, ActorKind.WALKER, ActorKind.PROP)


class _Body(TypedDict):
    location: Vector3D
    rotation: Rotation
    box_center_m: Vector3D
    box_extent_m: Vector3D


class Motion:
    """Moves the actors of one episode.

    Attributes:
        dynamics: The bodies.
        posts: Numbers of the town's lights and signs whose posts stand behind its static boxes.
    """

    def __init__(self, actors: ActorTable, town: TownMap) -> None:
        self._actors = actors
        posts = solid_posts(town)
        self.dynamics = Dynamics(town.ground, static_boxes_of(town.static_boxes, posts))
        self._first_post = len(town.static_boxes.yaw_rad)
        self.posts: list[int] = posts.object_index.tolist()
        self._limits = SpeedLimits(town)
        self._give_way = GiveWay(town.signals)
        self._vehicle_ids: list[int] = []
        self._half_length = np.zeros(0)
        self._sign_of = self._light_ids = np.zeros(0, np.int64)
        self._known_generation = -1

    # ------------------------------------------------------------------ coming and going

    def is_blocked(self, actor: Actor, pose: Transform) -> bool:
        """Whether something is where a new actor would be."""
        if actor.kind not in _SIMULATED or actor.type_id == _FRICTION:
            return False
        box = actor.bounding_box
        return self.dynamics.overlaps(pose.location, pose.rotation.yaw, box.location, box.extent)

    def add(self, actor: Actor, pose: Transform) -> None:
        """Let a new actor take part; sensors and lights do not."""
        if actor.type_id == _FRICTION:
            self._place_friction(actor, pose)
        if actor.kind not in _SIMULATED or actor.type_id == _FRICTION:
            return
        box = actor.bounding_box
        body = _Body(
            location=pose.location,
            rotation=pose.rotation,
            box_center_m=box.location,
            box_extent_m=box.extent,
        )
        if actor.kind is ActorKind.VEHICLE:
            holds_control = actor.attributes["sticky_control"].lower() not in ("false", "0")
            self.dynamics.vehicles.add(actor.id, actor.type_id, **body, holds_control=holds_control)
        elif actor.kind is ActorKind.WALKER:
            self.dynamics.walkers.add(actor.id, **body)
        else:
            actor.simulates_physics = False
            self.dynamics.props.add(actor.id, **body)

    def remove(self, actor: Actor) -> None:
        """Take an actor out."""
        self.dynamics.friction_zones.remove(actor.id)
        bodies = self.dynamics.set_of(actor.id)
        if bodies is not None:
            bodies.remove(actor.id)

    def place(self, actor: Actor, pose: Transform) -> None:
        """Put an actor somewhere, keeping its velocity."""
        bodies = self.dynamics.set_of(actor.id)
        if bodies is not None:
            bodies.set_transform(actor.id, pose.location, pose.rotation)
        elif actor.type_id == _FRICTION:
            self._place_friction(actor, pose)

    def _place_friction(self, actor: Actor, pose: Transform) -> None:
        box = actor.bounding_box
        self.dynamics.friction_zones.set(
            actor.id,
            location=pose.location,
            yaw_deg=pose.rotation.yaw,
            box_center_m=box.location,
            box_extent_m=box.extent,
            tire_friction=float(actor.attributes["friction"]),
        )

    def place_walker(self, actor: Actor, pose: Transform, speed_mps: float) -> None:
        """Follow the client's crowd: the pose is at foot level."""
        if actor.kind is ActorKind.WALKER:
            self.dynamics.walkers.set_state(actor.id, pose.location, pose.rotation, speed_mps)

    def switch(self, actor: Actor) -> None:
        """Take over the actor's physics, gravity and collision switches."""
        bodies = self.dynamics.set_of(actor.id)
        if bodies is not None:
            bodies.set_simulate_physics(actor.id, actor.simulates_physics)
            bodies.set_gravity(actor.id, actor.has_gravity)
            bodies.set_collisions(actor.id, actor.has_collisions)

    def hide_statics(self, is_hidden: list[bool]) -> None:
        """Take the hidden ones of the town's boxes and posts out of the collisions."""
        hidden = [index for index, value in enumerate(is_hidden) if value]
        shown = [index for index, value in enumerate(is_hidden) if not value]
        self.dynamics.statics.set_enabled(hidden, False)
        self.dynamics.statics.set_enabled(shown, True)

    def signal_of(self, static_index: int) -> int | None:
        """Number of the light or sign whose post a static box is; None for another thing."""
        post = static_index - self._first_post
        return self.posts[post] if post >= 0 else None

    # ------------------------------------------------------------------ pushing

    def _body(self, actor: Actor) -> BodySet:
        bodies = self.dynamics.set_of(actor.id)
        if bodies is None:
            raise CallError(f"actor {actor.id} ({actor.type_id}) has no physics")
        return bodies

    def set_velocity(self, actor: Actor, velocity: Vector3D) -> None:
        """Replace the velocity, m/s in the world frame."""
        self._body(actor).set_target_velocity(actor.id, velocity)

    def set_angular_velocity(self, actor: Actor, velocity_deg: Vector3D) -> None:
        """Replace the angular velocity, deg/s."""
        self._body(actor).set_target_angular_velocity(actor.id, velocity_deg)

    def set_constant_velocity(self, actor: Actor, velocity: Vector3D | None) -> None:
        """Hold a velocity in the vehicle's frame, or stop holding it."""
        if actor.kind is not ActorKind.VEHICLE:
            raise CallError(f"actor {actor.id} ({actor.type_id}) is not a vehicle")
        if velocity is None:
            self.dynamics.vehicles.disable_constant_velocity(actor.id)
        else:
            self.dynamics.vehicles.enable_constant_velocity(actor.id, velocity)

    def add_impulse(self, actor: Actor, impulse: Vector3D, at: Vector3D | None = None) -> None:
        """Add an impulse, N s."""
        self._body(actor).add_impulse(actor.id, impulse, at)

    def add_force(self, actor: Actor, force: Vector3D, at: Vector3D | None = None) -> None:
        """Let a force act during the next step, N."""
        self._body(actor).add_force(actor.id, force, at)

    def add_angular_impulse(self, actor: Actor, impulse: Vector3D) -> None:
        """Add an angular impulse in CARLA's unit."""
        self._body(actor).add_angular_impulse(actor.id, impulse)

    def add_torque(self, actor: Actor, torque: Vector3D) -> None:
        """Let a torque act during the next step, in CARLA's unit."""
        self._body(actor).add_torque(actor.id, torque)

    # ------------------------------------------------------------------ controls

    def set_vehicle_control(self, actor: Actor, control: VehicleControl) -> None:
        """Set pedals, steering and gear until changed."""
        self.dynamics.vehicles.set_control(actor.id, control)

    def vehicle_control(self, actor: Actor) -> VehicleControl:
        """The control in force and the gear engaged."""
        throttle, steer, brake, *rest = self.dynamics.vehicles.control(actor.id)
        return VehicleControl(throttle, steer, brake, *rest)  # type: ignore[arg-type]  # wire order

    def walker_speed_mps(self, actor: Actor) -> float:
        """The speed a walker is told to walk at."""
        walkers = self.dynamics.walkers
        return float(walkers.records["speed"][walkers.row(actor.id)])

    def set_ackermann_control(self, actor: Actor, control: AckermannControl) -> None:
        """Let the Ackermann controller drive."""
        self.dynamics.vehicles.set_ackermann(actor.id, control)

    def set_ackermann_settings(self, actor: Actor, settings: AckermannSettings) -> None:
        """Set the gains of the Ackermann controller."""
        self.dynamics.vehicles.set_ackermann_settings(actor.id, settings)

    def ackermann_settings(self, actor: Actor) -> AckermannSettings:
        """The gains of the Ackermann controller."""
        return AckermannSettings(*self.dynamics.vehicles.ackermann_settings(actor.id))

    def set_walker_control(self, actor: Actor, control: WalkerControl) -> None:
        """Set direction and speed until changed."""
        self.dynamics.walkers.set_control(actor.id, control.direction, control.speed, control.jump)

    def walked_m(self, actor: Actor) -> float:
        """How far a walker has walked."""
        walkers = self.dynamics.walkers
        return float(walkers.records["distance"][walkers.row(actor.id)])

    def wheel_pitch_deg(self, actor: Actor, wheel: int) -> float:
        """How far a wheel (FL, FR, RL, RR) has rolled about its axle, to the wire's precision."""
        front, rear = self.dynamics.vehicles.wheel_turns_rad(actor.id)
        if not 0 <= wheel < WHEELS:
            raise CallError(f"unknown wheel {wheel}")
        return float(np.float32(math.degrees(front if wheel < WHEELS // 2 else rear) % 360.0))

    def physics_control(self, actor: Actor) -> VehiclePhysicsControl:
        """Engine, gears, chassis and wheels."""
        fields: list[object] = list(self.dynamics.vehicles.physics_control(actor.id))
        return VehiclePhysicsControl(*fields)  # type: ignore[arg-type]  # wire order and types

    def set_physics_control(self, actor: Actor, control: VehiclePhysicsControl) -> None:
        """Set engine, gears, chassis and wheels."""
        try:
            self.dynamics.vehicles.set_physics_control(actor.id, as_lists(control))
        except ValueError as err:
            raise CallError(str(err)) from err

    def telemetry(self, actor: Actor) -> VehicleTelemetry:
        """State of engine and wheels in the last step."""
        fields: list[object] = list(self.dynamics.vehicles.telemetry(actor.id))
        return VehicleTelemetry(*fields)  # type: ignore[arg-type]  # wire order and types

    def wheel_steer_deg(self, actor: Actor, wheel: int) -> float:
        """Steering angle of a wheel (FL, FR, RL, RR), to the wire's precision."""
        angles = self.dynamics.vehicles.wheel_steer_angles_deg(actor.id)
        if not 0 <= wheel < len(angles):
            raise CallError(f"unknown wheel {wheel}")
        return float(np.float32(angles[wheel]))

    # ------------------------------------------------------------------ stepping

    def step(self, delta_s: float) -> None:
        """Move everything by one tick."""
        self.dynamics.step(delta_s)

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """What touched in the last step."""
        return self.dynamics.contacts

    def publish(self) -> None:
        """Copy all motion into the actor table."""
        for kind, bodies in (
            (ActorKind.VEHICLE, self.dynamics.vehicles),
            (ActorKind.WALKER, self.dynamics.walkers),
            (ActorKind.PROP, self.dynamics.props),
        ):
            if len(bodies):
                self._actors.motion[self._slots(kind)] = bodies.kinematics

    def _slots(self, kind: ActorKind) -> NDArray[np.intp]:
        # Bodies come and go in the order of their actors, so the two orders agree; friction
        # triggers are props without a body.
        if kind is ActorKind.PROP:
            find = self._actors.find
            found = (find(int(actor_id)) for actor_id in self.dynamics.props.ids)
            return np.array([actor.slot for actor in found if actor is not None], np.intp)
        return self._actors.slots_of(kind)

    def write_states(self, lights: TrafficLights, time_s: float) -> None:
        """Write the vehicles' and walkers' parts of the snapshot records."""
        if len(self.dynamics.vehicles):
            self._write_vehicles(lights, time_s)
        if len(self.dynamics.walkers):
            slots = self._actors.slots_of(ActorKind.WALKER)
            walking = self.dynamics.walkers.states.view(np.uint8).reshape(len(slots), -1)
            self._actors.rows["state"][slots, : WALKER_STATE.size] = walking

    def _write_vehicles(self, lights: TrafficLights, time_s: float) -> None:
        from synthgen.simserver.world import road_kernel  # numba: only once something drives

        self._know_vehicles(lights)
        actors, limits, give_way = self._actors, self._limits, self._give_way
        slots = actors.slots_of(ActorKind.VEHICLE)
        rows = actors.rows.view(VEHICLE_ROW)
        road_kernel.write_vehicles(
            *(rows, slots, self.dynamics.vehicles.records, actors.motion, self._half_length),
            *(lights.approaches, lights.states, self._light_ids),
            *(give_way.approaches, limits.signs, limits.of(self._vehicle_ids), self._sign_of),
        )
        if give_way.is_needed:
            motion = actors.motion[slots]
            for number in give_way.waiting(self._sign_of, self._vehicle_ids, motion, time_s):
                row = rows[slots[number]]
                if not row["at_traffic_light"]:
                    row["light_state"] = Light.RED

    def _know_vehicles(self, lights: TrafficLights) -> None:
        """Look again at who drives, where anybody came or went."""
        if self._known_generation == self._actors.generation:
            return
        self._known_generation = self._actors.generation
        vehicles = self._actors.of_kind(ActorKind.VEHICLE)
        self._vehicle_ids = [actor.id for actor in vehicles]
        # How far each one's front is ahead of its origin.
        self._half_length = np.array([actor.bounding_box.extent.x for actor in vehicles])
        self._sign_of = np.zeros(len(vehicles), np.int64)
        self._light_ids = np.array([*lights.actor_ids, 0], np.int64)


def static_boxes_of(*groups: OrientedBoxes) -> StaticBoxes:
    """Solid boxes of a town, group after group, as the physics wants them."""
    return StaticBoxes(
        np.concatenate([boxes.center_m for boxes in groups]),
        np.concatenate([boxes.extent_m for boxes in groups]),
        np.concatenate([boxes.yaw_rad for boxes in groups]),
    )


def as_lists(control: VehiclePhysicsControl) -> list[object]:
    """The control as nested lists in the order of the wire."""
    fields: list[object] = list(control)
    fields[0] = [list(point) for point in control.torque_curve]
    fields[10] = [list(gear) for gear in control.forward_gears]
    fields[13] = list(control.center_of_mass)
    fields[14] = [list(point) for point in control.steering_curve]
    fields[15] = [[*wheel[:9], list(wheel.position)] for wheel in control.wheels]
    return fields
