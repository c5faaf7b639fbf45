"""Masks against pycocotools and against a plain loop."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco

from synthgen.labels.masks import masks_of

images = hnp.arrays(
    np.uint16,
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    elements=st.sampled_from([0, 1, 2, 7, 65535]),
)


@given(images)
def test_text_is_that_of_pycocotools(instance: np.ndarray) -> None:
    masks = masks_of(instance)
    expected = [
        coco.encode(np.asfortranarray(instance == track_id, dtype=np.uint8))["counts"].decode()
        for track_id in masks.track_id
    ]
    assert masks.coco_rle() == expected


def test_text_of_large_blobs_is_that_of_pycocotools() -> None:
    y, x = np.mgrid[:450, :800]
    instance = np.where((x - 300) ** 2 + (y - 200) ** 2 < 150**2, 5, 0).astype(np.uint16)
    instance[100:300, 250:600:7] = 9
    expected = [
        coco.encode(np.asfortranarray(instance == track_id, dtype=np.uint8))["counts"].decode()
        for track_id in (5, 9)
    ]
    assert masks_of(instance).coco_rle() == expected


@given(images)
def test_boxes_and_counts_are_those_of_a_plain_loop(instance: np.ndarray) -> None:
    masks = masks_of(instance)
    assert masks.track_id.tolist() == [i for i in np.unique(instance) if i > 0]
    for index, track_id in enumerate(masks.track_id):
        rows, columns = np.nonzero(instance == track_id)
        assert masks.pixels[index] == len(rows)
        assert masks.xyxy_px[index].tolist() == [
            columns.min(),
            rows.min(),
            columns.max() + 1,
            rows.max() + 1,
        ]
