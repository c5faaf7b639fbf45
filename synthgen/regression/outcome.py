"""What a comparison comes to: level reached, what breaks the policy, exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from synthgen.regression.change import Change, Kind
from synthgen.regression.facts import ClipFacts

Level = Literal["R1", "R2", "none"]

EXIT_BREACH: Final = 1
EXIT_INCONCLUSIVE: Final = 3
_ABOUT_THE_RUN: Final = frozenset([Kind.VERSION, Kind.CODE, Kind.CONFIG])


@dataclass(frozen=True, slots=True)
class Policy:
    """What may differ.

    Attributes:
        is_exact: Every byte must be equal; otherwise R2 decides.
        exact_or_inconclusive: R2 alone is no answer (exit code 3).
        allowed: Kinds of change that never fail.
    """

    is_exact: bool = False
    exact_or_inconclusive: bool = False
    allowed: frozenset[Kind] = frozenset()

    def breaks(self, change: Change) -> bool:
        """True for a change that fails the comparison."""
        if change.kind in self.allowed or change.kind is Kind.CODE:
            return False
        if change.kind in _ABOUT_THE_RUN:
            return change.is_tolerated is False
        return self.is_exact or change.is_tolerated is False


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished comparison.

    Attributes:
        title: What was compared with what.
        slots: The clips that were compared.
        changes: Everything that differs.
        policy: What may differ.
        notes: Facts for the reader, e.g. the processors.
        categories: Boxes of each category before and after.
    """

    title: str
    slots: tuple[str, ...]
    changes: tuple[Change, ...]
    policy: Policy
    notes: tuple[str, ...] = ()
    categories: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def breaches(self) -> tuple[Change, ...]:
        """The changes that fail the comparison."""
        return tuple(change for change in self.changes if self.policy.breaks(change))

    @property
    def level(self) -> Level:
        """R1: equal bytes. R2: labels within tolerance, images alike. Or neither."""
        about_clips = [c for c in self.changes if c.kind not in _ABOUT_THE_RUN]
        if not about_clips:
            return "R1"
        return "none" if any(c.is_tolerated is False for c in about_clips) else "R2"

    @property
    def exit_code(self) -> int:
        """0 passed, 1 broken, 3 not exact although asked for."""
        if self.breaches:
            return EXIT_BREACH
        if self.policy.exact_or_inconclusive and self.level != "R1":
            return EXIT_INCONCLUSIVE
        return 0

    def document(self) -> dict[str, Any]:
        """Plain data for `--json`."""
        return {
            "schema": "synthgen/comparison@1",
            "title": self.title,
            "level": self.level,
            "exit_code": self.exit_code,
            "clips": len(self.slots),
            "changes": len(self.changes),
            "breaches": len(self.breaches),
            "by_kind": dict(sorted(Counter(str(c.kind) for c in self.changes).items())),
            "categories": {name: list(counts) for name, counts in self.categories.items()},
            "notes": list(self.notes),
            "list": [_document(change, self.policy.breaks(change)) for change in self.changes],
        }


def _document(change: Change, is_breach: bool) -> dict[str, Any]:
    amount = change.amount
    return {
        "kind": str(change.kind),
        "slot": change.slot,
        "where": change.where,
        "text": change.text,
        "amount": None if amount is None or amount == float("inf") else amount,
        "unit": change.unit,
        "within_r2": change.is_tolerated,
        "breach": is_breach,
    }


def category_counts(
    before: Mapping[str, ClipFacts], after: Mapping[str, ClipFacts]
) -> dict[str, tuple[int, int]]:
    """Number of 3D boxes of every category, before and after."""
    sides = []
    for facts in (before, after):
        counts: Counter[str] = Counter()
        for clip in facts.values():
            if "boxes3d" in clip.tables:
                counts.update(clip.tables["boxes3d"]["category"].to_pylist())
        sides.append(counts)
    return {name: (sides[0][name], sides[1][name]) for name in sorted({*sides[0], *sides[1]})}
