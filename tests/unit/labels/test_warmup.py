"""The made-up capture is good enough to be labelled, so warming up meets every kernel."""

from __future__ import annotations

from synthgen.labels.clip import label_clip
from synthgen.labels.warmup import made_up_clip


def test_made_up_capture_reaches_every_table() -> None:
    tables = label_clip(made_up_clip())
    assert tables["boxes2d"]["track_id"].tolist() == [2]  # type: ignore[union-attr]
    assert 0.0 < tables["boxes2d"]["occluded_fraction"][0] < 1.0  # type: ignore[operator]
    assert len(tables["bev"]["frame_index"]) == len(tables["occupancy"]["frame_index"]) == 1
