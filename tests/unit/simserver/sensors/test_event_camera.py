"""Events of a single pixel, worked out on paper."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from synthgen.simserver.sensors.attributes import Attributes
from synthgen.simserver.sensors.event_camera import GREY_LEVELS, events_of, first_look
from synthgen.simserver.sensors.frame import Frame

FRAME_S = 0.1
FIRST = Frame(
    number=1,
    episode_number=1,
    time_s=0.0,
    delta_s=FRAME_S,
    is_fixed=True,
    renders=True,
    drops=False,
)


def film(levels: list[float], **attributes: str) -> list[NDArray[np.void]]:
    """Events of each frame after the first, one pixel, brightness in levels of grey."""
    asked = Attributes(
        "sensor.camera.dvs",
        {"use_log": "false", "positive_threshold": "0.3", "negative_threshold": "0.3"} | attributes,
    )
    pixels = first_look(np.full((1, 1), levels[0] / GREY_LEVELS, np.float32), asked)
    found = []
    for number, level in enumerate(levels[1:], 1):
        frame = replace(FIRST, episode_number=1 + number, time_s=number * FRAME_S)
        luma = np.full((1, 1), level / GREY_LEVELS, np.float32)
        events, pixels = events_of(pixels, luma, asked, frame, FRAME_S)
        found.append(events)
    return found


def test_slow_changes_add_up_to_an_event() -> None:
    events = film([0.0, 0.2, 0.4, 0.5])
    assert [len(e) for e in events] == [0, 1, 0]
    # From 0.2 to 0.4 the line crosses 0.3 half-way between 0.1 and 0.2 s.
    assert events[1]["t_ns"] == pytest.approx([150e6], abs=100)
    assert events[1]["polarity"].tolist() == [1]


def test_pixel_that_turns_back_needs_a_threshold_from_its_last_event() -> None:
    # Up past 0.3; back down the next event is due at 0.0 and not at 0.5 - 0.3.
    events = film([0.0, 0.5, 0.15, -0.1])
    assert [e["polarity"].tolist() for e in events] == [[1], [], [0]]
    assert events[2]["t_ns"] == pytest.approx([260e6], abs=100)


def test_large_step_fires_at_each_level() -> None:
    (events,) = film([0.0, 1.0])
    assert events["t_ns"] == pytest.approx([30e6, 60e6, 90e6], abs=100)


def test_refractory_period_lasts_beyond_a_frame() -> None:
    events = film([0.0, 0.35, 0.65, 0.95], refractory_period_ns="150000000")
    # Levels 0.3, 0.6 and 0.9 are crossed at 85.7, 183.3 and 283.3 ms; the second is too soon.
    assert [len(e) for e in events] == [1, 0, 1]
    assert events[2]["t_ns"] == pytest.approx([283.3333e6], abs=1000)


def test_logarithm_makes_equal_ratios_equal_steps() -> None:
    events = film([1.0, 2.0, 4.0], use_log="true", positive_threshold="0.69", log_eps="0.00001")
    assert [len(e) for e in events] == [1, 1]


def test_linear_thresholds_are_levels_of_grey() -> None:
    events = film([10.0, 115.0, 10.0], positive_threshold="20", negative_threshold="50")
    # 30, 50, 70, 90 and 110 upwards; from 110 down only 60 is passed, 10 is reached exactly.
    assert [len(e) for e in events] == [5, 2]
