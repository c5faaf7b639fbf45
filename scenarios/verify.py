"""Did the edge case really happen? Metrics of a finished run against what is expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scenarios.concrete import ConcreteScenario


@dataclass(frozen=True, eq=False, slots=True)
class ActorTrack:
    """Motion of one actor over the ticks of the record window.

    `xy_m` (T, 2) and `yaw_rad` (T,) of the box centre, float64, world frame; `speed_mps` (T,);
    `size_lwh_m` the full box.
    """

    xy_m: NDArray[np.float64]
    yaw_rad: NDArray[np.float64]
    speed_mps: NDArray[np.float64]
    size_lwh_m: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Collision:
    """A contact in the record window; `tick` counts from its start, `other` is None for static."""

    tick: int
    actor: str
    other: str | None


@dataclass(frozen=True, eq=False, slots=True)
class RunRecord:
    """What one run left behind, by scenario actor name (`ego` included).

    `visible_px`: (actor, camera role) to an int array (F,), pixels of the actor in the instance
    image of each captured frame; frame f is tick f * capture_period_ticks. `signals`: OpenDRIVE id
    to the list of (tick, state) changes, the first at tick 0.
    """

    tick_s: float
    capture_period_ticks: int
    tracks: Mapping[str, ActorTrack]
    visible_px: Mapping[tuple[str, str], NDArray[np.int64]]
    collisions: tuple[Collision, ...] = ()
    signals: Mapping[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, slots=True)
class Verdict:
    """Whether a clip counts, why not (`reasons`), what to know about it (`flags`), its numbers."""

    accepted: bool
    reasons: tuple[str, ...]
    flags: tuple[str, ...]
    metrics: Mapping[str, float]


def verify(concrete: ConcreteScenario, run: RunRecord) -> Verdict:
    """Judge a finished run by the scenario's expectations.

    Reasons: `never_started`, `walker_stalled`, `not_visible`, `too_mild`, `collided_unwanted`,
    `ego_off_path`, `ambient_interference`, or `expect: <check>`.
    """
    raise NotImplementedError
