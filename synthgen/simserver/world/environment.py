"""The town's own things: environment objects that can be hidden, and street lights."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from synthgen.simserver.maps.townmap import EnvironmentObject as TownObject
from synthgen.simserver.maps.townmap import TownMap
from synthgen.simserver.scene import Tag
from synthgen.simserver.wire.structs import (
    BoundingBox,
    Color,
    EnvironmentObject,
    LightState,
    Rotation,
    Transform,
    Vector3D,
)

ANY_TAG = 255
FIRST_INSTANCE = 0x8000
# Lights and signs by their number in the town, behind all instances.
FIRST_SIGNAL = 0x1_0000
STREET_GROUP = 2
ALL_LAYERS = 0xFFFF

# CARLA's map layers by bit, and what belongs to them.
LAYERS: dict[int, frozenset[Tag]] = {
    1: frozenset({Tag.BUILDINGS}),
    4: frozenset({Tag.VEGETATION}),
    16: frozenset({Tag.CAR, Tag.TRUCK, Tag.BUS, Tag.MOTORCYCLE, Tag.BICYCLE}),
    64: frozenset({Tag.STATIC, Tag.DYNAMIC, Tag.OTHER}),
    128: frozenset({Tag.POLES}),
    256: frozenset({Tag.WALLS, Tag.FENCES, Tag.GUARD_RAIL}),
}


class Environment:
    """What is shown and lit of a town in this episode."""

    def __init__(self, town: TownMap) -> None:
        self._town = town
        self._disabled: set[int] = set()
        self._disabled_signals: set[int] = set()
        self._unloaded_tags: set[Tag] = set()
        self.follows_sun = True
        self.lights = [_light(number, town) for number in range(len(town.street_lights))]

    @staticmethod
    def object_id(item: TownObject) -> int:
        """The id of an environment object, the same in every episode of a town."""
        return (int(item.tag) << 32) | (FIRST_INSTANCE + item.index)

    def signal_tag(self, number: int) -> Tag:
        """Whether one of the town's signals is a light or a sign."""
        is_light = self._town.signals[number].type_id == "traffic.traffic_light"
        return Tag.TRAFFIC_LIGHT if is_light else Tag.TRAFFIC_SIGNS

    def signal_id(self, number: int) -> int:
        """The id of a light or sign as an environment object."""
        return (int(self.signal_tag(number)) << 32) | (FIRST_SIGNAL + number)

    def hidden_signals(self) -> frozenset[int]:
        """Numbers of the lights and signs that are not seen, their posts included."""
        return frozenset(self._disabled_signals)

    def objects(self, tag: int) -> list[EnvironmentObject]:
        """The objects of a tag, hidden ones too."""
        return [
            EnvironmentObject(
                Transform(Vector3D(*o.pose.location_m), Rotation(*o.pose.rotation_deg)),
                _box(o),
                self.object_id(o),
                o.name,
                int(o.tag),
            )
            for o in self._town.objects
            if tag in (ANY_TAG, o.tag)
        ]

    def boxes(self, tag: int) -> list[BoundingBox]:
        """Boxes of the objects of a tag in the world."""
        return [_box(o) for o in self._town.objects if tag in (ANY_TAG, o.tag)]

    def enable(self, object_ids: Iterable[int], *, is_enabled: bool) -> None:
        """Show or hide objects; unknown ids are passed over, as in CARLA."""
        asked = set(object_ids)
        indices = {o.index for o in self._town.objects if self.object_id(o) in asked}
        numbers = range(len(self._town.signals))
        signals = {number for number in numbers if self.signal_id(number) in asked}
        if is_enabled:
            self._disabled -= indices
            self._disabled_signals -= signals
        else:
            self._disabled |= indices
            self._disabled_signals |= signals

    def load_layers(self, layers: int, *, is_loaded: bool) -> None:
        """Show or hide all objects of some map layers."""
        for bit, tags in LAYERS.items():
            if layers & bit:
                self._unloaded_tags = (
                    self._unloaded_tags - tags if is_loaded else self._unloaded_tags | tags
                )

    def hidden(self) -> frozenset[int]:
        """Indices of the objects that are neither seen nor bumped into."""
        unloaded = {o.index for o in self._town.objects if o.tag in self._unloaded_tags}
        return frozenset(self._disabled | unloaded)

    def hidden_boxes(self) -> list[bool]:
        """Per static box of the town, whether its object is hidden."""
        hidden = np.array(sorted(self.hidden()), np.int32)
        return np.isin(self._town.static_boxes.object_index, hidden).tolist()

    def update_lights(self, states: Iterable[LightState]) -> None:
        """Switch street lights; their places stay."""
        for state in states:
            if 0 <= state.id < len(self.lights):
                self.lights[state.id] = state._replace(location=self.lights[state.id].location)


def _box(item: TownObject) -> BoundingBox:
    return BoundingBox(
        Vector3D(*item.box_center_m.tolist()),
        Vector3D(*item.box_extent_m.tolist()),
        Rotation(*item.box_rotation_deg),
        0,
    )


def _light(number: int, town: TownMap) -> LightState:
    lamp = town.street_lights[number]
    return LightState(
        number,
        Vector3D(*lamp.location_m),
        lamp.intensity_lm,
        STREET_GROUP,
        Color(*lamp.color),
        True,
    )
