"""Labels each capture while the simulator makes the next one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from synthgen.datatypes.actors import ActorStates, ObjectInfo
from synthgen.datatypes.calibration import Calibration
from synthgen.datatypes.frames import FrameRecord
from synthgen.datatypes.road_map import RoadMap
from synthgen.datatypes.taxonomy import default_taxonomy
from synthgen.labels import LabelSettings, LabelTables, label_clip
from synthgen.labels.bev import BevRasters
from synthgen.labels.clip import bev_rasters, clip_objects, label_tables
from synthgen.labels.frame import FrameLabels, SensorFrames, label_frame
from synthgen.labels.scene_boxes import EgoScene
from synthgen.runner.stopwatch import Stopwatch
from synthgen.store import rows
from synthgen.store.clip_reader import ClipTables

# Captures that may wait for their labels, so that memory stays bounded.
_BACKLOG: Final = 4


class LiveLabels:
    """Per-frame labels made in a thread of their own; a context manager.

    They count only if they are what the stored clip gives: an object that turns up later or whose
    size has to be repaired changes every frame's labels, so then the clip is labelled anew.
    """

    def __init__(
        self,
        objects: Sequence[ObjectInfo],
        calibration: Calibration,
        watch: Stopwatch,
        road_map: Callable[[], RoadMap] = RoadMap,
    ) -> None:
        """Labels of a clip in the making.

        Args:
            objects: What is there.
            calibration: The rig.
            watch: Told how long it takes.
            road_map: Reads the map; called beside the run.
        """
        self._objects = tuple(objects)
        self._calibration = calibration
        self._watch = watch
        self._road_map = road_map
        self._bev: BevRasters | None = None
        self._settings = LabelSettings()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="labels")
        self._labels: list[Future[FrameLabels]] = []
        self._waiting: deque[Future[FrameLabels]] = deque()

    def __enter__(self) -> LiveLabels:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        # What still waits is wanted by `tables`, unless the run has failed.
        self._thread.shutdown(wait=True, cancel_futures=failure is not None)

    @property
    def settings(self) -> LabelSettings:
        """What the labels depend on besides the clip."""
        return self._settings

    def add(self, frame: FrameRecord, states: ActorStates, sensors: SensorFrames) -> None:
        """Label a capture; waits while too many are under way."""
        pending = self._thread.submit(self._label, frame, states, sensors)
        self._labels.append(pending)
        self._waiting.append(pending)
        while len(self._waiting) > _BACKLOG:
            self._waiting.popleft().result()

    def _label(self, frame: FrameRecord, states: ActorStates, sensors: SensorFrames) -> FrameLabels:
        with self._watch.lap("label_live"):
            frame, sensors = rows.frame_of_row(rows.frame_row(frame)), _as_stored(sensors)
            labels = label_frame(
                frame,
                objects=self._objects,
                states=states,
                sensors=sensors,
                calibration=self._calibration,
                taxonomy=default_taxonomy(),
                settings=self._settings,
            )
            if self._bev is None:
                self._bev = bev_rasters(self._road_map(), self._settings, default_taxonomy())
            self._bev.add(EgoScene(frame.world_from_ego, labels.boxes))
            return labels

    def tables(self, clip: ClipTables) -> LabelTables:
        """All label tables of the clip, which is stored by now but for its labels.

        Raises:
            DatasetError: The clip contradicts itself.
        """
        labels = [pending.result() for pending in self._labels]
        objects = clip_objects(clip, default_taxonomy())
        if _documents(objects) != _documents(self._objects):
            return label_clip(clip, self._settings)
        return label_tables(clip, objects, labels, self._settings, bev=self._bev)


def _as_stored(sensors: SensorFrames) -> SensorFrames:
    """With the poses that the clip gives: a quaternion is a rotation of other last digits."""
    return SensorFrames(
        [
            replace(frame, world_from_camera=rows.stored_pose(frame.world_from_camera))
            for frame in sensors.cameras
        ],
        [
            replace(sweep, world_from_lidar=rows.stored_pose(sweep.world_from_lidar))
            for sweep in sensors.lidars
        ],
        [
            replace(scan, world_from_radar=rows.stored_pose(scan.world_from_radar))
            for scan in sensors.radars
        ],
    )


def _documents(objects: Sequence[ObjectInfo]) -> list[rows.Row]:
    return [rows.object_row(item) for item in objects]
