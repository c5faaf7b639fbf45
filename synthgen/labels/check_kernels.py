"""Recounts of pixels and points for the checks of labels, compiled by numba.

The checks stay independent of the labels they judge: nothing here is used to make a label.
"""

from __future__ import annotations

import numpy as np

from synthgen.geometry.arrays import F32, F64, I32, I64, U8, U16
from synthgen.kernels import helper, kernel

NET = 32  # points along each side of a footprint


@helper(nogil=True, error_model="numpy")
def _beyond(
    x: float, y: float, z: float, rotation: F64, center_m: F64, size_lwh_m: F64, row: int
) -> float:
    """How far a point is outside a box along the worst axis; < 0 within."""
    x -= center_m[row, 0]
    y -= center_m[row, 1]
    z -= center_m[row, 2]
    worst = -np.inf
    for axis in range(3):
        along = rotation[row, 0, axis] * x + rotation[row, 1, axis] * y + rotation[row, 2, axis] * z
        worst = max(worst, abs(along) - size_lwh_m[row, axis] / 2)
    return worst


@kernel(nogil=True, error_model="numpy")
def recount(
    instance: U16,
    depth_cm: U16,
    semantic: U8,
    index_of: I32,
    count: int,
    stray_tag: U8,
    near_cm: int,
) -> tuple[I64, I64, I64, int]:
    """Pixels, bounds and tags of every label, and the pixels that lack an object.

    Args:
        instance: (H, W) track ids.
        depth_cm: (H, W), 65535 = none.
        semantic: (H, W) tags.
        index_of: (65536,) row of each track's label, -1 for none.
        count: Number M of labels.
        stray_tag: (256,) 1 where pixels of a tag have to belong to an object.
        near_cm: They do if nearer than this.

    Returns:
        Pixels of every id (65536,); bounds of the labels' pixels (M, 4), left, top, right, bottom,
        zeros where there are none; each one's most frequent tag (M,), the smallest on a tie;
        near pixels of such tags without an object.
    """
    height, width = instance.shape
    pixels = np.zeros(65536, np.int64)
    bounds = np.zeros((count, 4), np.int64)
    tags = np.zeros((count, 256), np.int64)
    stray = 0
    for row in range(height):
        for column in range(width):
            track_id = instance[row, column]
            if track_id == 0:
                if stray_tag[semantic[row, column]] and depth_cm[row, column] < near_cm:
                    stray += 1
                continue
            index = index_of[track_id]
            if index >= 0:
                if pixels[track_id] == 0:
                    bounds[index, 0], bounds[index, 1] = column, row
                bounds[index, 0] = min(bounds[index, 0], column)
                bounds[index, 2] = max(bounds[index, 2], column + 1)
                bounds[index, 3] = row + 1
                tags[index, semantic[row, column]] += 1
            pixels[track_id] += 1
    most_frequent = np.zeros(count, np.int64)
    for index in range(count):
        most_frequent[index] = np.argmax(tags[index])
    return pixels, bounds, most_frequent, stray


@kernel(nogil=True, error_model="numpy")
def depths_outside(
    instance: U16,
    depth_cm: U16,
    index_of: I32,
    rays_x: F64,
    rays_y: F64,
    rays_z: F64,
    turn: F64,
    eye_m: F64,
    rotation: F64,
    center_m: F64,
    size_lwh_m: F64,
    most: int,
    limits_m: F64,
) -> I64:
    """How many pixels of each label lie outside its cuboid.

    Args:
        instance: (H, W) track ids.
        depth_cm: (H, W), in lengths of the rays, 65535 = none.
        index_of: (65536,) row of each track's label, -1 for none.
        rays_x: (H, W) x of the ray of each pixel, camera frame.
        rays_y: (H, W) y of the same.
        rays_z: (H, W) z of the same.
        turn: (3, 3) from the camera frame to the world.
        eye_m: (3,) the camera in the world.
        rotation: (M, 3, 3) of the labels' boxes in the world.
        center_m: (M, 3) likewise.
        size_lwh_m: (M, 3) likewise.
        most: About so many pixels are looked at; more are thinned out evenly.
        limits_m: (3,) outside, far outside, behind glass.

    Returns:
        (4, M): looked at, outside, far outside, and of those behind the box's centre those
        beyond the third limit.
    """
    height, width = instance.shape
    found = 0
    for row in range(height):
        for column in range(width):
            if instance[row, column] and depth_cm[row, column] != 65535:
                found += index_of[instance[row, column]] >= 0
    step = max(1, found // most)
    far_m = np.sqrt(((center_m - eye_m) ** 2).sum(axis=1))
    counts = np.zeros((4, len(center_m)), np.int64)
    number = -1
    for row in range(height):
        for column in range(width):
            if not instance[row, column] or depth_cm[row, column] == 65535:
                continue
            index = index_of[instance[row, column]]
            if index < 0:
                continue
            number += 1
            if number % step:
                continue
            depth_m = depth_cm[row, column] / 100.0
            x = rays_x[row, column] * depth_m
            y = rays_y[row, column] * depth_m
            z = rays_z[row, column] * depth_m
            to_x = x * turn[0, 0] + y * turn[0, 1] + z * turn[0, 2]
            to_y = x * turn[1, 0] + y * turn[1, 1] + z * turn[1, 2]
            to_z = x * turn[2, 0] + y * turn[2, 1] + z * turn[2, 2]
            beyond_m = _beyond(
                to_x + eye_m[0], to_y + eye_m[1], to_z + eye_m[2],
                rotation, center_m, size_lwh_m, index,
            )  # fmt: skip
            counts[0, index] += 1
            counts[1, index] += beyond_m > limits_m[0]
            counts[2, index] += beyond_m > limits_m[1]
            if beyond_m > limits_m[2]:
                reach_m = np.sqrt(to_x * to_x + to_y * to_y + to_z * to_z)
                counts[3, index] += reach_m > far_m[index]
    return counts


@kernel(nogil=True, error_model="numpy")
def points_outside(
    points_m: F32,
    track_id: U16,
    time_offset_ns: I32,
    turn: F64,
    from_m: F64,
    row_of: I32,
    rotation: F64,
    center_m: F64,
    size_lwh_m: F64,
    velocity_mps: F64,
    margin_m: float,
) -> I64:
    """How many points of each box lie outside it, as they are and moved on to the sweep's end.

    Args:
        points_m: (P, 3) sensor frame.
        track_id: (P,) object of each.
        time_offset_ns: (P,) when each was measured.
        turn: (3, 3) from the sensor frame to the world.
        from_m: (3,) the sensor in the world.
        row_of: (65536,) row of each track's box, -1 for none.
        rotation: (N, 3, 3) of the boxes in the world.
        center_m: (N, 3) likewise.
        size_lwh_m: (N, 3) likewise.
        velocity_mps: (N, 3) of the objects, world.
        margin_m: Points count as outside beyond this.

    Returns:
        (3, N): points, those outside, those outside once moved.
    """
    counts = np.zeros((3, len(center_m)), np.int64)
    for k in range(len(track_id)):
        row = row_of[track_id[k]]
        if row < 0:
            continue
        x, y, z = np.float64(points_m[k, 0]), np.float64(points_m[k, 1]), np.float64(points_m[k, 2])
        to_x = x * turn[0, 0] + y * turn[0, 1] + z * turn[0, 2] + from_m[0]
        to_y = x * turn[1, 0] + y * turn[1, 1] + z * turn[1, 2] + from_m[1]
        to_z = x * turn[2, 0] + y * turn[2, 1] + z * turn[2, 2] + from_m[2]
        age_s = np.float64(time_offset_ns[k]) * 1e-9
        still_m = _beyond(to_x, to_y, to_z, rotation, center_m, size_lwh_m, row)
        moved_m = _beyond(
            to_x - age_s * velocity_mps[row, 0],
            to_y - age_s * velocity_mps[row, 1],
            to_z - age_s * velocity_mps[row, 2],
            rotation, center_m, size_lwh_m, row,
        )  # fmt: skip
        counts[0, row] += 1
        counts[1, row] += still_m > margin_m
        counts[2, row] += moved_m > margin_m
    return counts


@kernel(nogil=True, error_model="numpy")
def net_points_shared(pairs: I64, rotation: F64, center_m: F64, size_lwh_m: F64) -> I64:
    """Of each pair of footprints: points of a net in the one that lie in the other.

    Args:
        pairs: (K, 2) rows of the boxes.
        rotation: (N, 3, 3) of the boxes in the world.
        center_m: (N, 3) likewise.
        size_lwh_m: (N, 3) likewise.

    Returns:
        (K, 2): how many of the first one's `NET` x `NET` points, and of the second one's.
    """
    shared = np.zeros((len(pairs), 2), np.int64)
    for k in range(len(pairs)):
        for side in range(2):
            one, other = pairs[k, side], pairs[k, 1 - side]
            own, its = rotation[one], rotation[other]
            for i in range(NET):
                for j in range(NET):
                    u = ((i + 0.5) / NET - 0.5) * size_lwh_m[one, 0]
                    v = ((j + 0.5) / NET - 0.5) * size_lwh_m[one, 1]
                    x = u * own[0, 0] + v * own[0, 1] + center_m[one, 0] - center_m[other, 0]
                    y = u * own[1, 0] + v * own[1, 1] + center_m[one, 1] - center_m[other, 1]
                    shared[k, side] += (
                        abs(x * its[0, 0] + y * its[1, 0]) <= size_lwh_m[other, 0] / 2
                        and abs(x * its[0, 1] + y * its[1, 1]) <= size_lwh_m[other, 1] / 2
                    )
    return shared
