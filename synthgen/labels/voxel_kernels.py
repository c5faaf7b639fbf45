"""Which voxels rays pass through and which an image looks through, compiled by numba."""

from __future__ import annotations

import numpy as np

from synthgen.geometry.arrays import F64, I32, I64, U8, U16
from synthgen.kernels import helper, kernel


@kernel(nogil=True, error_model="numpy")
def mark_rays(mask: U8, start: F64, ends: F64) -> None:
    """Set every voxel between `start` and each of `ends`, both included.

    Args:
        mask: (X, Y, Z) uint8, changed in place.
        start: (3,) in voxels; voxel i covers [i, i + 1).
        ends: (N, 3) in voxels.

    Source: Amanatides and Woo 1987, "A fast voxel traversal algorithm for ray tracing".
    """
    columns, rows, layers = mask.shape
    flat = mask.reshape(-1)
    for k in range(len(ends)):
        x, step_x, until_x, stride_x, count_x = _walk(start[0], ends[k, 0])
        y, step_y, until_y, stride_y, count_y = _walk(start[1], ends[k, 1])
        z, step_z, until_z, stride_z, count_z = _walk(start[2], ends[k, 2])
        for _ in range(count_x + count_y + count_z + 1):
            if 0 <= x < columns and 0 <= y < rows and 0 <= z < layers:
                flat[(x * rows + y) * layers + z] = 1
            elif (
                _leaves(x, step_x, columns)
                or _leaves(y, step_y, rows)
                or _leaves(z, step_z, layers)
            ):
                break
            if until_z < until_x and until_z < until_y:
                z += step_z
                until_z += stride_z
            elif until_y < until_x:
                y += step_y
                until_y += stride_y
            else:
                x += step_x
                until_x += stride_x


@helper(nogil=True, error_model="numpy", inline="always")
def _walk(start: float, end: float) -> tuple[int, int, float, float, int]:
    """Along one axis: voxel, step, share of the ray until the next voxel and a whole one, steps."""
    way = end - start
    voxel = int(np.floor(start))
    count = abs(int(np.floor(end)) - voxel)
    stride = abs(1.0 / way) if way != 0.0 else np.inf
    edge = voxel + 1.0 - start if way > 0 else start - voxel
    until = edge * stride if way != 0.0 else np.inf
    return voxel, 1 if way > 0 else -1, until, stride, count


@helper(nogil=True, inline="always")
def _leaves(voxel: int, step: int, size: int) -> bool:
    """Whether a ray is outside the grid along one axis, and on its way farther out."""
    return (voxel < 0 and step < 0) or (voxel >= size and step > 0)


@kernel(nogil=True)
def mark_view(
    mask: U8, camera_from_voxels: F64, intrinsics: F64, depth_cm: U16, slack_m: float
) -> None:
    """Set every voxel whose centre lies in the image and not behind what the image shows.

    Args:
        mask: (X, Y, Z) uint8, changed in place.
        camera_from_voxels: (3, 4) takes voxel positions to the camera frame, metres.
        intrinsics: (4,) fx, fy, cx, cy, pixels.
        depth_cm: (H, W) depth along the optical axis.
        slack_m: How far behind the surface a centre may lie: the surface's own voxel is seen.
    """
    height, width = depth_cm.shape
    m = camera_from_voxels
    for i in range(mask.shape[0]):
        for j in range(mask.shape[1]):
            x = m[0, 0] * (i + 0.5) + m[0, 1] * (j + 0.5) + m[0, 3]
            y = m[1, 0] * (i + 0.5) + m[1, 1] * (j + 0.5) + m[1, 3]
            z = m[2, 0] * (i + 0.5) + m[2, 1] * (j + 0.5) + m[2, 3]
            for k in range(mask.shape[2]):
                depth = z + m[2, 2] * (k + 0.5)
                if depth < 0.1:
                    continue
                u = intrinsics[0] * (x + m[0, 2] * (k + 0.5)) / depth + intrinsics[2]
                v = intrinsics[1] * (y + m[1, 2] * (k + 0.5)) / depth + intrinsics[3]
                if not (0.0 <= u < width and 0.0 <= v < height):
                    continue
                if (depth - slack_m) * 100.0 <= depth_cm[int(v), int(u)]:
                    mask[i, j, k] = 1


@kernel(nogil=True, error_model="numpy")
def first_in_each_cube(points_m: F64, tag: U8, track_id: I32, edge_m: float) -> I64:
    """Index, ascending, of the first point of every cube, tag and object.

    Args:
        points_m: (N, 3).
        tag: (N,) uint8.
        track_id: (N,) int32.
        edge_m: Edge of the cubes.
    """
    count = len(tag)
    bits = 4
    while (1 << bits) < 2 * count:
        bits += 1
    # A hash table of indices with open addressing; a sort takes several times as long.
    slots = np.full(1 << bits, -1, np.int64)
    keys = np.empty(count, np.int64)
    first = np.empty(count, np.int64)
    found = 0
    for k in range(count):
        key = np.int64(np.floor(points_m[k, 0] / edge_m))
        for axis in range(1, 3):
            key = key * 1_000_003 + np.int64(np.floor(points_m[k, axis] / edge_m))
        key = (key * 256 + tag[k]) * 65_537 + track_id[k]
        keys[k] = key
        slot = (np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - bits)
        while slots[slot] >= 0 and keys[slots[slot]] != key:
            slot = (slot + np.uint64(1)) & np.uint64((1 << bits) - 1)
        if slots[slot] < 0:
            slots[slot] = k
            first[found] = k
            found += 1
    return first[:found].copy()


@kernel(nogil=True, error_model="numpy")
def level_steps(
    world_m: F64,
    tag: U8,
    track_id: I32,
    a: I64,
    b: I64,
    level_m: float,
    most_m: float,
    step_m: float,
) -> tuple[F64, I64]:
    """Points between pairs of neighbours on the same level scenery.

    Args:
        world_m: (N, 3) points.
        tag: (N,) uint8.
        track_id: (N,) int32.
        a: (K,) one of each pair, an index into the points.
        b: (K,) the other.
        level_m: Greatest difference in height.
        most_m: Greatest distance.
        step_m: Greatest distance of the new points.

    Returns:
        (M, 3) points, pair by pair from a to b, and the index (M,) of each one's a.
    """
    between = np.zeros(len(a), np.int64)
    for k in range(len(a)):
        i, j = a[k], b[k]
        if tag[i] != tag[j] or track_id[i] != 0 or track_id[j] != 0:
            continue
        x = world_m[j, 0] - world_m[i, 0]
        y = world_m[j, 1] - world_m[i, 1]
        z = world_m[j, 2] - world_m[i, 2]
        length_m = np.sqrt(x * x + y * y + z * z)
        if abs(z) < level_m and length_m < most_m:
            between[k] = max(int(np.ceil(length_m / step_m)) - 1, 0)
    points_m, origin = np.empty((between.sum(), 3)), np.empty(between.sum(), np.int64)
    size = 0
    for k in range(len(a)):
        for place in range(1, between[k] + 1):
            share = place / (between[k] + 1)
            for axis in range(3):
                step = world_m[b[k], axis] - world_m[a[k], axis]
                points_m[size, axis] = world_m[a[k], axis] + share * step
            origin[size] = a[k]
            size += 1
    return points_m, origin


@kernel(nogil=True, error_model="numpy")
def write_majority(  # noqa: C901 - one point loop, split it and it is slow
    semantic: U8,
    owner: U16,
    points_m: F64,
    tag: U8,
    first: I64,
    last: I64,
    track_id: U16,
    turn: F64,
    move_m: F64,
    origin_m: F64,
    voxel_m: float,
) -> None:
    """Write, object by object, the tag of most of its points into each voxel that holds some.

    Args:
        semantic: (X, Y, Z) uint8, changed in place; of a tie the smallest tag is written.
        owner: (X, Y, Z) uint16, changed in place: the object that wrote last.
        points_m: (P, 3) points in the frame of their object.
        tag: (P,) uint8.
        first: (N,) where the points of each object begin.
        last: (N,) where they end.
        track_id: (N,) uint16, what is written into `owner`.
        turn: (N, 3, 3) from each object's frame to that of the grid.
        move_m: (N, 3) likewise.
        origin_m: (3,) lowest corner of the grid.
        voxel_m: Edge of a voxel.
    """
    shape = semantic.shape
    tags, owners = semantic.reshape(-1), owner.reshape(-1)
    longest = 0
    for k in range(len(first)):
        longest = max(longest, last[k] - first[k])
    # Of every voxel a chain of the tags in it and how many points have each.
    head = np.full(len(tags), -1, np.int32)
    touched = np.empty(longest, np.int32)
    tag_of, count_of = np.empty(longest, np.uint8), np.empty(longest, np.int32)
    next_of = np.empty(longest, np.int32)
    place = np.empty(3, np.int64)
    for k in range(len(first)):
        links = voxels = 0
        for p in range(first[k], last[k]):
            inside = True
            for axis in range(3):
                at_m = (
                    points_m[p, 0] * turn[k, axis, 0]
                    + points_m[p, 1] * turn[k, axis, 1]
                    + points_m[p, 2] * turn[k, axis, 2]
                ) + move_m[k, axis]
                place[axis] = np.int64(np.floor((at_m - origin_m[axis]) / voxel_m))
                inside = inside and 0 <= place[axis] < shape[axis]
            if not inside:
                continue
            voxel = (place[0] * shape[1] + place[1]) * shape[2] + place[2]
            link = head[voxel]
            if link < 0:
                touched[voxels] = voxel
                voxels += 1
            while link >= 0 and tag_of[link] != tag[p]:
                link = next_of[link]
            if link < 0:
                tag_of[links], count_of[links], next_of[links] = tag[p], 0, head[voxel]
                link = head[voxel] = links
                links += 1
            count_of[link] += 1
        for i in range(voxels):
            voxel = touched[i]
            link = best = head[voxel]
            while link >= 0:
                more = count_of[link] - count_of[best]
                if more > 0 or (more == 0 and tag_of[link] < tag_of[best]):
                    best = link
                link = next_of[link]
            tags[voxel] = tag_of[best]
            if track_id[k]:
                owners[voxel] = track_id[k]
            head[voxel] = -1
