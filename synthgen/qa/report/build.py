"""Builds the report: sections from a comparison, one HTML file without anything from outside."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import synthgen
from synthgen.errors import OutputError
from synthgen.qa.compare import Comparison
from synthgen.qa.gates import Judgement
from synthgen.qa.report import charts
from synthgen.qa.report.classifier import classifier_figures
from synthgen.qa.report.extras import Extras, price
from synthgen.qa.report.figures import cause_charts, sections_of
from synthgen.qa.report.pictures import NO_PICTURES, pictures_of
from synthgen.qa.sources import Source

MAX_BYTES: Final = 5_000_000


def build_report(
    found: Comparison,
    report: dict[str, Any],
    judgements: list[Judgement],
    outcome: str,
    sources: tuple[Source, Source],
    extras: Extras,
) -> str:
    """The whole HTML text, at most 5 MB.

    Args:
        found: The comparison.
        report: The same as plain data.
        judgements: Of the gates.
        outcome: Of all gates.
        sources: Real and synthetic, for the pictures.
        extras: What other programs found.

    Raises:
        OutputError: Even without pictures the text is too large.
    """
    indices = [(d.name, d.index, d.interval, d.unclear) for d in found.dimensions]
    judged = found.c2st
    told = f"AUC {judged.auc:.3f}; floor {judged.floor:.3f}"
    for pictures in (pictures_of(found, sources), NO_PICTURES):
        text = _template().render(
            report=report,
            judgements=judgements,
            outcome=outcome,
            bars=Markup(charts.index_bars(indices)),
            null=Markup(charts.null_strip(judged.auc, judged.null, judged.replay, told)),
            sections=sections_of(found),
            classifier=classifier_figures(found),
            advice=list(zip(report["advice"], cause_charts(found), strict=True)),
            pictures=pictures,
            extras=extras.panels(with_pictures=pictures is not NO_PICTURES),
            version=synthgen.__version__,
        )
        if len(text.encode()) <= MAX_BYTES:
            return str(text)
    raise OutputError(f"report: {len(text.encode())} bytes without pictures, expected {MAX_BYTES}")


def _template() -> Any:
    with as_file(files("synthgen") / "qa" / "report" / "report.html.j2") as path:
        environment = Environment(
            loader=FileSystemLoader(path.parent), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        environment.filters["price"] = price
        return environment.get_template(path.name)


def write_report(folder: Path, text: str) -> Path:
    """Write `report.html` into the folder; returns its path."""
    path = folder / "report.html"
    path.write_text(text)
    return path
