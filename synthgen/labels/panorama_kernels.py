"""Samples on the faces of cuboids: how much each weighs and whether a camera sees it, compiled."""

from __future__ import annotations

import numpy as np

from synthgen.geometry.arrays import F64, I32, U8, U16
from synthgen.kernels import kernel


@kernel(nogil=True, error_model="numpy")
def weigh_samples(
    samples: F64, normals: F64, rotation: F64, center_m: F64, size_lwh_m: F64, eye_m: F64
) -> tuple[F64, F64]:
    """Where the samples of every cuboid are, and the solid angles they stand for.

    Args:
        samples: (S, 3) on the faces of the cube [-1, 1]^3.
        normals: (S, 3) of their faces.
        rotation: (N, 3, 3) of the cuboids in the world.
        center_m: (N, 3) likewise.
        size_lwh_m: (N, 3) likewise.
        eye_m: (3,) from where they are seen.

    Returns:
        Points (N, S, 3) in the world; weights (N, S), 0 for samples that face away.
    """
    points_m = np.empty((len(center_m), len(samples), 3))
    weight = np.zeros((len(center_m), len(samples)))
    for k in range(len(center_m)):
        for s in range(len(samples)):
            area_m2, facing, square = 1.0, 0.0, 0.0
            for axis in range(3):
                if normals[s, axis] == 0.0:
                    area_m2 *= size_lwh_m[k, axis] / 2
                at_m, normal = 0.0, 0.0
                for own in range(3):
                    at_m += samples[s, own] * size_lwh_m[k, own] / 2 * rotation[k, axis, own]
                    normal += normals[s, own] * rotation[k, axis, own]
                points_m[k, s, axis] = at_m + center_m[k, axis]
                to_eye_m = eye_m[axis] - points_m[k, s, axis]
                facing += to_eye_m * normal
                square += to_eye_m * to_eye_m
            distance_m = max(np.sqrt(square), 1e-3)
            weight[k, s] = max(facing / distance_m, 0.0) * area_m2 / distance_m**2
    return points_m, weight


@kernel(nogil=True, error_model="numpy")
def mark_seen(
    is_seen: U8,
    points_m: F64,
    weight: F64,
    track_id: I32,
    turn: F64,
    move_m: F64,
    intrinsics: F64,
    near_m: float,
    margin_m: float,
    instance: U16,
    depth_cm: U16,
) -> None:
    """Mark the samples that a pinhole camera sees.

    Args:
        is_seen: (N, S), set to 1 where it does; the others are left alone.
        points_m: (N, S, 3) samples in the world.
        weight: (N, S); samples of weight 0 are left out.
        track_id: (N,) whose they are.
        turn: (3, 3) from the world to the camera frame.
        move_m: (3,) likewise.
        intrinsics: (4,) fx, fy, cx, cy, pixels.
        near_m: Only what is farther ahead is seen.
        margin_m: Pixels hide a sample if nearer by more than this.
        instance: (H, W) track ids.
        depth_cm: (H, W) depth along the optical axis.
    """
    height, width = instance.shape
    for k in range(len(points_m)):
        for s in range(points_m.shape[1]):
            if weight[k, s] == 0.0 or is_seen[k, s]:
                continue
            x, y, z = points_m[k, s]
            depth_m = x * turn[2, 0] + y * turn[2, 1] + z * turn[2, 2] + move_m[2]
            if not depth_m > near_m:
                continue
            right_m = x * turn[0, 0] + y * turn[0, 1] + z * turn[0, 2] + move_m[0]
            down_m = x * turn[1, 0] + y * turn[1, 1] + z * turn[1, 2] + move_m[1]
            column = np.floor(intrinsics[0] * right_m / depth_m + intrinsics[2])
            row = np.floor(intrinsics[1] * down_m / depth_m + intrinsics[3])
            if not (0 <= column < width and 0 <= row < height):
                continue
            at = int(row), int(column)
            if instance[at] == track_id[k] or depth_cm[at] >= (depth_m - margin_m) * 100:
                is_seen[k, s] = 1
