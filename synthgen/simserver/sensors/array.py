"""All sensors of the world: who is due, and one measurement of the frame for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthgen.simserver.maps.townmap import TownMap
from synthgen.simserver.sensors import events, inertial, vision
from synthgen.simserver.sensors.attributes import Attributes
from synthgen.simserver.sensors.frame import Frame
from synthgen.simserver.sensors.inertial import GeoReference
from synthgen.simserver.sensors.scene_mirror import SceneMirror
from synthgen.simserver.sensors.v2x import V2X_TYPES, V2xNetwork
from synthgen.simserver.wire.streams import measurement_header
from synthgen.simserver.world.actors import Actor, ActorKind
from synthgen.simserver.world.clock import ticks_per_measurement

if TYPE_CHECKING:
    from synthgen.simserver.world.world import World

Payload = tuple[bytes | memoryview, ...]


class SensorArray:
    """The sensors of the present episode.

    Attributes:
        scene: The renderer's picture of the world, loaded when first needed.
        v2x: The messages between V2X sensors.
    """

    def __init__(self, threads: int, quality: str) -> None:
        self._quality = quality
        self.scene = SceneMirror(threads)
        self.v2x = V2xNetwork()
        self._attributes: dict[int, Attributes] = {}
        self._views: dict[int, vision.View] = {}
        self._first_frame: dict[int, int] = {}
        # When a sensor measures next, where steps vary.
        self._due_s: dict[int, float] = {}
        self._geo = GeoReference()

    def start_episode(self, town: TownMap) -> None:
        """Forget all sensors; the next ones look at this town."""
        self._attributes.clear()
        self._views.clear()
        self._first_frame.clear()
        self._due_s.clear()
        self.v2x = V2xNetwork()
        self._geo = GeoReference.of(town.xodr)
        self.scene.start_episode(town)

    def add(self, actor: Actor) -> None:
        """Take on a sensor.

        Raises:
            SpawnError: One of its attributes cannot be.
        """
        attributes = Attributes(actor.type_id, actor.attributes)
        view = vision.view_of(actor.type_id, attributes, self._quality)
        self._attributes[actor.id] = attributes
        if view is not None:
            self._views[actor.id] = view

    def remove(self, actor: Actor) -> None:
        """Drop a sensor."""
        self._attributes.pop(actor.id, None)
        self._views.pop(actor.id, None)
        self._first_frame.pop(actor.id, None)
        self._due_s.pop(actor.id, None)
        self.v2x.remove(actor)

    def measure(self, world: World, frame: Frame) -> None:
        """Publish the frame's measurement of every sensor that is due and listened to."""
        sensors = world.actors.of_kind(ActorKind.SENSOR)
        radios = [actor for actor in sensors if actor.type_id in V2X_TYPES]
        if radios:
            self.v2x.transmit(world, radios, self._attributes, self._geo, frame)
        due = [
            actor
            for actor in sensors
            if actor.stream_id
            and self._is_due(actor, frame)
            and world.streams.is_watched(actor.stream_id)
        ]
        if not due:
            return
        seeing = [
            actor
            for actor in due
            if (view := self._views.get(actor.id)) and (frame.renders or not view.is_camera)
        ]
        payloads: dict[int, list[Payload]] = {}
        # An asynchronous world goes on, and answers, while its first picture is got ready.
        if seeing and (not frame.drops or self.scene.is_there()):
            self.scene.update(world, frame)
            vision.follow(world, self._views, frame)
            views = {actor.id: self._views[actor.id] for actor in seeing}
            payloads = vision.measure(self.scene, world, views, frame)
        for actor in due:
            if actor.id not in self._views:
                payloads[actor.id] = self._measure_body(world, actor, frame)
            for payload in payloads.get(actor.id, ()):
                header = measurement_header(
                    actor.type_id, frame.number, frame.time_s, world.actors.pose(actor)
                )
                world.streams.publish(actor.stream_id, header, *payload, drops=frame.drops)

    def _is_due(self, actor: Actor, frame: Frame) -> bool:
        """Whether a sensor measures: on its first frame and every `sensor_tick` from there."""
        first = self._first_frame.setdefault(actor.id, frame.episode_number)
        attributes = self._attributes[actor.id]
        if "sensor_tick" not in attributes:
            return True
        tick_s = attributes.number("sensor_tick")
        if not frame.is_fixed:
            return self._is_due_by_now(actor, tick_s, frame.time_s)
        return (frame.episode_number - first) % ticks_per_measurement(tick_s, frame.delta_s) == 0

    def _is_due_by_now(self, actor: Actor, tick_s: float, time_s: float) -> bool:
        """The same by time: what is late does not shift the measurements that follow."""
        due_s = self._due_s.setdefault(actor.id, time_s)
        if time_s < due_s:
            return False
        self._due_s[actor.id] = max(due_s + tick_s, time_s)
        return True

    def _measure_body(self, world: World, actor: Actor, frame: Frame) -> list[Payload]:
        attributes = self._attributes[actor.id]
        if actor.type_id == "sensor.other.collision":
            return [(event,) for event in events.collisions(world, actor)]
        if actor.type_id == "sensor.other.obstacle":
            return [(event,) for event in events.obstacles(world, self.scene, actor, attributes)]
        if actor.type_id in V2X_TYPES:
            packets = self.v2x.receive(world, self.scene, actor, self._attributes, frame)
            return [(packet,) for packet in packets]
        pose = world.actors.pose(actor)
        if actor.type_id == "sensor.other.gnss":
            place = pose.location
            return [(inertial.gnss_payload(attributes, self._geo, place, frame.episode_number),)]
        assert actor.type_id == "sensor.other.imu"
        payload = inertial.imu_payload(
            attributes,
            pose,
            world.actors.acceleration(actor),
            world.actors.angular_velocity_deg(actor),
            frame.episode_number,
        )
        return [(payload,)]
