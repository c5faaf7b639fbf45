"""The LiDAR, radar and free-ray kernels (numba)."""

import math

import numpy as np

from synthgen.simserver.render.fields import bits, uniform
from synthgen.simserver.render.hits import (
    COS,
    GX,
    GY,
    GZ,
    HIT_CODES,
    HIT_COLUMNS,
    INSTANCE,
    MATERIAL,
    TAG,
    VARIANT,
    T,
    decode,
)
from synthgen.simserver.render.packets import NO_HIT, fast, lane_masks, put_ray, ray_queue, trace
from synthgen.simserver.scene import Material

BATCH = 256

# Columns of a ray's result (float32).
RANGE, INTENSITY, INCIDENCE, OUT_X, OUT_Y, OUT_Z = range(6)
RESULT_COLUMNS = 6
# Columns of a ray's codes (int32); KEPT is 1 for a return.
KEPT, RAY_INSTANCE, RAY_TAG = range(3)
CODE_COLUMNS = 3

# Columns of the beam settings (float64).
MAX_RANGE, ATTENUATION, DROP_GENERAL, DROP_LIMIT, DROP_ZERO, NOISE = range(6)
PHYSICAL, CLUSTER_COLUMNS, CLUSTER_ROWS, EXTINCTION, BEAM_SEED = range(6, 11)
BEAM_COLUMNS = 12

NEAR_M = 0.05

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
def strength(beam, reflectivity, hits, met):
    """Intensity of a return, 0..1."""
    if beam[PHYSICAL] == 0.0:
        return math.exp(-beam[ATTENUATION] * hits[0, T])
    rho = reflectivity[met[0, MATERIAL]]
    if met[0, MATERIAL] >= 48:
        rho = 0.12 + 0.5 * uniform(met[0, VARIANT], met[0, MATERIAL])
    cos = max(hits[0, COS], 0.02)
    # Below 8 m the receiver's lens is out of focus: intensity is flat there.
    near = hits[0, T] / 8.0
    fade = 1.0 / (1.0 + 0.12 * max(near - 1.0, 0.0))
    return min(1.0, rho * math.sqrt(cos) * fade * math.exp(-2.0 * beam[EXTINCTION] * hits[0, T]))


@fast
def survives(beam, intensity, channel, column, i):
    """CARLA's drop-off model: a general rate, then more the weaker the return.

    Source: CARLA 0.9.16, RayCastLidar.cpp, PreprocessRays and PostprocessDetection.
    """
    seed = int(beam[BEAM_SEED])
    if beam[CLUSTER_COLUMNS] > 0.0:
        a = int(column / beam[CLUSTER_COLUMNS])
        b = int(channel / beam[CLUSTER_ROWS])
        first = 0.7 * uniform(seed + 1, a * 4096 + b) + 0.3 * uniform(seed + 2, i)
    else:
        first = uniform(seed + 2, i)
    if beam[DROP_GENERAL] > 0.0 and first < beam[DROP_GENERAL]:
        return False
    limit = beam[DROP_LIMIT]
    if intensity > limit or beam[DROP_ZERO] <= 0.0:
        return True
    keep = beam[DROP_ZERO] / max(limit, 1e-9) * intensity + 1.0 - beam[DROP_ZERO]
    return uniform(seed + 3, i) < keep


@fast
def scan_rays(world, aims, poses, columns, beam, reflectivity, results, codes, first, last):
    """LiDAR: rays `first` to `last` of `aims`, channel by channel.

    `aims` are unit vectors in the sensor's frame; `poses` is one pose, or one a column. Points
    are reported in the frame in which the beam was sent.
    """
    rays = ray_queue(BATCH)
    ids = rays.view(np.uint32)
    masks = lane_masks()
    hits = np.zeros((1, HIT_COLUMNS), np.float64)
    met = np.zeros((1, HIT_CODES), np.int64)
    tri, slots, transforms = world.triangles, world.slots, world.transforms
    tri_f = tri.view(np.float32)
    moving = poses.shape[0] > 1
    seed = int(beam[BEAM_SEED])
    for start in range(first, last, BATCH):
        n = min(last - start, BATCH)
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
                beam[MAX_RANGE],
            )
        trace(world.scene, world.coherent, rays, n, masks)
        for k in range(n):
            i = start + k
            codes[i, KEPT] = 0
            if ids[k >> 3, 18, k & 7] == NO_HIT:
                continue
            decode(tri, tri_f, slots, transforms, rays, ids, k, 0.0, hits, met, 0)
            intensity = strength(beam, reflectivity, hits, met)
            if not survives(beam, intensity, i // columns, i % columns, i):
                continue
            t = hits[0, T]
            if beam[NOISE] > 0.0:
                t += beam[NOISE] * normal_number(seed + 4, i)
            results[i, RANGE] = t
            results[i, INTENSITY] = intensity
            results[i, INCIDENCE] = hits[0, COS]
            results[i, OUT_X] = t * aims[i, 0]
            results[i, OUT_Y] = t * aims[i, 1]
            results[i, OUT_Z] = t * aims[i, 2]
            codes[i, KEPT] = 1
            codes[i, RAY_INSTANCE] = met[0, INSTANCE]
            codes[i, RAY_TAG] = met[0, TAG]


@fast
def cast_rays(world, origins, directions, far, results, codes, first, last):
    """Free rays in the map frame; OUT_X to OUT_Z are the normal towards the origin."""
    rays = ray_queue(BATCH)
    ids = rays.view(np.uint32)
    masks = lane_masks()
    hits = np.zeros((1, HIT_COLUMNS), np.float64)
    met = np.zeros((1, HIT_CODES), np.int64)
    tri, slots, transforms = world.triangles, world.slots, world.transforms
    tri_f = tri.view(np.float32)
    for start in range(first, last, BATCH):
        n = min(last - start, BATCH)
        for k in range(n):
            i = start + k
            dx, dy, dz = directions[i, 0], directions[i, 1], directions[i, 2]
            x, y, z = origins[i, 0], origins[i, 1], origins[i, 2]
            put_ray(rays, ids, k, x, y, z, dx, dy, dz, 0.0, far)
        trace(world.scene, world.scattered, rays, n, masks)
        for k in range(n):
            i = start + k
            codes[i, KEPT] = 0
            if ids[k >> 3, 18, k & 7] == NO_HIT:
                continue
            decode(tri, tri_f, slots, transforms, rays, ids, k, 0.0, hits, met, 0)
            results[i, RANGE] = hits[0, T]
            results[i, INCIDENCE] = hits[0, COS]
            results[i, OUT_X] = hits[0, GX]
            results[i, OUT_Y] = hits[0, GY]
            results[i, OUT_Z] = hits[0, GZ]
            codes[i, KEPT] = 1
            codes[i, RAY_INSTANCE] = met[0, INSTANCE]
            codes[i, RAY_TAG] = met[0, TAG]
