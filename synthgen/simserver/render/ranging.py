"""The LiDAR, radar and free-ray kernels (numba)."""

import math

import numpy as np

from synthgen.simserver.render.fields import bits, decay, uniform
from synthgen.simserver.render.hits import (
    SLOT_INSTANCE,
    SLOT_ROW,
    SLOT_VARIANT,
    TRI_CODE,
    TRI_OBJECT,
    TRI_VARIANT,
    facing,
    instance_of,
    touch,
)
from synthgen.simserver.render.packets import (
    FAR,
    NO_HIT,
    fast,
    lane_masks,
    put_ray,
    ray_queue,
    trace,
)
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
    (Material.GLASS, 0.05),
    (Material.CLOTH, 0.42),
    (Material.SKIN, 0.45),
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
def strength(beam, reflectivity, material, variant, t, cos):
    """Intensity of a return, 0..1."""
    if beam[PHYSICAL] == 0.0:
        return decay(beam[ATTENUATION] * t)
    rho = reflectivity[material]
    if material >= PAINT_0:
        rho = 0.12 + 0.5 * uniform(variant, material)
    # Below 8 m the receiver's lens is out of focus: intensity is flat there.
    fade = 1.0 / (1.0 + 0.12 * max(0.125 * t - 1.0, 0.0))
    return min(
        1.0, 1.5 * rho * math.sqrt(max(cos, 0.02)) * fade * decay(2.0 * beam[EXTINCTION] * t)
    )


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
def aim_beams(aims, poses, times, columns, far, rays, ids, start, n):
    """Queue beams `start` to `start + n`; one pose for all, or one a column."""
    moving = poses.shape[0] > 1
    for k in range(n):
        i = start + k
        m = i % columns if moving else 0
        dx, dy, dz = aims[i, 0], aims[i, 1], aims[i, 2]
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
def put_point(sweep, at, aims, i, column, t, intensity, cos, instance, tag):
    """Write one return of beam i."""
    sweep.xyz[at, 0] = t * aims[i, 0]
    sweep.xyz[at, 1] = t * aims[i, 1]
    sweep.xyz[at, 2] = t * aims[i, 2]
    sweep.intensity[at] = intensity
    sweep.incidence[at] = cos
    sweep.instance[at] = instance
    sweep.tag[at] = tag
    sweep.column[at] = column


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
def scan_channels(  # noqa: C901, PLR0915 (a kernel: one pass from ray to point)
    world, aims, poses, times, columns, beam, reflectivity, sweep, first, last
):
    """LiDAR: channels `first` to `last` of `aims`, which go channel by channel.

    `aims` are unit vectors in the sensor's frame. Points are reported in the frame in which
    their beam was sent, packed at the start of each channel's room in `sweep`.
    """
    rays = ray_queue(BATCH)
    ids = rays.view(np.uint32)
    masks = lane_masks()
    tri, slots, transforms = world.triangles, world.slots, world.transforms
    seed = int(beam[BEAM_SEED])
    returns = int(beam[RETURNS])
    ignored = 0
    for channel in range(first, last):
        at = channel * columns * returns
        end = (channel + 1) * columns
        for start in range(channel * columns, end, BATCH):
            n = min(end - start, BATCH)
            aim_beams(aims, poses, times, columns, beam[MAX_RANGE], rays, ids, start, n)
            trace(world.scene, world.coherent, rays, n, masks)
            ignored += touch(tri, slots, ids, n)
            for k in range(n):
                p = k >> 3
                lane = k & 7
                i = start + k
                column = i - channel * columns
                t = rays[p, 8, lane]
                drop = droplet(beam, i)
                if drop < t:
                    haze = 0.02 + 0.06 * uniform(seed + 7, i)
                    put_point(sweep, at, aims, i, column, drop, haze, 1.0, 0, 0)
                    at += 1
                    if returns == 1:
                        continue
                if ids[p, 18, lane] == NO_HIT:
                    continue
                slot = ids[p, 19, lane]
                row = slots[slot, SLOT_ROW] + ids[p, 17, lane]
                word = tri[row, TRI_CODE]
                _, _, _, cos = facing(slots, transforms, rays, ids, k)
                variant = tri[row, TRI_VARIANT] + slots[slot, SLOT_VARIANT]
                intensity = strength(beam, reflectivity, word & 255, variant, t, cos)
                if not survives(beam, intensity, channel, column, i):
                    continue
                thing = instance_of(slots[slot, SLOT_INSTANCE], tri[row, TRI_OBJECT])
                tag = (word >> 8) & 255
                if beam[NOISE] > 0.0:
                    t += beam[NOISE] * normal_number(seed + 4, i)
                put_point(sweep, at, aims, i, column, t, intensity, cos, thing, tag)
                at += 1
                if returns == 2 and drop >= FAR and k + 1 < n:
                    # The part of the beam that passes an edge returns from what is behind.
                    behind = rays[(k + 1) >> 3, 8, (k + 1) & 7]
                    met = ids[(k + 1) >> 3, 18, (k + 1) & 7] != NO_HIT
                    if met and behind > t + 1.0 and uniform(seed + 8, i) < 0.35:
                        weak = 0.4 * intensity
                        put_point(sweep, at, aims, i, column, behind, weak, cos, 0, 0)
                        at += 1
        sweep.counts[channel] = at - channel * columns * returns
    return ignored


@fast
def cast_rays(world, origins, directions, far, distances, normals, codes, first, last):
    """Free rays in the map frame."""
    rays = ray_queue(BATCH)
    ids = rays.view(np.uint32)
    masks = lane_masks()
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
