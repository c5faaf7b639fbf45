"""How well the audit itself works: the figures of its bench on scenes it was never tuned on."""

from __future__ import annotations

import json
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup
from pydantic import BaseModel, ConfigDict

from synthgen.qa.audit.checks import BOX_CHECKS, MISSING
from synthgen.store.layout import readable_json

FILE: Final = "measured.json"
_STYLE: Final = (
    "<style>.heat th, .heat td { padding: 2px 4px; text-align: center; font-size: 12px } "
    ".heat tbody th { text-align: left; white-space: nowrap; font-weight: normal } "
    ".heat thead th { writing-mode: vertical-rl; transform: rotate(180deg); text-align: left; "
    "vertical-align: bottom; font-weight: normal; white-space: nowrap } "
    ".heat td { background: color-mix(in srgb, #0072b2 calc(var(--v) * 70%), transparent) } "
    ".heat td.all { background: none; font-weight: 600 }</style>"
)


class Measured(BaseModel):
    """Figures of `synthgen bench audit`; shares are of 1."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    clips: int
    boxes: int
    faults: int
    recall: float
    precision: float
    vote_recall: float
    false_alarms: float
    faults_by_kind: dict[str, int]
    recall_by_fault: dict[str, float]
    found_by_check: dict[str, dict[str, float]]


@cache
def measured() -> Measured | None:
    """The figures that come with the program, or None before any were published."""
    path = files("synthgen.qa.audit") / FILE
    return Measured.model_validate_json(path.read_text()) if path.is_file() else None


def save_measured(report: dict[str, Any], folder: Path) -> None:
    """Write the figures of a bench beside the calibration they belong to."""
    document = json.loads(Measured.model_validate(report).model_dump_json())
    (folder / FILE).write_bytes(readable_json(document))


def heat_table(figures: Measured | None) -> Markup:
    """Faults by checks as an HTML table: the share, in %, of each kind that each check finds.

    Nothing where there are no figures.
    """
    if figures is None:
        return Markup()
    checks = [name for name in (*BOX_CHECKS, MISSING) if figures.found_by_check.get(name)]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("any", *checks))
    rows = []
    for fault, recall in figures.recall_by_fault.items():
        cells = [f'<td class="all">{100 * recall:.0f}</td>']
        for check in checks:
            share = figures.found_by_check[check].get(fault, 0.0)
            told = f"{100 * share:.0f}" if share >= 0.005 else ""
            cells.append(f'<td style="--v: {share:.2f}">{told}</td>')
        count = figures.faults_by_kind.get(fault, 0)
        name = f"{escape(fault.replace('_', ' '))} ({count})"
        rows.append(f'<tr><th scope="row">{name}</th>{"".join(cells)}</tr>')
    return Markup(
        f'{_STYLE}<table class="heat"><caption>Of each kind of fault put in (how many), the share '
        f"that a check finds, %</caption><thead><tr><th></th>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
