"""Rows of label tables with defaults."""

from __future__ import annotations

from typing import Any


def make_box2d(**changes: Any) -> dict[str, Any]:
    """A pedestrian of 10 x 20 visible pixels in `cam_front`, uncut and not hidden."""
    row = {
        "frame_index": 0,
        "camera": "cam_front",
        "track_id": 7,
        "category": "pedestrian",
        "visible_px": 150,
        "occluded_fraction": 0.0,
        "truncated_fraction": 0.0,
        "ignore": False,
        **dict(zip(_edges("visible"), (100.0, 40.0, 110.0, 60.0), strict=True)),
        **dict(zip(_edges("amodal"), (99.5, 39.0, 111.0, 61.0), strict=True)),
    }
    return row | changes


def make_box3d(**changes: Any) -> dict[str, Any]:
    """A car 10 m ahead of the ego, turned by 90 degrees to the left."""
    row = {
        "frame_index": 0,
        "track_id": 3,
        "category": "car",
        "ego_from_box_x_m": 10.0,
        "ego_from_box_y_m": -2.0,
        "ego_from_box_z_m": 0.75,
        "ego_from_box_qw": 0.5**0.5,
        "ego_from_box_qx": 0.0,
        "ego_from_box_qy": 0.0,
        "ego_from_box_qz": 0.5**0.5,
        "length_m": 4.5,
        "width_m": 1.8,
        "height_m": 1.5,
        "distance_m": 10.2,
        "lidar_points": 12,
        "radar_points": 1,
        "visible_fraction": 0.5,
        "activity": "moving",
    }
    return row | changes


def _edges(kind: str) -> list[str]:
    return [f"{kind}_{edge}_px" for edge in ("x_min", "y_min", "x_max", "y_max")]
