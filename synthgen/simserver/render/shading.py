"""Light on a batch of hits: sun and lamps with shadows, sky, one reflection, fog (numba).

A batch is up to BATCH rays of one queue. Work goes in waves over the batch (trace, decode,
shadow, reflect, combine) so that Embree gets full packets at each wave.
"""

import math

import numpy as np

from synthgen.simserver.render.fields import (
    AMBIENT,
    DISC,
    GRID,
    NIGHT,
    SUN,
    SUNLIGHT,
    clarity,
    sky,
    uniform,
    veil,
)
from synthgen.simserver.render.hits import (
    GX,
    GY,
    GZ,
    HIT_CODES,
    HIT_COLUMNS,
    NX,
    NY,
    NZ,
    PX,
    PY,
    PZ,
    T,
    decode,
)
from synthgen.simserver.render.packets import NO_HIT, fast, occlude, put_ray, trace
from synthgen.simserver.render.surfaces import (
    F0,
    GLOSS,
    GLOW_B,
    GLOW_G,
    GLOW_R,
    SURFACE_COLUMNS,
    WRAP,
    B,
    G,
    R,
    surface,
)

BATCH = 128

# Light received, per ray of the batch.
(
    SUN_SHARE,
    LAMP_R,
    LAMP_G,
    LAMP_B,
    KEY_R,
    KEY_G,
    KEY_B,
    OPEN,
    MIRROR,
    MIRROR_R,
    MIRROR_G,
    MIRROR_B,
) = range(12)
LIT_COLUMNS = 12

# Columns of a lamp (float64).
LAMP_AT, LAMP_TO, LAMP_EDGE, LAMP_CORE, LAMP_REACH2, LAMP_RGB = 0, 3, 6, 7, 8, 9
LAMP_COLUMNS = 12
LAMPS_PER_CELL = 12

MIRROR_LIMIT = 0.018


@fast
def ambient(env, nx, ny, nz, k):
    """Sky and ground light on a normal, one colour channel."""
    a = AMBIENT + k
    return max(0.0, env[a] + env[a + 3] * nx + env[a + 6] * ny + env[a + 9] * nz)


@fast
def lamp_light(lamp, hit):
    """Light of one lamp on a hit per unit of its colour."""
    x = lamp[LAMP_AT] - hit[PX]
    y = lamp[LAMP_AT + 1] - hit[PY]
    z = lamp[LAMP_AT + 2] - hit[PZ]
    d2 = x * x + y * y + z * z
    if d2 > lamp[LAMP_REACH2]:
        return 0.0
    s = 1.0 / math.sqrt(d2 + 1e-9)
    facing = (hit[NX] * x + hit[NY] * y + hit[NZ] * z) * s
    if facing <= 0.0:
        return 0.0
    edge = lamp[LAMP_EDGE]
    c = -(lamp[LAMP_TO] * x + lamp[LAMP_TO + 1] * y + lamp[LAMP_TO + 2] * z) * s
    if c <= edge:
        return 0.0
    cone = min((c - edge) / (lamp[LAMP_CORE] - edge), 1.0)
    fade = 1.0 - d2 / lamp[LAMP_REACH2]
    return facing * cone * cone * fade * fade / (d2 + 0.4)


@fast
def cell_of(env, x, y):
    """Row of the light grid for a place, or -1 outside."""
    cx = math.floor((x - env[GRID]) * env[GRID + 2])
    cy = math.floor((y - env[GRID + 1]) * env[GRID + 2])
    n = int(env[GRID + 3])
    if cx < 0 or cy < 0 or cx >= n or cy >= n:
        return -1
    return cy * n + cx


@fast
def start_at(hit):
    """Where a secondary ray starts: off the surface by more than the tracing error."""
    lift = 1.5e-3 + 2.0e-5 * hit[T]
    return hit[PX] + hit[GX] * lift, hit[PY] + hit[GY] * lift, hit[PZ] + hit[GZ] * lift


@fast
def sun_pass(world, view, w, n):
    """Share of the sun's light at each hit."""
    env = world.env
    sx, sy, sz = env[SUN], env[SUN + 1], env[SUN + 2]
    count = 0
    for i in range(n):
        if w.alive[i] == 0:
            continue
        h = w.hits[i]
        wrap = w.faces[i, WRAP]
        lambert = (h[NX] * sx + h[NY] * sy + h[NZ] * sz + wrap) / (1.0 + wrap)
        if lambert <= 0.0:
            continue
        if h[GX] * sx + h[GY] * sy + h[GZ] * sz <= 0.0:
            w.lit[i, SUN_SHARE] = 0.4 * lambert if wrap > 0.4 else 0.0
            continue
        w.lit[i, SUN_SHARE] = lambert
        x, y, z = start_at(h)
        dx, dy, dz = sx, sy, sz
        if view.soft:
            # The sun's radius is 0.27 degrees; haze widens it.
            a = uniform(w.pixel[i], int(h[PX] * 512.0)) - 0.5
            b = uniform(-w.pixel[i], int(h[PY] * 512.0)) - 0.5
            dx += 0.012 * a
            dy += 0.012 * b
        put_ray(w.more, w.more_ids, count, x, y, z, dx, dy, dz, 0.0, 600.0)
        w.members[count] = i
        count += 1
    occlude(world.scene, world.coherent, w.more, count, w.masks)
    for k in range(count):
        if w.more[k >> 3, 8, k & 7] < 0.0:
            w.lit[w.members[k], SUN_SHARE] = 0.0


@fast
def lamps_at(world, w, i):
    """Add the light of the lamps around hit i, unshadowed; the strongest one, or -1."""
    h = w.hits[i]
    lit = w.lit[i]
    cell = cell_of(world.env, h[PX], h[PY])
    key = -1
    if cell < 0:
        return key
    for k in range(LAMPS_PER_CELL):
        one = world.cells[cell, k]
        if one < 0:
            break
        lamp = world.lamps[one]
        e = lamp_light(lamp, h)
        r, g, b = e * lamp[LAMP_RGB], e * lamp[LAMP_RGB + 1], e * lamp[LAMP_RGB + 2]
        lit[LAMP_R] += r
        lit[LAMP_G] += g
        lit[LAMP_B] += b
        if g > lit[KEY_G]:
            key = one
            lit[KEY_R], lit[KEY_G], lit[KEY_B] = r, g, b
    return key


@fast
def lamp_pass(world, w, n):
    """Light of the lamps around each hit; the strongest one casts a shadow."""
    count = 0
    for i in range(n):
        if w.alive[i] == 0:
            continue
        key = lamps_at(world, w, i)
        if key < 0:
            continue
        x, y, z = start_at(w.hits[i])
        dx = world.lamps[key, LAMP_AT] - x
        dy = world.lamps[key, LAMP_AT + 1] - y
        dz = world.lamps[key, LAMP_AT + 2] - z
        far = math.sqrt(dx * dx + dy * dy + dz * dz)
        s = 1.0 / far
        dx, dy, dz = dx * s, dy * s, dz * s
        put_ray(w.more, w.more_ids, count, x, y, z, dx, dy, dz, 0.0, max(far - 0.3, 0.0))
        w.members[count] = i
        count += 1
    occlude(world.scene, world.scattered, w.more, count, w.masks)
    for k in range(count):
        if w.more[k >> 3, 8, k & 7] < 0.0:
            lit = w.lit[w.members[k]]
            lit[LAMP_R] -= lit[KEY_R]
            lit[LAMP_G] -= lit[KEY_G]
            lit[LAMP_B] -= lit[KEY_B]


@fast
def openness_pass(world, view, w, n):
    """Share of the sky's light that near things let through (ambient occlusion)."""
    per_hit = view.openness_rays
    for turn in range(per_hit):
        count = 0
        for i in range(n):
            if w.alive[i] == 0:
                continue
            h = w.hits[i]
            key = int(h[PX] * 997.0) * 31 + int(h[PZ] * 769.0)
            u = uniform(w.pixel[i] * 17 + turn * 1013, key)
            v = (uniform(w.pixel[i] * 29 + turn * 733, key + 1) + turn) / per_hit
            x, y, z = start_at(h)
            dx, dy, dz = around(h[NX], h[NY], h[NZ], u, v)
            put_ray(w.more, w.more_ids, count, x, y, z, dx, dy, dz, 0.0, 4.0)
            w.members[count] = i
            count += 1
        occlude(world.scene, world.scattered, w.more, count, w.masks)
        for k in range(count):
            if w.more[k >> 3, 8, k & 7] < 0.0:
                w.lit[w.members[k], OPEN] -= 0.8 / per_hit


@fast
def around(nx, ny, nz, u, v):
    """Direction about a normal with density cos / pi.

    Source: Duff et al. 2017, "Building an orthonormal basis, revisited".
    """
    s = 1.0 if nz >= 0.0 else -1.0
    a = -1.0 / (s + nz)
    b = nx * ny * a
    r = math.sqrt(u)
    x = r * math.cos(6.283185307 * v)
    y = r * math.sin(6.283185307 * v)
    z = math.sqrt(max(0.0, 1.0 - u))
    return (
        x * (1.0 + s * nx * nx * a) + y * b + z * nx,
        x * s * b + y * (s + ny * ny * a) + z * ny,
        -x * s * nx - y * ny + z * nz,
    )


@fast
def mirror_pass(world, view, w, n):  # noqa: PLR0915 (one wave over the batch)
    """What glossy hits mirror: the sky, or one further hit lit simply."""
    env = world.env
    count = 0
    for i in range(n):
        if w.alive[i] == 0 or w.faces[i, GLOSS] <= 0.0:
            continue
        h = w.hits[i]
        p = i >> 3
        lane = i & 7
        dx, dy, dz = w.rays[p, 4, lane], w.rays[p, 5, lane], w.rays[p, 6, lane]
        d = dx * h[NX] + dy * h[NY] + dz * h[NZ]
        k = max(0.0, 1.0 + d)
        f0 = w.faces[i, F0]
        share = (f0 + (1.0 - f0) * k * k * k * k * k) * w.faces[i, GLOSS]
        if share < MIRROR_LIMIT or d > 0.0:
            continue
        w.lit[i, MIRROR] = share
        dx, dy, dz = dx - 2.0 * d * h[NX], dy - 2.0 * d * h[NY], dz - 2.0 * d * h[NZ]
        below = dx * h[GX] + dy * h[GY] + dz * h[GZ]
        if below < 0.02:
            below = 0.02 - below
            dx, dy, dz = dx + below * h[GX], dy + below * h[GY], dz + below * h[GZ]
        if view.mirrors == 0:
            r, g, b = sky(world.sky, dx, dy, dz)
            w.lit[i, MIRROR_R], w.lit[i, MIRROR_G], w.lit[i, MIRROR_B] = r, g, b
            continue
        x, y, z = start_at(h)
        put_ray(w.more, w.more_ids, count, x, y, z, dx, dy, dz, 0.0, 300.0)
        w.members[count] = i
        count += 1
    trace(world.scene, world.scattered, w.more, count, w.masks)
    hit = np.empty(HIT_COLUMNS, np.float64)
    code = np.empty(HIT_CODES, np.int64)
    face = np.empty(SURFACE_COLUMNS, np.float64)
    for k in range(count):
        i = w.members[k]
        p = k >> 3
        lane = k & 7
        if w.more_ids[p, 18, lane] == NO_HIT:
            r, g, b = sky(world.sky, w.more[p, 4, lane], w.more[p, 5, lane], w.more[p, 6, lane])
        else:
            decode(world, w.more, w.more_ids, k, 3.0 * view.lens[0], hit, code)
            surface(hit, code, env, world.textures, world.palette, face)
            s = hit[NX] * env[SUN] + hit[NY] * env[SUN + 1] + hit[NZ] * env[SUN + 2]
            s = 0.7 * max(0.0, s)
            nx, ny, nz = hit[NX], hit[NY], hit[NZ]
            r = face[R] * (s * env[SUNLIGHT] + 0.8 * ambient(env, nx, ny, nz, 0)) + face[GLOW_R]
            g = face[G] * (s * env[SUNLIGHT + 1] + 0.8 * ambient(env, nx, ny, nz, 1))
            b = face[B] * (s * env[SUNLIGHT + 2] + 0.8 * ambient(env, nx, ny, nz, 2))
            g += face[GLOW_G]
            b += face[GLOW_B]
        w.lit[i, MIRROR_R], w.lit[i, MIRROR_G], w.lit[i, MIRROR_B] = r, g, b


@fast
def glint(h, face, env, dx, dy, dz):
    """Highlight of the sun (Blinn and Phong, normalised)."""
    x, y, z = env[SUN] - dx, env[SUN + 1] - dy, env[SUN + 2] - dz
    s = 1.0 / math.sqrt(x * x + y * y + z * z + 1e-9)
    c = max(0.0, (h[NX] * x + h[NY] * y + h[NZ] * z) * s)
    gloss = face[GLOSS]
    n = 8.0 + 700.0 * gloss * gloss
    if c <= 0.0:
        return 0.0
    return min(face[F0] * (n + 8.0) * 0.125 * math.exp(n * math.log(c)), 30.0)


@fast
def combine(world, w, i):
    """Sum the light that leaves hit i towards the eye."""
    env = world.env
    h = w.hits[i]
    face = w.faces[i]
    e = w.lit[i]
    p = i >> 3
    lane = i & 7
    dx, dy, dz = w.rays[p, 4, lane], w.rays[p, 5, lane], w.rays[p, 6, lane]
    nx, ny, nz = h[NX], h[NY], h[NZ]
    keep = 1.0 - e[MIRROR]
    sun = e[SUN_SHARE]
    r = face[R] * (sun * env[SUNLIGHT] + e[OPEN] * ambient(env, nx, ny, nz, 0) + e[LAMP_R])
    g = face[G] * (sun * env[SUNLIGHT + 1] + e[OPEN] * ambient(env, nx, ny, nz, 1) + e[LAMP_G])
    b = face[B] * (sun * env[SUNLIGHT + 2] + e[OPEN] * ambient(env, nx, ny, nz, 2) + e[LAMP_B])
    r = r * keep + e[MIRROR] * e[MIRROR_R] + face[GLOW_R]
    g = g * keep + e[MIRROR] * e[MIRROR_G] + face[GLOW_G]
    b = b * keep + e[MIRROR] * e[MIRROR_B] + face[GLOW_B]
    if sun > 0.0 and face[GLOSS] > 0.15:
        s = glint(h, face, env, dx, dy, dz) * sun
        r += s * env[SUNLIGHT]
        g += s * env[SUNLIGHT + 1]
        b += s * env[SUNLIGHT + 2]
    clear = clarity(env, w.rays[p, 2, lane], dz, h[T])
    if clear < 0.998:
        x, y, z = veil(env, dx, dy)
        r = x + (r - x) * clear
        g = y + (g - y) * clear
        b = z + (b - z) * clear
    w.colour[i, 0], w.colour[i, 1], w.colour[i, 2] = r, g, b


@fast
def backdrop(world, w, i):
    """The sky, and the sun in it."""
    env = world.env
    p = i >> 3
    lane = i & 7
    dx, dy, dz = w.rays[p, 4, lane], w.rays[p, 5, lane], w.rays[p, 6, lane]
    r, g, b = sky(world.sky, dx, dy, dz)
    c = dx * env[SUN] + dy * env[SUN + 1] + dz * env[SUN + 2]
    if c > 0.99998 and env[SUNLIGHT + 1] > 0.05:
        disc = 40.0 * env[DISC]
        r += disc * env[SUNLIGHT]
        g += disc * env[SUNLIGHT + 1]
        b += disc * env[SUNLIGHT + 2]
    w.colour[i, 0], w.colour[i, 1], w.colour[i, 2] = r, g, b


@fast
def decode_batch(world, w, n, spread):
    """Decode all rays that met something; the others are not alive."""
    for i in range(n):
        w.alive[i] = 0
        if w.valid[i] and w.ids[i >> 3, 18, i & 7] != NO_HIT:
            w.alive[i] = 1
            decode(world, w.rays, w.ids, i, spread, w.hits[i], w.codes[i])


@fast
def shade_batch(world, view, w, n):
    """Linear colour of each decoded ray of a batch."""
    env = world.env
    for i in range(n):
        for k in range(LIT_COLUMNS):
            w.lit[i, k] = 0.0
        w.lit[i, OPEN] = 1.0
        if w.alive[i]:
            surface(w.hits[i], w.codes[i], env, world.textures, world.palette, w.faces[i])
    if env[SUNLIGHT + 1] > 0.0:
        sun_pass(world, view, w, n)
    if env[NIGHT] > 0.0:
        lamp_pass(world, w, n)
    if view.openness_rays > 0:
        openness_pass(world, view, w, n)
    mirror_pass(world, view, w, n)
    for i in range(n):
        if w.alive[i]:
            combine(world, w, i)
        else:
            backdrop(world, w, i)
