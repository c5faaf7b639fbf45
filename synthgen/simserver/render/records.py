"""Bundles of arrays that kernels take: what is seen, how, and room to work in."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
I32 = NDArray[np.int32]
U32 = NDArray[np.uint32]
U8 = NDArray[np.uint8]


class Pair(NamedTuple):
    """Two of Embree's addresses: for the map's own triangles, and for all instances."""

    ground: int
    things: int


class World(NamedTuple):
    """Everything rays can meet and what lights it.

    `scene` has Embree's scenes, `coherent` and `scattered` the arguments of queries on them.
    Columns of the tables: hits.py (triangles, looks, slots), fields.py (env), shading.py
    (lamps, bodies). `textures` as noise.py has them, `sky` its table's texels in one row.
    """

    scene: Pair
    coherent: Pair
    scattered: Pair
    triangles: U32
    looks: U32
    slots: I64
    transforms: F32
    previous: F32
    palette: F32
    textures: I32
    sky: F32
    env: F32
    lamps: F64
    cells: I32
    bodies: F64
    body_cells: I32


class View(NamedTuple):
    """How a camera looks: rays and poses in the map frame, and what is asked for.

    Attributes:
        directions: (H, W, 3) unit vectors in the sensor's frame through the pixels' centres.
        aims: (tiles, packets, 3, LANES) the same, as the tiles' packets trace them.
        poses: (1, 3, 4), or (H, 3, 4) with a rolling shutter.
        times: (1,) or (H,) time of each pose, 0 at the previous frame, 1 at this one.
        before: (3, 4) pose at the previous frame.
        lens: Columns in frames.py.
        wanted: Columns in frames.py, 1 where an image is asked for.
        seed: Of this frame's noise.
        openness_rays: Rays per hit for ambient occlusion.
        soft: 1 for soft shadows.
    """

    directions: F32
    aims: F32
    poses: F32
    times: F32
    before: F32
    lens: F64
    wanted: I64
    seed: int
    openness_rays: int
    soft: int


class Images(NamedTuple):
    """Where a camera's pixels go; an image that is not asked for has no pixels.

    `hdr` is linear light at the pixels' centres, `picture` the same after anti-aliasing;
    `keys` and `facing` tell surfaces apart, `edges` marks where they meet; `skylight` and
    `sunlight` are the parts of `hdr` that came from there, `openness` and `sunshine` the shares
    that things let through.
    """

    hdr: F32
    picture: F32
    keys: U32
    facing: F32
    edges: U32
    skylight: F32
    openness: F32
    sunlight: F32
    sunshine: F32
    depth: U32
    semantic: U32
    instance: U32
    normals: U32
    flow: F32


class Sweep(NamedTuple):
    """Where a LiDAR's points go: room for `columns` points a channel, and how many it got.

    `points` are x, y, z and intensity. Labels (or columns) that nobody asked for have no room.
    """

    points: F32
    incidence: F32
    instance: U32
    tag: U32
    column: U32
    counts: I64


class Hits(NamedTuple):
    """Room for one queue of rays and for what they met.

    Attributes:
        queue: The rays, as packets.py has them; `ids` is the same as uint32.
        valid: Which rays count.
        rows: By ray, its row in the triangle table.
        families: By ray, its family of material, as hits.py has them.
        starts: Where each family's hits start among the lanes.
        order: The ray of each lane: hits by family, then rays that met nothing.
        lanes: What is known of each hit, as lanes.py has it.
    """

    queue: F32
    ids: U32
    valid: U8
    rows: I64
    families: I64
    starts: I64
    order: I64
    lanes: F32


class Scratch(NamedTuple):
    """Room for one batch: what is seen, further rays from there, and the pixels of its rays."""

    seen: Hits
    more: Hits
    members: I64
    masks: I32
    pixel: I64
    row: I64
    column: I64


class Echoes(NamedTuple):
    """Room for one batch of LiDAR beams: the queue, and by beam what it met.

    `words` to `variants` are of the triangle table, columns in hits.py.
    """

    rays: F32
    ids: U32
    masks: I32
    words: U32
    things: U32
    variants: I64
    cosine: F32
    fade: F32
