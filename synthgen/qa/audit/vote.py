"""Thresholds and the vote: what the audit learnt from faults put in on purpose.

The vote is a logistic regression over log(1 + score / threshold) of every check, an abstention
counting as silence; its weights come with the program in `calibration.json`, together with the
seeds and the dataset they were learnt from.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from synthgen.errors import ConfigError
from synthgen.geometry.arrays import F64, Bool
from synthgen.qa.audit.checks import BINARY, BOX_CHECKS
from synthgen.store.layout import readable_json

SCHEMA: Final = "synthgen/audit-calibration@1"
_PERCENTILE: Final = 99.8
_MAX_FACTOR: Final = 1.5
_MAX_SCORE: Final = 20.0


class Calibration(BaseModel):
    """What was learnt; see the module."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    schema_: str = Field(default=SCHEMA, alias="schema")
    source: dict[str, Any]
    factors: dict[str, float]
    weights: dict[str, float]
    intercept: float
    missing_probability: float
    recall: float
    false_alarm_share: float
    sizes: dict[str, tuple[float, float, float]]


@cache
def default_calibration() -> Calibration:
    """The calibration that comes with the program."""
    text = (files("synthgen.qa.audit") / "calibration.json").read_text()
    return Calibration.model_validate_json(text)


def load_calibration(path: Path) -> Calibration:
    """A calibration of one's own.

    Raises:
        ConfigError: The file is none.
    """
    try:
        return Calibration.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as err:
        raise ConfigError(f"{path}: cannot read as {SCHEMA}: {err}") from err


def save_calibration(calibration: Calibration, path: Path) -> None:
    """Write a calibration."""
    document = json.loads(calibration.model_dump_json(by_alias=True))
    path.write_bytes(readable_json(document))


@dataclass(frozen=True, eq=False, slots=True)
class Verdicts:
    """The judgement of every box.

    Attributes:
        scores: (N, K) scores in calibrated thresholds, NaN = abstained.
        is_alarm: (N,) any check speaks up.
        p_fault: (N,) probability of a fault.
    """

    scores: F64
    is_alarm: Bool
    p_fault: F64


def judge(values: F64, calibration: Calibration) -> Verdicts:
    """Scores of `score_boxes` to verdicts."""
    factors = np.array([calibration.factors.get(name, 1.0) for name in BOX_CHECKS])
    scores = values / factors
    with np.errstate(invalid="ignore"):
        is_alarm = (scores > 1).any(axis=1)
    weights = np.array([calibration.weights.get(name, 0.0) for name in BOX_CHECKS])
    logit = features(scores) @ weights + calibration.intercept
    return Verdicts(scores, is_alarm, 1 / (1 + np.exp(-np.clip(logit, -50, 50))))


def features(scores: F64) -> F64:
    """(N, K) inputs of the vote."""
    return np.log1p(np.clip(np.nan_to_num(scores, nan=0.0), 0, _MAX_SCORE))


def fit_factors(clean: F64) -> dict[str, float]:
    """Factors on the default thresholds from (N, K) scores of clean boxes.

    A continuous check may be loosened to what 99.8 % of clean boxes stay below, by half at most;
    a check of yes or no keeps its threshold, since a percentile would switch it off.
    """
    factors = {}
    for k, name in enumerate(BOX_CHECKS):
        spoken = clean[~np.isnan(clean[:, k]), k]
        high = float(np.percentile(spoken, _PERCENTILE)) * 1.05 if len(spoken) else 1.0
        factors[name] = 1.0 if name in BINARY else round(float(np.clip(high, 1, _MAX_FACTOR)), 3)
    return factors


def fit_vote(scores: F64, is_fault: Bool) -> tuple[dict[str, float], float]:
    """Weights and intercept of the vote from calibrated scores of boxes with known faults.

    No weight is negative: what a check says against a label never speaks for it. Checks that would
    have one, since others say the same, are left out.
    """
    from sklearn.linear_model import LogisticRegression

    inputs = features(scores)
    used = np.arange(len(BOX_CHECKS))
    while True:
        model = LogisticRegression(C=1.0, max_iter=2000).fit(inputs[:, used], is_fault)
        if (model.coef_[0] >= 0).all():
            break
        used = used[model.coef_[0] >= 0]
    weights = dict.fromkeys(BOX_CHECKS, 0.0)
    for k, weight in zip(used.tolist(), model.coef_[0].tolist(), strict=True):
        weights[BOX_CHECKS[k]] = round(weight, 4)
    return weights, round(float(model.intercept_[0]), 4)
