"""Panels of other programs' results: audit, probe, fit history, cost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from synthgen.geometry.arrays import U8
from synthgen.qa.audit.measured import heat_table, measured
from synthgen.qa.report import charts
from synthgen.qa.report.figure import Figure, data_uri, figure

_GALLERY_PX: Final = 1200
_MATRIX: Final = ("train_real_test_real", "train_real_test_syn", "train_syn_test_real",
                  "train_syn_test_syn")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Extras:
    """Results of other programs that the report shows where they are at hand.

    Attributes:
        audit: Summary of an audit.
        gallery: Its picture of what it doubts.
        fit_history: Steps of a closed-loop fit.
        probe: Report of a probe.
        cost: From `cost_of`.
    """

    audit: Mapping[str, Any] | None = None
    gallery: U8 | None = None
    fit_history: Sequence[Mapping[str, Any]] = ()
    probe: Mapping[str, Any] | None = None
    cost: Mapping[str, Any] | None = None

    def panels(self, *, with_pictures: bool) -> dict[str, Any]:
        """What the template shows."""
        gallery = None
        if with_pictures and self.gallery is not None:
            gallery = data_uri(self.gallery, _GALLERY_PX)
        return {
            "audit": self.audit,
            "audit_figures": audit_figures(self.audit) if self.audit else [],
            "audit_proof": measured(),
            "audit_heat": heat_table(measured()),
            "gallery": gallery,
            "fit_history": self.fit_history,
            "fit_figures": fit_figures(self.fit_history),
            "probe": self.probe,
            "probe_tables": probe_tables(self.probe) if self.probe else [],
            "cost": self.cost,
            "cost_figures": cost_figures(self.cost) if self.cost else [],
        }


def audit_figures(audit: Mapping[str, Any]) -> list[Figure]:
    """Which checks spoke up, and how much they had to go by."""
    alarms, coverage = audit.get("by_check", {}), audit.get("coverage", {})
    figures = []
    if alarms:
        figures.append(
            figure(
                "Alarms by check",
                charts.bars(list(alarms), np.array(list(alarms.values()), dtype=np.float64),
                            "Alarms by the check that speaks loudest", unit=""),
                f"{sum(alarms.values())} of {audit['boxes']} labels have a check against them.",
            )
        )  # fmt: skip
    if coverage:
        shares = 100 * np.array(list(coverage.values()), dtype=np.float64)
        figures.append(
            figure(
                "Evidence by check",
                charts.bars(list(coverage), shares, "Share of labels with evidence", unit=" %"),
                "Share of the labels that a check had anything to say about; a clean label is "
                "only as good as that.",
            )
        )
    return figures


def probe_tables(probe: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The 2 x 2 matrix of each measure of a probe: title, and cells by train and test."""
    found: dict[str, dict[str, str]] = {}
    for key, value in probe.items():
        prefix, _, cell = key.partition("train_")
        if not cell or not isinstance(value, Mapping):
            continue
        place, _, measure = f"train_{cell}".partition(".")
        title = f"{prefix.rstrip('.')} {measure.replace('_', ' ')}".strip()
        found.setdefault(title, {})[place] = _with_interval(value)
    return [
        {"title": title, "cells": [cells[place] for place in _MATRIX]}
        for title, cells in found.items()
        if set(_MATRIX) <= set(cells)
    ]


def _with_interval(value: Mapping[str, Any]) -> str:
    if value.get("low") is None:
        return f"{value['value']:.3f} (no interval)"
    return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"


def fit_figures(steps: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """The classifier's AUC step by step, and how far each factor was turned."""
    if len(steps) < 2:
        return []
    at = np.arange(len(steps), dtype=np.float64)
    aucs = np.array([step["auc"] for step in steps], dtype=np.float64)
    caption = f"From {aucs[0]:.3f} to {aucs[-1]:.3f} in {len(steps)} steps."
    chart = charts.lines([("syn", at, aucs)], f"AUC by step. {caption}", ticks=("step", "AUC"))
    figures = [figure("AUC by step", chart, caption)]
    turned = [step["turned"] for step in steps if step.get("turned")]
    if len(turned) > 1:
        names = [n for n in turned[-1] if abs(np.log(turned[-1][n])) > 0.05]
        curves = [
            ("syn", np.arange(len(turned), dtype=np.float64), np.array([t[n] for t in turned]))
            for n in names
        ]
        if curves:
            text = ", ".join(f"{n.replace('_', ' ')} x {turned[-1][n]:.2f}" for n in names)
            chart = charts.lines(curves, f"Factors: {text}", ticks=("round", "factor"))
            figures.append(figure("Factors turned", chart, text))
    return figures


def cost_of(dataset: Path) -> dict[str, Any] | None:
    """What the run that made a dataset of ours tells of its cost, or None."""
    try:
        summary = json.loads((dataset / "run/summary.json").read_bytes())
        cost, boxes = summary["cost"], summary["boxes2d_made"]
        return {
            "currency": str(cost["currency"]),
            "machine": float(cost["machine"]),
            "machine_per_box": float(cost["machine_per_box2d"]),
            "human_per_box": float(cost["human_for_same_boxes"]) / max(int(boxes), 1),
            "human_days": float(cost["human_days_saved"]),
            "boxes": int(boxes),
            "boxes_per_hour": float(summary["boxes2d_per_hour"]),
        }
    except (OSError, ValueError, KeyError, TypeError):
        return None  # Another generator's set, or one whose run has not ended.


def cost_figures(cost: Mapping[str, Any]) -> list[Figure]:
    """The price of a box, against a person's."""
    ratio = cost["human_per_box"] / max(cost["machine_per_box"], 1e-12)
    caption = f"A person's box costs {ratio:,.0f} times as much (as the generation config prices)."
    values = np.array([cost["machine_per_box"], cost["human_per_box"]])
    logs = np.log10(np.maximum(values, 1e-7)) + 7
    chart = charts.bars(
        ["machine", "person"], logs, f"Price of a box: {caption}",
        told=[f"{price(value)} {cost['currency']}" for value in values],
    )  # fmt: skip
    return [figure("Price of a box (log scale)", chart, caption)]


def price(value: float) -> str:
    """An amount with two digits that count and without an exponent."""
    digits = 2 if value >= 1 or value <= 0 else 1 - int(np.floor(np.log10(value)))
    return f"{value:.{digits}f}"
