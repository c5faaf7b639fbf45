from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sensors.carla_adapter.images import EVENT
from sensors.carla_adapter.sparse_log import SparseLog
from sensors.rig import Rig
from synthgen.datatypes.pixel_events import PixelEvents
from synthgen.errors import SensorFault
from synthgen.geometry.se3 import SE3
from synthgen.runner.event_films import EventFilms
from synthgen.runner.recorder import Notes

PERIOD_NS = 100_000_000
KEY = "dvs_front/events"


class Taker(Notes):
    """Keeps the films."""

    def __init__(self) -> None:
        super().__init__()
        self.films: list[PixelEvents] = []

    def add_pixel_events(self, events: PixelEvents) -> None:
        self.films.append(events)


def rig() -> Rig:
    mount = {"x_m": 0.5, "y_m": 0.0, "z_m": 1.5}
    sensor = {"modality": "dvs", "name": "dvs_front", "role": "front", "mount": mount}
    picture = {"width_px": 64, "height_px": 48, "fov_deg": 80}
    return Rig.model_validate(
        {"schema": "synthgen/rig@1", "name": "r", "sensors": [{**sensor, **picture}]}
    )


def packet(*events: tuple[int, int, int, bool]) -> Any:
    return SimpleNamespace(raw_data=np.array(list(events), EVENT).tobytes())


def capture(number: int) -> Any:
    """The snapshot and record of a capture; the clip begins at frame 10, one second in."""
    time = SimpleNamespace(elapsed_seconds=1.0 + 0.1 * number)
    snapshot = SimpleNamespace(frame=10 + 2 * number, timestamp=time)
    record = SimpleNamespace(
        frame_index=number,
        timestamp_ns=number * PERIOD_NS,
        world_from_ego=SE3(np.eye(3), np.array([7.0, 0.0, 0.0])),
    )
    return snapshot, record


def test_events_of_all_ticks_up_to_a_capture_are_its_film() -> None:
    log, taker = SparseLog(), Taker()
    films = EventFilms(rig(), log.take, taker, period_ns=PERIOD_NS)
    log.deliver(KEY, 10, packet((9, 9, 990_000_000, True), (9, 9, 800_000_000, True)))
    films.cut(*capture(0))
    log.deliver(KEY, 12, packet((3, 4, 1_090_000_000, False)))
    log.deliver(KEY, 11, packet((1, 2, 1_040_000_000, True)))
    films.cut(*capture(1))
    films.end(SimpleNamespace(tick=lambda: 13))
    first, second = taker.films
    # What is older than a period is of the warm-up.
    assert first.time_offset_ns.tolist() == [-10_000_000]
    assert second.time_offset_ns.tolist() == [-60_000_000, -10_000_000]
    assert second.polarity.tolist() == [1, -1]
    assert (second.x_px.tolist(), second.y_px.tolist()) == ([1, 3], [2, 4])
    assert second.world_from_camera.translation_m.tolist() == [7.5, 0.0, 1.5]


def test_film_of_a_capture_without_changes_is_empty() -> None:
    log, taker = SparseLog(), Taker()
    films = EventFilms(rig(), log.take, taker, period_ns=PERIOD_NS)
    films.cut(*capture(0))
    films.end(SimpleNamespace(tick=lambda: 13))
    assert [(film.frame_index, len(film)) for film in taker.films] == [(0, 0)]


def test_measurement_that_comes_after_its_film_is_a_fault() -> None:
    log = SparseLog()
    log.take(10)
    log.deliver(KEY, 10, packet())
    with pytest.raises(SensorFault, match="dvs_front/events: frame 10 came too late"):
        log.take(12)
