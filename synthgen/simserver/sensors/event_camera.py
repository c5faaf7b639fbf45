"""The event camera: brightness changes between two frames as a stream of events."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.scene import F32
from synthgen.simserver.sensors.attributes import Attributes
from synthgen.simserver.sensors.frame import Frame
from synthgen.simserver.sensors.inertial import noise_source

EVENT = np.dtype([("x", "<u2"), ("y", "<u2"), ("t_ns", "<i8"), ("polarity", "u1")])
MOST_EVENTS_PER_PIXEL = 32


def events_between(
    before: F32, now: F32, attributes: Attributes, frame: Frame, since_s: float
) -> NDArray[np.void]:
    """Events of all pixels, ordered by time.

    A pixel fires each time its (log) brightness has moved by the threshold, at the moment a
    straight line between the two frames crosses it.

    Args:
        before: (H, W) float32 linear luminance one measurement ago.
        now: (H, W) float32 linear luminance in this frame.
        attributes: The sensor's.
        frame: This frame.
        since_s: Time since the measurement before.

    Source: CARLA sensors reference, DVS camera.
    """
    if attributes.flag("use_log"):
        epsilon = attributes.number("log_eps")
        before, now = np.log(epsilon + before), np.log(epsilon + now)
    change = now - before
    noise = noise_source(0, frame.episode_number)
    threshold = np.where(
        change > 0,
        _threshold(attributes, "positive", change.shape, noise),
        _threshold(attributes, "negative", change.shape, noise),
    )
    count = np.minimum(np.abs(change) / threshold, MOST_EVENTS_PER_PIXEL).astype(np.int64)
    rows, columns = np.nonzero(count)
    repeats = count[rows, columns]
    number = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats) + 1
    rows, columns = np.repeat(rows, repeats), np.repeat(columns, repeats)
    share = number * threshold[rows, columns] / np.abs(change[rows, columns])
    step_ns = round(since_s * 1e9)
    events = np.zeros(len(rows), EVENT)
    events["x"], events["y"] = columns, rows
    start_ns = round(frame.time_s * 1e9) - step_ns
    events["t_ns"] = start_ns + np.rint(share * step_ns).astype(np.int64)
    events["polarity"] = change[rows, columns] > 0
    events = events[np.lexsort((columns, rows, events["t_ns"]))]
    return _rested(events, attributes.whole("refractory_period_ns"))


def _threshold(
    attributes: Attributes, sign: str, shape: tuple[int, ...], noise: np.random.Generator
) -> F32:
    threshold = attributes.number(f"{sign}_threshold")
    sigma = attributes.number(f"sigma_{sign}_threshold")
    values = (
        threshold + sigma * noise.standard_normal(shape) if sigma else np.full(shape, threshold)
    )
    return np.maximum(values, 0.01).astype(np.float32)


def _rested(events: NDArray[np.void], refractory_ns: int) -> NDArray[np.void]:
    """Without events that follow one of the same pixel within the refractory period."""
    if not refractory_ns or not len(events):
        return events
    last: dict[tuple[int, int], int] = {}
    keep = np.zeros(len(events), bool)
    for index, (x, y, t_ns, _) in enumerate(events.tolist()):
        if t_ns - last.get((x, y), t_ns - refractory_ns) >= refractory_ns:
            keep[index] = True
            last[x, y] = t_ns
    return events[keep]
