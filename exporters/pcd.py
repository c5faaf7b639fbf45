"""Point clouds as PCD 0.7, binary: what PCL, Open3D and CloudCompare open.

Source: https://pointclouds.org/documentation/tutorials/pcd_file_format.html
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

_KINDS = {"f": "F", "i": "I", "u": "U"}


def packed_points(columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Columns (N,) as one structured array (N,) without padding, little-endian."""
    dtype = np.dtype([(name, array.dtype.newbyteorder("<")) for name, array in columns.items()])
    points = np.empty(len(next(iter(columns.values()))), dtype=dtype)
    for name, array in columns.items():
        points[name] = array
    return points


def pcd_bytes(points: np.ndarray) -> bytes:
    """A PCD file of a structured array (N,)."""
    assert points.dtype.fields is not None, "points are a structured array"
    kinds = [kind for kind, *_ in points.dtype.fields.values()]
    header = {
        "VERSION": ["0.7"],
        "FIELDS": points.dtype.fields,
        "SIZE": [kind.itemsize for kind in kinds],
        "TYPE": [_KINDS[kind.kind] for kind in kinds],
        "COUNT": [1] * len(kinds),
        "WIDTH": [len(points)],
        "HEIGHT": [1],
        "VIEWPOINT": [0, 0, 0, 1, 0, 0, 0],
        "POINTS": [len(points)],
        "DATA": ["binary"],
    }
    lines = "".join(f"{key} {' '.join(map(str, values))}\n" for key, values in header.items())
    return lines.encode() + points.tobytes()
