"""Sizes are held against catalogues that the recording follows, and against no others."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.datatypes.actors import ObjectInfo
from synthgen.geometry.arrays import F64
from synthgen.qa.audit.labels import Labels, model_of
from synthgen.qa.audit.sizes import KnownSizes, known_sizes, size_scores

Size = tuple[float, float, float]
TT, C3 = (4.181, 1.994, 1.385), (3.988, 1.851, 1.617)
CATALOGUE = {"vehicle.audi.tt": TT, "vehicle.citroen.c3": C3}


def make_labels(models: list[str], sizes: list[Size]) -> Labels:
    """One box of each model, each a track of its own."""
    count = len(models)
    zeros, no_text = np.zeros(count), np.full(count, "")
    return Labels(
        frame=np.arange(count), track=np.arange(count), category=np.full(count, "car"),
        model=np.array(models), logged=no_text, center_m=np.zeros((count, 3)),
        rotation=np.tile(np.eye(3), (count, 1, 1)), size_lwh_m=np.array(sizes),
        world_m=np.zeros((count, 3)), world_yaw_rad=zeros, occluded=zeros, truncated=zeros,
        claimed_px=zeros, claimed_points=zeros, parent=np.zeros(count, dtype=np.int64),
        has_open_door=np.zeros(count, dtype=np.bool_),
        image_xyxy_px=np.full((count, 1, 4), np.nan), times_s=np.arange(count, dtype=np.float64),
        is_static_frame=True,
    )  # fmt: skip


def grown(size: Size) -> Size:
    return (1.2 * size[0], 1.2 * size[1], 1.2 * size[2])


def scores(labels: Labels, known: KnownSizes) -> F64:
    return size_scores(labels, known, np.ones(len(labels), dtype=np.bool_))


def test_parked_car_of_no_known_size_is_found() -> None:
    labels = make_labels(
        [f"ParkedVehicle_{k}" for k in range(8)], [C3] * 4 + [TT] * 3 + [grown(C3)]
    )
    found = scores(labels, known_sizes([labels], CATALOGUE)) > 1
    assert found.tolist() == [False] * 7 + [True]


def test_parked_cars_that_share_sizes_need_no_catalogue() -> None:
    other = (4.7, 1.9, 1.5)
    labels = make_labels(
        [f"ParkedVehicle_{k}" for k in range(9)],
        [C3] * 4 + [other] * 4 + [(5.64, 2.28, 1.8)],
    )
    found = scores(labels, known_sizes([labels], {})) > 1
    assert found.tolist() == [False] * 8 + [True]


def test_sizes_of_the_real_world_follow_no_catalogue() -> None:
    rng = np.random.default_rng(0)
    sizes: list[Size] = [
        (C3[0] * a, C3[1] * b, C3[2] * c) for a, b, c in rng.uniform(0.85, 1.2, (40, 3)).tolist()
    ]
    labels = make_labels([""] * 40, sizes)
    known = known_sizes([labels], CATALOGUE)
    assert len(known.fleet) == 0
    assert not (scores(labels, known) > 1).any()


def test_catalogue_of_another_simulator_is_left_aside() -> None:
    tall = (4.181, 1.994, 1.6)
    labels = make_labels(["vehicle.audi.tt", "vehicle.citroen.c3"], [tall, (3.988, 2.1, 1.617)])
    assert not (scores(labels, known_sizes([labels], CATALOGUE)) > 1).any()


def test_three_tracks_of_a_model_outvote_a_wrong_one() -> None:
    labels = make_labels(["vehicle.audi.tt"] * 4, [TT, TT, TT, grown(TT)])
    found = scores(labels, known_sizes([labels], {}))
    assert found == pytest.approx([0, 0, 0, np.log(1.2) / 0.05], abs=0.01)


def test_walker_in_a_wheelchair_has_a_size_of_its_own() -> None:
    def walker(*, is_seated: bool) -> ObjectInfo:
        told = {"can_use_wheelchair": "true", "use_wheelchair": str(is_seated).lower()}
        size = np.array([0.94, 0.66, 1.32] if is_seated else [0.83, 0.56, 1.66])
        return ObjectInfo(
            1, "pedestrian", "walker.pedestrian.0007", 12, size, np.zeros(3), attributes=told
        )

    assert model_of(walker(is_seated=False)) == "walker.pedestrian.0007"
    assert model_of(walker(is_seated=True)) != model_of(walker(is_seated=False))
