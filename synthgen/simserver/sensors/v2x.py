"""The V2X sensors: who sends in a frame, and what each of the others receives of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.sensors.attributes import Attributes
from synthgen.simserver.sensors.awareness import PROTOCOL_VERSION, Awareness
from synthgen.simserver.sensors.frame import Frame
from synthgen.simserver.sensors.inertial import GeoReference
from synthgen.simserver.sensors.radio import Antenna, Ether, Link
from synthgen.simserver.sensors.scene_mirror import SceneMirror
from synthgen.simserver.wire.v2x import CUSTOM, CUSTOM_BYTES
from synthgen.simserver.world.actors import Actor, ActorKind
from synthgen.simserver.world.errors import CallError

if TYPE_CHECKING:
    from synthgen.simserver.world.world import World

AWARENESS_TYPE, CUSTOM_TYPE = "sensor.other.v2x", "sensor.other.v2x_custom"
V2X_TYPES = (AWARENESS_TYPE, CUSTOM_TYPE)
_CUSTOM_ID = 0
Messages = NDArray[np.void]


class V2xNetwork:
    """All V2X sensors of an episode and the messages that are on the air in the present frame."""

    def __init__(self) -> None:
        self._awareness: dict[int, Awareness] = {}
        self._posted: dict[int, list[bytes]] = {}
        self._on_air: dict[int, Messages] = {}

    def remove(self, sensor: Actor) -> None:
        """Forget a sensor."""
        for table in (self._awareness, self._posted, self._on_air):
            table.pop(sensor.id, None)

    def post(self, sensor: Actor, text: str) -> None:
        """Send a text from a custom sensor in the coming frame.

        Raises:
            CallError: Not such a sensor, or a text that is too long.
        """
        if sensor.type_id != CUSTOM_TYPE:
            raise CallError(f"actor {sensor.id} ({sensor.type_id}) is not a {CUSTOM_TYPE}")
        content = text.encode()
        if len(content) >= CUSTOM_BYTES:
            raise CallError(
                f"a custom V2X message holds {CUSTOM_BYTES - 1} bytes, got {len(content)}"
            )
        self._posted.setdefault(sensor.id, []).append(content)

    def transmit(
        self,
        world: World,
        sensors: list[Actor],
        attributes: dict[int, Attributes],
        geo: GeoReference,
        frame: Frame,
    ) -> None:
        """Put the messages of this frame on the air."""
        self._on_air = {}
        for sensor in sensors:
            messages = self._texts(sensor)
            vehicle = world.actors.find(sensor.parent_id)
            is_aware = sensor.type_id == AWARENESS_TYPE
            if is_aware and vehicle is not None and vehicle.kind is ActorKind.VEHICLE:
                fresh = Awareness(attributes[sensor.id], geo)
                messages = self._awareness.setdefault(sensor.id, fresh).message(
                    world, vehicle, frame
                )
            if messages is not None:
                self._on_air[sensor.id] = messages

    def _texts(self, sensor: Actor) -> Messages | None:
        posted = self._posted.pop(sensor.id, [])
        if not posted:
            return None
        messages = np.zeros(len(posted), CUSTOM)
        messages["header"] = (PROTOCOL_VERSION, _CUSTOM_ID, sensor.parent_id or sensor.id)
        messages["text"] = posted
        return messages

    def receive(
        self,
        world: World,
        scene: SceneMirror,
        sensor: Actor,
        attributes: dict[int, Attributes],
        frame: Frame,
    ) -> list[bytes]:
        """What a sensor hears: the messages of its kind from other carriers, in one packet."""
        ether = Ether(world, scene, frame.episode_number)
        receiver = Antenna.of(world, sensor)
        heard: list[bytes] = []
        for sender_id, messages in self._on_air.items():
            other = world.actors.find(sender_id)
            if other is None or other.type_id != sensor.type_id:
                continue
            link = Link(Antenna.of(world, other), receiver)
            if link.sender.carrier_id == receiver.carrier_id:
                continue
            power_dbm = ether.received_dbm(
                link,
                transmit_dbm=attributes[sender_id].number("transmit_power"),
                channel=attributes[sensor.id],
            )
            if power_dbm is not None:
                arrived = messages.copy()
                arrived["power_dbm"] = power_dbm
                heard.append(arrived.tobytes())
        return [b"".join(heard)] if heard else []
