"""Boxes on images and the bird's-eye panel, drawn with OpenCV on R, G, B arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import cv2
import numpy as np

from synthgen.datatypes.road_map import RoadMap
from synthgen.geometry.arrays import F64, U8
from synthgen.geometry.se3 import SE3
from synthgen.preview.palette import BACKGROUND, EGO, TEXT, Colour, colour_of

Row = Mapping[str, Any]

_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
_MIN_LABEL_WIDTH_PX: Final = 30
_ROAD_KINDS: Final[dict[str, Colour]] = {
    "driving": (58, 62, 70),
    "parking": (66, 62, 78),
    "shoulder": (50, 53, 58),
    "biking": (56, 74, 66),
    "sidewalk": (84, 84, 84),
}
_FORWARD_SHARE: Final = 0.7  # of the panel's height lies ahead of the ego


def draw_boxes(rgb: U8, boxes: Sequence[Row]) -> U8:
    """The image with each visible box, its category, distance and occlusion.

    Args:
        rgb: (H, W, 3) uint8.
        boxes: Rows of the boxes2d table of this camera and frame.
    """
    image = rgb.copy()
    for box in sorted(boxes, key=lambda row: -row["distance_m"]):
        if box["visible_x_min_px"] is None or box["ignore"]:
            continue
        colour = colour_of(box["category"])
        corner_a = round(box["visible_x_min_px"]), round(box["visible_y_min_px"])
        corner_b = round(box["visible_x_max_px"]) - 1, round(box["visible_y_max_px"]) - 1
        cv2.rectangle(image, corner_a, corner_b, colour, 1, cv2.LINE_AA)
        if corner_b[0] - corner_a[0] >= _MIN_LABEL_WIDTH_PX:
            hidden = box["occluded_fraction"]
            text = f"{box['category']} {box['distance_m']:.0f} m"
            text += f" {100 * hidden:.0f}% hidden" if hidden > 0.05 else ""
            _text(image, text, (corner_a[0], max(10, corner_a[1] - 4)), colour)
    return image


def _text(image: U8, text: str, at: tuple[int, int], colour: Colour, scale: float = 0.38) -> None:
    """Write on a dark strip, so that it reads on any ground; `at` is the baseline's left end."""
    (width, height), below = cv2.getTextSize(text, _FONT, scale, 1)
    left, low = at
    strip = image[max(0, low - height - 2) : low + below, max(0, left - 1) : left + width + 1]
    strip[:] = strip // 4
    cv2.putText(image, text, at, _FONT, scale, colour, 1, cv2.LINE_AA)


def bird_eye_panel(
    shape_hw: tuple[int, int],
    *,
    road_map: RoadMap,
    world_from_ego: SE3,
    ego_size_lwh_m: F64,
    tracks: Sequence[Row],
    trails_xy_m: Mapping[int, F64],
    points_ego_m: F64 | None,
    ahead_m: float = 45.0,
) -> U8:
    """The scene from above, the ego looking up the panel.

    Args:
        shape_hw: Rows and columns of the panel.
        road_map: Lanes and areas.
        world_from_ego: Where the ego is.
        ego_size_lwh_m: (3,) its size.
        tracks: Rows of the tracks table of this frame.
        trails_xy_m: Past world positions (N, 2) by track id.
        points_ego_m: (N, 3) LiDAR points in the ego frame, or None.
        ahead_m: Metres from the ego to the panel's upper edge.
    """
    height, width = shape_hw
    scale = _FORWARD_SHARE * height / ahead_m
    to_pixels = _PixelsOfEgo(width / 2, _FORWARD_SHARE * height, scale)
    panel = np.full((height, width, 3), BACKGROUND, dtype=np.uint8)
    _draw_road(panel, road_map, world_from_ego.inverse(), to_pixels, reach_m=1.5 * ahead_m)
    if points_ego_m is not None:
        _draw_points(panel, points_ego_m, to_pixels)
    ego_from_world = world_from_ego.inverse()
    for row in tracks:
        colour = colour_of(row["category"])
        trail = trails_xy_m.get(row["track_id"])
        if trail is not None and len(trail) > 1:
            flat = np.column_stack([trail, np.full(len(trail), row["z_m"])])
            line = to_pixels(ego_from_world.apply(flat))
            cv2.polylines(panel, [line], False, colour, 1, cv2.LINE_AA, 4)
        _draw_footprint(panel, _footprint(row), colour, to_pixels, filled=row["visible_px"] > 0)
    ego = {"ego_x_m": 0.0, "ego_y_m": 0.0, "ego_yaw_rad": 0.0}
    sizes = dict(zip(("length_m", "width_m"), ego_size_lwh_m[:2].tolist(), strict=True))
    _draw_footprint(panel, _footprint({**ego, **sizes}), EGO, to_pixels, filled=True)
    _text(panel, f"{ahead_m:.0f} m ahead", (8, 16), TEXT)
    return panel


class _PixelsOfEgo:
    """Maps ego x (up the panel) and y (to its left) to sub-pixel counts (1/16 px)."""

    def __init__(self, center_column: float, ego_row: float, scale: float) -> None:
        self._center_column, self._ego_row, self._scale = center_column, ego_row, scale

    def __call__(self, points_ego_m: F64) -> np.ndarray:
        columns = self._center_column - points_ego_m[:, 1] * self._scale
        rows = self._ego_row - points_ego_m[:, 0] * self._scale
        return np.rint(np.column_stack([columns, rows]) * 16).astype(np.int32)


def _draw_road(
    panel: U8, road_map: RoadMap, ego_from_world: SE3, to_pixels: _PixelsOfEgo, reach_m: float
) -> None:
    near = []
    ego_xy = ego_from_world.inverse().translation_m[:2]
    for lane in road_map.lanes:
        if lane.kind in _ROAD_KINDS and len(lane.left_m) > 1 and len(lane.right_m) > 1:
            away = lane.left_m[:, :2] - ego_xy
            if np.hypot(away[:, 0], away[:, 1]).min() < reach_m:
                left = ego_from_world.apply(lane.left_m.astype(np.float64))
                right = ego_from_world.apply(lane.right_m.astype(np.float64))
                near.append((lane, left, right))
    for lane, left, right in sorted(near, key=lambda item: item[0].kind != "sidewalk"):
        outline = to_pixels(np.concatenate([left, right[::-1]]))
        cv2.fillPoly(panel, [outline], _ROAD_KINDS[lane.kind], cv2.LINE_AA, 4)
    for lane, left, right in near:
        if lane.junction_id is None and lane.kind == "driving":
            for line in (left, right):
                cv2.polylines(panel, [to_pixels(line)], False, (120, 124, 130), 1, cv2.LINE_AA, 4)
    for area in road_map.areas:
        if area.kind == "crosswalk":
            outline = to_pixels(ego_from_world.apply(area.polygon_m.astype(np.float64)))
            cv2.fillPoly(panel, [outline], (100, 100, 96), cv2.LINE_AA, 4)


def _draw_points(panel: U8, points_ego_m: F64, to_pixels: _PixelsOfEgo) -> None:
    above_road = points_ego_m[points_ego_m[:, 2] > 0.25]
    pixels = to_pixels(above_road) // 16
    height, width = panel.shape[:2]
    inside = (
        (pixels[:, 0] >= 0) & (pixels[:, 0] < width) & (pixels[:, 1] >= 0) & (pixels[:, 1] < height)
    )
    columns, lines = pixels[inside].T
    panel[lines, columns] = (150, 170, 120)


def _footprint(row: Row) -> F64:
    cos, sin = np.cos(row["ego_yaw_rad"]), np.sin(row["ego_yaw_rad"])
    half = np.array([row["length_m"], row["width_m"]]) / 2
    corners = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1], [1.0, 0]]) * half
    turned = corners @ np.array([[cos, sin], [-sin, cos]])
    center = np.array([row["ego_x_m"], row["ego_y_m"]])
    return np.column_stack([turned + center, np.zeros(5)])


def _draw_footprint(
    panel: U8, corners_m: F64, colour: Colour, to_pixels: _PixelsOfEgo, *, filled: bool
) -> None:
    pixels = to_pixels(corners_m)
    if filled:
        dim = tuple(round(0.55 * part) for part in colour)
        cv2.fillPoly(panel, [pixels[:4]], dim, cv2.LINE_AA, 4)
    cv2.polylines(panel, [pixels[:4]], True, colour, 1, cv2.LINE_AA, 4)
    center = np.rint(pixels[:4].mean(axis=0)).astype(np.int32)
    cv2.line(panel, center.tolist(), pixels[4].tolist(), colour, 1, cv2.LINE_AA, 4)


def caption(image: U8, text: str) -> None:
    """Write one line at the lower left of an image, in place."""
    _text(image, text, (10, image.shape[0] - 12), TEXT, 0.45)
