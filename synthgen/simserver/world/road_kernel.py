"""Compiled: which light each vehicle is at, and which speed sign it passes."""

# ruff: noqa: D103

from __future__ import annotations

import numba as nb
import numpy as np
from numba import njit

ZONE_AFTER_LINE_M = 1.5
ZONE_BEFORE_LINE_M = 5.0
# A driver brakes for a red light at about this rate; it sets how far ahead the light counts.
COMFORT_BRAKING_MPS2 = 4.0
REACTION_S = 0.3
SAME_DIRECTION_COS = 0.7
SAME_LEVEL_M = 4.0


# Columns of `approaches`: x, y, z of the stop line, cosine and sine of the lane's direction,
# half its width.
@njit(
    nb.void(nb.float32[:, ::1], nb.float64[::1], nb.float64[:, ::1], nb.int64[::1], nb.int64[::1]),
    nogil=True,
    cache=True,
)
def find_lights(motion, half_length, approaches, light_of, found):
    for v in range(len(motion)):
        yaw = np.radians(np.float64(motion[v, 4]))
        cos, sin = np.cos(yaw), np.sin(yaw)
        x = motion[v, 0] + cos * half_length[v]
        y = motion[v, 1] + sin * half_length[v]
        z = motion[v, 2]
        speed = np.hypot(motion[v, 6], motion[v, 7])
        before = speed * REACTION_S + speed * speed / (2.0 * COMFORT_BRAKING_MPS2)
        before = max(before, ZONE_BEFORE_LINE_M)
        nearest = np.inf
        found[v] = -1
        for a in range(len(approaches)):
            dx, dy = x - approaches[a, 0], y - approaches[a, 1]
            along = dx * approaches[a, 3] + dy * approaches[a, 4]
            if along <= -before or along >= ZONE_AFTER_LINE_M or abs(along) >= nearest:
                continue
            across = dy * approaches[a, 3] - dx * approaches[a, 4]
            if abs(across) >= approaches[a, 5] or abs(z - approaches[a, 2]) >= SAME_LEVEL_M:
                continue
            if cos * approaches[a, 3] + sin * approaches[a, 4] <= SAME_DIRECTION_COS:
                continue
            nearest = abs(along)
            found[v] = light_of[a]


# Rows of `signs`: map to sign frame (2 x 3), half sizes, km/h.
@njit(
    nb.void(nb.float32[:, ::1], nb.float64[:, ::1], nb.float64[::1]),
    nogil=True,
    cache=True,
)
def pass_signs(motion, signs, limits_kmh):
    for v in range(len(motion)):
        x, y = motion[v, 0], motion[v, 1]
        for s in range(len(signs)):
            ahead = signs[s, 0] * x + signs[s, 1] * y + signs[s, 2]
            if abs(ahead) >= signs[s, 6]:
                continue
            aside = signs[s, 3] * x + signs[s, 4] * y + signs[s, 5]
            if abs(aside) < signs[s, 7]:
                limits_kmh[v] = signs[s, 8]
