"""Build a town from its OpenDRIVE text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.crosswalks import crosswalk_polygons
from synthgen.simserver.maps.decals import RoadLevel, add_crosswalk
from synthgen.simserver.maps.geometry import SectionGrid, sample_sections
from synthgen.simserver.maps.ground import (
    SURFACE_RANK,
    Heights,
    Raster,
    driving_coverage,
    drop_claimed_quads,
    ground_grid,
    paved_heights,
    raster_over,
    spread,
)
from synthgen.simserver.maps.markings import add_markings, unpainted_stretches
from synthgen.simserver.maps.mesh_builder import MeshBuilder
from synthgen.simserver.maps.navmesh import navmesh_bytes
from synthgen.simserver.maps.opendrive import parse_opendrive
from synthgen.simserver.maps.road_paint import paint_roads
from synthgen.simserver.maps.road_records import RoadNetwork
from synthgen.simserver.maps.scenery import dress_town
from synthgen.simserver.maps.signals import town_signals
from synthgen.simserver.maps.spawn import sidewalks, spawn_points
from synthgen.simserver.maps.surfaces import Strip, add_strips, lane_strips
from synthgen.simserver.maps.terrain import fill_junction_gaps, lay_terrain
from synthgen.simserver.maps.townmap import (
    GroundGrid,
    MapError,
    SurfaceKind,
    TownMap,
)

F64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Groundwork:
    """Roads and land before anything stands on them."""

    network: RoadNetwork
    grids: list[SectionGrid]
    strips: list[Strip]
    raster: Raster
    heights: Heights
    level: RoadLevel
    ground: GroundGrid
    crosswalks: tuple[F64, ...]


def build_town(name: str, xodr_text: str, seed: int) -> TownMap:
    """Build everything of a town.

    Raises:
        MapError: The text is no OpenDRIVE that roads can be built from.
    """
    seeds = np.random.SeedSequence(seed).spawn(2)
    builder = MeshBuilder()
    work = lay_ground(builder, name, xodr_text, np.random.default_rng(seeds[0]))
    signals = town_signals(work.network, work.grids, work.ground, work.crosswalks)
    paint_roads(builder, work.network, work.grids, work.level, signals)
    keep_off = [polygon[:, :2] for polygon in work.crosswalks]
    keep_off += [np.array([s.pose.location_m[:2]]) for s in signals]
    scenery = dress_town(
        builder,
        work.network,
        work.strips,
        work.raster,
        work.heights,
        work.ground,
        np.concatenate([np.zeros((0, 2)), *keep_off]),
        seeds[1],
    )
    return TownMap(
        name=name,
        xodr=xodr_text,
        static=builder.build(),
        ground=work.ground,
        objects=scenery.objects.objects(),
        spawn_points=spawn_points(work.strips),
        signals=signals,
        crosswalks=work.crosswalks,
        street_lights=scenery.street_lights,
        sidewalks=sidewalks(work.strips),
        static_boxes=scenery.objects.boxes(),
        navmesh=navmesh_bytes(work.strips, work.crosswalks),
    )


def lay_ground(
    builder: MeshBuilder, name: str, xodr_text: str, rng: np.random.Generator
) -> Groundwork:
    """Roads, kerbs, paint and land."""
    network = parse_opendrive(name, xodr_text)
    grids = [g for road in network.roads.values() for g in sample_sections(road)]
    strips = lane_strips(grids)
    if not strips:
        raise MapError(f"{name}: no paved lane in the file")
    raster = raster_over(strips)
    coverage = driving_coverage(raster, strips)
    try:
        drop_claimed_quads(raster, strips)
        heights = paved_heights(raster, strips)
    except MapError as err:
        raise MapError(f"{name}: {err}") from err
    add_strips(builder, strips)
    road_rank = SURFACE_RANK[SurfaceKind.SHOULDER]
    level_m = spread(heights.z_m, heights.rank >= road_rank)
    fill_junction_gaps(builder, raster, heights, strips, level_m)
    add_markings(builder, grids, raster, coverage, unpainted_stretches(network))
    level = RoadLevel(raster, level_m, heights.rank >= road_rank)
    crosswalks = crosswalk_polygons(network)
    for polygon in crosswalks:
        add_crosswalk(builder, level, polygon)
    terrain = lay_terrain(builder, raster, heights, rng)
    ground = ground_grid(raster, heights, terrain)
    return Groundwork(network, grids, strips, raster, heights, level, ground, crosswalks)
