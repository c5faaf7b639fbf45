"""Frames and simulated time of one server life."""

from __future__ import annotations

from dataclasses import dataclass

# How often an asynchronous world without a fixed step ticks.
DEFAULT_STEP_S = 0.05
# A variable step is the time that passed, within Unreal's limits (AWorldSettings,
# MinUndilatedFrameTime and MaxUndilatedFrameTime).
_SHORTEST_VARIABLE_STEP_S, _LONGEST_VARIABLE_STEP_S = 0.0005, 0.4


@dataclass(slots=True)
class Clock:
    """Where the simulation stands.

    Attributes:
        frame: Number of the last frame; grows through all episodes.
        episode: Id of the present episode.
        first_frame: Frame number at which the episode began.
        elapsed_s: Simulated time since the episode began.
        delta_s: Length of the last step.
    """

    frame: int = 0
    episode: int = 1
    first_frame: int = 0
    elapsed_s: float = 0.0
    delta_s: float = DEFAULT_STEP_S
    _steps: int = 0
    _base_s: float = 0.0

    @property
    def episode_frame(self) -> int:
        """Frames since the episode began."""
        return self.frame - self.first_frame

    def start_episode(self) -> None:
        """Begin the next episode at time zero."""
        self.episode += 1
        self.first_frame = self.frame
        self.elapsed_s = self._base_s = 0.0
        self._steps = 0

    def skip_frame(self, delta_s: float) -> None:
        """A new frame at the same simulated time; later steps take `delta_s`."""
        self.frame += 1
        self.delta_s = delta_s

    def step(self, delta_s: float) -> None:
        """A new frame, `delta_s` later.

        Time is the product of equal steps and their length, not their running sum, so it
        does not drift.
        """
        self.frame += 1
        if delta_s != self.delta_s or not self._steps:
            self._base_s, self._steps, self.delta_s = self.elapsed_s, 0, delta_s
        self._steps += 1
        self.elapsed_s = self._base_s + self._steps * delta_s


def variable_step_s(passed_s: float) -> float:
    """The step of a tick without a fixed one, of the wall time since the tick before."""
    return min(max(passed_s, _SHORTEST_VARIABLE_STEP_S), _LONGEST_VARIABLE_STEP_S)


def ticks_per_measurement(sensor_tick_s: float, delta_s: float) -> int:
    """How many frames apart a sensor measures, at least 1.

    A whole number of frames, so that measurements land on the same frames in every run: the
    smallest one that is not shorter than `sensor_tick_s`.
    """
    if sensor_tick_s <= 0.0:
        return 1
    # Text like "0.1" over a step of 0.05 must give 2 although neither is exact.
    return max(1, int(-(-(sensor_tick_s / delta_s - 1e-3) // 1)))
