"""The camera kernel: rows of pixels in, images out (numba)."""

import math

import numpy as np

from synthgen.simserver.render.embree import LANES
from synthgen.simserver.render.hits import FAMILIES, SLOT_MOVES, decode
from synthgen.simserver.render.lanes import (
    BATCH,
    INSTANCE,
    LANE_NUMBERS,
    LIGHT_B,
    LIGHT_G,
    LIGHT_R,
    NX,
    NY,
    NZ,
    OPEN,
    PX,
    PY,
    PZ,
    SKY_B,
    SKY_G,
    SKY_R,
    SLOT,
    SUN_B,
    SUN_G,
    SUN_R,
    SUN_SEEN,
    WORD,
    T,
    word_of,
)
from synthgen.simserver.render.packets import (
    FAR,
    NO_HIT,
    aligned_floats,
    fast,
    fast_kernel,
    lane_masks,
    making,
    making_kernel,
    put_ray,
    ray_queue,
    single,
    trace,
)
from synthgen.simserver.render.records import Hits, Scratch
from synthgen.simserver.render.shading import shade
from synthgen.simserver.scene import Tag

SKY = int(Tag.SKY)
TILE_WIDTH, TILE_HEIGHT = 8, 8

# Columns of what is wanted (int64).
SHADE, EDGES, DEPTH, SEMANTIC, INSTANCES, NORMALS, FLOW = range(7)
WANTED_COLUMNS = 7

# Columns of the lens (float64): pixel spread, focal length, centre x, y, model, coefficients.
SPREAD, FOCAL, CENTRE_X, CENTRE_Y, MODEL, K1 = range(6)
LENS_COLUMNS = 11
PINHOLE, BROWN, EQUIDISTANT, KANNALA_BRANDT = range(4)

NEAR_M = 0.02
BRIGHTEST = np.float32(400.0)
CLIPPED = np.float32(8.0)
DEPTH_RANGE_M = 1000.0


@fast
def project(lens, x, y, z):
    """Pixel of a point in the sensor's frame (x forward, y right, z up)."""
    model = int(lens[MODEL])
    if model <= BROWN:
        x = max(x, 1e-3)
        a = y / x
        b = -z / x
        if model == BROWN:
            k = lens[K1:]
            r2 = a * a + b * b
            radial = 1.0 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))
            a, b = (
                a * radial + 2.0 * k[2] * a * b + k[3] * (r2 + 2.0 * a * a),
                b * radial + k[2] * (r2 + 2.0 * b * b) + 2.0 * k[3] * a * b,
            )
        return lens[CENTRE_X] + lens[FOCAL] * a, lens[CENTRE_Y] + lens[FOCAL] * b
    ring = math.sqrt(y * y + z * z)
    angle = math.atan2(ring, x)
    if model == KANNALA_BRANDT:
        k = lens[K1:]
        s = angle * angle
        angle *= 1.0 + s * (k[0] + s * (k[1] + s * (k[2] + s * k[3])))
    scale = lens[FOCAL] * angle / max(ring, 1e-9)
    return lens[CENTRE_X] + scale * y, lens[CENTRE_Y] - scale * z


@single
def aim(directions, poses, times, rays, ids, i, y, x, sub_x, sub_y):
    """Write the ray through pixel (x, y), moved by a share of a pixel."""
    height, width = directions.shape[0], directions.shape[1]
    x = min(x, width - 1)
    y = min(y, height - 1)
    dx = directions[y, x, 0]
    dy = directions[y, x, 1]
    dz = directions[y, x, 2]
    if sub_x != 0.0 or sub_y != 0.0:
        x1 = x + 1 if x + 1 < width else x - 1
        y1 = y + 1 if y + 1 < height else y - 1
        s = sub_x * (x1 - x)
        t = sub_y * (y1 - y)
        ax, ay, az = dx, dy, dz
        dx += s * (directions[y, x1, 0] - ax) + t * (directions[y1, x, 0] - ax)
        dy += s * (directions[y, x1, 1] - ay) + t * (directions[y1, x, 1] - ay)
        dz += s * (directions[y, x1, 2] - az) + t * (directions[y1, x, 2] - az)
        s = 1.0 / math.sqrt(dx * dx + dy * dy + dz * dz)
        dx *= s
        dy *= s
        dz *= s
    m = min(y, poses.shape[0] - 1)
    put_ray(
        rays,
        ids,
        i,
        poses[m, 0, 3],
        poses[m, 1, 3],
        poses[m, 2, 3],
        poses[m, 0, 0] * dx + poses[m, 0, 1] * dy + poses[m, 0, 2] * dz,
        poses[m, 1, 0] * dx + poses[m, 1, 1] * dy + poses[m, 1, 2] * dz,
        poses[m, 2, 0] * dx + poses[m, 2, 1] * dy + poses[m, 2, 2] * dz,
        NEAR_M,
        FAR,
        times[m],
    )


@fast
def depth_word(metres):
    """CARLA's 24-bit depth: R is the low byte of metres / 1000 * (2^24 - 1)."""
    share = min(max(metres / DEPTH_RANGE_M, 0.0), 1.0)
    n = int(share * 16777215.0 + 0.5)
    return code_word(n & 255, (n >> 8) & 255, (n >> 16) & 255)


@fast
def code_word(red, green, blue):
    """Three bytes as a word of BGRA."""
    return 0xFF000000 | red << 16 | green << 8 | blue


@fast
def normal_word(nx, ny, nz):
    """A unit vector as (n + 1) / 2."""
    return code_word(
        int((nx * 0.5 + 0.5) * 255.0 + 0.5),
        int((ny * 0.5 + 0.5) * 255.0 + 0.5),
        int((nz * 0.5 + 0.5) * 255.0 + 0.5),
    )


@fast
def earlier(transforms, previous, slot, px, py, pz):
    """Where a point of a moving part was at the previous frame."""
    ax = px - transforms[slot, 0, 3]
    ay = py - transforms[slot, 1, 3]
    az = pz - transforms[slot, 2, 3]
    lx = transforms[slot, 0, 0] * ax + transforms[slot, 1, 0] * ay + transforms[slot, 2, 0] * az
    ly = transforms[slot, 0, 1] * ax + transforms[slot, 1, 1] * ay + transforms[slot, 2, 1] * az
    lz = transforms[slot, 0, 2] * ax + transforms[slot, 1, 2] * ay + transforms[slot, 2, 2] * az
    m = previous
    return (
        m[slot, 0, 0] * lx + m[slot, 0, 1] * ly + m[slot, 0, 2] * lz + m[slot, 0, 3],
        m[slot, 1, 0] * lx + m[slot, 1, 1] * ly + m[slot, 1, 2] * lz + m[slot, 1, 3],
        m[slot, 2, 0] * lx + m[slot, 2, 1] * ly + m[slot, 2, 2] * lz + m[slot, 2, 3],
    )


@fast
def label_flow(world, view, flow, w, hits, valid):
    """Motion of the seen points from the previous frame to this one, in CARLA's scale."""
    slots, transforms, previous = world.slots, world.transforms, world.previous
    m, lens = view.before, view.lens
    height, width = flow.shape[0], flow.shape[1]
    h, rays = w.seen.lanes, w.seen.queue
    for j in range(valid):
        i = w.seen.order[j]
        y, x = w.row[i], w.column[i]
        if j < hits:
            k = np.uint64(j)
            px, py, pz = h[PX + k], h[PY + k], h[PZ + k]
            slot = word_of(h[SLOT + k])
            if slots[slot, SLOT_MOVES]:
                px, py, pz = earlier(transforms, previous, slot, px, py, pz)
        else:
            p = i >> 3
            lane = i & 7
            px = rays[p, 0, lane] + rays[p, 4, lane] * FAR
            py = rays[p, 1, lane] + rays[p, 5, lane] * FAR
            pz = rays[p, 2, lane] + rays[p, 6, lane] * FAR
        ax, ay, az = px - m[0, 3], py - m[1, 3], pz - m[2, 3]
        u, v = project(
            lens,
            m[0, 0] * ax + m[1, 0] * ay + m[2, 0] * az,
            m[0, 1] * ax + m[1, 1] * ay + m[2, 1] * az,
            m[0, 2] * ax + m[1, 2] * ay + m[2, 2] * az,
        )
        flow[y, x, 0] = (x + 0.5 - u) * 2.0 / width
        flow[y, x, 1] = -(y + 0.5 - v) * 2.0 / height


@fast
def label_normals(out, w, hits, valid):
    """Surface normals in the map frame; the sky has none."""
    h = w.seen.lanes
    for j in range(valid):
        i, k = w.seen.order[j], np.uint64(j)
        word = normal_word(0.0, 0.0, 0.0)
        if j < hits:
            word = normal_word(h[NX + k], h[NY + k], h[NZ + k])
        out[w.row[i], w.column[i]] = word


@fast
def label_batch(view, images, w, hits, valid):
    """Depth, semantic and instance images of one tile, and the keys that find edges."""
    wanted, directions = view.wanted, view.directions
    depth, semantic, instance = images.depth, images.semantic, images.instance
    keys, facing = images.keys, images.facing
    h = w.seen.lanes
    # Depth is along the optical axis; along the ray for fisheye lenses, which see sideways.
    planar = view.lens[MODEL] <= BROWN
    for j in range(valid):
        i, k = w.seen.order[j], np.uint64(j)
        y, x = w.row[i], w.column[i]
        tag, thing, metres, material = SKY, 0, FAR, 0
        if j < hits:
            word, thing = word_of(h[WORD + k]), word_of(h[INSTANCE + k])
            tag, material = (word >> 8) & 255, word & 255
            metres = h[T + k] * (directions[y, x, 0] if planar else 1.0)
        if wanted[DEPTH]:
            depth[y, x] = depth_word(metres)
        if wanted[SEMANTIC]:
            semantic[y, x] = code_word(tag, 0, 0)
        if wanted[INSTANCES]:
            instance[y, x] = code_word(tag, thing & 255, thing >> 8)
        if wanted[EDGES]:
            keys[y, x] = tag | thing << 8 | material << 24
            met = j < hits
            facing[0, y, x] = h[NX + k] if met else 0.0
            facing[1, y, x] = h[NY + k] if met else 0.0
            facing[2, y, x] = h[NZ + k] if met else 1.0


@single
def mark_edges(keys, facing, hdr, edges, y):
    """Mark the pixels of row y that differ enough from a neighbour to be sampled again."""
    height, width = edges.shape
    for x in range(width):
        edges[y, x] = 0
    mark_beside(keys, facing, hdr, edges, y, y, 1)
    mark_beside(keys, facing, hdr, edges, y, y, -1)
    if y > 0:
        mark_beside(keys, facing, hdr, edges, y, y - 1, 0)
    if y + 1 < height:
        mark_beside(keys, facing, hdr, edges, y, y + 1, 0)


@single
def mark_beside(keys, facing, hdr, edges, y, other, step):
    """Mark row y's pixels that differ from those `step` columns on in row `other`.

    Two loops, each over few arrays, so that the compiler can compare many pixels at once.
    """
    first, last = max(-step, 0), keys.shape[1] - max(step, 0)
    for x in range(first, last):
        light, beside = hdr[y, x, 1], hdr[other, x + step, 1]
        changes = abs(beside - light) > 0.35 * (light + 0.02) and keys[y, x] != SKY
        edges[y, x] |= 1 if keys[y, x] != keys[other, x + step] or changes else 0
    for x in range(first, last):
        cos = facing[0, y, x] * facing[0, other, x + step]
        cos += facing[1, y, x] * facing[1, other, x + step]
        cos += facing[2, y, x] * facing[2, other, x + step]
        edges[y, x] |= 1 if cos < 0.8 else 0


@making_kernel
def room():
    """Scratch for one batch."""
    return Scratch(
        hit_room(),
        hit_room(),
        np.zeros(BATCH, np.int64),
        lane_masks(),
        np.zeros(BATCH, np.int64),
        np.zeros(BATCH, np.int64),
        np.zeros(BATCH, np.int64),
    )


@making
def hit_room():
    """Room for one queue and its hits."""
    queue, lanes = ray_queue(BATCH), aligned_floats(LANE_NUMBERS)
    lanes[:] = 0.0
    return Hits(
        queue,
        queue.view(np.uint32),
        np.zeros(BATCH, np.uint8),
        np.zeros(BATCH, np.int64),
        np.zeros(BATCH, np.int64),
        np.zeros(FAMILIES + 2, np.int64),
        np.zeros(BATCH, np.int64),
        lanes,
    )


@fast
def seat_tile(width, height, w, tile):
    """Which pixel each ray of a tile belongs to: tiles of 8 x 8 pixels, packets of 4 x 2."""
    tiles = (width + TILE_WIDTH - 1) // TILE_WIDTH
    ty = tile // tiles * TILE_HEIGHT
    tx = (tile - tile // tiles * tiles) * TILE_WIDTH
    for i in range(BATCH):
        packet = i >> 3
        x = tx + (packet & 1) * 4 + (i & 3)
        y = ty + (packet >> 1) * 2 + ((i >> 2) & 1)
        w.seen.valid[i] = 1 if x < width and y < height else 0
        w.pixel[i] = y * width + x
        w.row[i], w.column[i] = y, x


@fast
def aim_half(aims, pose, time, rays, ids, tile, p, first):
    """Four rays of one packet, on one row of pixels."""
    # Read once: the compiler cannot know that the rays do not lie over the pose.
    ax, ay, az, ox = pose[0, 0], pose[0, 1], pose[0, 2], pose[0, 3]
    bx, by, bz, oy = pose[1, 0], pose[1, 1], pose[1, 2], pose[1, 3]
    cx, cy, cz, oz = pose[2, 0], pose[2, 1], pose[2, 2], pose[2, 3]
    for lane in range(first, first + 4):
        dx, dy, dz = aims[tile, p, 0, lane], aims[tile, p, 1, lane], aims[tile, p, 2, lane]
        rays[p, 0, lane], rays[p, 1, lane], rays[p, 2, lane] = ox, oy, oz
        rays[p, 3, lane] = NEAR_M
        rays[p, 4, lane] = ax * dx + ay * dy + az * dz
        rays[p, 5, lane] = bx * dx + by * dy + bz * dz
        rays[p, 6, lane] = cx * dx + cy * dy + cz * dz
        rays[p, 7, lane] = time
        rays[p, 8, lane] = FAR
    for lane in range(first, first + 4):
        ids[p, 9, lane] = NO_HIT
        ids[p, 11, lane] = 0
        ids[p, 18, lane] = NO_HIT
        ids[p, 19, lane] = NO_HIT


@fast
def aim_tile(view, w, tile):
    """Rays through the centres of one tile's pixels; each row of pixels has its pose."""
    aims, poses, times = view.aims, view.poses, view.times
    rays, ids = w.seen.queue, w.seen.ids
    seat_tile(view.directions.shape[1], view.directions.shape[0], w, tile)
    last = poses.shape[0] - 1
    for p in range(BATCH // LANES):
        upper = min(w.row[p * LANES], last)
        lower = min(w.row[p * LANES + 4], last)
        aim_half(aims, poses[upper], times[upper], rays, ids, tile, p, 0)
        aim_half(aims, poses[lower], times[lower], rays, ids, tile, p, 4)


@fast
def aim_edges(view, images, w, pixel, end):
    """Four more rays through each of the next pixels on an edge; (rays, next pixel)."""
    directions, poses, times = view.directions, view.poses, view.times
    rays, ids = w.seen.queue, w.seen.ids
    edges = images.edges
    width = directions.shape[1]
    n = 0
    while pixel < end and n < BATCH:
        y = pixel // width
        x = pixel - y * width
        if x == 0:
            mark_edges(images.keys, images.facing, images.hdr, edges, y)
        if edges[y, x]:
            # A rotated grid of four samples.
            aim(directions, poses, times, rays, ids, n, y, x, -0.125, -0.375)
            aim(directions, poses, times, rays, ids, n + 1, y, x, 0.375, -0.125)
            aim(directions, poses, times, rays, ids, n + 2, y, x, 0.125, 0.375)
            aim(directions, poses, times, rays, ids, n + 3, y, x, -0.375, 0.125)
            for k in range(4):
                w.seen.valid[n + k] = 1
                w.pixel[n + k], w.row[n + k], w.column[n + k] = pixel, y, x
            n += 4
        pixel += 1
    return n, pixel


@fast
def keep_tile(view, images, w, valid):
    """Store one tile's light."""
    hdr, picture, h = images.hdr, images.picture, w.seen.lanes
    refined = view.wanted[EDGES] != 0
    for j in range(valid):
        i, k = w.seen.order[j], np.uint64(j)
        y, x = w.row[i], w.column[i]
        red, green, blue = h[LIGHT_R + k], h[LIGHT_G + k], h[LIGHT_B + k]
        red, green, blue = min(red, BRIGHTEST), min(green, BRIGHTEST), min(blue, BRIGHTEST)
        hdr[y, x, 0], hdr[y, x, 1], hdr[y, x, 2] = red, green, blue
        if refined:
            picture[y, x, 0], picture[y, x, 1], picture[y, x, 2] = red, green, blue
        if view.openness_rays:
            sky, sun = images.skylight, images.sunlight
            sky[y, x, 0], sky[y, x, 1], sky[y, x, 2] = h[SKY_R + k], h[SKY_G + k], h[SKY_B + k]
            sun[y, x, 0], sun[y, x, 1], sun[y, x, 2] = h[SUN_R + k], h[SUN_G + k], h[SUN_B + k]
            images.openness[y, x] = h[OPEN + k]
            images.sunshine[y, x] = h[SUN_SEEN + k]


@fast
def keep_edges(view, images, w, n, valid):
    """Average the centre's light and four more samples; very bright ones count less."""
    h, picture = w.seen.lanes, images.picture
    for i in range(0, n, 4):
        y, x = w.row[i], w.column[i]
        for c in range(3):
            picture[y, x, c] = 0.2 * min(images.hdr[y, x, c], CLIPPED)
    for j in range(valid):
        i, k = w.seen.order[j], np.uint64(j)
        y, x = w.row[i], w.column[i]
        red, green, blue = h[LIGHT_R + k], h[LIGHT_G + k], h[LIGHT_B + k]
        if view.openness_rays:
            shut, dark = 1.0 - h[OPEN + k], 1.0 - h[SUN_SEEN + k]
            red -= shut * h[SKY_R + k] + dark * h[SUN_R + k]
            green -= shut * h[SKY_G + k] + dark * h[SUN_G + k]
            blue -= shut * h[SKY_B + k] + dark * h[SUN_B + k]
        picture[y, x, 0] += 0.2 * min(red, CLIPPED)
        picture[y, x, 1] += 0.2 * min(green, CLIPPED)
        picture[y, x, 2] += 0.2 * min(blue, CLIPPED)


@fast_kernel
def render_rows(world, view, images, w, refine, first_row, last_row):
    """Trace rows of an image (whole tiles), in the given room.

    refine 0: labels and, if asked for, light at the pixels' centres. refine 1: four more
    samples of light on edges; every row must be traced before. One kernel for both, since
    shading takes most of the time to compile.
    """
    width = view.directions.shape[1]
    tiles = (width + TILE_WIDTH - 1) // TILE_WIDTH
    cursor = first_row // TILE_HEIGHT * tiles
    end = (last_row + TILE_HEIGHT - 1) // TILE_HEIGHT * tiles
    spread = view.lens[SPREAD]
    full = view.wanted[SHADE] | view.wanted[NORMALS] | view.wanted[FLOW]
    n = BATCH
    if refine:
        cursor, end, spread = first_row * width, last_row * width, 0.5 * spread
    while cursor < end:
        if refine:
            n, cursor = aim_edges(view, images, w, cursor, end)
        else:
            aim_tile(view, w, cursor)
            cursor += 1
        trace(world.scene, world.coherent, w.seen.queue, n, w.masks)
        hits, valid = decode(world, w.seen, n, spread, full)
        if refine == 0:
            label_batch(view, images, w, hits, valid)
            if view.wanted[NORMALS]:
                label_normals(images.normals, w, hits, valid)
            if view.wanted[FLOW]:
                label_flow(world, view, images.flow, w, hits, valid)
        if view.wanted[SHADE] == 0:
            continue
        shade(world, view, w, hits, valid)
        if refine:
            keep_edges(view, images, w, n, valid)
        else:
            keep_tile(view, images, w, valid)


@fast_kernel
def open_rows(images, first_row, last_row):
    """Take the sky's and the sun's light away where things shut them out.

    The sky's share is averaged over 7 x 7 pixels, the sun's over 5 x 5: few rays, no grain.

    Only pixels of the same surface count, so the filter keeps edges. Reads no light of other
    rows: rows may be done in any order.
    """
    keys, facing = images.keys, images.facing
    openness, sunshine = images.openness, images.sunshine
    height, width = keys.shape
    for y in range(first_row, last_row):
        for x in range(width):
            key = keys[y, x]
            if key == SKY:
                continue
            nx, ny, nz = facing[0, y, x], facing[1, y, x], facing[2, y, x]
            total, count, sun, near = 0.0, 0, 0.0, 0
            for v in range(max(y - 3, 0), min(y + 4, height)):
                for u in range(max(x - 3, 0), min(x + 4, width)):
                    cos = nx * facing[0, v, u] + ny * facing[1, v, u] + nz * facing[2, v, u]
                    if keys[v, u] == key and cos > 0.9:
                        total += openness[v, u]
                        count += 1
                        if abs(v - y) <= 2 and abs(u - x) <= 2:
                            sun += sunshine[v, u]
                            near += 1
            shut = 1.0 - total / count
            dark = 1.0 - sun / near
            for k in range(3):
                light = images.hdr[y, x, k] - shut * images.skylight[y, x, k]
                light -= dark * images.sunlight[y, x, k]
                images.hdr[y, x, k] = light
                images.picture[y, x, k] = light


@fast_kernel
def smear_rows(picture, flow, share, limit, out, first_row, last_row):
    """Motion blur: each pixel averages along its own motion during the exposure.

    `share` is the exposure's share of a frame, `limit` the longest smear in pixels.
    """
    height, width = picture.shape[0], picture.shape[1]
    for y in range(first_row, last_row):
        for x in range(width):
            dx = flow[y, x, 0] * 0.5 * width * share
            dy = -flow[y, x, 1] * 0.5 * height * share
            length = math.sqrt(dx * dx + dy * dy)
            if length > limit:
                dx, dy, length = dx * limit / length, dy * limit / length, limit
            taps = 1 + min(int(length), 12)
            r, g, b = 0.0, 0.0, 0.0
            for k in range(taps):
                t = (k + 0.5) / taps - 0.5
                u = min(max(int(x + 0.5 + dx * t), 0), width - 1)
                v = min(max(int(y + 0.5 + dy * t), 0), height - 1)
                r += picture[v, u, 0]
                g += picture[v, u, 1]
                b += picture[v, u, 2]
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = r / taps, g / taps, b / taps


@making_kernel
def empty_rows(world, view, first_row, last_row):
    """Trace a camera's rows and look at nothing: the least that any image costs."""
    return trace_rows(world, view, ray_queue(8), lane_masks(), first_row, last_row)


@fast
def trace_rows(world, view, rays, masks, first_row, last_row):
    """Trace rows, packet by packet; a sum, so that nothing is optimised away."""
    ids = rays.view(np.uint32)
    directions, poses, times = view.directions, view.poses, view.times
    width = directions.shape[1]
    total = 0.0
    for y in range(first_row, last_row, 2):
        for x in range(0, width, 4):
            for k in range(8):
                aim(directions, poses, times, rays, ids, k, y + (k >> 2), x + (k & 3), 0.0, 0.0)
            trace(world.scene, world.coherent, rays, 8, masks)
            total += rays[0, 8, 0]
    return total
