"""What an author can change when the pre-screen refuses every candidate of a draw."""

from __future__ import annotations

from collections import Counter
from typing import Final

_ADVICE: Final = {
    "too_mild": "nobody comes close: ask for an offset or gap nearer to 0, or let the ego react "
    "later",
    "too_close": "they come too close for a mild encounter: ask for a larger offset",
    "contact": "they touch: ask for a larger offset or gap, or let the ego react earlier or harder",
    "no_contact": "they miss each other: ask for an offset nearer to 0, or let the ego not react",
    "starts_before_record": "the actor would have to set off before the record window: let it be "
    "faster or stand nearer, or make duration longer or record.conflict_at later",
    "window_too_short": "the conflict would come within 2 s of the clip's begin: make the "
    "clip longer (capture.duration_s of a config) or record.conflict_at later",
    "approach_too_short": "the ego cannot come from so far: make ego.approach longer, its speed "
    "lower or duration shorter",
    "reveal_outside_band": "first sight falls outside reveal_ttc: widen it, or move what hides "
    "the actor",
    "never_entered": "the actor stays out of the ego's lane: let it go farther or set off earlier",
    "not_visible": "the ego hardly sees the actor: move what hides it",
    "manoeuvre_not_done": "the manoeuvre does not end in time: begin it earlier, or make duration "
    "longer",
}  # fmt: skip


def refusal(reasons: Counter[str]) -> str:
    """The reasons by how often each spoke against a candidate, and what helps against the first."""
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    counts = ", ".join(f"{reason} {count}" for reason, count in ordered)
    advice = _ADVICE.get(ordered[0][0]) if ordered else None
    return counts if advice is None else f"{counts}; {advice}"
