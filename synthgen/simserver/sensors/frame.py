"""What sensors are told about the frame they measure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    Attributes:
        number: Frame number of the server's life, as in headers.
        episode_number: Frames since the episode began; keys noise.
        time_s: Simulated time since the episode began.
        delta_s: Length of the step.
        is_fixed: Whether every step has this length.
        renders: False in no-rendering mode: cameras stay dark.
        drops: Whether slow listeners may miss a frame.
    """

    number: int
    episode_number: int
    time_s: float
    delta_s: float
    is_fixed: bool
    renders: bool
    drops: bool
