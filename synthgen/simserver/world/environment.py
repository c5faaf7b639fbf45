"""The town's own things: environment objects that can be hidden, and street lights."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.pieces import surface_pieces
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
# Ids of what is no instance: pieces of lights and signs, and of the ground.
SIGNAL_IDS, SURFACE_IDS, _IDS_A_KIND = 1 << 40, 2 << 40, 1 << 40
# A light has at most a post and two heads; its post comes first.
_PIECES_A_SIGNAL, _POST = 4, 0
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
        # Signal and piece of it.
        self._disabled_signals: set[tuple[int, int]] = set()
        self._disabled_surfaces: set[int] = set()
        self._unloaded_tags: set[Tag] = set()
        self.follows_sun = True
        self.lights = [_light(number, town) for number in range(len(town.street_lights))]

    @staticmethod
    def object_id(item: TownObject) -> int:
        """The id of an environment object, the same in every episode of a town."""
        return (int(item.tag) << 32) | (FIRST_INSTANCE + item.index)

    @staticmethod
    def signal_piece_id(number: int, piece: int) -> int:
        """The id of a head, plate or post as an environment object."""
        return SIGNAL_IDS + number * _PIECES_A_SIGNAL + piece

    def hidden_signals(self) -> dict[int, frozenset[int]]:
        """Which parts of which lights are not seen; of a sign all is hidden at once."""
        hidden: dict[int, set[int]] = {}
        for number, piece in self._disabled_signals:
            hidden.setdefault(number, set()).add(piece if self._is_light(number) else 0)
        return {number: frozenset(parts) for number, parts in hidden.items()}

    def has_post(self, number: int) -> bool:
        """Whether the post of a light or sign is there to be bumped into."""
        return _POST not in self.hidden_signals().get(number, frozenset())

    def _is_light(self, number: int) -> bool:
        return self._town.signals[number].type_id == "traffic.traffic_light"

    def objects(self, tag: int) -> list[EnvironmentObject]:
        """The objects and pieces of the ground of a tag, hidden ones too."""
        placed = [
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
        return placed + self._surfaces(tag)

    def _surfaces(self, tag: int) -> list[EnvironmentObject]:
        pieces = surface_pieces(self._town)
        numbers = np.arange(len(pieces.tag))
        found = []
        for number in numbers[(pieces.tag == tag) | (tag == ANY_TAG)].tolist():
            middle = Vector3D(*pieces.center_m[number].tolist())
            extent = Vector3D(*pieces.half_m[number].tolist())
            rotation = Rotation(0.0, float(pieces.yaw_deg[number]), 0.0)
            found.append(
                EnvironmentObject(
                    Transform(middle, rotation),
                    BoundingBox(middle, extent, rotation, 0),
                    SURFACE_IDS + number,
                    pieces.name[number],
                    int(pieces.tag[number]),
                )
            )
        return found

    def boxes(self, tag: int) -> list[BoundingBox]:
        """Boxes of the objects of a tag in the world."""
        return [item.bounding_box for item in self.objects(tag)]

    def enable(self, object_ids: Iterable[int], *, is_enabled: bool) -> None:
        """Show or hide objects; unknown ids are passed over, as in CARLA."""
        asked = set(object_ids)
        indices = {o.index for o in self._town.objects if self.object_id(o) in asked}
        signals = {
            divmod(ident - SIGNAL_IDS, _PIECES_A_SIGNAL)
            for ident in asked
            if ident // _IDS_A_KIND * _IDS_A_KIND == SIGNAL_IDS
        }
        signals = {(n, piece) for n, piece in signals if n < len(self._town.signals)}
        surfaces = {ident - SURFACE_IDS for ident in asked if ident >= SURFACE_IDS}
        if is_enabled:
            self._disabled -= indices
            self._disabled_signals -= signals
            self._disabled_surfaces -= surfaces
        else:
            self._disabled |= indices
            self._disabled_signals |= signals
            self._disabled_surfaces |= surfaces

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

    def hidden_triangles(self) -> NDArray[np.bool_] | None:
        """Which triangles of the static mesh are hidden pieces of the ground; None for none."""
        if not self._disabled_surfaces:
            return None
        pieces = surface_pieces(self._town)
        return np.isin(pieces.of_triangle, sorted(self._disabled_surfaces))

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
