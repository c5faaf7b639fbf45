"""All labels of a clip, from a `ClipView` and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from synthgen.datatypes.actors import ActorStates, ObjectInfo
from synthgen.datatypes.clip import ClipView
from synthgen.datatypes.frames import FrameRecord
from synthgen.datatypes.point_clouds import LidarSweep
from synthgen.datatypes.road_map import RoadMap
from synthgen.datatypes.skeleton import default_skeleton
from synthgen.datatypes.taxonomy import Taxonomy, default_taxonomy
from synthgen.errors import DatasetError
from synthgen.labels.bev import BevGrid, BevRasters
from synthgen.labels.boxes2d import BOXES2D_COLUMNS
from synthgen.labels.columns import Columns, stacked
from synthgen.labels.extents import repaired_objects
from synthgen.labels.frame import FrameLabels, SensorFrames, label_frame
from synthgen.labels.keypoints import KEYPOINT_COLUMNS
from synthgen.labels.occupancy import VoxelGrid
from synthgen.labels.occupancy_table import occupancy_columns
from synthgen.labels.points import POINT_COLUMNS, TARGET_COLUMNS
from synthgen.labels.scene_boxes import EgoScene
from synthgen.labels.settings import LabelSettings
from synthgen.labels.track_invariants import check_tracks, common_delay, is_late
from synthgen.labels.tracks import track_tables
from synthgen.labels.verdict import Votes, frame_verdict, status_columns

LabelTables = dict[str, Columns]
"""Table name (see `docs/clip_format.md`, Labels) -> columns."""


def label_clip(
    clip: ClipView,
    settings: LabelSettings | None = None,
    *,
    taxonomy: Taxonomy | None = None,
) -> LabelTables:
    """All label tables of a clip.

    Args:
        clip: The clip, on disk or in memory.
        settings: Limits and margins.
        taxonomy: Categories.

    Raises:
        DatasetError: The clip contradicts itself.
    """
    settings = settings or LabelSettings()
    taxonomy = taxonomy or default_taxonomy()
    states = {item.tick: item for item in clip.ticks}
    objects = clip_objects(clip, taxonomy)
    labels = []
    for frame, sensors in zip(clip.frames, sensor_frames(clip), strict=True):
        if frame.tick not in states:
            raise DatasetError(f"frame {frame.frame_index}: no actor states at tick {frame.tick}")
        labels.append(
            label_frame(
                frame,
                objects=objects,
                states=states[frame.tick],
                sensors=sensors,
                calibration=clip.calibration,
                taxonomy=taxonomy,
                settings=settings,
            )
        )
    return label_tables(clip, objects, labels, settings, taxonomy=taxonomy)


def clip_objects(clip: ClipView, taxonomy: Taxonomy) -> tuple[ObjectInfo, ...]:
    """The clip's objects, those of impossible size repaired."""
    return repaired_objects(
        clip.objects, clip.ticks, _sweeps(clip), taxonomy=taxonomy, skeleton=default_skeleton()
    )


def _sweeps(clip: ClipView) -> Iterator[tuple[ActorStates, LidarSweep]]:
    """Every sweep with the states of its tick."""
    states = {item.tick: item for item in clip.ticks}
    for sensor in clip.calibration.of_modality("lidar"):
        for frame, sweep in zip(clip.frames, clip.lidar_sweeps(sensor.name), strict=True):
            yield states[frame.tick], sweep


def _occupancy(labels: Sequence[FrameLabels], scenes: Sequence[EgoScene]) -> Columns:
    """Table occupancy; without rows where the settings want none."""
    rows = [
        (label.frame_index, scene, label.view)
        for label, scene in zip(labels, scenes, strict=True)
        if label.view is not None
    ]
    return occupancy_columns(
        [number for number, _, _ in rows],
        [scene for _, scene, _ in rows],
        [view for _, _, view in rows],
        VoxelGrid(),
    )


def _status(
    frames: Sequence[FrameRecord],
    labels: Sequence[FrameLabels],
    tracks: Columns,
    taxonomy: Taxonomy,
) -> Columns:
    """Table status: the verdict of all invariants on every frame."""
    of_time = check_tracks(tracks, taxonomy)
    times_ns = {frame.frame_index: frame.timestamp_ns for frame in frames}
    whole_clip = Votes()
    if is_late(common_delay([label.boxes2d for label in labels], times_ns)):
        whole_clip.hard("labels_late")
    verdicts = [
        frame_verdict([*label.votes, of_time.get(frame.frame_index, Votes()), whole_clip])
        for frame, label in zip(frames, labels, strict=True)
    ]
    return status_columns([frame.frame_index for frame in frames], verdicts)


def bev_rasters(road_map: RoadMap, settings: LabelSettings, taxonomy: Taxonomy) -> BevRasters:
    """The empty table bev of a clip."""
    return BevRasters(road_map, BevGrid(settings.bev_cells, settings.bev_cell_m), taxonomy)


def label_tables(
    clip: ClipView,
    objects: Sequence[ObjectInfo],
    labels: Sequence[FrameLabels],
    settings: LabelSettings,
    *,
    taxonomy: Taxonomy | None = None,
    bev: BevRasters | None = None,
) -> LabelTables:
    """All label tables, from per-frame labels that `label_frame` made during capture.

    Args:
        clip: The clip; its sensor data is not read.
        objects: Its objects, repaired.
        labels: One per capture, in order.
        settings: Those that `labels` were made with.
        taxonomy: Categories.
        bev: Every capture's, if drawn during capture, from the states that the clip stores.
    """
    taxonomy = taxonomy or default_taxonomy()
    scenes = [
        EgoScene(frame.world_from_ego, label.boxes)
        for frame, label in zip(clip.frames, labels, strict=True)
    ]
    # Voxels leave the interpreter alone for most of their time.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="voxels") as voxels:
        occupancy = voxels.submit(_occupancy, labels, scenes)
        if bev is None:
            bev = bev_rasters(clip.road_map, settings, taxonomy)
            for scene in scenes:
                bev.add(scene)
        tracks = track_tables(
            objects,
            clip.frames,
            clip.ticks,
            labels,
            clip.road_map,
            taxonomy=taxonomy,
            settings=settings,
        )
        status = _status(clip.frames, labels, tracks.tracks, taxonomy)
    boxes2d = [
        part.columns([label.boxes.infos[row].category for row in part.row], settings)
        for label in labels
        for part in label.boxes2d
    ]
    return {
        "boxes2d": stacked(boxes2d, BOXES2D_COLUMNS),
        "boxes3d": tracks.boxes3d,
        "tracks": tracks.tracks,
        "keypoints": stacked((label.keypoints for label in labels), KEYPOINT_COLUMNS),
        "points": stacked((label.points for label in labels), POINT_COLUMNS),
        "targets": stacked((label.targets for label in labels), TARGET_COLUMNS),
        "bev": bev.columns([frame.frame_index for frame in clip.frames]),
        "occupancy": occupancy.result(),
        "status": status,
    }


def sensor_frames(clip: ClipView) -> Iterator[SensorFrames]:
    """What the whole rig delivered, capture by capture."""
    rig = clip.calibration
    cameras = [clip.camera_frames(sensor.name) for sensor in rig.of_modality("camera")]
    lidars = [clip.lidar_sweeps(sensor.name) for sensor in rig.of_modality("lidar")]
    radars = [clip.radar_scans(sensor.name) for sensor in rig.of_modality("radar")]
    for _ in clip.frames:
        yield SensorFrames(
            tuple(next(frames) for frames in cameras),
            tuple(next(sweeps) for sweeps in lidars),
            tuple(next(scans) for scans in radars),
        )
