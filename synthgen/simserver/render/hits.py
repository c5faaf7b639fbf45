"""From Embree's (instance, triangle, u, v) to what was met (numba).

Triangles of all meshes lie in one table of 16-byte rows, so that a hit costs little memory
traffic; what only light needs lies in a second one. Hits are ordered by family of material:
each family is then shaded in lanes.
"""

import numpy as np

from synthgen.simserver.render.fields import uniform
from synthgen.simserver.render.lanes import (
    BARY_U,
    BARY_V,
    CORNER_A,
    CORNER_B,
    CORNER_C,
    COS,
    DX,
    DY,
    DZ,
    EIGHT,
    GX,
    GY,
    GZ,
    HX,
    HY,
    HZ,
    INSTANCE,
    LX,
    LY,
    LZ,
    NX,
    NY,
    NZ,
    OX,
    OY,
    OZ,
    PX,
    PY,
    PZ,
    SLOT,
    TIME,
    UV_A,
    UV_B,
    UV_C,
    VARIANT,
    VV_A,
    VV_B,
    VV_C,
    WIDTH,
    WORD,
    T,
    U,
    V,
    as_lane,
    word_of,
)
from synthgen.simserver.render.packets import NO_HIT, fast, poured, single
from synthgen.simserver.scene import Material

# Columns of the triangle table (uint32).
TRI_CODE = 0  # material, tag << 8, flags << 16
TRI_OBJECT = 1  # environment object + 1, or 0
TRI_VARIANT = 2
TRI_COLUMNS = 4
# Columns of the look table (uint32; UV as float32), read only where light is computed.
LOOK_NORMALS = 0  # three unit vectors of 3 x 10 bits
LOOK_UV = 3  # six float32
LOOK_COLUMNS = 9
HAS_NORMALS, HAS_UV = 1 << 16, 1 << 17

# Columns of the slot table (int64): one row for each instance in the scene.
SLOT_ROW = 0  # first row in the triangle table
SLOT_INSTANCE = 1  # instance id, or -1: by triangle
SLOT_VARIANT = 2  # added to the triangle's
SLOT_PALETTE = 3
SLOT_LIGHTS = 4  # light bits
SLOT_MOVES = 5  # 0 where the transform is the identity
SLOT_COLUMNS = 8

OBJECT_BASE = 1 << 15

# Families of materials that are shaded alike; rays that met nothing come after the last one.
ROAD, PAVING, KERBS, LAWN, EARTH, BRICKED, PLASTERED, SHOPS, PLAIN = range(9)
LEAVES, BARKS, BOARDS, THINGS, FAMILIES = range(9, 14)
FAMILY_OF = np.full(64, THINGS, np.int64)
for _family, _materials in (
    (ROAD, (Material.ASPHALT, Material.LANE_PAINT_WHITE, Material.LANE_PAINT_YELLOW)),
    (PAVING, (Material.SIDEWALK,)),
    (KERBS, (Material.KERB,)),
    (LAWN, (Material.GRASS,)),
    (EARTH, (Material.SOIL, Material.GRAVEL)),
    (BRICKED, (Material.BRICK,)),
    (PLASTERED, (Material.FACADE,)),
    (SHOPS, (Material.SHOPFRONT,)),
    (PLAIN, (Material.CONCRETE, Material.ROOF)),
    (LEAVES, (Material.FOLIAGE,)),
    (BARKS, (Material.BARK,)),
    (BOARDS, (Material.WOOD,)),
):
    FAMILY_OF[list(_materials)] = _family
BRICK_SHARE = np.float32(0.3)
"""Share of the facades that are of brick."""


@fast
def family_of(word, variant):
    """Family of a triangle's material."""
    family = FAMILY_OF[word & 63]
    if family == PLASTERED and uniform(variant, 1) < BRICK_SHARE:
        return BRICKED
    return family


@fast
def order(tri, slots, q, count):
    """Order the first `count` rays of a queue by what they met; (hits, rays that are valid).

    The rows of triangles lie anywhere in memory: a tight loop lets the processor wait for many
    of them at a time.
    """
    ids, valid, rows, families, starts = q.ids, q.valid, q.rows, q.families, q.starts
    for family in range(FAMILIES + 2):
        starts[family] = 0
    for i in range(count):
        family = FAMILIES + 1
        if valid[i]:
            family = FAMILIES
            slot = ids[i >> 3, 19, i & 7]
            if ids[i >> 3, 18, i & 7] != NO_HIT:
                row = slots[slot, SLOT_ROW] + ids[i >> 3, 17, i & 7]
                rows[i] = row
                variant = tri[row, TRI_VARIANT] + slots[slot, SLOT_VARIANT]
                family = family_of(tri[row, TRI_CODE], variant)
        families[i] = family
        starts[family] += 1
    total = 0
    for family in range(FAMILIES + 2):
        here = starts[family]
        starts[family] = total
        total += here
    # Placing the rays moves each start to its family's end: the next family's start.
    for i in range(count):
        q.order[starts[families[i]]] = i
        starts[families[i]] += 1
    return starts[FAMILIES - 1], starts[FAMILIES]


@fast
def fetch(tri, looks, uv, slots, q, hits, full):
    """Copy what is known of each hit, and of its triangle, to the lanes.

    Without `full`, what only light, normals and flow need is left out.
    """
    h, rays, ids = q.lanes, q.queue, q.ids
    for j in range(hits):
        i = q.order[j]
        k = np.uint64(j)
        p = i >> 3
        lane = i & 7
        row = q.rows[i]
        slot = ids[p, 19, lane]
        word = tri[row, TRI_CODE]
        h[T + k] = rays[p, 8, lane]
        h[WORD + k] = as_lane(word)
        h[SLOT + k] = as_lane(slot)
        h[INSTANCE + k] = as_lane(instance_of(slots[slot, SLOT_INSTANCE], tri[row, TRI_OBJECT]))
        if full == 0:
            continue
        h[VARIANT + k] = as_lane(tri[row, TRI_VARIANT] + slots[slot, SLOT_VARIANT])
        h[OX + k], h[OY + k], h[OZ + k] = rays[p, 0, lane], rays[p, 1, lane], rays[p, 2, lane]
        h[DX + k], h[DY + k], h[DZ + k] = rays[p, 4, lane], rays[p, 5, lane], rays[p, 6, lane]
        h[GX + k], h[GY + k], h[GZ + k] = rays[p, 12, lane], rays[p, 13, lane], rays[p, 14, lane]
        h[TIME + k] = rays[p, 7, lane]
        h[BARY_U + k] = rays[p, 15, lane]
        h[BARY_V + k] = rays[p, 16, lane]
        if word & HAS_NORMALS:
            h[CORNER_A + k] = uv[row, LOOK_NORMALS]
            h[CORNER_B + k] = uv[row, LOOK_NORMALS + 1]
            h[CORNER_C + k] = uv[row, LOOK_NORMALS + 2]
        if word & HAS_UV:
            h[UV_A + k], h[VV_A + k] = uv[row, LOOK_UV], uv[row, LOOK_UV + 1]
            h[UV_B + k], h[VV_B + k] = uv[row, LOOK_UV + 2], uv[row, LOOK_UV + 3]
            h[UV_C + k], h[VV_C + k] = uv[row, LOOK_UV + 4], uv[row, LOOK_UV + 5]


@fast
def fetch_misses(q, hits, valid):
    """Copy the directions of the rays that met nothing to the lanes after the hits."""
    h, rays = q.lanes, q.queue
    for j in range(hits, valid):
        i = q.order[j]
        k = np.uint64(j)
        p = i >> 3
        lane = i & 7
        h[DX + k], h[DY + k], h[DZ + k] = rays[p, 4, lane], rays[p, 5, lane], rays[p, 6, lane]


@poured
def unpacked(word):
    """A unit vector of 3 x 10 bits."""
    scale, ten = np.float32(2.0 / 1022.0), np.int32(1023)
    x = np.float32(np.int32(word & ten)) * scale - 1.0
    y = np.float32(np.int32(np.int32(word >> np.int32(10)) & ten)) * scale - 1.0
    z = np.float32(np.int32(np.int32(word >> np.int32(20)) & ten)) * scale - 1.0
    return x, y, z


@single
def interpolate(h, hits):
    """Positions and normals, these in the part's frame and of any length."""
    for s in range(np.uint64(0), np.uint64(hits), EIGHT):
        for k in range(s, s + EIGHT):
            t = h[T + k]
            u, v = h[BARY_U + k], h[BARY_V + k]
            w = 1.0 - u - v
            ax, ay, az = unpacked(word_of(h[CORNER_A + k]))
            bx, by, bz = unpacked(word_of(h[CORNER_B + k]))
            cx, cy, cz = unpacked(word_of(h[CORNER_C + k]))
            smooth = np.int32(word_of(h[WORD + k]) & np.int32(HAS_NORMALS)) != np.int32(0)
            gx, gy, gz = h[GX + k], h[GY + k], h[GZ + k]
            h[NX + k] = w * ax + u * bx + v * cx if smooth else gx
            h[NY + k] = w * ay + u * by + v * cy if smooth else gy
            h[NZ + k] = w * az + u * bz + v * cz if smooth else gz
            h[HX + k], h[HY + k], h[HZ + k] = gx, gy, gz
            x, y, z = (
                h[OX + k] + t * h[DX + k],
                h[OY + k] + t * h[DY + k],
                h[OZ + k] + t * h[DZ + k],
            )
            h[PX + k], h[PY + k], h[PZ + k] = x, y, z
            h[LX + k], h[LY + k], h[LZ + k] = x, y, z


@single
def turn_parts(slots, transforms, h, hits):
    """Normals of parts that stand or move somewhere, to the map frame; positions to the part's."""
    for j in range(hits):
        k = np.uint64(j)
        slot = word_of(h[SLOT + k])
        if slots[slot, SLOT_MOVES] == 0:
            continue
        x = h[PX + k] - transforms[slot, 0, 3]
        y = h[PY + k] - transforms[slot, 1, 3]
        z = h[PZ + k] - transforms[slot, 2, 3]
        h[LX + k], h[LY + k], h[LZ + k] = turned_back(transforms, slot, x, y, z)
        h[NX + k], h[NY + k], h[NZ + k] = turned(transforms, slot, h[NX + k], h[NY + k], h[NZ + k])
        h[GX + k], h[GY + k], h[GZ + k] = turned(transforms, slot, h[GX + k], h[GY + k], h[GZ + k])


@single
def face(h, hits, spread):
    """Unit normals towards the eye, the pixel's width, and surface coordinates.

    A mesh that has no coordinates takes the two axes across its normal.
    """
    for s in range(np.uint64(0), np.uint64(hits), EIGHT):
        for k in range(s, s + EIGHT):
            gx, gy, gz = h[GX + k], h[GY + k], h[GZ + k]
            nx, ny, nz = h[NX + k], h[NY + k], h[NZ + k]
            a = 1.0 / np.sqrt(gx * gx + gy * gy + gz * gz + 1e-30)
            along = a * (gx * h[DX + k] + gy * h[DY + k] + gz * h[DZ + k])
            a = -a if along > 0.0 else a
            gx, gy, gz = gx * a, gy * a, gz * a
            b = 1.0 / np.sqrt(nx * nx + ny * ny + nz * nz + 1e-30)
            b = -b if nx * gx + ny * gy + nz * gz < 0.0 else b
            h[GX + k], h[GY + k], h[GZ + k] = gx, gy, gz
            h[NX + k], h[NY + k], h[NZ + k] = nx * b, ny * b, nz * b
            cos = abs(along)
            h[COS + k] = cos
            h[WIDTH + k] = h[T + k] * spread / np.sqrt(max(cos, 0.02))
            ax, ay, az = abs(h[HX + k]), abs(h[HY + k]), abs(h[HZ + k])
            level = az >= ax and az >= ay
            mapped = np.int32(word_of(h[WORD + k]) & np.int32(HAS_UV)) != np.int32(0)
            u, v = h[BARY_U + k], h[BARY_V + k]
            w = 1.0 - u - v
            across = h[LY + k] if ax >= ay and not level else h[LX + k]
            up = h[LY + k] if level else h[LZ + k]
            tu = w * h[UV_A + k] + u * h[UV_B + k] + v * h[UV_C + k]
            tv = w * h[VV_A + k] + u * h[VV_B + k] + v * h[VV_C + k]
            h[U + k] = tu if mapped else across
            h[V + k] = tv if mapped else up


@poured
def decode(world, q, count, spread, full):
    """Fill a queue's lanes with what its first `count` rays met; (hits, rays that are valid)."""
    tri, slots = world.triangles, world.slots
    looks = world.looks
    hits, valid = order(tri, slots, q, count)
    fetch(tri, looks, looks.view(np.float32), slots, q, hits, full)
    if full:
        fetch_misses(q, hits, valid)
        interpolate(q.lanes, hits)
        turn_parts(slots, world.transforms, q.lanes, hits)
        face(q.lanes, hits, np.float32(spread))
    return hits, valid


@fast
def turned(transforms, slot, x, y, z):
    """A direction of a part's frame, in the map frame."""
    return (
        transforms[slot, 0, 0] * x + transforms[slot, 0, 1] * y + transforms[slot, 0, 2] * z,
        transforms[slot, 1, 0] * x + transforms[slot, 1, 1] * y + transforms[slot, 1, 2] * z,
        transforms[slot, 2, 0] * x + transforms[slot, 2, 1] * y + transforms[slot, 2, 2] * z,
    )


@fast
def turned_back(transforms, slot, x, y, z):
    """A direction of the map frame, in a part's frame."""
    return (
        transforms[slot, 0, 0] * x + transforms[slot, 1, 0] * y + transforms[slot, 2, 0] * z,
        transforms[slot, 0, 1] * x + transforms[slot, 1, 1] * y + transforms[slot, 2, 1] * z,
        transforms[slot, 0, 2] * x + transforms[slot, 1, 2] * y + transforms[slot, 2, 2] * z,
    )


@fast
def facing(slots, transforms, rays, ids, i):
    """Geometric normal of ray i's hit, map frame, towards the ray; and the cosine with it."""
    p = i >> 3
    lane = i & 7
    slot = ids[p, 19, lane]
    gx, gy, gz = rays[p, 12, lane], rays[p, 13, lane], rays[p, 14, lane]
    if slots[slot, SLOT_MOVES]:
        gx, gy, gz = turned(transforms, slot, gx, gy, gz)
    s = 1.0 / np.sqrt(gx * gx + gy * gy + gz * gz + 1e-30)
    cos = -s * (gx * rays[p, 4, lane] + gy * rays[p, 5, lane] + gz * rays[p, 6, lane])
    if cos < 0.0:
        s, cos = -s, -cos
    return gx * s, gy * s, gz * s, cos


@fast
def instance_of(instance, thing):
    """Instance id of a hit: the slot's, or by the triangle's environment object."""
    if instance >= 0:
        return instance
    return (OBJECT_BASE + thing - 1) & 0xFFFF if thing > 0 else 0
