"""`synthgen probe`, tier P0: does label geometry learned on one set hold on the other?

Two small forests read only the image box (and nothing of the picture): one tells the distance,
one the class. They are trained on each set and tested on each, always on unseen sequences. That
ranks data sets by placement, sizes and camera; it says nothing about appearance and does not
predict the precision of a detector.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from synthgen.errors import DatasetError
from synthgen.geometry.arrays import F64
from synthgen.qa.canonical import canonical, common_view, view_of, vocabulary
from synthgen.qa.policy import Policy
from synthgen.qa.probe_scores import Score, held_back, scored
from synthgen.qa.sources import open_source
from synthgen.qa.tables import Table

ROWS: Final = 3000
TREES: Final = 60
LEAST_SEQUENCES: Final = 2
_INPUTS: Final = ("box_w_px", "box_h_px", "box_x_px", "box_y_px")


def probe_labels(real: Path, synthetic: Path, *, seed: int = 0) -> dict[str, Any]:
    """The 2 x 2 matrix of training and test sets, as a flat report.

    Raises:
        DatasetError: A set cannot be read, or has too few sequences or boxes to hold some back.
    """
    sources = [open_source(path) for path in (real, synthetic)]
    view = common_view(*(view_of(s.frames) for s in sources))
    if view is None:
        raise DatasetError("a probe needs a camera on both sides")
    classes = vocabulary([s.kind for s in sources])
    rng = np.random.default_rng(seed)
    sides = [
        _split(canonical(s.frames, view=view, policy=Policy(), classes=classes).boxes, s.path, rng)
        for s in sources
    ]
    report: dict[str, Any] = {"tier": "P0"}
    for trained, (train, _) in zip(("real", "syn"), sides, strict=True):
        for tested, (_, test) in zip(("real", "syn"), sides, strict=True):
            distance, accuracy = measure(train, test, rng)
            key = f"train_{trained}_test_{tested}"
            report[f"{key}.distance_error"] = distance.document()
            report[f"{key}.class_accuracy"] = accuracy.document()
    synthetic_error = report["train_syn_test_real.distance_error"]["value"]
    report["distance_gap_ratio"] = round(
        synthetic_error / max(report["train_real_test_real.distance_error"]["value"], 1e-9), 3
    )
    report["left_out"] = [line for source in sources for line in source.left_out]
    report["not_readable"] = [line for source in sources for line in source.problems]
    report["shows"] = "placement, sizes and camera; not appearance, not a detector's precision"
    report["validated_with_a_detector"] = None
    return report


def measure(train: Table, test: Table, rng: np.random.Generator) -> tuple[Score, Score]:
    """Median relative distance error, and balanced class accuracy, on the test sequences."""
    chosen = train.rows(np.sort(rng.permutation(len(train))[:ROWS]))
    seed = int(rng.integers(2**31))
    settings = {"n_estimators": TREES, "min_samples_leaf": 3, "n_jobs": 1, "random_state": seed}
    inputs = [np.stack([t[name] for name in _INPUTS], axis=1) for t in (chosen, test)]
    far = ExtraTreesRegressor(**settings).fit(inputs[0], np.log(chosen["range_m"]))
    error = np.abs(np.exp(far.predict(inputs[1])) / test["range_m"] - 1)
    kind = ExtraTreesClassifier(**settings, class_weight="balanced")
    right = kind.fit(inputs[0], chosen["category"]).predict(inputs[1]) == test["category"]
    return (
        scored(test.sequence, lambda rows: float(np.median(error[rows])), rng),
        scored(test.sequence, lambda rows: _balanced(right[rows], test["category"][rows]), rng),
    )


def _balanced(right: np.ndarray, category: F64) -> float:
    return float(np.mean([right[category == c].mean() for c in np.unique(category)]))


def _split(boxes: Table, path: Path, rng: np.random.Generator) -> tuple[Table, Table]:
    """Boxes of the sequences to train on, and of those to test on."""
    boxes = boxes.rows(np.isfinite(boxes["range_m"]) & np.isfinite(boxes["box_w_px"]))
    sequences = len(boxes.sequences)
    if sequences < LEAST_SEQUENCES or len(boxes) < 50:
        raise DatasetError(
            f"{path}: a probe holds sequences back: expected {LEAST_SEQUENCES} and 50 boxes, "
            f"found {sequences} and {len(boxes)}"
        )
    train, test = (boxes.of_sequences(numbers) for numbers in held_back(sequences, rng))
    if not len(test) or not len(train):
        raise DatasetError(f"{path}: the sequences held back have no boxes")
    return train, test
