"""What event cameras see, cut at the captures and handed to the recorder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import carla
import numpy as np

from sensors.carla_adapter.images import EVENT, decode_events
from sensors.rig import EventCamera, Rig
from synthgen.datatypes.frames import FrameRecord
from synthgen.datatypes.pixel_events import PixelEvents
from synthgen.runner.recorder import Notes

Cut = tuple[carla.WorldSnapshot, FrameRecord]
Taken = dict[str, list[Any]]


class EventFilms:
    """The films of a rig's event cameras; a capture's events are stored at the next capture.

    By then they have arrived: an event camera that sees no change sends nothing.
    """

    def __init__(
        self, rig: Rig, take: Callable[[int], Taken], recorder: Notes, *, period_ns: int
    ) -> None:
        """Store the films of a rig.

        Args:
            rig: The rig.
            take: Measurements by sensor key, raw, that came since the last time up to a frame.
            recorder: Where films go.
            period_ns: Time between captures.
        """
        self._cameras = rig.event_cameras
        self._take = take
        self._recorder = recorder
        self._period_ns = period_ns
        self._last: Cut | None = None

    def cut(self, snapshot: carla.WorldSnapshot, frame: FrameRecord) -> None:
        """Note that a capture is complete, and store the events of the one before."""
        self._store()
        self._last = (snapshot, frame)

    def end(self, world: carla.World) -> None:
        """Store the events of the last capture, which have arrived a tick later."""
        if self._cameras:
            world.tick()
            self._store()

    def _store(self) -> None:
        if not self._cameras or self._last is None:
            return
        snapshot, frame = self._last
        measured = self._take(snapshot.frame)
        now_ns = round(snapshot.timestamp.elapsed_seconds * 1e9)
        for camera in self._cameras:
            parts = measured.get(f"{camera.name}/events", [])
            self._recorder.add_pixel_events(self._film(camera, frame, parts, now_ns))

    def _film(
        self, camera: EventCamera, frame: FrameRecord, parts: Sequence[Any], now_ns: int
    ) -> PixelEvents:
        """The events of one capture, of one measurement or of several ticks'."""
        events = np.concatenate([np.zeros(0, EVENT), *map(decode_events, parts)])
        # Warm-up and rounding reach farther back.
        events = events[(events["t_ns"] > now_ns - self._period_ns) & (events["t_ns"] <= now_ns)]
        return PixelEvents(
            name=camera.name,
            frame_index=frame.frame_index,
            timestamp_ns=frame.timestamp_ns,
            world_from_camera=frame.world_from_ego @ camera.ego_from_camera,
            x_px=events["x"],
            y_px=events["y"],
            time_offset_ns=events["t_ns"] - now_ns,
            polarity=np.where(events["brighter"], 1, -1).astype(np.int8),
        )
