"""The event camera: brightness changes between two frames as a stream of events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.scene import F32
from synthgen.simserver.sensors.attributes import Attributes
from synthgen.simserver.sensors.frame import Frame
from synthgen.simserver.sensors.inertial import noise_source

EVENT = np.dtype([("x", "<u2"), ("y", "<u2"), ("t_ns", "<i8"), ("polarity", "u1")])
MOST_EVENTS_PER_PIXEL = 32
GREY_LEVELS = 255.0
I64 = NDArray[np.int64]
_LONG_AGO_NS = np.int64(-(2**62))


@dataclass(frozen=True, eq=False, slots=True)
class Pixels:
    """What the pixels remember from one frame to the next.

    Attributes:
        seen: (H, W) float32 log brightness or level of grey in the last frame.
        reference: (H, W) float32 level of each pixel's last event; at first, what it saw.
        fired_ns: (H, W) int64 time of each pixel's last event; long ago at first.
    """

    seen: F32
    reference: F32
    fired_ns: I64


def first_look(luma: F32, attributes: Attributes) -> Pixels:
    """The pixels after their first frame, (H, W) float32 linear luminance, which has no events."""
    seen = _brightness(luma, attributes)
    return Pixels(seen, seen, np.full(luma.shape, _LONG_AGO_NS))


def events_of(
    pixels: Pixels, luma: F32, attributes: Attributes, frame: Frame, since_s: float
) -> tuple[NDArray[np.void], Pixels]:
    """Events of all pixels since the last frame, ordered by time, and the pixels afterwards.

    A pixel fires each time its (log) brightness is a threshold away from the level of its last
    event, which becomes the new level, at the moment a straight line between the two frames
    gets there. Slow changes add up over frames.

    Args:
        pixels: As the last frame left them.
        luma: (H, W) float32 linear luminance in this frame.
        attributes: The sensor's.
        frame: This frame.
        since_s: Time since the last frame.

    Source: CARLA sensors reference, DVS camera; Rebecq et al., ESIM, CoRL 2018.
    """
    now, before = _brightness(luma, attributes), pixels.seen
    noise = noise_source(0, frame.episode_number)
    positive = _threshold(attributes, "positive", now.shape, noise)
    negative = _threshold(attributes, "negative", now.shape, noise)
    sign = np.sign(now - before)
    threshold = np.where(sign > 0, positive, negative)
    # Crossings of reference + sign * threshold * (1, 2, ...) up to then, and up to now.
    passed = np.maximum(sign * (before - pixels.reference) / threshold, 0.0).astype(np.int64)
    reached = np.maximum(sign * (now - pixels.reference) / threshold, 0.0).astype(np.int64)
    reached = np.where(sign == 0, passed, np.maximum(reached, passed))
    count = np.minimum(reached - passed, MOST_EVENTS_PER_PIXEL)
    level = pixels.reference + sign * threshold * reached
    reference = np.where(count > 0, level, pixels.reference).astype(np.float32)
    rows, columns = np.nonzero(count)
    repeats = count[rows, columns]
    number = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats) + 1
    rows, columns = np.repeat(rows, repeats), np.repeat(columns, repeats)
    number = number + passed[rows, columns]
    way = sign[rows, columns] * threshold[rows, columns] * number
    gone = pixels.reference[rows, columns] + way - before[rows, columns]
    share = np.clip(gone / (now - before)[rows, columns], 0.0, 1.0)
    step_ns = round(since_s * 1e9)
    events = np.zeros(len(rows), EVENT)
    events["x"], events["y"] = columns, rows
    start_ns = round(frame.time_s * 1e9) - step_ns
    events["t_ns"] = start_ns + np.rint(share * step_ns).astype(np.int64)
    events["polarity"] = sign[rows, columns] > 0
    events = events[np.lexsort((columns, rows, events["t_ns"]))]
    fired_ns = pixels.fired_ns.copy()
    events = _rested(events, attributes.whole("refractory_period_ns"), fired_ns)
    return events, Pixels(now, reference, fired_ns)


def _brightness(luma: F32, attributes: Attributes) -> F32:
    if not attributes.flag("use_log"):
        # CARLA's linear events count levels of grey, 0 to 255 (Carla/Sensor/DVSCamera.cpp).
        return np.minimum(luma, np.float32(1.0)) * np.float32(GREY_LEVELS)
    return np.log(attributes.number("log_eps") + luma).astype(np.float32)


def _threshold(
    attributes: Attributes, sign: str, shape: tuple[int, ...], noise: np.random.Generator
) -> F32:
    threshold = attributes.number(f"{sign}_threshold")
    sigma = attributes.number(f"sigma_{sign}_threshold")
    values = (
        threshold + sigma * noise.standard_normal(shape) if sigma else np.full(shape, threshold)
    )
    return np.maximum(values, 0.01).astype(np.float32)


def _rested(events: NDArray[np.void], refractory_ns: int, fired_ns: I64) -> NDArray[np.void]:
    """Without events that follow one of the same pixel too soon; `fired_ns` is kept up to date."""
    if not refractory_ns:
        return events
    keep = np.zeros(len(events), bool)
    for index, (x, y, t_ns, _) in enumerate(events.tolist()):
        if t_ns - fired_ns[y, x] >= refractory_ns:
            keep[index] = True
            fired_ns[y, x] = t_ns
    return events[keep]
