"""CARLA's image encodings decoded once, vectorised.

Pixels arrive as BGRA bytes (CARLA, Python API, `carla.Image.raw_data`). Depth is
1000 m * (R + 256 G + 65536 B) / (2^24 - 1); segmentation holds the tag in R; instance
segmentation the tag in R and a 16-bit id in G (low) and B (high) (CARLA, "Sensors reference").
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from synthgen.geometry.se3 import SE3

U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
F32 = NDArray[np.float32]

NO_DEPTH_CM: Final = 65535
EVENT: Final = np.dtype([("x", "<u2"), ("y", "<u2"), ("t_ns", "<i8"), ("brighter", "?")])
_CM_PER_COUNT: Final = np.float64(100_000.0 / (2**24 - 1))


def bgra(image: Any) -> U8:
    """(H, W, 4) uint8 view of a `carla.Image`'s pixels; valid while the image lives."""
    flat = np.frombuffer(image.raw_data, dtype=np.uint8)
    return flat.reshape(image.height, image.width, 4)


def decode_rgb(image: Any) -> U8:
    """(H, W, 3) uint8 in the order R, G, B."""
    # OpenCV's conversion is some fifteen times as fast as a strided copy.
    rgb: U8 = cv2.cvtColor(bgra(image), cv2.COLOR_BGRA2RGB)
    return rgb


def decode_depth(image: Any) -> U16:
    """(H, W) uint16 centimetres along the optical axis, 65535 where farther or nothing."""
    # Big-endian B, G, R, A shifted by one byte is B * 65536 + G * 256 + R.
    count = bgra(image).view(">u4")[:, :, 0] >> 8
    depth_cm = np.rint(count * _CM_PER_COUNT)
    return np.minimum(depth_cm, NO_DEPTH_CM).astype(np.uint16)


def decode_semantic(image: Any) -> U8:
    """(H, W) uint8 CARLA tags."""
    return np.ascontiguousarray(bgra(image)[:, :, 2])


def marked_by_tag(image: Any, is_wanted: NDArray[np.bool_]) -> U8:
    """(H, W) uint8, 1 where the tag of a segmentation image is wanted (256,)."""
    marked: U8 = cv2.LUT(decode_semantic(image), is_wanted.astype(np.uint8))
    return marked


def ids_at(image: Any, marked: U8) -> U16:
    """(N,) uint16 ids of the marked pixels of an instance image, row by row."""
    blue_green = bgra(image).view("<u2")[..., 0][marked.view(np.bool_)]
    return blue_green.byteswap()


def decode_instance(image: Any) -> U16:
    """(H, W) uint16 ids as the server numbers them."""
    pixels = bgra(image)
    blue = pixels[:, :, 0].astype(np.uint16)
    return np.bitwise_or(pixels[:, :, 1], np.left_shift(blue, np.uint16(8)))


def decode_normals(image: Any, world_from_camera: SE3) -> F32:
    """(H, W, 3) float32 unit vectors in the camera frame; zero where there is no surface.

    CARLA 0.9.16 paints n = value / 255 * 2 - 1 of (x, y, z) in its own left-handed world as R, G,
    B (pull request 8859 of carla-simulator/carla).
    """
    towards = world_from_camera.rotation.T * np.array([1.0, -1.0, 1.0])
    counts = bgra(image)[:, :, 2::-1].astype(np.float32)
    normals: F32 = (counts / np.float32(127.5) - np.float32(1)) @ towards.T.astype(np.float32)
    # 127 and 128 of 255 are the nearest to zero, so what has no direction is not exactly zero.
    normals[(np.abs(counts - 127.5) < 1).all(axis=-1)] = 0.0
    return normals


def decode_events(measurement: Any) -> NDArray[np.void]:
    """Events of a `carla.DVSEventArray`: fields x, y, t_ns (simulation time) and brighter.

    Each takes 13 bytes (CARLA, LibCarla, sensor/data/DVSEvent.h).
    """
    return np.frombuffer(measurement.raw_data, dtype=EVENT)


def decode_flow(image: Any) -> F32:
    """(H, W, 2) float32 pixels (right, down) from each pixel to where its point was before.

    CARLA paints the motion since the previous picture, right and up positive, in halves of the
    image's size (what its users found, issue 4795 of carla-simulator/carla).
    """
    flow = np.frombuffer(image.raw_data, dtype=np.float32).reshape(image.height, image.width, 2)
    return flow * np.array([-image.width / 2, image.height / 2], dtype=np.float32)
