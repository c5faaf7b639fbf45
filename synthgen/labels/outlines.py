"""Image points whose convex hull is the projection of a cuboid, for flat and for fisheye images."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from synthgen.geometry.arrays import F64, U8, Bool
from synthgen.geometry.camera import FisheyeCamera, Lens
from synthgen.geometry.cuboid import EDGES, Cuboids

# Points along an edge of a fisheye image, where edges are curves: of a car's edge 1 m away, 2 rad
# wide, the bow between two of them is 2 / 24^2 / 8 of its length, less than half a pixel.
_CURVE_POINTS: Final = 25


def outline_points(in_camera: Cuboids, camera: Lens, near_plane_m: float) -> tuple[F64, U8]:
    """Image points whose hull is each cuboid's projection.

    Args:
        in_camera: N boxes in the camera frame.
        camera: Intrinsics.
        near_plane_m: Least depth that is projected, see `CameraFrame.depth_cm`.

    Returns:
        Points (N, P, 2), pixels; and (N, P), 1 where the point exists.
    """
    corners_m = in_camera.corners_m
    start_m, end_m = corners_m[:, EDGES[:, 0]], corners_m[:, EDGES[:, 1]]
    if isinstance(camera, FisheyeCamera):
        points_m, is_point = _along_curves(start_m, end_m, camera, near_plane_m)
    else:
        above_start = start_m[..., 2] - near_plane_m
        above_end = end_m[..., 2] - near_plane_m
        is_cut = (above_start < 0) != (above_end < 0)
        share = above_start / np.where(is_cut, above_start - above_end, 1.0)
        cuts_m = start_m + share[..., None] * (end_m - start_m)
        points_m = np.concatenate([corners_m, cuts_m], axis=1)
        is_point = np.concatenate([corners_m[..., 2] >= near_plane_m, is_cut], axis=1)
    points_m[..., 2] = np.where(is_point, points_m[..., 2], 1.0)
    return camera.project(points_m), is_point.astype(np.uint8)


def _along_curves(
    start_m: F64, end_m: F64, camera: FisheyeCamera, near_m: float
) -> tuple[F64, Bool]:
    """Points (N, P, 3) along the edges (N, E, 3) and where they leave the lens's view."""
    share = np.linspace(0.0, 1.0, _CURVE_POINTS)[:, None]
    along_m = start_m[:, :, None] + share * (end_m - start_m)[:, :, None]
    beyond_rad = camera.angles_rad(along_m) - camera.widest_rad
    before, after = beyond_rad[..., :-1], beyond_rad[..., 1:]
    is_cut = (before > 0) != (after > 0)
    at = before / np.where(is_cut, before - after, 1.0)
    cuts_m = along_m[:, :, :-1] + at[..., None] * np.diff(along_m, axis=2)
    is_far = camera.depths(along_m) > near_m
    points_m = np.concatenate([along_m, cuts_m], axis=2)
    is_point = np.concatenate([(beyond_rad <= 0) & is_far, is_cut & is_far[..., 1:]], axis=2)
    return points_m.reshape(len(start_m), -1, 3), is_point.reshape(len(start_m), -1)


def pixel_rays(camera: Lens) -> tuple[F64, F64, F64]:
    """x, y and z (H, W) of the ray through the centre of every pixel; times depth it is the point.

    Those of a pinhole are views of a row and a column, so that they take no memory.
    """
    shape = (camera.height_px, camera.width_px)
    if isinstance(camera, FisheyeCamera):
        return _fisheye_rays(camera)
    x = (np.arange(camera.width_px) + 0.5 - camera.cx_px) / camera.fx_px
    y = (np.arange(camera.height_px) + 0.5 - camera.cy_px) / camera.fy_px
    return (
        np.broadcast_to(x, shape),
        np.broadcast_to(y[:, None], shape),
        np.broadcast_to(np.float64(1.0), shape),
    )


@lru_cache(maxsize=4)
def _fisheye_rays(camera: FisheyeCamera) -> tuple[F64, F64, F64]:
    row, column = np.indices((camera.height_px, camera.width_px)) + 0.5
    x, y, z = np.moveaxis(camera.rays(np.stack([column, row], axis=-1)), -1, 0)
    return x, y, z
