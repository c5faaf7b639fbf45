"""Inner loops over pixels, compiled by numba; everything else in this package is numpy."""

from __future__ import annotations

import numpy as np

from synthgen.geometry import polygon as _polygon
from synthgen.geometry.arrays import F64, I32, I64, U8, U16
from synthgen.kernels import helper, kernel

_convex_hull = helper()(_polygon.convex_hull)
_polygon_area = helper()(_polygon.polygon_area)
_clip_to_rectangle = helper()(_polygon.clip_to_rectangle)


@kernel(nogil=True)
def encode_counts(run_start: I64, run_length: I64, first_run: I64, total: int) -> tuple[U8, I64]:
    """COCO's text for the runs of many masks.

    Args:
        run_start: (R,) where each run of ones begins.
        run_length: (R,) how long it is.
        first_run: (M + 1,) which runs belong to which mask.
        total: Pixels of the image.

    Returns:
        All texts in a row (uint8), and where each begins (M + 1,).
    """
    text = np.empty(16 * len(run_start) + 16 * len(first_run), dtype=np.uint8)
    first_byte = np.zeros(len(first_run), dtype=np.int64)
    size = 0
    for mask in range(len(first_run) - 1):
        position, before, before_last = 0, 0, 0
        first, last = first_run[mask], first_run[mask + 1]
        for step in range(2 * (last - first) + 1):
            run = first + step // 2
            if step == 2 * (last - first):
                count = total - position
                if count == 0:
                    break
            elif step % 2 == 0:
                count = run_start[run] - position
            else:
                count = run_length[run]
            position += count
            value = count - before_last if step > 2 else count
            before_last, before = before, count
            more = True
            while more:
                char = value & 0x1F
                value >>= 5
                more = value != -1 if char & 0x10 else value != 0
                text[size] = 48 + (char | 0x20 if more else char)
                size += 1
        first_byte[mask + 1] = size
    return text[:size].copy(), first_byte


@kernel(nogil=True)
def visible_depths(instance: U16, depth_cm: U16, pixels: I64) -> tuple[I64, I64]:
    """Least depth and twice the median depth of the pixels of every id, centimetres.

    Args:
        instance: (H, W) ids.
        depth_cm: (H, W), 65535 = none.
        pixels: (K,) number of pixels of ids 0 to K - 1; 0 leaves an id out.

    Returns:
        Two (K,) arrays, -1 where an id has no pixel with a depth. The median of an even number
        of pixels is the mean of the middle two, hence twice the median is whole.
    """
    slot = np.zeros(len(pixels) + 1, dtype=np.int64)
    for k in range(len(pixels)):
        slot[k + 1] = slot[k] + pixels[k]
    depths = np.empty(slot[-1], dtype=np.uint16)
    end = slot[:-1].copy()
    for row in range(instance.shape[0]):
        for column in range(instance.shape[1]):
            k = instance[row, column]
            if k != 0 and depth_cm[row, column] != 65535:
                depths[end[k]] = depth_cm[row, column]
                end[k] += 1
    least = np.full(len(pixels), -1, dtype=np.int64)
    twice_median = np.full(len(pixels), -1, dtype=np.int64)
    histogram = np.zeros(65536, dtype=np.int32)
    for k in range(len(pixels)):
        values = depths[slot[k] : end[k]]
        if len(values):
            least[k], twice_median[k] = _least_and_twice_median(values, histogram)
    return least, twice_median


@helper(nogil=True)
def _least_and_twice_median(values: U16, histogram: I32) -> tuple[int, int]:
    """Of at least one value; `histogram` (65536,) is zero before and after."""
    least, most = 65535, 0
    for value in values:
        histogram[value] += 1
        least = min(least, value)
        most = max(most, value)
    lower, upper = -1, -1
    seen = 0
    for value in range(least, most + 1):
        seen += histogram[value]
        histogram[value] = 0
        if lower < 0 and seen > (len(values) - 1) // 2:
            lower = value
        if upper < 0 and seen > len(values) // 2:
            upper = value
    return least, lower + upper


@kernel(nogil=True)
def hulls_in_image(
    xy_px: F64, is_point: U8, width: int, height: int
) -> tuple[F64, I64, F64, F64, F64]:
    """Convex hulls of projected cuboids and what of them the image holds.

    Args:
        xy_px: (N, P, 2) projected points of N cuboids.
        is_point: (N, P) 1 where a point counts.
        width: Columns of the image.
        height: Rows of the image.

    Returns:
        hull (N, P + 1, 2) and hull_size (N,); bounds of the hull (N, 4) and of its part in
        the image (N, 4), x_min y_min x_max y_max; area outside the image / area (N,).
        A hull without area in the image has size 0.
    """
    count = len(xy_px)
    hull = np.zeros((count, xy_px.shape[1] + 1, 2))
    hull_size = np.zeros(count, dtype=np.int64)
    bounds = np.zeros((count, 4))
    clipped_bounds = np.zeros((count, 4))
    outside = np.zeros(count)
    for k in range(count):
        points = xy_px[k][is_point[k] == 1]
        if len(points) < 3:
            continue
        corners = _convex_hull(points)
        area = _polygon_area(corners)
        inside = _clip_to_rectangle(corners, float(width), float(height))
        inside_area = _polygon_area(inside) if len(inside) > 2 else 0.0
        if inside_area <= 0.0:
            continue
        hull_size[k] = len(corners)
        hull[k, : len(corners)] = corners
        outside[k] = max(0.0, 1.0 - inside_area / area)
        for axis in range(2):
            bounds[k, axis] = corners[:, axis].min()
            bounds[k, axis + 2] = corners[:, axis].max()
            clipped_bounds[k, axis] = inside[:, axis].min()
            clipped_bounds[k, axis + 2] = inside[:, axis].max()
    return hull, hull_size, bounds, clipped_bounds, outside


@kernel(nogil=True, error_model="numpy")
def hidden_pixels(  # noqa: C901, PLR0915 - one pixel loop, split it and it is slow
    hull: F64,
    hull_size: I64,
    rotation: F64,
    center_m: F64,
    size_lwh_m: F64,
    track_id: I32,
    rays_x: F64,
    rays_y: F64,
    rays_z: F64,
    instance: U16,
    depth_cm: U16,
    is_ranged: bool,
    tags: U8,
    margin_m: float,
) -> tuple[I64, I64, I64, I64]:
    """How much of each cuboid's hull other things hide, and which of them hides most.

    Args:
        hull: (N, P, 2) hulls, pixels, positive turn.
        hull_size: (N,) corners of each.
        rotation: (N, 3, 3) box axes in the camera frame.
        center_m: (N, 3) camera frame.
        size_lwh_m: (N, 3) full sizes.
        track_id: (N,) id of each in `instance`.
        rays_x: (H, W) x of the ray of each pixel; times the pixel's depth it is the point seen.
        rays_y: (H, W) y of the same.
        rays_z: (H, W) z of the same.
        instance: (H, W) track ids.
        depth_cm: (H, W) depth, in lengths of the rays.
        is_ranged: Depth is the distance from the camera; else it is along the optical axis.
        tags: (H, W) semantic tags of pixels without a track.
        margin_m: Pixels hide a cuboid if nearer by more than this.

    Returns:
        Per cuboid: pixel centres in its hull within the image, of a ranged image those whose ray
        meets it (its hull bulges over it); how many of them are hidden;
        the track that hides most of them, or -1; the tag that does, or -1. One of the last
        two is -1; both are where nothing is hidden. A tie goes to the smaller id.
    """
    count = len(hull_size)
    height, width = instance.shape
    hull_px = np.zeros(count, dtype=np.int64)
    hidden_px = np.zeros(count, dtype=np.int64)
    by_track = np.full(count, -1, dtype=np.int64)
    by_tag = np.full(count, -1, dtype=np.int64)
    votes = np.zeros(65536 + 256, dtype=np.int64)  # tags follow the tracks
    for k in range(count):
        size = hull_size[k]
        if size == 0:
            continue
        corners = hull[k, :size]
        own = track_id[k]
        axes = rotation[k]
        nearest, farthest = _depth_range(axes, center_m[k], size_lwh_m[k], is_ranged)
        surely_hidden_cm = (nearest - margin_m) * 100.0
        never_hidden_cm = (farthest - margin_m) * 100.0
        # Rays in box axes start at minus the centre.
        start = -(axes.T @ center_m[k])
        half = size_lwh_m[k] / 2.0
        seen_low, seen_high = len(votes), -1
        first_row = max(0, int(np.floor(corners[:, 1].min())))
        last_row = min(height - 1, int(np.ceil(corners[:, 1].max())))
        for row in range(first_row, last_row + 1):
            left, right = _span(corners, row + 0.5)
            if right < left:
                continue
            first = max(0, int(np.ceil(left - 0.5)))
            last = min(width - 1, int(np.floor(right - 0.5)))
            if last < first:
                continue
            hull_px[k] += last - first + 1
            for column in range(first, last + 1):
                depth = depth_cm[row, column]
                if is_ranged and not _meets(
                    axes, start, half, rays_x[row, column], rays_y[row, column], rays_z[row, column]
                ):
                    hull_px[k] -= 1
                    continue
                if depth >= never_hidden_cm or instance[row, column] == own:
                    continue
                if depth >= surely_hidden_cm:
                    x, y, z = rays_x[row, column], rays_y[row, column], rays_z[row, column]
                    entry = max(
                        _slab_entry(start[0], _along(axes, 0, x, y, z), half[0]),
                        _slab_entry(start[1], _along(axes, 1, x, y, z), half[1]),
                        _slab_entry(start[2], _along(axes, 2, x, y, z), half[2]),
                    )
                    if depth >= (entry - margin_m) * 100.0:
                        continue
                hidden_px[k] += 1
                vote = int(instance[row, column])
                if vote == 0:
                    vote = 65536 + tags[row, column]
                votes[vote] += 1
                seen_low = min(seen_low, vote)
                seen_high = max(seen_high, vote)
        winner, most = -1, 0
        for vote in range(seen_low, seen_high + 1):
            if votes[vote] > most:
                winner, most = vote, votes[vote]
            votes[vote] = 0
        if winner >= 65536:
            by_tag[k] = winner - 65536
        elif winner >= 0:
            by_track[k] = winner
    return hull_px, hidden_px, by_track, by_tag


@helper(nogil=True, error_model="numpy", inline="always")
def _slab_entry(start: float, direction: float, half: float) -> float:
    """Where a ray that meets the box enters the slab [-half, half] of one axis."""
    if direction == 0.0:
        return 0.0
    return (-half - start) / direction if direction > 0.0 else (half - start) / direction


@helper(nogil=True, error_model="numpy")
def _meets(axes: F64, start: F64, half: F64, x: float, y: float, z: float) -> bool:
    """Whether a ray from the camera meets the box."""
    enter, leave = 0.0, np.inf
    for axis in range(3):
        direction = _along(axes, axis, x, y, z)
        if direction == 0.0:
            if abs(start[axis]) > half[axis]:
                return False
            continue
        one, two = (-half[axis] - start[axis]) / direction, (half[axis] - start[axis]) / direction
        enter, leave = max(enter, min(one, two)), min(leave, max(one, two))
    return enter <= leave


@helper(nogil=True, inline="always")
def _along(axes: F64, axis: int, x: float, y: float, z: float) -> float:
    """The part of a direction along one of the box's axes."""
    return axes[0, axis] * x + axes[1, axis] * y + axes[2, axis] * z


@helper(nogil=True)
def _depth_range(axes: F64, center_m: F64, size_lwh_m: F64, is_ranged: bool) -> tuple[float, float]:
    """Bounds of a cuboid's depth along the optical axis, or of its distance."""
    if is_ranged:
        distance = np.sqrt(center_m[0] ** 2 + center_m[1] ** 2 + center_m[2] ** 2)
        reach = np.sqrt(size_lwh_m[0] ** 2 + size_lwh_m[1] ** 2 + size_lwh_m[2] ** 2) / 2.0
        return distance - reach, distance + reach
    reach = 0.0
    for axis in range(3):
        reach += abs(axes[2, axis]) * size_lwh_m[axis] / 2.0
    return center_m[2] - reach, center_m[2] + reach


@helper(nogil=True)
def _span(corners: F64, y: float) -> tuple[float, float]:
    """Where the horizontal line at `y` enters and leaves a convex polygon."""
    left, right = np.inf, -np.inf
    count = len(corners)
    for index in range(count):
        x0, y0 = corners[index - 1]
        x1, y1 = corners[index]
        if (y0 <= y) == (y1 <= y):
            continue
        x = x0 + (y - y0) / (y1 - y0) * (x1 - x0)
        left = min(left, x)
        right = max(right, x)
    return left, right
