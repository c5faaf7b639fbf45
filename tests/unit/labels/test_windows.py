"""Windows of tracks: what is valid, and the round trip between world and ego frame."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.datatypes.clip import MemoryClip
from synthgen.labels.clip import label_clip
from synthgen.labels.windows import TrackWindows, track_windows
from tests.unit.labels.small_clip import RADIUS_M, TURN_RADPS, make_clip


@pytest.fixture(scope="module")
def clip() -> MemoryClip:
    return make_clip()


@pytest.fixture(scope="module")
def windows(clip: MemoryClip) -> TrackWindows:
    return track_windows(label_clip(clip)["tracks"], clip.frames, 5, past=3, future=4)


def test_tracks_of_the_present_are_there(windows: TrackWindows) -> None:
    assert windows.track_id.tolist() == [2, 3, 4, 5]
    assert windows.world.shape == (4, 8, 5)


def test_object_that_comes_and_goes_is_valid_while_it_is_there(windows: TrackWindows) -> None:
    # It exists in captures 3 to 7; the window runs from 2 to 9.
    assert windows.valid[3].tolist() == [False, True, True, True, True, True, False, False]


def test_path_of_the_circling_car(windows: TrackWindows) -> None:
    angle = TURN_RADPS * 0.2 * np.arange(2, 10)
    np.testing.assert_allclose(windows.world[0, :, 0], 18 + RADIUS_M * np.sin(angle))
    np.testing.assert_allclose(windows.world[0, :, 1], -RADIUS_M * np.cos(angle))


def test_ego_frame_leads_back_to_the_world(clip: MemoryClip, windows: TrackWindows) -> None:
    pose = clip.frames[5].world_from_ego
    flat = np.concatenate([windows.ego[..., :2], np.zeros((4, 8, 1))], axis=-1)
    back = pose.apply(flat)[..., :2][windows.valid]
    assert np.abs(back - windows.world[..., :2][windows.valid]).max() < 1e-6
