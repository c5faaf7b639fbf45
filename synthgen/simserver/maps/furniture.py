"""Things on sidewalks and verges: lamps, trees, benches, bins, stops; trees on free land.

Models: lamps reach over the road along their +x, benches, bins, stops and signs face along
their +x, which looks at the road; trees have no front.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.decals import DECAL_LIFT_M
from synthgen.simserver.maps.mesh_builder import MeshBuilder
from synthgen.simserver.maps.objects import ObjectList
from synthgen.simserver.maps.sites import Character, Land, StreetSide, disc
from synthgen.simserver.maps.townmap import Pose, StreetLight
from synthgen.simserver.scene import Material, Tag

F64 = NDArray[np.float64]

# Different looks of one kind of model; few, so that each is kept once and repeated often.
LOOKS = 5
LAMP_HEIGHT_M, LAMP_ARM_M = 7.8, 1.6
_LAMP_COLOR, _LAMP_LUMEN = (255, 209, 163), 10_000.0
_LAMP_SPACING_M, _TREE_SPACING_M = 30.0, 11.0
_KERB_TO_POST_M, _KERB_TO_TREE_M = 0.45, 0.95
_MIN_TREE_WALK_M = 2.8
_JUNCTION_GAP_M, _KEEP_OFF_M = 9.0, 3.2
_TRUNK_M = 0.22


@dataclass(frozen=True, slots=True)
class _Kind:
    """A repeated model: half sizes of its box and of what is solid, the box's shift along x."""

    key: str
    name: str
    tag: Tag
    extent_m: tuple[float, float, float]
    solid_m: tuple[float, float] | None = None
    shift_m: float = 0.0


TREES = {
    kind: _Kind(f"scenery.tree.{kind}", "Tree", Tag.VEGETATION, extent, (_TRUNK_M, _TRUNK_M))
    for kind, extent in {
        "broadleaf": (2.8, 2.8, 3.9),
        "poplar": (1.3, 1.3, 5.5),
        "conifer": (2.0, 2.0, 4.8),
        "palm": (2.2, 2.2, 4.0),
    }.items()
}
_BUSH = _Kind("scenery.tree.bush", "Bush", Tag.VEGETATION, (0.7, 0.7, 0.55), (0.0, 0.0))
_LAMP = _Kind(
    "scenery.street_lamp", "StreetLamp", Tag.POLES, (1.075, 0.166, 3.965), (0.12, 0.12), 0.905
)
_BENCH = _Kind("scenery.bench", "Bench", Tag.STATIC, (0.338, 0.85, 0.426))
_BIN = _Kind("scenery.bin", "Bin", Tag.STATIC, (0.27, 0.266, 0.5))
_HYDRANT = _Kind("scenery.hydrant", "Hydrant", Tag.STATIC, (0.165, 0.18, 0.4), shift_m=0.015)
_MAILBOX = _Kind("scenery.mailbox", "Mailbox", Tag.STATIC, (0.253, 0.3, 0.648))
_BUS_STOP = _Kind("scenery.bus_stop", "BusStop", Tag.STATIC, (0.85, 2.0, 1.25))
_BUS_SIGN = _Kind(
    "scenery.sign.bus_stop",
    "BusStopSign",
    Tag.TRAFFIC_SIGNS,
    (0.049, 0.25, 1.275),
    (0.05, 0.05),
    0.019,
)
_PARKING_SIGN = _Kind(
    "scenery.sign.parking",
    "ParkingSign",
    Tag.TRAFFIC_SIGNS,
    (0.049, 0.3, 1.3),
    (0.05, 0.05),
    0.019,
)


class Furnisher:
    """Furnishes street sides; keeps things off each other and off crosswalks."""

    def __init__(
        self,
        builder: MeshBuilder,
        objects: ObjectList,
        land: Land,
        rng: np.random.Generator,
        keep_off_m: F64,
    ) -> None:
        self._builder, self._objects, self._land, self._rng = builder, objects, land, rng
        # The first of the rows are in use.
        self._occupied_m = keep_off_m[:, :2].copy()
        self._occupied_count = len(keep_off_m)
        self.lights: list[StreetLight] = []

    def furnish(self, side: StreetSide) -> None:
        """Put lamps, trees and small things along one side of a street."""
        length = float(side.distance_m[-1])
        if side.in_junction or length < 8.0:
            return
        self._lamps(side, length)
        if side.has_walk and side.walk_m > 1.8:
            self._small_things(side, length)
        if side.has_walk and side.walk_m >= _MIN_TREE_WALK_M:
            self._street_trees(side, length)

    def _lamps(self, side: StreetSide, length: float) -> None:
        is_left = side.strip.lane_id > 0
        motorway = side.character is Character.MOTORWAY
        spacing = 1.5 * _LAMP_SPACING_M if motorway else _LAMP_SPACING_M
        first = min(length / 2, spacing / (2.0 if is_left else 4.0) + 2.0)
        for at in np.arange(first, length - 2.0, spacing):
            kerb, _, away = side.frame(float(at))
            offset = 1.6 if motorway or not side.has_walk else _KERB_TO_POST_M
            edge = kerb if side.has_walk else side.at(side.line_m, float(at))
            foot = edge[:2] + away * offset
            if self._is_clear(foot, 1.2):
                index = self._place(_LAMP, foot, -away)
                z = self._objects.pose_of(index).location_m[2]
                head = foot - away * LAMP_ARM_M
                location = (float(head[0]), float(head[1]), z + LAMP_HEIGHT_M)
                self.lights.append(StreetLight(location, _LAMP_COLOR, _LAMP_LUMEN, index))

    def _small_things(self, side: StreetSide, length: float) -> None:
        rng = self._rng
        if length > 55.0 and side.walk_m > 2.9 and rng.random() < 0.3:
            at = length * float(rng.uniform(0.45, 0.6))
            self._at_wall(side, _BUS_STOP, at, 1.1)
            self._sign(side, _BUS_SIGN, at + 3.5)
        if _has_parking(side):
            self._sign(side, _PARKING_SIGN, length * 0.3)
        for kind, chance in ((_BIN, 0.7), (_BENCH, 0.55), (_HYDRANT, 0.45), (_MAILBOX, 0.25)):
            if rng.random() > chance * min(1.0, length / 40.0):
                continue
            at = float(rng.uniform(0.15, 0.85)) * length
            if kind is _BENCH:
                self._at_wall(side, kind, at, 0.6)
            else:
                kerb, _, away = side.frame(at)
                foot = kerb[:2] + away * 0.5
                if self._is_clear(foot, 1.5):
                    self._place(kind, foot, -away)

    def _sign(self, side: StreetSide, kind: _Kind, at: float) -> None:
        """A sign that faces the traffic of its side."""
        kerb, along, away = side.frame(at)
        foot = kerb[:2] + away * _KERB_TO_POST_M
        if self._is_clear(foot, 1.0):
            self._place(kind, foot, -along)

    def _at_wall(self, side: StreetSide, kind: _Kind, at: float, from_wall_m: float) -> None:
        _, _, away = side.frame(at)
        foot = side.at(side.line_m, at)[:2] - away * from_wall_m
        if self._is_clear(foot, 2.6):
            self._place(kind, foot, -away)

    def _street_trees(self, side: StreetSide, length: float) -> None:
        rng = self._rng
        if rng.random() > 0.75:
            return
        name = str(
            rng.choice(
                ["broadleaf", "poplar", "palm"],
                p=[0.75, 0.21, 0.04],
            )
        )
        kind = TREES[name]
        first, last = _JUNCTION_GAP_M, length - _JUNCTION_GAP_M
        for at in np.arange(first, last, _TREE_SPACING_M):
            kerb, along, away = side.frame(float(at))
            foot = kerb[:2] + away * _KERB_TO_TREE_M
            if self._is_clear(foot, _KEEP_OFF_M):
                self._place(kind, foot, along)
                self._tree_pit(foot, along, away)

    def _tree_pit(self, foot: F64, along: F64, away: F64) -> None:
        square = np.array([-along - away, along - away, along + away, -along + away]) * 0.55 + foot
        z = self._land.height(square) + DECAL_LIFT_M
        self._builder.add(
            np.column_stack([square, z]), [[0, 1, 2], [0, 2, 3]], (Material.SOIL, Tag.TERRAIN)
        )

    def plant_land(self, count: int, character: Character) -> None:
        """Trees and bushes on free land, thinning out with distance from streets."""
        rng = self._rng
        low, high = self._land.bounds_m
        names = ["broadleaf", "conifer", "poplar", "bush"]
        share = (
            [0.45, 0.25, 0.05, 0.25]
            if character is not Character.MOTORWAY
            else [0.45, 0.35, 0.05, 0.15]
        )
        places = rng.uniform(low + 3.0, high - 3.0, (4 * count, 2))
        if character is Character.MOTORWAY:
            places = places[~self._land.near_road(places, 7.0)]
        near = self._land.near_road(places, 45.0)
        left = count
        # Most of them by the road, where they are seen.
        for candidates, until in ((places[near], 0.3 * count), (places[~near], 0.0)):
            for foot in candidates:
                if left <= until:
                    break
                kind = str(rng.choice(names, p=share))
                reach = 1.0 if kind == "bush" else 2.6
                if self._land.is_free(disc(foot, reach)) and self._is_clear(foot, reach):
                    self._land.take(disc(foot, reach))
                    model = _BUSH if kind == "bush" else TREES[kind]
                    self._place(model, foot, np.array([1.0, 0.0]))
                    left -= 1

    def _is_clear(self, foot: F64, radius_m: float) -> bool:
        # Beside a bridge the edge of one road is the carriageway of another.
        if self._land.is_driven(foot):
            return False
        gap_x, gap_y = (self._occupied_m[: self._occupied_count] - foot).T
        return not (gap_x * gap_x + gap_y * gap_y < radius_m * radius_m).any()

    def _occupy(self, foot: F64) -> None:
        if self._occupied_count == len(self._occupied_m):
            self._occupied_m = np.concatenate([self._occupied_m, np.zeros((1024, 2))])
        self._occupied_m[self._occupied_count] = foot[:2]
        self._occupied_count += 1

    def _place(self, kind: _Kind, foot: F64, facing: F64) -> int:
        """Stand a model on the ground."""
        self._occupy(foot)
        z = float(self._land.height(foot[None])[0])
        yaw = float(np.degrees(np.arctan2(facing[1], facing[0])))
        if kind.tag is Tag.VEGETATION:
            yaw = float(self._rng.choice(np.arange(0.0, 360.0, 45.0)))
        extent = np.array(kind.extent_m)
        return self._objects.add(
            kind.name,
            kind.tag,
            Pose((float(foot[0]), float(foot[1]), z), (0.0, yaw, 0.0)),
            (np.array([kind.shift_m, 0.0, extent[2]]), extent),
            model_key=kind.key,
            variant=int(self._rng.integers(LOOKS)),
            solid=kind.solid_m,
        )


def _has_parking(side: StreetSide) -> bool:
    """Whether a parking lane lies beside the sidewalk."""
    grid, lane_id = side.strip.grid, side.strip.lane_id
    inner = lane_id - 1 if lane_id > 0 else lane_id + 1
    lane = grid.section.lanes.get(inner)
    return lane is not None and lane.kind == "parking"
