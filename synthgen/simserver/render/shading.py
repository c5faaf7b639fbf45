"""Light on a batch of hits: sun and lamps with shadows, sky, one reflection, fog (numba).

A batch is up to BATCH rays of one queue. Work goes in waves over the batch (trace, decode,
shadow, reflect, combine) so that Embree gets full packets, and the lanes full rows, at each.
"""

import math

import numpy as np

from synthgen.kernels import shared
from synthgen.simserver.render.fields import (
    AMBIENT,
    DISC,
    FOG,
    FOG_FALLOFF,
    FOG_START,
    GRID,
    NIGHT,
    SHADE_GRID,
    SUN,
    SUNLIGHT,
    VEIL,
    VEIL_AXIS,
    VEIL_SUN,
    clarity,
    sky,
    uniform,
)
from synthgen.simserver.render.hits import decode
from synthgen.simserver.render.lanes import (
    DX,
    DY,
    DZ,
    EIGHT,
    F0,
    GLOSS,
    GLOW_B,
    GLOW_G,
    GLOW_R,
    GX,
    GY,
    GZ,
    KEY_B,
    KEY_G,
    KEY_R,
    LAMP_B,
    LAMP_G,
    LAMP_R,
    LIGHT_B,
    LIGHT_G,
    LIGHT_R,
    MIRROR,
    MIRROR_B,
    MIRROR_G,
    MIRROR_R,
    NX,
    NY,
    NZ,
    OPEN,
    OZ,
    PX,
    PY,
    PZ,
    SKY_B,
    SKY_G,
    SKY_R,
    START_X,
    START_Y,
    START_Z,
    SUN_B,
    SUN_G,
    SUN_R,
    SUN_SEEN,
    SUN_SHARE,
    TIME,
    WRAP,
    B,
    G,
    R,
    T,
    exponential,
    fill_row,
    logarithm,
)
from synthgen.simserver.render.packets import fast, occlude, poured, put_ray, single, trace
from synthgen.simserver.render.surfaces import surfaces

# Columns of a lamp (float64).
LAMP_AT, LAMP_TO, LAMP_EDGE, LAMP_CORE, LAMP_REACH2, LAMP_RGB = 0, 3, 6, 7, 8, 9
LAMP_COLUMNS = 12
LAMPS_PER_CELL = 24

# Columns of a body on the ground (float64): x, y, cos and sin of its yaw, half length, half
# width, height of its foot, its own height, clear height under it.
BODY_COLUMNS = 9
BODIES_PER_CELL = 4

MIRROR_LIMIT = np.float32(0.018)
GROUND_ALBEDO = np.float32(0.14)
NONE = np.uint64(0)


@poured
def ambient(env, k):
    """Sky and ground light of one colour channel: constant, and by each axis of the normal."""
    a = AMBIENT + k
    return env[a], env[a + 3], env[a + 6], env[a + 9]


@poured
def falling(light, nx, ny, nz):
    """That light on a normal."""
    return max(0.0, light[0] + light[1] * nx + light[2] * ny + light[3] * nz)


@single
def lamp_light(lamps, one, h, k):
    """Light of one lamp on hit k per unit of its colour: straight, and by way of the ground."""
    x = lamps[one, LAMP_AT] - h[PX + k]
    y = lamps[one, LAMP_AT + 1] - h[PY + k]
    z = lamps[one, LAMP_AT + 2] - h[PZ + k]
    d2 = x * x + y * y + z * z
    reach2 = lamps[one, LAMP_REACH2]
    edge = lamps[one, LAMP_EDGE]
    s = 1.0 / math.sqrt(d2 + 1e-9)
    c = -(lamps[one, LAMP_TO] * x + lamps[one, LAMP_TO + 1] * y + lamps[one, LAMP_TO + 2] * z) * s
    if d2 > reach2 or c <= edge:
        return 0.0, 0.0
    cone = min((c - edge) / (lamps[one, LAMP_CORE] - edge), 1.0)
    fade = 1.0 - d2 / reach2
    light = cone * cone * fade * fade / (d2 + 0.4)
    facing = (h[NX + k] * x + h[NY + k] * y + h[NZ + k] * z) * s
    return max(facing, 0.0) * light, GROUND_ALBEDO * 0.5 * (1.0 - h[NZ + k]) * light


@single
def cell_of(env, grid, x, y):
    """Row of a grid's cells for a place, or -1 outside."""
    cx = math.floor((x - env[grid]) * env[grid + 2])
    cy = math.floor((y - env[grid + 1]) * env[grid + 2])
    n = int(env[grid + 3])
    if cx < 0 or cy < 0 or cx >= n or cy >= n:
        return -1
    return cy * n + cx


@single
def under_bodies(env, bodies, body_cells, h, hits):
    """Share of the sky that vehicles and people on the ground leave to level hits near them.

    A guess from their boxes, in place of rays: without it they float under a cloudy sky.
    """
    for j in range(hits):
        k = np.uint64(j)
        if h[NZ + k] <= 0.8:
            continue
        cell = cell_of(env, SHADE_GRID, h[PX + k], h[PY + k])
        if cell >= 0 and body_cells[cell, 0] >= 0:
            h[OPEN + k] = left_by_bodies(bodies, body_cells[cell], h, k)


@single
def left_by_bodies(bodies, here, h, k):
    """Share of the sky that the bodies of one cell leave to hit k."""
    x, y, z = h[PX + k], h[PY + k], h[PZ + k]
    left = np.float32(1.0)
    for n in range(BODIES_PER_CELL):
        one = here[n]
        if one < 0:
            break
        dx = x - bodies[one, 0]
        dy = y - bodies[one, 1]
        if abs(z - bodies[one, 6]) > 0.5:
            continue
        c, s = bodies[one, 2], bodies[one, 3]
        u = abs(c * dx + s * dy) - bodies[one, 4]
        v = abs(c * dy - s * dx) - bodies[one, 5]
        if u < 0.0 and v < 0.0:
            left *= under_floor(-max(u, v), bodies[one, 8])
        else:
            u, v = max(u, 0.0), max(v, 0.0)
            far = math.sqrt(u * u + v * v) + 1e-6
            wide = (bodies[one, 4] * v + bodies[one, 5] * u) / far
            left *= beside_wall(far, wide, bodies[one, 7])
    return left


@fast
def beside_wall(far, wide, high):
    """Share of the sky's light that a wall, `wide` to each side, leaves to level ground before it.

    It is taken to fade out at two and a half times its height, where it hides a few per cent.

    Source: Howell, A Catalog of Radiation Heat Transfer Configuration Factors, B-4 (element to
    a rectangle at right angles).
    """
    end = far / (2.5 * high)
    if end >= 1.0:
        return 1.0
    up = math.sqrt(far * far + high * high)
    hidden = (arc(wide / far) - far / up * arc(wide / up)) / math.pi
    return 1.0 - hidden * (1.0 - end * end * end * end)


@fast
def arc(x):
    """atan(x) of a positive number to 0.004, in operations that all processors do alike.

    Source: Rajan et al. 2006, "Efficient approximations for the arctangent function".
    """
    y = min(x, 1.0 / max(x, 1e-9))
    angle = y * (0.785398 + 0.273 * (1.0 - y))
    return angle if x <= 1.0 else 1.570796 - angle


@fast
def under_floor(deep, clear):
    """Share of the sky's light at a depth under the edge of a floor at a clear height."""
    return 0.5 * (1.0 - deep / math.sqrt(deep * deep + clear * clear))


@single
def prepare(h, hits):
    """No light has fallen on the hits yet; where further rays start.

    They start off the surface by more than the tracing error.
    """
    last = np.uint64(hits)
    fill_row(h, OPEN, 1.0, NONE, last)
    fill_row(h, SUN_SEEN, 1.0, NONE, last)
    fill_row(h, SUN_SHARE, 0.0, NONE, last)
    fill_row(h, MIRROR, 0.0, NONE, last)
    for s in range(NONE, last, EIGHT):
        for k in range(s, s + EIGHT):
            h[LAMP_R + k], h[LAMP_G + k], h[LAMP_B + k] = 0.0, 0.0, 0.0
            h[KEY_R + k], h[KEY_G + k], h[KEY_B + k] = 0.0, 0.0, 0.0
            h[MIRROR_R + k], h[MIRROR_G + k], h[MIRROR_B + k] = 0.0, 0.0, 0.0
            lift = 1.5e-3 + 2.0e-5 * h[T + k]
            h[START_X + k] = h[PX + k] + h[GX + k] * lift
            h[START_Y + k] = h[PY + k] + h[GY + k] * lift
            h[START_Z + k] = h[PZ + k] + h[GZ + k] * lift


@single
def sun_shares(sx, sy, sz, h, hits):
    """Share of the sun's light by the angle at which it falls."""
    for s in range(NONE, np.uint64(hits), EIGHT):
        for k in range(s, s + EIGHT):
            wrap = h[WRAP + k]
            facing = h[NX + k] * sx + h[NY + k] * sy + h[NZ + k] * sz
            lambert = max((facing + wrap) / (1.0 + wrap), 0.0)
            # Leaves let light through from behind.
            behind = h[GX + k] * sx + h[GY + k] * sy + h[GZ + k] * sz <= 0.0
            through = 0.4 * lambert if wrap > 0.4 else 0.0
            h[SUN_SHARE + k] = through if behind else lambert


@single
def sun_pass(world, view, w, hits):
    """Share of the sun's light at each hit, and where things shadow it."""
    env, h, pixel, order, members = world.env, w.seen.lanes, w.pixel, w.seen.order, w.members
    queue, ids = w.more.queue, w.more.ids
    sx, sy, sz = env[SUN], env[SUN + 1], env[SUN + 2]
    sun_shares(sx, sy, sz, h, hits)
    count = 0
    for j in range(hits):
        k = np.uint64(j)
        if h[SUN_SHARE + k] <= 0.0 or h[GX + k] * sx + h[GY + k] * sy + h[GZ + k] * sz <= 0.0:
            continue
        dx, dy, dz = sx, sy, sz
        if view.soft:
            # The sun is 0.53 degrees wide.
            i = pixel[order[j]]
            dx += 0.0093 * (uniform(i, int(h[PX + k] * 512.0)) - 0.5)
            dy += 0.0093 * (uniform(-i, int(h[PY + k] * 512.0)) - 0.5)
        start_ray(queue, ids, count, h, k, dx, dy, dz, 600.0)
        members[count] = j
        count += 1
    occlude(world.scene, world.coherent, queue, count, w.masks)
    for n in range(count):
        if queue[n >> 3, 8, n & 7] < 0.0:
            h[SUN_SEEN + np.uint64(members[n])] = 0.0


@single
def start_ray(queue, ids, n, h, k, dx, dy, dz, far):
    """Queue a ray from hit k."""
    x, y, z = h[START_X + k], h[START_Y + k], h[START_Z + k]
    put_ray(queue, ids, n, x, y, z, dx, dy, dz, 0.0, far, h[TIME + k])


@single
def lamps_at(env, lamps, cells, h, k):
    """Add the light of the lamps around hit k, unshadowed; the strongest one, or -1."""
    cell = cell_of(env, GRID, h[PX + k], h[PY + k])
    key = -1
    if cell < 0:
        return key
    for n in range(LAMPS_PER_CELL):
        one = cells[cell, n]
        if one < 0:
            break
        straight, bounced = lamp_light(lamps, one, h, k)
        r, g, b = lamps[one, LAMP_RGB], lamps[one, LAMP_RGB + 1], lamps[one, LAMP_RGB + 2]
        h[LAMP_R + k] += (straight + bounced) * r
        h[LAMP_G + k] += (straight + bounced) * g
        h[LAMP_B + k] += (straight + bounced) * b
        if straight * (r + g) > h[KEY_R + k] + h[KEY_G + k]:
            key = one
            h[KEY_R + k], h[KEY_G + k], h[KEY_B + k] = straight * r, straight * g, straight * b
    return key


@single
def lamp_pass(world, w, hits):
    """Light of the lamps around each hit; the strongest one casts a shadow."""
    env, lamps, cells, h, members = world.env, world.lamps, world.cells, w.seen.lanes, w.members
    queue, ids = w.more.queue, w.more.ids
    count = 0
    for j in range(hits):
        k = np.uint64(j)
        key = lamps_at(env, lamps, cells, h, k)
        if key < 0:
            continue
        dx = lamps[key, LAMP_AT] - h[START_X + k]
        dy = lamps[key, LAMP_AT + 1] - h[START_Y + k]
        dz = lamps[key, LAMP_AT + 2] - h[START_Z + k]
        far = math.sqrt(dx * dx + dy * dy + dz * dz)
        s = 1.0 / far
        start_ray(queue, ids, count, h, k, dx * s, dy * s, dz * s, max(far - 0.3, 0.0))
        members[count] = j
        count += 1
    occlude(world.scene, world.scattered, queue, count, w.masks)
    for n in range(count):
        if queue[n >> 3, 8, n & 7] < 0.0:
            k = np.uint64(members[n])
            h[LAMP_R + k] -= h[KEY_R + k]
            h[LAMP_G + k] -= h[KEY_G + k]
            h[LAMP_B + k] -= h[KEY_B + k]


@single
def openness_pass(world, view, w, hits):
    """Share of the sky's light that near things let through (ambient occlusion)."""
    h, pixel, order = w.seen.lanes, w.pixel, w.seen.order
    queue, ids = w.more.queue, w.more.ids
    per_hit = view.openness_rays
    for turn in range(per_hit):
        for j in range(hits):
            k = np.uint64(j)
            i = pixel[order[j]]
            key = int(h[PX + k] * 997.0) * 31 + int(h[PZ + k] * 769.0)
            u = uniform(i * 17 + turn * 1013, key)
            v = (uniform(i * 29 + turn * 733, key + 1) + turn) / per_hit
            dx, dy, dz = around(h[NX + k], h[NY + k], h[NZ + k], u, v)
            start_ray(queue, ids, j, h, k, dx, dy, dz, 4.0)
        occlude(world.scene, world.scattered, queue, hits, w.masks)
        for j in range(hits):
            if queue[j >> 3, 8, j & 7] < 0.0:
                h[OPEN + np.uint64(j)] -= np.float32(0.8 / per_hit)


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


@single
def mirror_shares(h, hits):
    """Share of the light that each hit mirrors, by Schlick's rule; 0 where it would not show."""
    for s in range(NONE, np.uint64(hits), EIGHT):
        for k in range(s, s + EIGHT):
            d = h[DX + k] * h[NX + k] + h[DY + k] * h[NY + k] + h[DZ + k] * h[NZ + k]
            c = max(0.0, 1.0 + d)
            f0 = h[F0 + k]
            share = (f0 + (1.0 - f0) * c * c * c * c * c) * h[GLOSS + k]
            h[MIRROR + k] = 0.0 if share < MIRROR_LIMIT or d > 0.0 else share


@single
def mirror_rays(w, hits):
    """Queue the reflections of glossy hits; how many there are."""
    h, members, queue, ids, valid = w.seen.lanes, w.members, w.more.queue, w.more.ids, w.more.valid
    count = 0
    for j in range(hits):
        k = np.uint64(j)
        if h[MIRROR + k] <= 0.0:
            continue
        dx, dy, dz = h[DX + k], h[DY + k], h[DZ + k]
        nx, ny, nz = h[NX + k], h[NY + k], h[NZ + k]
        gx, gy, gz = h[GX + k], h[GY + k], h[GZ + k]
        d = 2.0 * (dx * nx + dy * ny + dz * nz)
        dx, dy, dz = dx - d * nx, dy - d * ny, dz - d * nz
        below = max(0.02 - (dx * gx + dy * gy + dz * gz), 0.0)
        dx, dy, dz = dx + below * gx, dy + below * gy, dz + below * gz
        start_ray(queue, ids, count, h, k, dx, dy, dz, 300.0)
        valid[count] = 1
        members[count] = j
        count += 1
    return count


@poured
def mirror_pass(world, view, w, hits):
    """What glossy hits mirror: the sky, or one further hit lit simply."""
    mirror_shares(w.seen.lanes, hits)
    count = mirror_rays(w, hits)
    if count == 0:
        return
    trace(world.scene, world.coherent, w.more.queue, count, w.masks)
    met, count = decode(world, w.more, count, 3.0 * view.lens[0], 1)
    surfaces(world, w.more)
    lit_simply(world.env, w.more.lanes, met)
    sky(world.sky, w.more.lanes, np.uint64(met), np.uint64(count), LIGHT_R, LIGHT_G, LIGHT_B)
    h, light, members, order = w.seen.lanes, w.more.lanes, w.members, w.more.order
    for j in range(count):
        k, n = np.uint64(members[order[j]]), np.uint64(j)
        h[MIRROR_R + k] = light[LIGHT_R + n]
        h[MIRROR_G + k] = light[LIGHT_G + n]
        h[MIRROR_B + k] = light[LIGHT_B + n]


@single
def lit_simply(env, h, hits):
    """Light of mirrored hits: sun without shadows, sky."""
    sx, sy, sz = env[SUN], env[SUN + 1], env[SUN + 2]
    sun_r, sun_g, sun_b = env[SUNLIGHT], env[SUNLIGHT + 1], env[SUNLIGHT + 2]
    sky_r, sky_g, sky_b = ambient(env, 0), ambient(env, 1), ambient(env, 2)
    for s in range(NONE, np.uint64(hits), EIGHT):
        for k in range(s, s + EIGHT):
            nx, ny, nz = h[NX + k], h[NY + k], h[NZ + k]
            sun = 0.7 * max(0.0, nx * sx + ny * sy + nz * sz)
            red = sun * sun_r + 0.8 * falling(sky_r, nx, ny, nz)
            green = sun * sun_g + 0.8 * falling(sky_g, nx, ny, nz)
            blue = sun * sun_b + 0.8 * falling(sky_b, nx, ny, nz)
            h[LIGHT_R + k] = h[R + k] * red + h[GLOW_R + k]
            h[LIGHT_G + k] = h[G + k] * green + h[GLOW_G + k]
            h[LIGHT_B + k] = h[B + k] * blue + h[GLOW_B + k]


@poured
def glint(sx, sy, sz, h, k):
    """Highlight of the sun (Blinn and Phong, normalised)."""
    gloss = h[GLOSS + k]
    x, y, z = sx - h[DX + k], sy - h[DY + k], sz - h[DZ + k]
    c = h[NX + k] * x + h[NY + k] * y + h[NZ + k] * z
    c = c / np.sqrt(x * x + y * y + z * z + 1e-9)
    n = 8.0 + 700.0 * gloss * gloss
    shine = h[F0 + k] * (n + 8.0) * 0.125 * exponential(n * logarithm(max(c, 1e-6)))
    return min(shine, 30.0) if c > 0.0 and gloss > 0.15 else 0.0


@shared
@single
def combine(env, h, hits, filtered):
    """The light that leaves each hit towards the eye, and the sky's and the sun's part of it.

    With `filtered` both are whole here, and what shuts them out is averaged and taken later.
    """
    sx, sy, sz = env[SUN], env[SUN + 1], env[SUN + 2]
    sun_r, sun_g, sun_b = env[SUNLIGHT], env[SUNLIGHT + 1], env[SUNLIGHT + 2]
    sky_r, sky_g, sky_b = ambient(env, 0), ambient(env, 1), ambient(env, 2)
    fog_per_m, start, falloff = env[FOG], env[FOG_START], env[FOG_FALLOFF]
    ax, ay = env[VEIL_AXIS], env[VEIL_AXIS + 1]
    fog_r, fog_g, fog_b = env[VEIL], env[VEIL + 1], env[VEIL + 2]
    lobe_r, lobe_g, lobe_b = env[VEIL_SUN], env[VEIL_SUN + 1], env[VEIL_SUN + 2]
    for s in range(NONE, np.uint64(hits), EIGHT):
        for k in range(s, s + EIGHT):
            dx, dy, nx, ny, nz = h[DX + k], h[DY + k], h[NX + k], h[NY + k], h[NZ + k]
            mirror = h[MIRROR + k]
            sun = h[SUN_SHARE + k] * (1.0 if filtered else h[SUN_SEEN + k])
            guessed = 1.0 if filtered else h[OPEN + k]
            clear = clarity(fog_per_m, start, falloff, h[OZ + k], h[DZ + k], h[T + k])
            fog = 1.0 - clear
            # Fog's colour follows the sun's azimuth.
            c = (dx * ax + dy * ay) / np.sqrt(dx * dx + dy * dy + 1e-9)
            shine = clear * sun * glint(sx, sy, sz, h, k)
            keep = clear * (1.0 - mirror)
            red, green, blue = h[R + k] * keep, h[G + k] * keep, h[B + k] * keep
            h[SKY_R + k] = red * guessed * falling(sky_r, nx, ny, nz)
            h[SKY_G + k] = green * guessed * falling(sky_g, nx, ny, nz)
            h[SKY_B + k] = blue * guessed * falling(sky_b, nx, ny, nz)
            h[SUN_R + k] = (red * sun + shine) * sun_r
            h[SUN_G + k] = (green * sun + shine) * sun_g
            h[SUN_B + k] = (blue * sun + shine) * sun_b
            red = red * h[LAMP_R + k] + clear * (mirror * h[MIRROR_R + k] + h[GLOW_R + k])
            green = green * h[LAMP_G + k] + clear * (mirror * h[MIRROR_G + k] + h[GLOW_G + k])
            blue = blue * h[LAMP_B + k] + clear * (mirror * h[MIRROR_B + k] + h[GLOW_B + k])
            red += fog * (fog_r + lobe_r * c)
            green += fog * (fog_g + lobe_g * c)
            blue += fog * (fog_b + lobe_b * c)
            h[LIGHT_R + k] = red + h[SKY_R + k] + h[SUN_R + k]
            h[LIGHT_G + k] = green + h[SKY_G + k] + h[SUN_G + k]
            h[LIGHT_B + k] = blue + h[SKY_B + k] + h[SUN_B + k]


@single
def backdrop(env, table, h, first, last):
    """The sky, and the sun in it, where rays met nothing."""
    sky(table, h, first, last, LIGHT_R, LIGHT_G, LIGHT_B)
    sx, sy, sz = env[SUN], env[SUN + 1], env[SUN + 2]
    disc = 40.0 * env[DISC] if env[SUNLIGHT + 1] > 0.05 else 0.0
    sun_r, sun_g, sun_b = disc * env[SUNLIGHT], disc * env[SUNLIGHT + 1], disc * env[SUNLIGHT + 2]
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            there = h[DX + k] * sx + h[DY + k] * sy + h[DZ + k] * sz > 0.99998
            h[LIGHT_R + k] += sun_r if there else 0.0
            h[LIGHT_G + k] += sun_g if there else 0.0
            h[LIGHT_B + k] += sun_b if there else 0.0
            h[SKY_R + k], h[SKY_G + k], h[SKY_B + k] = 0.0, 0.0, 0.0
            h[SUN_R + k], h[SUN_G + k], h[SUN_B + k] = 0.0, 0.0, 0.0
            h[OPEN + k], h[SUN_SEEN + k] = 1.0, 1.0


@poured
def shade(world, view, w, hits, valid):
    """Light of each decoded ray of a batch: rows LIGHT_R to SUN_B."""
    env, h = world.env, w.seen.lanes
    surfaces(world, w.seen)
    prepare(h, hits)
    if view.openness_rays == 0:
        under_bodies(env, world.bodies, world.body_cells, h, hits)
    if env[SUNLIGHT + 1] > 0.0:
        sun_pass(world, view, w, hits)
    if env[NIGHT] > 0.0:
        lamp_pass(world, w, hits)
    if view.openness_rays > 0:
        openness_pass(world, view, w, hits)
    mirror_pass(world, view, w, hits)
    combine(env, h, hits, view.openness_rays > 0)
    backdrop(env, world.sky, h, np.uint64(hits), np.uint64(valid))
