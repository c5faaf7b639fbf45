"""Raster maps of a town: nuScenes' semantic mask and its basemap, ten pixels a metre.

The mask is 255 where cars or pedestrians may be and 0 elsewhere; pixel (c, r) is centred at
x = c / 10, y = (rows - r) / 10, as the devkit reads it. The basemap shows surfaces and lines in
grey, where nuScenes has LiDAR intensities, at five pixels a metre.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np

from exporters.nuscenes.map_frame import MapFrame
from exporters.road_areas import ROAD_KINDS, SURFACE_KINDS
from synthgen.datatypes.road_map import Lane, RoadMap
from synthgen.geometry.arrays import F32, F64, U8

MASK_PX_PER_M: Final = 10
BASEMAP_PX_PER_M: Final = 5
_SUB_PIXEL_BITS: Final = 4
_WALKABLE: Final = ("sidewalk",)
_GREY_ROAD, _GREY_PAVEMENT, _GREY_CROSSWALK, _GREY_LINE = 70, 110, 160, 230


def semantic_mask(road_map: RoadMap, frame: MapFrame) -> U8:
    """The mask (rows, columns), uint8 0 or 255."""
    canvas = _canvas(frame, MASK_PX_PER_M)
    kinds = (*SURFACE_KINDS, *_WALKABLE)
    _fill(canvas, _rings(road_map, kinds), frame, MASK_PX_PER_M, 255)
    _fill(canvas, _areas(road_map, "junction", "crosswalk"), frame, MASK_PX_PER_M, 255)
    return canvas


def basemap(road_map: RoadMap, frame: MapFrame) -> U8:
    """The picture (rows, columns), uint8 grey."""
    canvas = _canvas(frame, BASEMAP_PX_PER_M)
    scale = BASEMAP_PX_PER_M
    _fill(canvas, _rings(road_map, _WALKABLE), frame, scale, _GREY_PAVEMENT)
    _fill(canvas, _rings(road_map, SURFACE_KINDS), frame, scale, _GREY_ROAD)
    _fill(canvas, _areas(road_map, "junction"), frame, scale, _GREY_ROAD)
    _fill(canvas, _areas(road_map, "crosswalk"), frame, scale, _GREY_CROSSWALK)
    for lane in road_map.lanes:
        if lane.kind in ROAD_KINDS:
            for edge, marking in (
                (lane.left_m, lane.left_marking),
                (lane.right_m, lane.right_marking),
            ):
                if marking != "none" and len(edge) > 1:
                    pixels = [_pixels(edge, frame, scale, canvas)]
                    cv2.polylines(canvas, pixels, False, _GREY_LINE, 1, cv2.LINE_8, _SUB_PIXEL_BITS)
    return canvas


def png_bytes(image: U8) -> bytes:
    """The image as a PNG of one channel."""
    done, content = cv2.imencode(".png", image)
    assert done, "OpenCV encodes every 8-bit image"
    return bytes(content.tobytes())


def _canvas(frame: MapFrame, px_per_m: int) -> U8:
    width, height = (round(size * px_per_m) for size in frame.size_xy_m)
    return np.zeros((height, width), dtype=np.uint8)


def _rings(road_map: RoadMap, kinds: tuple[str, ...]) -> Iterable[F32 | F64]:
    return [_ring(lane) for lane in road_map.lanes if lane.kind in kinds]


def _ring(lane: Lane) -> F32:
    return np.concatenate([lane.left_m, lane.right_m[::-1]])


def _areas(road_map: RoadMap, *kinds: str) -> Iterable[F32 | F64]:
    return [area.polygon_m for area in road_map.areas if area.kind in kinds]


def _fill(
    canvas: U8, rings: Iterable[F32 | F64], frame: MapFrame, px_per_m: int, value: int
) -> None:
    for ring in rings:
        if len(ring) >= 3:
            pixels = [_pixels(ring, frame, px_per_m, canvas)]
            cv2.fillPoly(canvas, pixels, value, cv2.LINE_8, _SUB_PIXEL_BITS)


def _pixels(points_m: F32 | F64, frame: MapFrame, px_per_m: int, canvas: U8) -> np.ndarray:
    """(P, 2) int32 columns and rows with sub-pixel bits."""
    moved = (points_m[:, :2].astype(np.float64) - np.array(frame.origin_xy_m)) * px_per_m
    column_row = np.stack([moved[:, 0], canvas.shape[0] - moved[:, 1]], axis=1)
    return np.asarray(np.rint(column_row * 2**_SUB_PIXEL_BITS), dtype=np.int32)
