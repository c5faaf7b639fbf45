"""An outcome as text for people, Markdown for a pull request and JUnit for a CI page."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Final

from synthgen.qa.junit import Case, junit
from synthgen.regression.change import Change, Kind
from synthgen.regression.outcome import Outcome
from synthgen.store.durable import write_durably

_SHOWN: Final = 40  # lines; the JSON report has all
_GRAVEST_FIRST: Final = (
    *(Kind.VERSION, Kind.CONFIG, Kind.CLIP_MISSING, Kind.CLIP_UNREADABLE, Kind.CLIP_REDRAWN),
    *(Kind.CLIP_ADDED, Kind.CLASS, Kind.REMOVED, Kind.ADDED, Kind.MOVED, Kind.ATTRIBUTE),
    *(Kind.IMAGE, Kind.FILE, Kind.CODE),
)
_LEVELS: Final = {
    "R1": "R1: every byte is equal",
    "R2": "R2: labels within tolerance and images alike, bytes differ",
    "none": "neither R1 nor R2",
}


def text_report(outcome: Outcome) -> str:
    """Lines for a terminal, worst first."""
    lines = [f"{outcome.title}: {len(outcome.slots)} clips, {_LEVELS[outcome.level]}"]
    lines += [f"  {note}" for note in outcome.notes]
    for change in _worst(outcome):
        mark = "FAIL" if outcome.policy.breaks(change) else "note"
        lines.append(f"{mark} {change}{_measure(change)}")
    if len(outcome.changes) > _SHOWN:
        lines.append(f"… and {len(outcome.changes) - _SHOWN} more (see --out or --json)")
    lines.append(_verdict(outcome))
    return "\n".join(lines)


def markdown_report(outcome: Outcome, pictures: Sequence[Path] = ()) -> str:
    """A comment for a pull request."""
    mark = {0: "✅", 3: "❔"}.get(outcome.exit_code, "❌")
    lines = [f"## {mark} {outcome.title}", "", _verdict(outcome), ""]
    lines += [f"- {note}" for note in (_LEVELS[outcome.level], *outcome.notes)]
    if outcome.changes:
        counts = Counter(change.kind for change in outcome.changes)
        broken = Counter(change.kind for change in outcome.breaches)
        lines += ["", "| change | found | fails |", "| --- | ---: | ---: |"]
        lines += [f"| {kind} | {counts[kind]} | {broken[kind]} |" for kind in sorted(counts)]
        lines += ["", f"<details><summary>{min(_SHOWN, len(outcome.changes))} worst</summary>", ""]
        lines += [f"- `{change.slot or 'set'}` {_line(change)}" for change in _worst(outcome)]
        lines += ["", "</details>"]
    drift = {name: n for name, n in outcome.categories.items() if n[0] != n[1]}
    if drift:
        lines += ["", "| category | 3D boxes before | after |", "| --- | ---: | ---: |"]
        lines += [f"| {name} | {old} | {new} |" for name, (old, new) in drift.items()]
    lines += [f"\n![{path.stem}](pictures/{path.name})" for path in pictures]
    return "\n".join(lines) + "\n"


def junit_report(outcome: Outcome) -> bytes:
    """One test case per clip and one for the set as a whole."""
    cases = []
    for slot in ("", *outcome.slots):
        broken = [change for change in outcome.breaches if change.slot == slot]
        failure = ""
        if broken:
            failure = f"{len(broken)} changes; the first: {_placed(broken[0])}"
        cases.append(
            Case(
                slot.rpartition("-")[0] or "set",
                slot or "set",
                failure=failure,
                detail="\n".join(str(change) for change in broken[:_SHOWN]),
            )
        )
    return junit(outcome.title, cases)


def write_reports(outcome: Outcome, out: Path, pictures: Sequence[Path]) -> None:
    """Write `report.md`, `report.json` and `junit.xml` into a folder."""
    write_durably(out / "report.md", markdown_report(outcome, pictures).encode())
    write_durably(out / "report.json", json.dumps(outcome.document(), indent=1).encode() + b"\n")
    write_durably(out / "junit.xml", junit_report(outcome))


def _worst(outcome: Outcome) -> list[Change]:
    """Changes to show, the gravest kinds first; many of one kind hide no other kind."""

    def rank(change: Change) -> tuple[bool, bool, int, float]:
        breaks = outcome.policy.breaks(change)
        grave = _GRAVEST_FIRST.index(change.kind)
        return (not breaks, change.is_tolerated is not False, grave, -(change.amount or 0))

    by_kind: defaultdict[Kind, list[Change]] = defaultdict(list)
    for change in sorted(outcome.changes, key=rank):
        by_kind[change.kind].append(change)
    in_turns = [change for turn in zip_longest(*by_kind.values()) for change in turn if change]
    return sorted(in_turns[:_SHOWN], key=rank)


def _line(change: Change) -> str:
    return f"{_placed(change)}{_measure(change)}"


def _placed(change: Change) -> str:
    return f"{change.where}: {change.text}" if change.where else change.text


def _measure(change: Change) -> str:
    if change.is_tolerated:
        return " (within R2)"
    return " (content not measured)" if change.is_tolerated is None else ""


def _verdict(outcome: Outcome) -> str:
    if outcome.exit_code == 0:
        return f"passed at level {outcome.level}" if outcome.level != "none" else "passed by policy"
    if outcome.exit_code == 1:
        slots = sorted({change.slot for change in outcome.breaches if change.slot})
        where = f" in {', '.join(slots[:4])}{' …' if len(slots) > 4 else ''}" if slots else ""
        return f"failed: {len(outcome.breaches)} changes{where}"
    return f"inconclusive: exact bytes were asked for, {_LEVELS[outcome.level]}"
