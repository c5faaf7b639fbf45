"""Crosswalk polygons, placed as `carla.Map.get_crosswalks` places them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.geometry import plan_at, road_points
from synthgen.simserver.maps.road_records import Road, RoadNetwork, RoadObject

F64 = NDArray[np.float64]


def crosswalk_polygons(network: RoadNetwork) -> tuple[F64, ...]:
    """Open polygons, (K, 3) in CARLA's map frame, one for each crosswalk object.

    The client counts a crosswalk's t from lane 0, lane offset included, though OpenDRIVE counts
    it from the reference line; what we draw is where the client says it is.
    """
    polygons = []
    for road in network.roads.values():
        for item in road.objects:
            if item.kind != "crosswalk":
                continue
            offset = float(road.lane_offset(np.array([item.s]))[0])
            polygon = object_outline(road, replace(item, t=item.t + offset))
            if polygon is not None:
                polygons.append(polygon)
    return tuple(polygons)


def object_outline(road: Road, item: RoadObject) -> F64 | None:
    """Outline of an object as an open polygon, or its length-by-width rectangle, or None."""
    if item.road_corners:
        s, t, dz = np.array(item.road_corners).T
        return _open(road_points(road, s, t, dz))
    corners = np.array(item.local_corners)
    if len(corners) < 3:
        if item.length <= 0.0 or item.width <= 0.0:
            return None
        half = np.array([item.length, item.width]) / 2
        corners = np.zeros((4, 3))
        corners[:, :2] = half * [[1, 1], [1, -1], [-1, -1], [-1, 1]]
    return _open(place_local(road, item, corners))


def place_local(road: Road, item: RoadObject, local: F64) -> F64:
    """Points (u, v, z) of an object's own frame in CARLA's map frame."""
    heading = plan_at(road, np.array([item.s]))[2][0] + item.heading
    origin = road_points(road, np.array([item.s]), np.array([item.t]), item.z)[0]
    u, v = local[:, 0], local[:, 1]
    x = u * np.cos(heading) - v * np.sin(heading)
    y = u * np.sin(heading) + v * np.cos(heading)
    return origin + np.stack([x, -y, local[:, 2]], axis=1)


def _open(polygon: F64) -> F64 | None:
    if len(polygon) > 1 and np.linalg.norm((polygon[0] - polygon[-1])[:2]) < 0.05:
        polygon = polygon[:-1]
    return polygon if len(polygon) >= 3 else None
