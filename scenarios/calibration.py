"""What earlier runs teach the pre-screen: a versioned file, fitted from a data set."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from scenarios.surrogate import Calibration
from synthgen.datatypes.strict_yaml import load_model
from synthgen.errors import ConfigError

MIN_RUNS = 8


class CalibrationFile(BaseModel):
    """Means and spreads of start delay, walking speed, ego speed and braking over real runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_: Literal["synthgen/screen@1"] = Field(alias="schema")
    runs: int = Field(ge=MIN_RUNS)
    start_delay_s: float = Field(ge=-1, le=1)
    start_delay_sd_s: float = Field(ge=0, le=1)
    walk_speed_ratio: float = Field(gt=0.5, lt=1.5)
    walk_speed_sd: float = Field(ge=0, le=0.5)
    ego_speed_ratio: float = Field(gt=0.5, lt=1.5)
    ego_speed_sd: float = Field(ge=0, le=0.5)

    def calibration(self) -> Calibration:
        """In the pre-screen's terms."""
        fields = self.model_dump(exclude={"schema_", "runs"})
        return Calibration(**fields)


def load_calibration(path: str | Path) -> Calibration:
    """The calibration in a file.

    Raises:
        ConfigError: With file:line:column.
    """
    return load_model(path, CalibrationFile).calibration()


def fit_calibration(metrics: Iterable[Mapping[str, float]]) -> CalibrationFile:
    """Residuals of finished runs (`outcome.metrics` of their clips) as a calibration.

    Raises:
        ConfigError: Fewer than eight runs with an encounter.
    """
    rows = [
        m for m in metrics if {"start_delay_s", "actor_speed_ratio", "ego_speed_ratio"} <= set(m)
    ]
    if len(rows) < MIN_RUNS:
        raise ConfigError(f"calibration: {len(rows)} runs with an encounter, at least {MIN_RUNS}")

    def column(name: str) -> tuple[float, float]:
        values = np.array([row[name] for row in rows])
        # Half the spread of the middle 68 %: one stalled walker must not widen it.
        low, high = np.quantile(values, [0.16, 0.84])
        return round(float(np.median(values)), 4), round(float(high - low) / 2, 4)

    delay, delay_sd = column("start_delay_s")
    walk, walk_sd = column("actor_speed_ratio")
    ego, ego_sd = column("ego_speed_ratio")
    return CalibrationFile(
        schema="synthgen/screen@1",
        runs=len(rows),
        start_delay_s=delay,
        start_delay_sd_s=delay_sd,
        walk_speed_ratio=walk,
        walk_speed_sd=walk_sd,
        ego_speed_ratio=ego,
        ego_speed_sd=ego_sd,
    )


def outcomes_of(dataset: Path) -> list[dict[str, float]]:
    """Metrics of every clip of a data set."""
    files = sorted(dataset.glob("clips/*/*/clip.json"))
    return [json.loads(file.read_text())["outcome"]["metrics"] for file in files]
