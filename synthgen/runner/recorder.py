"""Collects what a clip consists of while it runs, and writes its tables at the end."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from synthgen.datatypes.actors import ActorStates, ObjectInfo
from synthgen.datatypes.frames import FrameRecord
from synthgen.datatypes.pixel_events import PixelEvents
from synthgen.datatypes.road_map import ClipEvent, SignalChange
from synthgen.labels.frame import SensorFrames
from synthgen.runner.stopwatch import Stopwatch
from synthgen.store import rows, tables
from synthgen.store.clip_writer import ClipWriter
from synthgen.store.image_codec import Codec

# Captures that may wait for the encoder: enough that the simulator never does, few enough to bound
# memory (six cameras of 1600x900 are 70 MB).
_ENCODER_BACKLOG: Final = 2


class Notes:
    """Keeps what the verdict needs and drops the rest; a context manager."""

    def __init__(self) -> None:
        self._signals: list[SignalChange] = []
        self._signal_states: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    @property
    def signals(self) -> tuple[SignalChange, ...]:
        """Changes of traffic lights so far."""
        return tuple(self._signals)

    def add_signals(
        self, tick: int, timestamp_ns: int, states: Mapping[str, str], at_m: Mapping[str, Any]
    ) -> None:
        """Note which traffic lights changed."""
        for signal_id, state in sorted(states.items()):
            if self._signal_states.get(signal_id) != state:
                self._signal_states[signal_id] = state
                self._signals.append(
                    SignalChange(tick, timestamp_ns, signal_id, state, np.array(at_m[signal_id]))
                )

    def add_frame(self, frame: FrameRecord) -> None:
        """Take the ego's state at a capture."""

    def add_states(
        self, states: ActorStates, frame_index: int | None, still: frozenset[int]
    ) -> None:
        """Take the states of a tick; still objects count at tick 0 only."""

    def add_inertial(self, row: rows.Row) -> None:
        """Take one measurement of an IMU or a GNSS receiver."""

    def add_event(self, event: ClipEvent) -> None:
        """Take a collision or lane invasion."""

    def add_pixel_events(self, events: PixelEvents) -> None:
        """Take what an event camera saw up to one capture."""

    def add_sensors(self, sensors: SensorFrames) -> None:
        """Take what the rig saw in one capture."""

    def finish(self, objects: list[ObjectInfo], looks: Sequence[rows.Row] = ()) -> None:
        """Take the objects and the rows of the replay table; the run is over."""


class Recorder(Notes):
    """Everything of one clip on its way to the clip folder; a context manager.

    Images are encoded and written by one thread of its own, in order, while the next tick runs.
    """

    def __init__(self, writer: ClipWriter, rgb_codec: Codec, watch: Stopwatch) -> None:
        super().__init__()
        self._writer = writer
        self._rgb_codec: Codec = rgb_codec
        self._watch = watch
        self._encoder = ThreadPoolExecutor(max_workers=1, thread_name_prefix="encoder")
        self._backlog: deque[Future[None]] = deque()
        self._captures = 0
        self._frames: list[rows.Row] = []
        self._actors: list[rows.Row] = []
        self._inertial: list[rows.Row] = []
        self._events: list[ClipEvent] = []

    def __exit__(self, *_: object) -> None:
        self._encoder.shutdown(wait=True, cancel_futures=True)

    @property
    def frame_count(self) -> int:
        """Captures recorded so far."""
        return self._captures

    def add_frame(self, frame: FrameRecord) -> None:
        """Add a row of the frames table."""
        self._frames.append(rows.frame_row(frame))

    def add_states(
        self, states: ActorStates, frame_index: int | None, still: frozenset[int]
    ) -> None:
        """Add the tick's rows of the actors table; still objects only at tick 0."""
        is_first = states.tick == 0
        keep = [is_first or int(track) not in still for track in states.track_id]
        self._actors += rows.actor_rows(states, frame_index, keep)

    def add_inertial(self, row: rows.Row) -> None:
        """Add one measurement of an IMU or a GNSS receiver."""
        self._inertial.append(row)

    def add_event(self, event: ClipEvent) -> None:
        """Add a collision or lane invasion."""
        self._events.append(event)

    def add_sensors(self, sensors: SensorFrames) -> None:
        """Hand what the rig saw at one capture to the encoder; waits while it lags behind."""
        self._captures += 1
        self._backlog.append(self._encoder.submit(self._store, sensors))
        while len(self._backlog) > _ENCODER_BACKLOG:
            self._backlog.popleft().result()

    def add_pixel_events(self, events: PixelEvents) -> None:
        """Hand what an event camera saw up to one capture to the writer."""
        path, row = f"dvs/{events.name}.parquet", rows.pixel_events_row(events)
        self._backlog.append(
            self._encoder.submit(self._writer.append, path, row, tables.PIXEL_EVENTS)
        )

    def _store(self, sensors: SensorFrames) -> None:
        """Encode a capture and append it to the sensors' files."""
        for camera in sensors.cameras:
            with self._watch.lap("encode"):
                encoded = rows.image_rows(camera, self._rgb_codec)
            with self._watch.lap("write"):
                for channel, row in encoded.items():
                    path = f"cameras/{camera.name}/{channel}.parquet"
                    self._writer.append(path, row, tables.IMAGES)
        with self._watch.lap("write"):
            for sweep in sensors.lidars:
                path = f"lidar/{sweep.name}.parquet"
                self._writer.append(path, rows.sweep_row(sweep), tables.LIDAR)
            for scan in sensors.radars:
                path = f"radar/{scan.name}.parquet"
                self._writer.append(path, rows.scan_row(scan), tables.RADAR)

    def keep(self, file: Path) -> None:
        """Take a file of another clip over as it is."""
        self._writer.write_bytes(file.name, file.read_bytes())

    def finish_sensors(self) -> None:
        """Wait for the encoder and write what sensors measured, the inertial ones too."""
        while self._backlog:
            self._backlog.popleft().result()
        self._writer.close()
        columns = rows.columns_of(self._inertial, tables.INERTIAL.names)
        self._writer.write_table("inertial.parquet", columns, tables.INERTIAL)

    def finish(self, objects: list[ObjectInfo], looks: Sequence[rows.Row] = ()) -> None:
        """Wait for the encoder and write all tables."""
        self.finish_sensors()
        described = [rows.object_row(item) for item in objects]
        events = [{name: getattr(e, name) for name in tables.EVENTS.names} for e in self._events]
        signals = [rows.signal_row(change) for change in self._signals]
        for path, table_rows, schema in (
            ("frames", self._frames, tables.FRAMES),
            ("objects", described, tables.OBJECTS),
            ("actors", self._actors, tables.ACTORS),
            ("signals", signals, tables.SIGNALS),
            ("events", events, tables.EVENTS),
            ("replay", list(looks), tables.REPLAY),
        ):
            columns = rows.columns_of(table_rows, schema.names)
            self._writer.write_table(f"{path}.parquet", columns, schema)
