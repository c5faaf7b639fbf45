"""`synthgen compare`: compares, judges, and writes every form of the result."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from synthgen.errors import ConfigError, DatasetError, OutputError
from synthgen.geometry.arrays import F64, U8
from synthgen.qa.compare import Options, as_json, compare, user_features
from synthgen.qa.gates import EXIT, Gates, Judgement, judge, verdict
from synthgen.qa.junit import junit
from synthgen.qa.outputs import gate_cases, markdown, write_json
from synthgen.qa.report.build import build_report, write_report
from synthgen.qa.report.extras import Extras, cost_of
from synthgen.qa.sources import open_source


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it: exit code, Markdown summary, report as plain data."""

    exit_code: int
    summary: str
    report: dict[str, Any]


def run_compare(
    real: Path,
    synthetic: Path,
    out: Path,
    *,
    gates: Gates | None = None,
    audit: Path | None = None,
    features: tuple[Path, Path] | None = None,
    fit_history: Path | None = None,
    probe: Path | None = None,
    options: Options | None = None,
) -> Result:
    """Compare two data sets and write report.html, report.json, report.md and junit.xml.

    Exit code 0 where all gates hold, 1 where one fails, 3 where too little data decides, and 2
    where a part of a set could not be read (the rest is reported).

    Args:
        real: The real set.
        synthetic: The synthetic set.
        out: Folder of the report.
        gates: What must hold; without gates only whether there is data enough.
        audit: JSON summary of an audit, shown and offered to the gates.
        features: Two `.npy` files (N, D) of the user's own features.
        fit_history: `fit_history.json` of a fit.
        probe: JSON report of a probe.
        options: Seed, policy, effort.

    Raises:
        DatasetError: A set cannot be read at all.
        ConfigError: A gate or a file of features is not as expected.
        OutputError: The folder cannot be written.
    """
    own = tuple(_features(path) for path in features) if features else ()
    sources = (open_source(real), open_source(synthetic))
    summary = _json_file(audit) if audit else None
    extras = Extras(
        audit=summary,
        gallery=_gallery(audit),
        fit_history=_json_file(fit_history).get("steps", ()) if fit_history else (),
        probe=_json_file(probe) if probe else None,
        cost=cost_of(synthetic),
    )
    found = compare(*sources, options)
    report = as_json(found)
    if own:
        report["user_features"] = user_features(own[0], own[1], found.seed)
    judgements, outcome = _judged(gates, report, summary)
    report |= {"outcome": outcome, "gates": [_plain(j) for j in judgements]}
    page = build_report(found, report, judgements, outcome, sources, extras)
    text = markdown(report, judgements, outcome)
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_report(out, page)
        write_json(out / "report.json", report)
        (out / "report.md").write_text(text)
        (out / "junit.xml").write_bytes(junit("synthgen compare", gate_cases(judgements)))
    except OSError as err:
        raise OutputError(f"{out}: cannot write the report: {err.strerror}") from err
    code = DatasetError.exit_code if found.problems else EXIT[outcome]
    return Result(code, text, report)


def _judged(
    gates: Gates | None, report: dict[str, Any], audit: dict[str, Any] | None
) -> tuple[list[Judgement], str]:
    if gates is None:
        enough = report["worst"] is not None and not report["c2st"]["unclear"]
        return [], "pass" if enough else "inconclusive"
    judgements = judge(gates, report, audit)
    return judgements, verdict(gates, judgements)


def _plain(judgement: Judgement) -> dict[str, Any]:
    return {name: getattr(judgement, name) for name in judgement.__slots__}


def _json_file(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as err:
        raise ConfigError(f"{path}: expected JSON: {err}") from err
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: expected a JSON object")
    return document


def _gallery(audit: Path | None) -> U8 | None:
    """The audit's contact sheet, which stands beside its summary; None without one."""
    path = None if audit is None else audit.with_name("gallery.png")
    image = None if path is None or not path.is_file() else cv2.imread(str(path))
    return None if image is None else np.ascontiguousarray(image[..., ::-1], dtype=np.uint8)


def _features(path: Path) -> F64:
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as err:
        raise ConfigError(f"{path}: expected a .npy file: {err}") from err
    if found.ndim != 2 or len(found) < 10 or not np.isfinite(found).all():
        raise ConfigError(
            f"{path}: expected at least 10 rows of finite features, found shape {found.shape}"
        )
    return np.asarray(found, dtype=np.float64)
