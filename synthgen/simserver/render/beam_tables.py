"""Beams of real LiDARs: elevation and azimuth offset of each channel, degrees, top to bottom.

Sources: Velodyne HDL-64E S2 manual (two blocks of 32), VLP-16 manual, VLP-32C manual 63-9325
table 9-1; Ouster OS1 data sheet (uniform over 45 degrees). Hesai's Pandar128 is by the zones
of its data sheet (0.125 degrees between +2 and -6, coarser outside), not by its table.
"""

from __future__ import annotations

import numpy as np

Beams = tuple[tuple[float, ...], tuple[float, ...]]

_VLP32C = (
    (-25.0, 1.4),
    (-1.0, -4.2),
    (-1.667, 1.4),
    (-15.639, -1.4),
    (-11.31, 1.4),
    (0.0, -1.4),
    (-0.667, 4.2),
    (-8.843, -1.4),
    (-7.254, 1.4),
    (0.333, -4.2),
    (-0.333, 1.4),
    (-6.148, -1.4),
    (-5.333, 4.2),
    (1.333, -1.4),
    (0.667, 4.2),
    (-4.0, -1.4),
    (-4.667, 1.4),
    (1.667, -4.2),
    (1.0, 1.4),
    (-3.667, -4.2),
    (-3.333, 4.2),
    (3.333, -1.4),
    (2.333, 1.4),
    (-2.667, -1.4),
    (-3.0, 1.4),
    (7.0, -1.4),
    (4.667, 1.4),
    (-2.333, -4.2),
    (-2.0, 4.2),
    (15.0, -1.4),
    (10.333, 1.4),
    (-1.333, -1.4),
)


def beam_table(sensor: str) -> Beams:
    """Elevations and azimuth offsets of a sensor.

    Args:
        sensor: `hdl64e`, `vlp16`, `vlp32c`, `os1_128` or `pandar128`.

    Raises:
        ValueError: There is no table for it.
    """
    if sensor == "vlp32c":
        rows = sorted(_VLP32C, reverse=True)
        return tuple(e for e, _ in rows), tuple(a for _, a in rows)
    if sensor == "hdl64e":
        blocks = (np.linspace(2.0, -8.333, 32), np.linspace(-8.833, -24.333, 32))
        return _straight(np.concatenate(blocks))
    if sensor == "vlp16":
        return _straight(np.linspace(15.0, -15.0, 16))
    if sensor == "os1_128":
        return _straight(np.linspace(22.5, -22.5, 128))
    if sensor == "pandar128":
        zones = (
            np.linspace(15.0, 2.5, 26),
            np.linspace(2.0, -6.0, 65),
            np.linspace(-6.5, -25.0, 37),
        )
        return _straight(np.concatenate(zones))
    raise ValueError(
        f"sensor: expected hdl64e, vlp16, vlp32c, os1_128 or pandar128, got {sensor!r}"
    )


def _straight(elevations_deg: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Beams:
    """Beams without azimuth offsets."""
    return tuple(elevations_deg.tolist()), (0.0,) * len(elevations_deg)
