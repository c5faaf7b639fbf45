"""The LiDAR, radar and free-ray kernels (numba)."""

import math

import numpy as np

from synthgen.simserver.render.embree import LANES
from synthgen.simserver.render.fields import bits, decay, uniform
from synthgen.simserver.render.hits import (
    SLOT_INSTANCE,
    SLOT_MOVES,
    SLOT_ROW,
    SLOT_VARIANT,
    TRI_CODE,
    TRI_OBJECT,
    TRI_VARIANT,
    facing,
    instance_of,
    turned,
)
from synthgen.simserver.render.packets import (
    FAR,
    NO_HIT,
    fast,
    lane_masks,
    making,
    making_kernel,
    put_ray,
    ray_queue,
    trace,
    trace_one,
)
from synthgen.simserver.render.records import Echoes
from synthgen.simserver.render.turns import draw
from synthgen.simserver.render.windows import AZIMUTH, HALF_WIDTH, HIGH, LOW, TURN_RAD
from synthgen.simserver.scene import Material

BATCH = 64

# Columns of a free ray's codes (int32).
MET, RAY_INSTANCE, RAY_TAG = range(3)
CODE_COLUMNS = 3

# Columns of the beam settings (float64).
MAX_RANGE, ATTENUATION, DROP_GENERAL, DROP_LIMIT, DROP_ZERO, NOISE = range(6)
PHYSICAL, CLUSTER_COLUMNS, CLUSTER_ROWS, EXTINCTION, BEAM_SEED, DROPLETS, RETURNS = range(6, 13)
BEAM_COLUMNS = 13

NEAR_M = 0.05
PAINT_0 = int(Material.PAINT_0)
GLASS = int(Material.GLASS)
# Panes a beam passes at most: both sides of two cars.
PANES = 4
# Index of glass, and what is left behind 4 mm of the green glass of cars: an estimate of 0.15 per
# millimetre (its iron absorbs about 1050 nm).
GLASS_INDEX, GLASS_CLEAR = 1.52, 0.55

# Reflectivity at 905 nm by material, rounded from the ECOSTRESS spectral library's classes
# (asphalt 0.1 to 0.2, concrete 0.4, vegetation 0.5 to 0.6, car paint 0.1 to 0.6); above 1:
# retro-reflectors.
REFLECTIVITY = np.full(64, 0.35, np.float32)
for _material, _value in (
    (Material.ASPHALT, 0.17),
    (Material.LANE_PAINT_WHITE, 0.85),
    (Material.LANE_PAINT_YELLOW, 0.70),
    (Material.SIDEWALK, 0.34),
    (Material.KERB, 0.38),
    (Material.GRASS, 0.46),
    (Material.SOIL, 0.27),
    (Material.CONCRETE, 0.38),
    (Material.BRICK, 0.33),
    (Material.FACADE, 0.40),
    (Material.SHOPFRONT, 0.22),
    (Material.WINDOW, 0.06),
    (Material.FOLIAGE, 0.48),
    (Material.BARK, 0.30),
    (Material.METAL, 0.42),
    (Material.RUBBER, 0.05),
    (Material.PLASTIC, 0.10),
    # Met behind more panes than are looked through.
    (Material.GLASS, 0.0),
    (Material.CLOTH, 0.42),
    (Material.SKIN, 0.45),
    (Material.LIPS, 0.45),
    (Material.PLATE, 3.5),
    (Material.SIGN_FACE, 5.0),
    (Material.WATER, 0.03),
    (Material.HEADLAMP, 0.8),
    (Material.TAIL_LAMP, 2.0),
    (Material.BRAKE_LAMP, 1.5),
):
    REFLECTIVITY[_material] = _value


@fast
def normal_number(seed, key):
    """A hashed number, normal to within 4 standard deviations (sum of 12 uniforms)."""
    total = -6.0
    for k in range(3):
        n = bits(seed + k * 7919, key)
        total += ((n & 255) + ((n >> 8) & 255) + ((n >> 16) & 255) + ((n >> 24) & 255)) / 255.0
    return total


@fast
def gather(tri, slots, transforms, rays, ids, count, words, things, variants):
    """What each hit of a queue met: code word, instance id and variant, by ray.

    The table's rows lie anywhere in memory; one tight loop lets the processor wait for many of
    them at a time. Normals of moving parts are turned into the map frame, in the queue.
    """
    for i in range(count):
        p = i >> 3
        lane = i & 7
        if ids[p, 18, lane] == NO_HIT:
            continue
        slot = ids[p, 19, lane]
        row = slots[slot, SLOT_ROW] + ids[p, 17, lane]
        words[i] = tri[row, TRI_CODE]
        things[i] = instance_of(slots[slot, SLOT_INSTANCE], tri[row, TRI_OBJECT])
        variants[i] = tri[row, TRI_VARIANT] + slots[slot, SLOT_VARIANT]
        if slots[slot, SLOT_MOVES]:
            x, y, z = rays[p, 12, lane], rays[p, 13, lane], rays[p, 14, lane]
            x, y, z = turned(transforms, slot, x, y, z)
            rays[p, 12, lane], rays[p, 13, lane], rays[p, 14, lane] = x, y, z


@fast
def cosines(rays, count, cos):
    """Cosine of incidence by ray, after `gather`. In float32 and lane by lane: one SIMD loop."""
    for p in range((count + LANES - 1) // LANES):
        for lane in range(LANES):
            x, y, z = rays[p, 12, lane], rays[p, 13, lane], rays[p, 14, lane]
            along = x * rays[p, 4, lane] + y * rays[p, 5, lane] + z * rays[p, 6, lane]
            square = x * x + y * y + z * z + np.float32(1e-30)
            cos[p * LANES + lane] = abs(along) / math.sqrt(square)


@fast
def fades(rays, count, rate, fade):
    """exp(-rate * distance) by ray, as `decay` has it. In float32 and lane by lane."""
    one = np.float32(1.0)
    a, b, c = np.float32(rate / 64.0), np.float32(rate / 128.0), np.float32(rate / 192.0)
    for p in range((count + LANES - 1) // LANES):
        for lane in range(LANES):
            t = rays[p, 8, lane]
            y = max(one - t * a * (one - t * b * (one - t * c)), np.float32(0.0))
            y *= y
            y *= y
            y *= y
            y *= y
            y *= y
            fade[p * LANES + lane] = y * y


@fast
def reflectance(reflectivity, material, variant):
    """Diffuse reflectance of what a beam met; paint's by the variant's colour."""
    if material >= PAINT_0:
        return 0.12 + 0.5 * uniform(variant, material)
    return reflectivity[material]


@fast
def pane_transmits(cos):
    """Share of a beam's light that passes a car's pane, by the cosine of incidence.

    Two faces reflect by Fresnel's equations, for light of no polarisation; between them the
    glass absorbs along its slanted way.

    Source: Hecht, Optics, section 4.6. How much the glass absorbs is an estimate; Rubin 1985,
    "Optical properties of soda lime silica glasses", Solar Energy Materials 12, lists kinds of it.
    """
    sine = math.sqrt(max(1.0 - cos * cos, 0.0)) / GLASS_INDEX
    inside = math.sqrt(1.0 - sine * sine)
    across = (cos - GLASS_INDEX * inside) / (cos + GLASS_INDEX * inside)
    along = (GLASS_INDEX * cos - inside) / (GLASS_INDEX * cos + inside)
    passed = 1.0 - 0.5 * (across * across + along * along)
    return passed * passed * decay(-math.log(GLASS_CLEAR) / inside)


@fast
def look_through(world, beam, seen, beyond, clear, members, n):
    """Carry the first `n` beams of a batch on through glass, to what they meet behind it.

    What passes the panes, there and back, goes to `clear`. What a pane itself sends back is
    mirrored away from the receiver, so that a beam which meets nothing else is lost.
    """
    for k in range(n):
        clear[k] = 1.0
    for _ in range(PANES):
        count = 0
        for k in range(n):
            p, lane = k >> 3, k & 7
            if seen.ids[p, 18, lane] == NO_HIT or seen.words[k] & 255 != GLASS:
                continue
            share = pane_transmits(seen.cosine[k])
            clear[k] *= share * share
            pass_on(seen.rays, p, lane, beam[MAX_RANGE], beyond, count)
            members[count] = k
            count += 1
        if count == 0:
            return
        trace(world.scene, world.scattered, beyond.rays, count, beyond.masks)
        gather(
            world.triangles, world.slots, world.transforms, beyond.rays, beyond.ids, count,
            beyond.words, beyond.things, beyond.variants,
        )  # fmt: skip
        cosines(beyond.rays, count, beyond.cosine)
        for j in range(count):
            take_over(seen, members[j], beyond, j)


@fast
def pass_on(rays, p, lane, far, beyond, j):
    """Queue a beam as ray `j` from behind what it met."""
    t = rays[p, 8, lane]
    put_ray(
        beyond.rays, beyond.ids, j,
        rays[p, 0, lane], rays[p, 1, lane], rays[p, 2, lane],
        rays[p, 4, lane], rays[p, 5, lane], rays[p, 6, lane],
        t + 2.0e-3 + 2.0e-5 * t, far, rays[p, 7, lane],
    )  # fmt: skip


@fast
def take_over(seen, k, beyond, j):
    """Replace what beam `k` met by what ray `j` met."""
    p, lane = k >> 3, k & 7
    q, other = j >> 3, j & 7
    seen.rays[p, 8, lane] = beyond.rays[q, 8, other]
    seen.ids[p, 18, lane] = beyond.ids[q, 18, other]
    seen.words[k] = beyond.words[j]
    seen.things[k] = beyond.things[j]
    seen.variants[k] = beyond.variants[j]
    seen.cosine[k] = beyond.cosine[j]


@fast
def strength(beam, rho, t, cos):
    """Intensity of a return by reflectance, incidence, range and air, 0..1."""
    # Below 8 m the receiver's lens is out of focus: intensity is flat there.
    fade = 1.0 / (1.0 + 0.12 * max(0.125 * t - 1.0, 0.0))
    return min(
        1.0, 1.5 * rho * math.sqrt(max(cos, 0.02)) * fade * decay(2.0 * beam[EXTINCTION] * t)
    )


@fast
def is_heard(beam, rho, t, i):
    """Whether the receiver tells a return from noise: the light that comes back goes by 1 / t^2.

    The range is that of foliage and cars, of reflectance 0.8; dark road is lost at less than half
    of it, and fog takes its share on both ways.

    Source: Velodyne HDL-64E data sheet, range 120 m (0.8) and 50 m (pavement, 0.1).
    """
    reach = t / beam[MAX_RANGE]
    light = rho * decay(2.0 * beam[EXTINCTION] * t) / (0.8 * reach * reach + 1e-9)
    return uniform(int(beam[BEAM_SEED]) + 9, i) < 2.0 * light - 1.5


@fast
def survives(beam, intensity, channel, column, i):
    """CARLA's drop-off model: a general rate, then more the weaker the return.

    Source: CARLA 0.9.16, RayCastLidar.cpp, PreprocessRays and PostprocessDetection.
    """
    seed = int(beam[BEAM_SEED])
    if beam[DROP_GENERAL] > 0.0:
        first = uniform(seed + 2, i)
        if beam[CLUSTER_COLUMNS] > 0.0:
            a = int(column / beam[CLUSTER_COLUMNS])
            b = int(channel / beam[CLUSTER_ROWS])
            first = 0.3 * first + 0.7 * uniform(seed + 1, a * 4096 + b)
        if first < beam[DROP_GENERAL]:
            return False
    if beam[DROP_ZERO] <= 0.0 or intensity > beam[DROP_LIMIT]:
        return True
    keep = beam[DROP_ZERO] / max(beam[DROP_LIMIT], 1e-9) * intensity + 1.0 - beam[DROP_ZERO]
    return uniform(seed + 3, i) < keep


@fast
def stand(poses, times, rays, ids):
    """Write what all beams from one pose have in common to a whole queue."""
    x, y, z = poses[0, 0, 3], poses[0, 1, 3], poses[0, 2, 3]
    for i in range(rays.shape[0] * LANES):
        put_ray(rays, ids, i, x, y, z, 0.0, 0.0, 0.0, NEAR_M, 0.0, times[0])


@fast
def aim_standing(aims, poses, far, rays, ids, start, n):
    """Queue beams `start` to `start + n`, rounded up to whole packets, after `stand`."""
    a, b, c = poses[0, 0, 0], poses[0, 0, 1], poses[0, 0, 2]
    d, e, f = poses[0, 1, 0], poses[0, 1, 1], poses[0, 1, 2]
    g, h, j = poses[0, 2, 0], poses[0, 2, 1], poses[0, 2, 2]
    reach = np.float32(far)
    for p in range((n + LANES - 1) // LANES):
        for lane in range(LANES):
            i = start + p * LANES + lane
            dx, dy, dz = aims[0, i], aims[1, i], aims[2, i]
            rays[p, 4, lane] = a * dx + b * dy + c * dz
            rays[p, 5, lane] = d * dx + e * dy + f * dz
            rays[p, 6, lane] = g * dx + h * dy + j * dz
            rays[p, 8, lane] = reach
            ids[p, 18, lane] = NO_HIT
            ids[p, 19, lane] = NO_HIT


@fast
def aim_moving(aims, poses, times, columns, far, rays, ids, start, n):
    """Queue beams `start` to `start + n`, each from its column's pose."""
    for k in range(n):
        i = start + k
        m = i % columns
        dx, dy, dz = aims[0, i], aims[1, i], aims[2, i]
        put_ray(
            rays,
            ids,
            k,
            poses[m, 0, 3],
            poses[m, 1, 3],
            poses[m, 2, 3],
            poses[m, 0, 0] * dx + poses[m, 0, 1] * dy + poses[m, 0, 2] * dz,
            poses[m, 1, 0] * dx + poses[m, 1, 1] * dy + poses[m, 1, 2] * dz,
            poses[m, 2, 0] * dx + poses[m, 2, 1] * dy + poses[m, 2, 2] * dz,
            NEAR_M,
            far,
            times[m],
        )


@fast
def put_point(points, at, aims, i, t, intensity):
    """Write one return of beam i."""
    points[at, 0] = t * aims[0, i]
    points[at, 1] = t * aims[1, i]
    points[at, 2] = t * aims[2, i]
    points[at, 3] = intensity


@fast
def put_label(labels, at, cos, instance, tag):
    """Write what a return met."""
    incidence, instances, tags = labels
    incidence[at] = cos
    instances[at] = instance
    tags[at] = tag


@fast
def is_bare(beam):
    """Whether each beam that meets something, and no other, has one return, as it is."""
    dropping = beam[DROP_GENERAL] > 0.0 or beam[DROP_ZERO] > 0.0 or beam[DROPLETS] > 0.0
    altered = beam[PHYSICAL] != 0.0 or beam[NOISE] > 0.0 or beam[RETURNS] != 1.0
    return not dropping and not altered


@fast
def put_points(points, at, aims, start, rays, ids, n, fade):
    """Write the hits of a whole queue; where the next point goes.

    A miss writes too, and is written over: nothing here waits for what a ray met.
    """
    row, first = np.uint64(at), np.uint64(start)
    for k in range(np.uint64(n)):
        p, lane = k >> np.uint64(3), k & np.uint64(7)
        put_point(points, row, aims, first + k, rays[p, 8, lane], fade[k])
        row += np.uint64(ids[p, 18, lane] != NO_HIT)
    return np.int64(row)


@fast
def put_labels(labels, at, ids, n, cosine, things, words):
    """Write what the hits of a whole queue met."""
    for k in range(n):
        put_label(labels, at, cosine[k], things[k], (words[k] >> 8) & 255)
        at += ids[k >> 3, 18, k & 7] != NO_HIT


@fast
def put_columns(sent, at, ids, n, column):
    """Write the columns of the hits of a whole queue, of which the first has `column`."""
    for k in range(n):
        sent[at] = column + k
        at += ids[k >> 3, 18, k & 7] != NO_HIT


@fast
def droplet(beam, i):
    """Range of the return from rain, fog or dust in front of beam i, or FAR for none."""
    if beam[DROPLETS] <= 0.0:
        return FAR
    seed = int(beam[BEAM_SEED])
    if uniform(seed + 5, i) >= beam[DROPLETS]:
        return FAR
    return 1.0 - 6.0 * math.log(1.0 - 0.999 * uniform(seed + 6, i))


@fast
def mark_met(windows, channel, things, met):
    """Set `met[b]` to 1 where a channel's batch `b` meets a thing's window, else to 0."""
    low, high = windows[LOW, channel, 0], windows[HIGH, channel, 0]
    for b in range(windows.shape[2]):
        met[b] = 0
        low = min(low, windows[LOW, channel, b])
        high = max(high, windows[HIGH, channel, b])
    for k in range(things.shape[1]):
        if things[LOW, k] > high or things[HIGH, k] < low:
            continue
        for b in range(windows.shape[2]):
            apart = abs(windows[AZIMUTH, channel, b] - things[AZIMUTH, k])
            apart = min(apart, abs(TURN_RAD - apart))
            met[b] |= apart <= windows[HALF_WIDTH, channel, b] + things[HALF_WIDTH, k]


@making
def echo_room():
    """Scratch for one batch of beams."""
    rays = ray_queue(BATCH)
    return Echoes(
        rays,
        rays.view(np.uint32),
        lane_masks(),
        np.zeros(BATCH, np.uint32),
        np.zeros(BATCH, np.uint32),
        np.zeros(BATCH, np.int64),
        np.zeros(BATCH, np.float32),
        np.zeros(BATCH, np.float32),
    )


@making_kernel
def scan_channels(
    world, aims, windows, things, poses, times, columns, beam, reflectivity, sweep, turn
):
    """LiDAR: channels of `aims` as long as `turn` has any; see `scan`.

    `turn` is (1,) int64, the next channel: threads that share it do each channel once.
    """
    way = (aims, windows, things, poses, times, np.zeros(windows.shape[-1], np.uint8))
    echoes, beyond = echo_room(), echo_room()
    clear, members = np.ones(BATCH, np.float32), np.zeros(BATCH, np.int64)
    channels = len(sweep.counts)
    channel = draw(turn.ctypes.data, 1)
    while channel < channels:
        scan(
            world, way, columns, beam, reflectivity, sweep, echoes, beyond, clear, members, channel
        )
        channel = draw(turn.ctypes.data, 1)


@fast
def scan(  # noqa: C901, PLR0915 (a kernel: one pass from ray to point)
    world, way, columns, beam, reflectivity, sweep, echoes, beyond, clear, members, channel
):
    """LiDAR: one channel of the way's aims, which go channel by channel.

    Aims are unit vectors in the sensor's frame; for their windows see windows.py. Points are
    reported in the frame in which their beam was sent, packed at the start of the channel's
    room in `sweep`; what has no room there (labels, columns) is left out.
    """
    rays, ids, masks, words, things, variants, cosine, fade = echoes
    tri, slots, transforms = world.triangles, world.slots, world.transforms
    points, sent = sweep.points, sweep.column
    labels = (sweep.incidence, sweep.instance, sweep.tag)
    labelled, timed = len(sweep.tag) > 0, len(sent) > 0
    physical = beam[PHYSICAL] != 0.0
    seed = int(beam[BEAM_SEED])
    returns = int(beam[RETURNS])
    aims, windows, others, poses, times, near = way
    moving = poses.shape[0] > 1
    if not moving:
        stand(poses, times, rays, ids)
    bare = is_bare(beam)
    began = channel * columns * returns
    at = began
    end = (channel + 1) * columns
    mark_met(windows, channel, others, near)
    for start in range(channel * columns, end, BATCH):
        n = min(end - start, BATCH)
        if moving:
            aim_moving(aims, poses, times, columns, beam[MAX_RANGE], rays, ids, start, n)
        else:
            aim_standing(aims, poses, beam[MAX_RANGE], rays, ids, start, n)
        trace_one(world.scene.ground, world.coherent.ground, rays, n, masks)
        if near[(start - channel * columns) // BATCH]:
            trace_one(world.scene.things, world.coherent.things, rays, n, masks)
        if labelled or physical:
            gather(tri, slots, transforms, rays, ids, n, words, things, variants)
            cosines(rays, n, cosine)
        if physical:
            look_through(world, beam, echoes, beyond, clear, members, n)
        else:
            fades(rays, n, beam[ATTENUATION], fade)
        if bare:
            if labelled:
                put_labels(labels, at, ids, n, cosine, things, words)
            if timed:
                put_columns(sent, at, ids, n, start - channel * columns)
            at = put_points(points, at, aims, start, rays, ids, n, fade)
            continue
        for k in range(n):
            p = k >> 3
            lane = k & 7
            i = start + k
            column = i - channel * columns
            t = rays[p, 8, lane]
            drop = droplet(beam, i)
            if drop < t:
                put_point(points, at, aims, i, drop, 0.02 + 0.06 * uniform(seed + 7, i))
                if labelled:
                    put_label(labels, at, 1.0, 0, 0)
                if timed:
                    sent[at] = column
                at += 1
                if returns == 1:
                    continue
            if ids[p, 18, lane] == NO_HIT:
                continue
            cos = cosine[k]
            intensity = fade[k]
            if physical:
                rho = clear[k] * reflectance(reflectivity, words[k] & 255, variants[k])
                if not is_heard(beam, rho, t, i):
                    continue
                intensity = strength(beam, rho, t, cos)
            if not survives(beam, intensity, channel, column, i):
                continue
            if beam[NOISE] > 0.0:
                t += beam[NOISE] * normal_number(seed + 4, i)
            put_point(points, at, aims, i, t, intensity)
            if labelled:
                put_label(labels, at, cos, things[k], (words[k] >> 8) & 255)
            if timed:
                sent[at] = column
            at += 1
            if returns == 2 and drop >= FAR and k + 1 < n:
                # The part of the beam that passes an edge returns from what is behind.
                behind = rays[(k + 1) >> 3, 8, (k + 1) & 7]
                met = ids[(k + 1) >> 3, 18, (k + 1) & 7] != NO_HIT
                if met and behind > t + 1.0 and uniform(seed + 8, i) < 0.35:
                    put_point(points, at, aims, i, behind, 0.4 * intensity)
                    if labelled:
                        put_label(labels, at, cos, 0, 0)
                    if timed:
                        sent[at] = column
                    at += 1
    sweep.counts[channel] = at - began


@making_kernel
def cast_rays(world, origins, directions, far, distances, normals, codes, first, last):
    """Free rays in the map frame, `first` to `last`."""
    rays, masks = ray_queue(BATCH), lane_masks()
    meet(world, origins, directions, far, distances, normals, codes, rays, masks, first, last)


@fast
def meet(world, origins, directions, far, distances, normals, codes, rays, masks, first, last):
    """Free rays in the map frame, through the given queue."""
    ids = rays.view(np.uint32)
    tri, slots, transforms = world.triangles, world.slots, world.transforms
    for start in range(first, last, BATCH):
        n = min(last - start, BATCH)
        for k in range(n):
            i = start + k
            dx, dy, dz = directions[i, 0], directions[i, 1], directions[i, 2]
            x, y, z = origins[i, 0], origins[i, 1], origins[i, 2]
            put_ray(rays, ids, k, x, y, z, dx, dy, dz, 0.0, far, 1.0)
        trace(world.scene, world.scattered, rays, n, masks)
        for k in range(n):
            i = start + k
            p = k >> 3
            lane = k & 7
            codes[i, MET] = 0
            if ids[p, 18, lane] == NO_HIT:
                continue
            slot = ids[p, 19, lane]
            row = slots[slot, SLOT_ROW] + ids[p, 17, lane]
            gx, gy, gz, _ = facing(slots, transforms, rays, ids, k)
            distances[i] = rays[p, 8, lane]
            normals[i, 0], normals[i, 1], normals[i, 2] = gx, gy, gz
            codes[i, MET] = 1
            codes[i, RAY_INSTANCE] = instance_of(slots[slot, SLOT_INSTANCE], tri[row, TRI_OBJECT])
            codes[i, RAY_TAG] = (tri[row, TRI_CODE] >> 8) & 255
