"""Every kind of sensor from server to clip: what is stored is what the scene's geometry says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sensors.rig_file import load_rig
from synthgen.datatypes.clip_job import ClipJob, RigSource
from synthgen.geometry.camera import PinholeCamera
from synthgen.labels.clip import sensor_frames
from synthgen.store.clip_reader import ClipReader
from tests.client.conftest import Address
from tests.client.short_clip import CAPTURES
from tests.client.test_carla_host import run
from tests.client.test_sensor_faults import job

__all__ = ["job"]
pytestmark = [pytest.mark.server, pytest.mark.slow]
ROAD, BUILDING = 1, 3


@pytest.fixture(scope="module")
def clip(job: ClipJob, address: Address, tmp_path_factory: pytest.TempPathFactory) -> ClipReader:
    folder = tmp_path_factory.mktemp("modalities")
    rig = Path(__file__).with_name("every_modality.yaml")
    content = load_rig(rig).model_dump(mode="json", by_alias=True)
    update = {
        "rig": RigSource(path=str(rig), content=content),
        "dataset": str(folder / "dataset"),
    }
    run(job.model_copy(update=update), address, folder)
    (made,) = (folder / "dataset/clips").glob("*/*")
    return ClipReader(made)


def front(clip: ClipReader) -> PinholeCamera:
    model = clip.calibration.sensor("cam_front").camera
    assert model is not None
    return model.camera


def test_every_camera_has_a_frame_for_every_capture(clip: ClipReader) -> None:
    frames = list(sensor_frames(clip))
    assert len(frames) == CAPTURES
    assert [camera.name for camera in frames[0].cameras] == ["cam_front", "cam_flow"]


def test_labels_can_be_made_without_the_channels_of_a_camera(clip: ClipReader) -> None:
    reader = ClipReader(clip.folder, channels=("depth", "semantic", "instance"))
    shapes = [camera.shape_hw for camera in next(sensor_frames(reader)).cameras]
    assert shapes == [(224, 400), (0, 0)]


def test_normals_of_the_road_point_up_in_the_camera(clip: ClipReader) -> None:
    frame = list(clip.camera_frames("cam_front"))[-1]
    assert frame.normals is not None
    assert frame.semantic is not None
    up = frame.world_from_camera.rotation.T @ [0.0, 0.0, 1.0]
    on_road = frame.normals[frame.semantic == ROAD]
    np.testing.assert_allclose(np.median(on_road, axis=0), up, atol=0.02)


def test_flow_leads_to_where_the_road_was_one_capture_before(clip: ClipReader) -> None:
    before, now = list(clip.camera_frames("cam_front"))
    assert now.depth_cm is not None
    assert now.semantic is not None
    assert now.flow_px is not None
    rows, columns = np.nonzero((now.semantic == ROAD) & (now.depth_cm < 3000))
    at_px = np.stack([columns, rows], axis=-1).astype(np.float64) + 0.5
    depth_m = now.depth_cm[rows, columns, None].astype(np.float64) / 100
    points_m = now.world_from_camera.apply(front(clip).rays(at_px) * depth_m)
    was_px = front(clip).project(before.world_from_camera.inverse().apply(points_m))
    off_px = np.linalg.norm(now.flow_px[rows, columns] - (was_px - at_px), axis=-1)
    assert np.linalg.norm(was_px - at_px, axis=-1).max() > 2.0
    assert np.quantile(off_px, 0.95) < 0.3


def test_points_of_a_spinning_lidar_lie_where_the_camera_sees_surfaces(clip: ClipReader) -> None:
    frame = list(clip.camera_frames("cam_front"))[-1]
    sweep = list(clip.lidar_sweeps("lidar_spinning"))[-1]
    assert frame.depth_cm is not None
    assert sweep.semantic_tag is not None
    world_m = sweep.world_from_lidar.apply(sweep.points_m.astype(np.float64))
    seen_m = frame.world_from_camera.inverse().apply(world_m[sweep.semantic_tag == BUILDING])
    seen_m = seen_m[seen_m[:, 2] > 1.0]
    columns, rows = np.floor(front(clip).project(seen_m)).astype(np.int64).T
    inside = (columns >= 0) & (columns < 400) & (rows >= 0) & (rows < 224)
    depth_m = frame.depth_cm[rows[inside], columns[inside]] / 100.0
    assert inside.sum() > 100
    # At 7 m/s and more the car drives some 0.35 m until the beam looks ahead.
    assert np.median(np.abs(seen_m[inside, 2] - depth_m)) < 0.05


def test_points_of_a_spinning_lidar_tell_when_they_were_measured(clip: ClipReader) -> None:
    sweep = list(clip.lidar_sweeps("lidar_spinning"))[-1]
    azimuth = np.arctan2(sweep.points_m[:, 1], sweep.points_m[:, 0])
    left = np.abs(azimuth - np.pi / 2) < 0.1
    period_ns = clip.manifest["tick_ns"] * clip.manifest["capture_period_ticks"]
    assert sweep.time_offset_ns.max() <= 0
    assert sweep.time_offset_ns.min() < -0.97 * period_ns
    # The turn begins behind and passes the left side after a quarter; driving on since then has
    # turned the view of what is near by some degrees.
    assert np.median(sweep.time_offset_ns[left]) == pytest.approx(-0.75 * period_ns, rel=0.1)


def test_events_lie_between_two_captures_and_in_the_picture(clip: ClipReader) -> None:
    films = list(clip.pixel_events("dvs_front"))
    assert [film.frame_index for film in films] == [f.frame_index for f in clip.frames]
    period_ns = clip.manifest["tick_ns"] * clip.manifest["capture_period_ticks"]
    for film in films:
        assert len(film) > 100
        assert film.time_offset_ns.min() > -period_ns
        assert film.time_offset_ns.min() < -0.8 * period_ns
        assert film.time_offset_ns.max() <= 0
        assert set(film.polarity.tolist()) == {-1, 1}
        assert film.x_px.max() < 200
        assert film.y_px.max() < 112
