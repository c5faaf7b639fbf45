"""From Embree's (instance, triangle, u, v) to what was met (numba).

Triangles of all meshes lie in one table of 16-byte rows, so that a hit costs little memory
traffic; what only light needs lies in a second one.
"""

import math

from synthgen.simserver.render.packets import NO_HIT, fast

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

# Columns of a hit, float64.
T, NX, NY, NZ, PX, PY, PZ, GX, GY, GZ, U, V, WIDTH, COS = range(14)
HIT_COLUMNS = 14
# Columns of a hit, int64.
MATERIAL, TAG, INSTANCE, VARIANT, SLOT, LIGHTS, PALETTE = range(7)
HIT_CODES = 7

OBJECT_BASE = 1 << 15


@fast
def touch(tri, slots, ids, count):
    """Load the triangles' rows of a queue, all at once.

    The rows lie anywhere; one tight loop lets the processor wait for many at a time.
    """
    total = 0
    for i in range(count):
        p = i >> 3
        lane = i & 7
        if ids[p, 18, lane] != NO_HIT:
            total += tri[slots[ids[p, 19, lane], SLOT_ROW] + ids[p, 17, lane], TRI_CODE]
    return total


@fast
def unpack(word):
    """A unit vector of 3 x 10 bits."""
    x = (word & 1023) * (2.0 / 1022.0) - 1.0
    y = ((word >> 10) & 1023) * (2.0 / 1022.0) - 1.0
    z = ((word >> 20) & 1023) * (2.0 / 1022.0) - 1.0
    return x, y, z


@fast
def decode(  # noqa: PLR0915 (one body: the hot path)
    tri, looks, uv, slots, transforms, rays, ids, i, spread, full, hits, codes, j
):
    """Fill row j of `hits` and `codes` from ray i, which met something.

    Without `full`, what only light and normal images need is left out. Arrays come one by
    one, and `uv` beside `looks`, whose float32 view it is: numba counts references of every
    array that it makes or passes in a record.
    """
    p = i >> 3
    lane = i & 7
    slot = ids[p, 19, lane]
    row = slots[slot, SLOT_ROW] + ids[p, 17, lane]
    word = tri[row, TRI_CODE]
    t = rays[p, 8, lane]
    dx, dy, dz = rays[p, 4, lane], rays[p, 5, lane], rays[p, 6, lane]
    px = rays[p, 0, lane] + t * dx
    py = rays[p, 1, lane] + t * dy
    pz = rays[p, 2, lane] + t * dz
    hits[j, T] = t
    hits[j, PX], hits[j, PY], hits[j, PZ] = px, py, pz
    codes[j, MATERIAL] = word & 255
    codes[j, TAG] = (word >> 8) & 255
    codes[j, SLOT] = slot
    codes[j, INSTANCE] = instance_of(slots[slot, SLOT_INSTANCE], tri[row, TRI_OBJECT])
    if full == 0:
        return
    codes[j, LIGHTS] = slots[slot, SLOT_LIGHTS]
    codes[j, PALETTE] = slots[slot, SLOT_PALETTE]
    codes[j, VARIANT] = tri[row, TRI_VARIANT] + slots[slot, SLOT_VARIANT]
    gx, gy, gz = rays[p, 12, lane], rays[p, 13, lane], rays[p, 14, lane]
    u = rays[p, 15, lane]
    v = rays[p, 16, lane]
    w = 1.0 - u - v
    nx, ny, nz = gx, gy, gz
    if word & HAS_NORMALS:
        ax, ay, az = unpack(looks[row, LOOK_NORMALS])
        bx, by, bz = unpack(looks[row, LOOK_NORMALS + 1])
        cx, cy, cz = unpack(looks[row, LOOK_NORMALS + 2])
        nx = w * ax + u * bx + v * cx
        ny = w * ay + u * by + v * cy
        nz = w * az + u * bz + v * cz
    lx, ly, lz = px, py, pz
    hx, hy, hz = gx, gy, gz
    if slots[slot, SLOT_MOVES]:
        lx, ly, lz = (
            px - transforms[slot, 0, 3],
            py - transforms[slot, 1, 3],
            pz - transforms[slot, 2, 3],
        )
        lx, ly, lz = (
            transforms[slot, 0, 0] * lx + transforms[slot, 1, 0] * ly + transforms[slot, 2, 0] * lz,
            transforms[slot, 0, 1] * lx + transforms[slot, 1, 1] * ly + transforms[slot, 2, 1] * lz,
            transforms[slot, 0, 2] * lx + transforms[slot, 1, 2] * ly + transforms[slot, 2, 2] * lz,
        )
        nx, ny, nz = turned(transforms, slot, nx, ny, nz)
        gx, gy, gz = turned(transforms, slot, gx, gy, gz)
    s = 1.0 / math.sqrt(gx * gx + gy * gy + gz * gz + 1e-30)
    if gx * dx + gy * dy + gz * dz > 0.0:
        s = -s
    gx, gy, gz = gx * s, gy * s, gz * s
    s = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz + 1e-30)
    if nx * gx + ny * gy + nz * gz < 0.0:
        s = -s
    cos = -(gx * dx + gy * dy + gz * dz)
    hits[j, NX], hits[j, NY], hits[j, NZ] = nx * s, ny * s, nz * s
    hits[j, GX], hits[j, GY], hits[j, GZ] = gx, gy, gz
    hits[j, COS] = cos
    hits[j, WIDTH] = t * spread / math.sqrt(max(cos, 0.02))
    if word & HAS_UV:
        hits[j, U] = w * uv[row, LOOK_UV] + u * uv[row, LOOK_UV + 2] + v * uv[row, LOOK_UV + 4]
        hits[j, V] = w * uv[row, LOOK_UV + 1] + u * uv[row, LOOK_UV + 3] + v * uv[row, LOOK_UV + 5]
    else:
        planar(hits, j, lx, ly, lz, hx, hy, hz)


@fast
def turned(transforms, slot, x, y, z):
    """A direction of a part's frame, in the map frame."""
    return (
        transforms[slot, 0, 0] * x + transforms[slot, 0, 1] * y + transforms[slot, 0, 2] * z,
        transforms[slot, 1, 0] * x + transforms[slot, 1, 1] * y + transforms[slot, 1, 2] * z,
        transforms[slot, 2, 0] * x + transforms[slot, 2, 1] * y + transforms[slot, 2, 2] * z,
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
    s = 1.0 / math.sqrt(gx * gx + gy * gy + gz * gz + 1e-30)
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


@fast
def planar(hits, j, x, y, z, nx, ny, nz):
    """Surface coordinates of a mesh that has none: the two axes across its normal."""
    if abs(nz) >= abs(nx) and abs(nz) >= abs(ny):
        hits[j, U] = x
        hits[j, V] = y
    elif abs(nx) >= abs(ny):
        hits[j, U] = y
        hits[j, V] = z
    else:
        hits[j, U] = x
        hits[j, V] = z
