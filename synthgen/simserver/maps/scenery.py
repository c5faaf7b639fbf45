"""Dress a town: buildings, furniture, parked vehicles, barriers, trees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.barriers import add_guard_rails
from synthgen.simserver.maps.buildings import Builders
from synthgen.simserver.maps.furniture import Furnisher
from synthgen.simserver.maps.ground import Heights, Raster
from synthgen.simserver.maps.mesh_builder import MeshBuilder
from synthgen.simserver.maps.objects import ObjectList
from synthgen.simserver.maps.parked import park_vehicles
from synthgen.simserver.maps.road_records import RoadNetwork
from synthgen.simserver.maps.sites import Character, Land, street_sides
from synthgen.simserver.maps.surfaces import Strip
from synthgen.simserver.maps.townmap import GroundGrid, StreetLight

F64 = NDArray[np.float64]

# Trees for each hectare of the map.
_MAX_TREES = 1600
_TREES_PER_HECTARE = {Character.CITY: 25, Character.TOWN: 45, Character.MOTORWAY: 45}


@dataclass(frozen=True, eq=False, slots=True)
class Scenery:
    """What was placed."""

    objects: ObjectList
    street_lights: tuple[StreetLight, ...]


def dress_town(
    builder: MeshBuilder,
    network: RoadNetwork,
    strips: list[Strip],
    raster: Raster,
    heights: Heights,
    ground: GroundGrid,
    keep_off_m: F64,
    seeds: np.random.SeedSequence,
) -> Scenery:
    """Place everything that the file does not say.

    Args:
        builder: Gets the buildings and rails.
        network: The file.
        strips: Paved lanes.
        raster: Frame of `heights`.
        heights: Paved heights.
        ground: Ground with terrain.
        keep_off_m: (N, 2) points that stay free: crosswalks, posts of signals.
        seeds: Its children seed one kind of scenery each, so that one does not change another.
    """
    rngs = [np.random.default_rng(s) for s in seeds.spawn(4)]
    objects = ObjectList()
    land = Land(raster, heights, ground)
    sides = street_sides(network, strips)
    add_guard_rails(builder, objects, land, sides)
    builders = Builders(builder, objects, land, rngs[0])
    lengths = {c: sum(s.distance_m[-1] for s in sides if s.character is c) for c in Character}
    main = max(Character, key=lambda c: lengths[c])
    # Ramps and rest areas of a motorway stand alone.
    for in_junction in (False, True) if main is not Character.MOTORWAY else ():
        for side in sides:
            if side.in_junction == in_junction:
                builders.line_street(side)
    if main is Character.CITY:
        builders.skyline()
    park_vehicles(objects, strips, rngs[1])
    furnisher = Furnisher(builder, objects, land, rngs[2], keep_off_m)
    for side in sides:
        furnisher.furnish(side)
    low, high = land.bounds_m
    hectares = float(np.prod(high - low)) / 1e4
    wanted = min(int(hectares * _TREES_PER_HECTARE[main]), _MAX_TREES)
    furnisher.plant_land(wanted, main)
    return Scenery(objects, tuple(furnisher.lights))
