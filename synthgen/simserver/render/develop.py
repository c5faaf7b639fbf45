"""From linear light to CARLA's BGRA bytes: exposure, tone curve, noise (numba and numpy)."""

import math

import numpy as np

from synthgen.simserver.render import fields
from synthgen.simserver.render.fields import bits
from synthgen.simserver.render.packets import fast
from synthgen.simserver.render.records import F32, F64
from synthgen.simserver.render.specs import CameraSpec

TONES = 4096
# An exposure of 1 suits this mean light; noon streets are near it.
_KEY = 0.16
# The eye's and the sensor's limits: nights stay dark.
_DARKEST, _BRIGHTEST = 0.2, 9.0


def exposure_of(picture: F32, spec: CameraSpec) -> float:
    """Factor on linear light.

    `histogram` meters the log mean of the frame itself, so a frame depends on no other one;
    CARLA's exposure_min_bright and exposure_max_bright are not used. `manual` is calibrated so
    that CARLA's defaults (iso 100, 1/200 s, f/1.4) suit noon.
    """
    if spec.exposure_mode == "manual":
        photographic = spec.iso / 100.0 * 200.0 / spec.shutter_speed * (1.4 / spec.fstop) ** 2
        return float(0.55 * photographic * 2.0**spec.exposure_compensation)
    light = picture[::8, ::8] @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    mean = float(np.exp(np.mean(np.log(np.clip(light, 1e-4, 6.0)))))
    factor = min(max(_KEY / mean**0.9, _DARKEST), _BRIGHTEST)
    return float(factor * 2.0**spec.exposure_compensation)


def white_balance(env: F64) -> F64:
    """(3,) gains that take half of the daylight's colour out, as cameras do."""
    sun = env[fields.SUNLIGHT : fields.SUNLIGHT + 3] * max(float(env[fields.SUN + 2]), 0.15)
    sky = env[fields.AMBIENT : fields.AMBIENT + 3] + env[fields.AMBIENT + 9 : fields.AMBIENT + 12]
    white = sun + sky + 1e-4
    return np.asarray((white.mean() / white) ** 0.5, np.float64)


def tone_curve(gamma: float) -> F32:
    """(TONES,) output 0..1 by sqrt(x / (1 + x)) of exposed light x.

    Source: Narkowicz 2015, "ACES filmic tone mapping curve"; then 1 / gamma.
    """
    index = np.linspace(0.0, 1.0, TONES)
    share = np.minimum(index * index, 0.99999)
    x = share / (1.0 - share)
    curve = np.clip(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 0.0, 1.0)
    return np.asarray(curve ** (1.0 / gamma), np.float32)


@fast
def develop_rows(picture, curve, gains, noise, seed, out, first_row, last_row):
    """Rows of BGRA bytes from linear light; noise grows with the square root of light."""
    width = picture.shape[1]
    top = TONES - 1.0
    for y in range(first_row, last_row):
        for x in range(width):
            n = bits(seed + x, y)
            luma = 0.0
            if noise > 0.0:
                # The sum of two uniform numbers is close enough to a normal one.
                luma = ((n & 0xFFFF) + (n >> 16)) * (1.0 / 65535.0) - 1.0
            for c in range(3):
                light = picture[y, x, c] * gains[c]
                tone = curve[int(top * math.sqrt(light / (1.0 + light)) + 0.5)]
                if noise > 0.0:
                    m = bits(n + c * 7919, y)
                    chroma = ((m & 0xFFFF) + (m >> 16)) * (1.0 / 65535.0) - 1.0
                    grain = 0.75 * luma + 0.65 * chroma
                    tone += noise * 2.45 * grain * (0.5 + tone)
                out[y, x, 2 - c] = int(min(max(tone, 0.0), 1.0) * 255.0 + 0.5)
            out[y, x, 3] = 255
