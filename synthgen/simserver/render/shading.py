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
    SHADE_GRID,
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
    WRAP,
    B,
    G,
    R,
    surface,
)

BATCH = 64

# Light received, per ray of the batch.
SUN_SHARE, SUN_SEEN, OPEN, LAMP_R, LAMP_G, LAMP_B, KEY_R, KEY_G, KEY_B = range(9)
MIRROR, MIRROR_R, MIRROR_G, MIRROR_B = range(9, 13)
LIT_COLUMNS = 13

# Columns of a colour: all light, then the parts of it from the sky and from the sun.
FROM_SKY, FROM_SUN = 3, 6
COLOUR_COLUMNS = 9

# Columns of a lamp (float64).
LAMP_AT, LAMP_TO, LAMP_EDGE, LAMP_CORE, LAMP_REACH2, LAMP_RGB = 0, 3, 6, 7, 8, 9
LAMP_COLUMNS = 12
LAMPS_PER_CELL = 24

# Columns of a body on the ground (float64): x, y, cos and sin of its yaw, half length, half
# width, height of its foot, how far its shade reaches.
BODY_COLUMNS = 8
BODIES_PER_CELL = 4

MIRROR_LIMIT = 0.018


@fast
def ambient(env, nx, ny, nz, k):
    """Sky and ground light on a normal, one colour channel."""
    a = AMBIENT + k
    return max(0.0, env[a] + env[a + 3] * nx + env[a + 6] * ny + env[a + 9] * nz)


@fast
def lamp_light(lamps, k, hits, i):
    """Light of lamp k on hit i per unit of its colour."""
    x = lamps[k, LAMP_AT] - hits[i, PX]
    y = lamps[k, LAMP_AT + 1] - hits[i, PY]
    z = lamps[k, LAMP_AT + 2] - hits[i, PZ]
    d2 = x * x + y * y + z * z
    reach2 = lamps[k, LAMP_REACH2]
    if d2 > reach2:
        return 0.0
    s = 1.0 / math.sqrt(d2 + 1e-9)
    facing = (hits[i, NX] * x + hits[i, NY] * y + hits[i, NZ] * z) * s
    if facing <= 0.0:
        return 0.0
    edge = lamps[k, LAMP_EDGE]
    c = -(lamps[k, LAMP_TO] * x + lamps[k, LAMP_TO + 1] * y + lamps[k, LAMP_TO + 2] * z) * s
    if c <= edge:
        return 0.0
    cone = min((c - edge) / (lamps[k, LAMP_CORE] - edge), 1.0)
    fade = 1.0 - d2 / reach2
    return facing * cone * cone * fade * fade / (d2 + 0.4)


@fast
def cell_of(env, grid, x, y):
    """Row of a grid's cells for a place, or -1 outside."""
    cx = math.floor((x - env[grid]) * env[grid + 2])
    cy = math.floor((y - env[grid + 1]) * env[grid + 2])
    n = int(env[grid + 3])
    if cx < 0 or cy < 0 or cx >= n or cy >= n:
        return -1
    return cy * n + cx


@fast
def under_bodies(env, bodies, body_cells, hits, i):
    """Share of the sky that vehicles and people on the ground leave to a hit near them.

    A guess from their boxes, in place of rays: without it they float under a cloudy sky.
    """
    x, y, z = hits[i, PX], hits[i, PY], hits[i, PZ]
    cell = cell_of(env, SHADE_GRID, x, y)
    left = 1.0
    if cell < 0:
        return left
    for k in range(BODIES_PER_CELL):
        one = body_cells[cell, k]
        if one < 0:
            break
        dx = x - bodies[one, 0]
        dy = y - bodies[one, 1]
        if abs(z - bodies[one, 6]) > 0.5:
            continue
        c, s = bodies[one, 2], bodies[one, 3]
        u = max(abs(c * dx + s * dy) - bodies[one, 4], 0.0)
        v = max(abs(c * dy - s * dx) - bodies[one, 5], 0.0)
        far = (u * u + v * v) / (bodies[one, 7] * bodies[one, 7])
        if far < 1.0:
            left *= 1.0 - 0.78 * (1.0 - far) * (1.0 - far)
    return left


@fast
def start_at(hits, i):
    """Where a secondary ray starts: off the surface by more than the tracing error."""
    lift = 1.5e-3 + 2.0e-5 * hits[i, T]
    return (
        hits[i, PX] + hits[i, GX] * lift,
        hits[i, PY] + hits[i, GY] * lift,
        hits[i, PZ] + hits[i, GZ] * lift,
    )


@fast
def sun_pass(world, view, w, n):
    """Share of the sun's light at each hit."""
    env, alive, hits, faces, lit = world.env, w.alive, w.hits, w.faces, w.lit
    more, more_ids, members, pixel, rays = w.more, w.more_ids, w.members, w.pixel, w.rays
    sx, sy, sz = env[SUN], env[SUN + 1], env[SUN + 2]
    count = 0
    for i in range(n):
        if alive[i] == 0:
            continue
        wrap = faces[i, WRAP]
        lambert = (hits[i, NX] * sx + hits[i, NY] * sy + hits[i, NZ] * sz + wrap) / (1.0 + wrap)
        if lambert <= 0.0:
            continue
        if hits[i, GX] * sx + hits[i, GY] * sy + hits[i, GZ] * sz <= 0.0:
            lit[i, SUN_SHARE] = 0.4 * lambert if wrap > 0.4 else 0.0
            continue
        lit[i, SUN_SHARE] = lambert
        x, y, z = start_at(hits, i)
        dx, dy, dz = sx, sy, sz
        if view.soft:
            # The sun is 0.53 degrees wide.
            dx += 0.0093 * (uniform(pixel[i], int(hits[i, PX] * 512.0)) - 0.5)
            dy += 0.0093 * (uniform(-pixel[i], int(hits[i, PY] * 512.0)) - 0.5)
        put_ray(more, more_ids, count, x, y, z, dx, dy, dz, 0.0, 600.0, rays[i >> 3, 7, i & 7])
        members[count] = i
        count += 1
    occlude(world.scene, world.coherent, more, count, w.masks)
    for k in range(count):
        if more[k >> 3, 8, k & 7] < 0.0:
            lit[members[k], SUN_SEEN] = 0.0


@fast
def lamps_at(env, lamps, cells, hits, lit, i):
    """Add the light of the lamps around hit i, unshadowed; the strongest one, or -1."""
    cell = cell_of(env, GRID, hits[i, PX], hits[i, PY])
    key = -1
    if cell < 0:
        return key
    for k in range(LAMPS_PER_CELL):
        one = cells[cell, k]
        if one < 0:
            break
        e = lamp_light(lamps, one, hits, i)
        r, g, b = (
            e * lamps[one, LAMP_RGB],
            e * lamps[one, LAMP_RGB + 1],
            e * lamps[one, LAMP_RGB + 2],
        )
        lit[i, LAMP_R] += r
        lit[i, LAMP_G] += g
        lit[i, LAMP_B] += b
        if r + g > lit[i, KEY_R] + lit[i, KEY_G]:
            key = one
            lit[i, KEY_R], lit[i, KEY_G], lit[i, KEY_B] = r, g, b
    return key


@fast
def lamp_pass(world, w, n):
    """Light of the lamps around each hit; the strongest one casts a shadow."""
    env, lamps, cells, alive, hits, lit = (
        world.env,
        world.lamps,
        world.cells,
        w.alive,
        w.hits,
        w.lit,
    )
    more, more_ids, members, rays = w.more, w.more_ids, w.members, w.rays
    count = 0
    for i in range(n):
        if alive[i] == 0:
            continue
        key = lamps_at(env, lamps, cells, hits, lit, i)
        if key < 0:
            continue
        x, y, z = start_at(hits, i)
        dx = lamps[key, LAMP_AT] - x
        dy = lamps[key, LAMP_AT + 1] - y
        dz = lamps[key, LAMP_AT + 2] - z
        far = math.sqrt(dx * dx + dy * dy + dz * dz)
        s = 1.0 / far
        dx, dy, dz = dx * s, dy * s, dz * s
        far = max(far - 0.3, 0.0)
        time = rays[i >> 3, 7, i & 7]
        put_ray(more, more_ids, count, x, y, z, dx, dy, dz, 0.0, far, time)
        members[count] = i
        count += 1
    occlude(world.scene, world.scattered, more, count, w.masks)
    for k in range(count):
        if more[k >> 3, 8, k & 7] < 0.0:
            i = members[k]
            lit[i, LAMP_R] -= lit[i, KEY_R]
            lit[i, LAMP_G] -= lit[i, KEY_G]
            lit[i, LAMP_B] -= lit[i, KEY_B]


@fast
def openness_pass(world, view, w, n):
    """Share of the sky's light that near things let through (ambient occlusion)."""
    alive, hits, lit, pixel = w.alive, w.hits, w.lit, w.pixel
    more, more_ids, members, rays = w.more, w.more_ids, w.members, w.rays
    per_hit = view.openness_rays
    for turn in range(per_hit):
        count = 0
        for i in range(n):
            if alive[i] == 0:
                continue
            key = int(hits[i, PX] * 997.0) * 31 + int(hits[i, PZ] * 769.0)
            u = uniform(pixel[i] * 17 + turn * 1013, key)
            v = (uniform(pixel[i] * 29 + turn * 733, key + 1) + turn) / per_hit
            x, y, z = start_at(hits, i)
            dx, dy, dz = around(hits[i, NX], hits[i, NY], hits[i, NZ], u, v)
            put_ray(more, more_ids, count, x, y, z, dx, dy, dz, 0.0, 4.0, rays[i >> 3, 7, i & 7])
            members[count] = i
            count += 1
        occlude(world.scene, world.scattered, more, count, w.masks)
        for k in range(count):
            if more[k >> 3, 8, k & 7] < 0.0:
                lit[members[k], OPEN] -= 0.8 / per_hit


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
def mirror_rays(world, view, w, n):
    """Queue the reflections of glossy hits; how many there are."""
    alive, hits, faces, lit = w.alive, w.hits, w.faces, w.lit
    more, more_ids, members, rays = w.more, w.more_ids, w.members, w.rays
    count = 0
    for i in range(n):
        gloss = faces[i, GLOSS]
        if alive[i] == 0 or gloss <= 0.0:
            continue
        p = i >> 3
        lane = i & 7
        dx, dy, dz = rays[p, 4, lane], rays[p, 5, lane], rays[p, 6, lane]
        nx, ny, nz = hits[i, NX], hits[i, NY], hits[i, NZ]
        d = dx * nx + dy * ny + dz * nz
        k = max(0.0, 1.0 + d)
        f0 = faces[i, F0]
        share = (f0 + (1.0 - f0) * k * k * k * k * k) * gloss
        if share < MIRROR_LIMIT or d > 0.0:
            continue
        lit[i, MIRROR] = share
        dx, dy, dz = dx - 2.0 * d * nx, dy - 2.0 * d * ny, dz - 2.0 * d * nz
        below = 0.02 - (dx * hits[i, GX] + dy * hits[i, GY] + dz * hits[i, GZ])
        if below > 0.0:
            dx += below * hits[i, GX]
            dy += below * hits[i, GY]
            dz += below * hits[i, GZ]
        x, y, z = start_at(hits, i)
        put_ray(more, more_ids, count, x, y, z, dx, dy, dz, 0.0, 300.0, rays[p, 7, lane])
        members[count] = i
        count += 1
    return count


@fast
def mirror_pass(world, view, w, n):
    """What glossy hits mirror: the sky, or one further hit lit simply."""
    count = mirror_rays(world, view, w, n)
    if count == 0:
        return
    trace(world.scene, world.scattered, w.more, count, w.masks)
    env, table, textures, palette = world.env, world.sky, world.textures, world.palette
    tri, slots, transforms = world.triangles, world.slots, world.transforms
    looks = world.looks
    uv = looks.view(np.float32)
    more, more_ids, lit, members = w.more, w.more_ids, w.lit, w.members
    hits, codes, face = w.mirrored, w.mirrored_codes, w.mirrored_faces[0]
    spread = 3.0 * view.lens[0]
    for k in range(count):
        i = members[k]
        p = k >> 3
        lane = k & 7
        if more_ids[p, 18, lane] == NO_HIT:
            r, g, b = sky(table, more[p, 4, lane], more[p, 5, lane], more[p, 6, lane])
        else:
            decode(tri, looks, uv, slots, transforms, more, more_ids, k, spread, 1, hits, codes, 0)
            surface(row_of(hits, 0), codes_of(codes, 0), env, textures, palette, face)
            nx, ny, nz = hits[0, NX], hits[0, NY], hits[0, NZ]
            s = 0.7 * max(0.0, nx * env[SUN] + ny * env[SUN + 1] + nz * env[SUN + 2])
            r = face[R] * (s * env[SUNLIGHT] + 0.8 * ambient(env, nx, ny, nz, 0)) + face[GLOW_R]
            g = face[G] * (s * env[SUNLIGHT + 1] + 0.8 * ambient(env, nx, ny, nz, 1))
            b = face[B] * (s * env[SUNLIGHT + 2] + 0.8 * ambient(env, nx, ny, nz, 2))
            g += face[GLOW_G]
            b += face[GLOW_B]
        lit[i, MIRROR_R], lit[i, MIRROR_G], lit[i, MIRROR_B] = r, g, b


@fast
def glint(env, nx, ny, nz, dx, dy, dz, f0, gloss):
    """Highlight of the sun (Blinn and Phong, normalised)."""
    x, y, z = env[SUN] - dx, env[SUN + 1] - dy, env[SUN + 2] - dz
    c = (nx * x + ny * y + nz * z) / math.sqrt(x * x + y * y + z * z + 1e-9)
    if c <= 0.0:
        return 0.0
    n = 8.0 + 700.0 * gloss * gloss
    return min(f0 * (n + 8.0) * 0.125 * math.exp(n * math.log(c)), 30.0)


@fast
def combine(env, rays, hits, faces, lit, filtered, colour, i):
    """Write the light that leaves hit i towards the eye, and the sky's and the sun's part.

    With `filtered` both are whole here, and what shuts them out is averaged and taken later.
    """
    p = i >> 3
    lane = i & 7
    dx, dy, dz = rays[p, 4, lane], rays[p, 5, lane], rays[p, 6, lane]
    nx, ny, nz = hits[i, NX], hits[i, NY], hits[i, NZ]
    mirror = lit[i, MIRROR]
    sun = lit[i, SUN_SHARE] if filtered else lit[i, SUN_SHARE] * lit[i, SUN_SEEN]
    clear = clarity(env, rays[p, 2, lane], dz, hits[i, T])
    fr, fg, fb = 0.0, 0.0, 0.0
    if clear < 0.999:
        fr, fg, fb = veil(env, dx, dy)
    shine = 0.0
    if sun > 0.0 and faces[i, GLOSS] > 0.15:
        shine = sun * glint(env, nx, ny, nz, dx, dy, dz, faces[i, F0], faces[i, GLOSS])
    keep = clear * (1.0 - mirror)
    guessed = 1.0 if filtered else lit[i, OPEN]
    for k in range(3):
        albedo = faces[i, R + k] * keep
        skylight = albedo * guessed * ambient(env, nx, ny, nz, k)
        sunlight = (albedo * sun + clear * shine) * env[SUNLIGHT + k]
        light = albedo * lit[i, LAMP_R + k] + skylight + sunlight
        light += clear * (mirror * lit[i, MIRROR_R + k] + faces[i, GLOW_R + k])
        fog = fr if k == 0 else (fg if k == 1 else fb)
        colour[i, k] = light + fog * (1.0 - clear)
        colour[i, FROM_SKY + k] = skylight
        colour[i, FROM_SUN + k] = sunlight


@fast
def backdrop(env, table, dx, dy, dz):
    """The sky, and the sun in it."""
    r, g, b = sky(table, dx, dy, dz)
    c = dx * env[SUN] + dy * env[SUN + 1] + dz * env[SUN + 2]
    if c > 0.99998 and env[SUNLIGHT + 1] > 0.05:
        disc = 40.0 * env[DISC]
        r += disc * env[SUNLIGHT]
        g += disc * env[SUNLIGHT + 1]
        b += disc * env[SUNLIGHT + 2]
    return r, g, b


@fast
def decode_batch(world, w, n, spread, full):
    """Decode all rays that met something; the others are not alive."""
    tri, slots, transforms = world.triangles, world.slots, world.transforms
    looks = world.looks
    uv = looks.view(np.float32)
    rays, ids, hits, codes, alive, valid = w.rays, w.ids, w.hits, w.codes, w.alive, w.valid
    for i in range(n):
        alive[i] = 0
        if valid[i] and ids[i >> 3, 18, i & 7] != NO_HIT:
            alive[i] = 1
            decode(tri, looks, uv, slots, transforms, rays, ids, i, spread, full, hits, codes, i)


@fast
def row_of(hits, i):
    """Hit i as numbers: a view of its row would be counted by reference, at each pixel."""
    return (
        hits[i, 0],
        hits[i, 1],
        hits[i, 2],
        hits[i, 3],
        hits[i, 4],
        hits[i, 5],
        hits[i, 6],
        hits[i, 7],
        hits[i, 8],
        hits[i, 9],
        hits[i, 10],
        hits[i, 11],
        hits[i, 12],
        hits[i, 13],
    )


@fast
def codes_of(codes, i):
    """Codes of hit i as numbers."""
    return (
        codes[i, 0],
        codes[i, 1],
        codes[i, 2],
        codes[i, 3],
        codes[i, 4],
        codes[i, 5],
        codes[i, 6],
    )


@fast
def surface_batch(world, w, n, guess):
    """Surfaces of all hits; no light has fallen on them yet."""
    env, textures, palette = world.env, world.textures, world.palette
    bodies, body_cells = world.bodies, world.body_cells
    alive, hits, codes, faces, lit = w.alive, w.hits, w.codes, w.faces, w.lit
    for i in range(n):
        for k in range(LIT_COLUMNS):
            lit[i, k] = 0.0
        lit[i, OPEN] = 1.0
        lit[i, SUN_SEEN] = 1.0
        if alive[i]:
            if guess and hits[i, NZ] > 0.8:
                lit[i, OPEN] = under_bodies(env, bodies, body_cells, hits, i)
            surface(row_of(hits, i), codes_of(codes, i), env, textures, palette, faces[i])


@fast
def shade_batch(world, view, w, n):
    """Linear colour of each decoded ray of a batch."""
    env, table = world.env, world.sky
    surface_batch(world, w, n, view.openness_rays == 0)
    if env[SUNLIGHT + 1] > 0.0:
        sun_pass(world, view, w, n)
    if env[NIGHT] > 0.0:
        lamp_pass(world, w, n)
    if view.openness_rays > 0:
        openness_pass(world, view, w, n)
    mirror_pass(world, view, w, n)
    alive, rays, hits, faces, lit, colour = w.alive, w.rays, w.hits, w.faces, w.lit, w.colour
    for i in range(n):
        if alive[i]:
            combine(env, rays, hits, faces, lit, view.openness_rays, colour, i)
        else:
            p = i >> 3
            lane = i & 7
            r, g, b = backdrop(env, table, rays[p, 4, lane], rays[p, 5, lane], rays[p, 6, lane])
            colour[i, 0], colour[i, 1], colour[i, 2] = r, g, b
            for k in range(FROM_SKY, COLOUR_COLUMNS):
                colour[i, k] = 0.0
