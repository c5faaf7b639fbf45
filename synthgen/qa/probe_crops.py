"""`synthgen probe`, tier P1: do sensor data learned on one set hold on the other?

Small models look at crops: pieces of the image, and points of the sweep around one of them. Each
crop shows a labelled object or a place without any, and the model says which, and of what group.
Trained on each set and tested on each, always on unseen sequences, that ranks data sets by what
their sensors show of objects. It finds nothing by itself, so it does not predict a detector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from synthgen.errors import DatasetError
from synthgen.geometry.arrays import F64, I64, Bool
from synthgen.qa.canonical import common_view, sequences_of, view_of
from synthgen.qa.image_crops import image_crops
from synthgen.qa.point_crops import point_crops
from synthgen.qa.probe_scores import Score, held_back, scored
from synthgen.qa.sources import Source, open_source
from synthgen.qa.stats.c2st import auc

FRAMES: Final = 240
LEAST_CROPS: Final = 40
_LEAST_SEQUENCES: Final = 2
_SIDES: Final = ("real", "syn")
_SEEDS: Final = 3  # models of different random numbers are averaged


@dataclass(frozen=True, eq=False, slots=True)
class Crops:
    """N crops of one data set.

    Attributes:
        features: (N, D).
        group: (N,) 0 for a place without an object, else 1 + number in `image_crops.GROUPS`.
        sequence: (N,) which recording each is of.
        sequences: How many there are.
    """

    features: F64
    group: I64
    sequence: I64
    sequences: int

    def of_sequences(self, numbers: I64) -> Crops:
        """The crops of some recordings."""
        rows = np.isin(self.sequence, numbers)
        return Crops(self.features[rows], self.group[rows], self.sequence[rows], len(numbers))


def probe_crops(real: Path, synthetic: Path, *, seed: int = 0) -> dict[str, Any]:
    """The 2 x 2 matrices of images and of sweeps, as a flat report.

    Raises:
        DatasetError: A set cannot be read, or the two share neither images nor sweeps of enough
            objects.
    """
    sources = [open_source(path) for path in (real, synthetic)]
    report: dict[str, Any] = {"tier": "P1"}
    missing = []
    for name, crops_of, model in (
        ("image", _image_crops, _linear), ("lidar", _point_crops, _forest)
    ):  # fmt: skip
        rng = np.random.default_rng(seed)
        try:
            sides = [crops_of(source, sources, rng) for source in sources]
            report |= {f"{name}.{key}": v for key, v in _matrix(sides, sources, model, rng).items()}
        except DatasetError as err:
            missing.append(f"{name}: {err}")
    if len(missing) == 2:
        raise DatasetError("; ".join(missing))
    report["not_probed"] = missing
    report["left_out"] = [line for source in sources for line in source.left_out]
    report["not_readable"] = [line for source in sources for line in source.problems]
    report["shows"] = "whether objects look like objects to a small model; no detector's precision"
    report["validated_with_a_detector"] = None
    return report


def _image_crops(source: Source, both: list[Source], rng: np.random.Generator) -> Crops:
    view = common_view(*(view_of(s.frames) for s in both))
    if view is None:
        raise DatasetError("expected a camera on both sides, found none")
    images = ((row, (rgb,)) for row, rgb in source.images(FRAMES))
    return _gathered(source, images, lambda frame, rgb: image_crops(frame, rgb, view.focal_px, rng))


def _point_crops(source: Source, _both: list[Source], rng: np.random.Generator) -> Crops:
    return _gathered(
        source,
        ((row, (source.in_box_frame(row, points_m), intensity))
         for row, points_m, intensity in source.sweeps(FRAMES)),
        lambda frame, points_m, intensity: point_crops(frame, points_m, intensity, rng),
    )  # fmt: skip


def _gathered(
    source: Source,
    frames: Iterator[tuple[int, tuple[Any, ...]]],
    cut: Callable[..., tuple[F64, I64]],
) -> Crops:
    names, number, _notes = sequences_of(source.frames)
    features: list[F64] = []
    groups: list[I64] = []
    sequence: list[I64] = []
    for row, content in frames:
        crops, group = cut(source.frames[row], *content)
        if len(group):
            features.append(crops)
            groups.append(group)
            sequence.append(np.full(len(group), number[row]))
    found = sum(int((group > 0).sum()) for group in groups)
    if found < LEAST_CROPS:
        raise DatasetError(f"{source.path}: expected {LEAST_CROPS} objects, found {found}")
    used, where = np.unique(np.concatenate(sequence), return_inverse=True)
    if len(used) < _LEAST_SEQUENCES:
        raise DatasetError(
            f"{source.path}: a probe holds sequences back: expected {_LEAST_SEQUENCES} of "
            f"{len(names)} with objects, found {len(used)}"
        )
    return Crops(np.concatenate(features), np.concatenate(groups), where, len(used))


Fitted = Callable[[F64], F64]  # features to (M, K) probabilities of the groups trained on
Model = Callable[[Crops, int], tuple[Fitted, I64]]


def _matrix(
    sides: list[Crops], sources: list[Source], model: Model, rng: np.random.Generator
) -> dict[str, Any]:
    parts = []
    for side, source in zip(sides, sources, strict=True):
        train, test = (side.of_sequences(n) for n in held_back(side.sequences, rng))
        for part in (train, test):
            if not (part.group == 0).any() or not (part.group > 0).any():
                raise DatasetError(
                    f"{source.path}: expected objects and places without any in the sequences to "
                    "train on and in those to test on, found one kind only"
                )
        parts.append((train, test))
    size = min(len(train.group) for train, _ in parts)
    report: dict[str, Any] = {"crops_to_train_on": size}
    aucs: dict[str, Score] = {}
    for trained, (train, _) in zip(_SIDES, parts, strict=True):
        probabilities = _fitted(train, size, model, rng)
        for tested, (_, test) in zip(_SIDES, parts, strict=True):
            key = f"train_{trained}_test_{tested}"
            aucs[key], recall = _measured(test, *probabilities(test.features), rng)
            report[f"{key}.auc"] = aucs[key].document()
            report[f"{key}.group_recall"] = recall.document()
    gap = aucs["train_real_test_real"].value - aucs["train_syn_test_real"].value
    report["auc_gap"] = round(gap, 4)
    return report


def _fitted(
    train: Crops, size: int, model: Model, rng: np.random.Generator
) -> Callable[[F64], tuple[F64, I64]]:
    """Models of as many crops as the smaller side has, averaged; and what they tell apart."""
    models = []
    for _ in range(_SEEDS):
        rows = np.sort(rng.permutation(len(train.group))[:size])
        few = Crops(train.features[rows], train.group[rows], train.sequence[rows], train.sequences)
        models.append(model(few, int(rng.integers(2**31))))
    groups = np.unique(train.group)

    def told(features: F64) -> tuple[F64, I64]:
        total = np.zeros((len(features), len(groups)))
        for fitted, known in models:
            total[:, np.searchsorted(groups, known)] += fitted(features) / len(models)
        return total, groups

    return told


def _measured(
    test: Crops, probability: F64, groups: I64, rng: np.random.Generator
) -> tuple[Score, Score]:
    """AUC of objects against places without one; mean recall of the groups among objects."""
    is_object = test.group > 0
    score = 1 - probability[:, groups == 0].sum(axis=1)
    among = np.where(groups[None] > 0, probability, -1.0)
    right = groups[among.argmax(axis=1)] == test.group
    return (
        scored(test.sequence, lambda rows: auc(score[rows], is_object[rows]), rng),
        scored(test.sequence, lambda rows: _mean_recall(right[rows], test.group[rows]), rng),
    )


def _mean_recall(right: Bool, group: I64) -> float:
    shares = [right[group == g].mean() for g in np.unique(group[group > 0])]
    return float(np.mean(shares)) if shares else np.nan


def _linear(train: Crops, seed: int) -> tuple[Fitted, I64]:
    """Logistic regression, which is what gradients' histograms are made for."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=0.003, max_iter=300, class_weight="balanced", random_state=seed),
    ).fit(train.features, train.group)
    return model.predict_proba, np.asarray(model.classes_)


def _forest(train: Crops, seed: int) -> tuple[Fitted, I64]:
    from sklearn.ensemble import ExtraTreesClassifier

    model = ExtraTreesClassifier(
        n_estimators=60, min_samples_leaf=3, class_weight="balanced", n_jobs=1, random_state=seed
    ).fit(train.features, train.group)
    return model.predict_proba, np.asarray(model.classes_)
