"""A comparison as JSON, Markdown and test cases."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from synthgen.qa.gates import Judgement
from synthgen.qa.junit import Case

_SIGN = {"pass": "✔", "fail": "✘", "inconclusive": "?"}


def write_json(path: Path, report: dict[str, Any]) -> None:
    """Write a report; numbers that are not finite become null."""
    path.write_text(json.dumps(_finite(report), indent=1, ensure_ascii=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def markdown(report: dict[str, Any], judgements: list[Judgement], outcome: str) -> str:
    """A summary for a pull request."""
    lines = [f"## Comparison with real data: {_SIGN[outcome]} {outcome}", ""]
    lines += [f"`{report['synthetic']['path']}` against `{report['real']['path']}`", ""]
    lines += ["| dimension | index | 95 % interval | verdict |", "|---|---:|---|---|"]
    for dimension in report["dimensions"]:
        interval = dimension["interval"]
        low_high = f"{interval[0]:.0f} to {interval[1]:.0f}" if interval else "-"
        index = "-" if dimension["index"] is None else f"{dimension['index']:.0f}"
        why = dimension["unclear"] or ("worst" if dimension["name"] == report["worst"] else "")
        lines.append(f"| {dimension['name']} | {index} | {low_high} | {why} |")
    test = report["c2st"]
    lines += [
        "",
        f"Classifier AUC {test['auc']:.3f}, floor {test['floor']:.3f}, p {test['p_value']:.3f}"
        + (f" ({test['unclear']})" if test["unclear"] else ""),
        "",
    ]
    lines += [f"- {_SIGN[j.outcome]} `{j.name}`: {j.message}" for j in judgements]
    if report["advice"]:
        lines += ["", "**What to change**", ""]
    for item in report["advice"]:
        gain = "" if item["gain"] is None else f" (predicted AUC {-item['gain']:+.3f})"
        lines.append(f"- {item['sentence']} `{item['knob']}`{gain}")
    lines += [f"- not readable: {problem}" for problem in report["problems"]]
    return "\n".join(lines) + "\n"


def gate_cases(judgements: list[Judgement]) -> list[Case]:
    """Gates as test cases; an inconclusive one is skipped, with its reason."""
    return [
        Case(
            "gates",
            judgement.name,
            failure=judgement.message if judgement.outcome == "fail" else "",
            skipped=judgement.message if judgement.outcome == "inconclusive" else "",
        )
        for judgement in judgements
    ]
