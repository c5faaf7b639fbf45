"""The review queue: labels that something speaks against, and objects without a label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.geometry.arrays import F64
from synthgen.qa.audit.checks import BOX_CHECKS, BROKEN, MISSING
from synthgen.qa.audit.evidence import Blobs
from synthgen.qa.audit.labels import Labels
from synthgen.qa.audit.match import Pairs
from synthgen.qa.audit.vote import Calibration, Verdicts
from synthgen.qa.sound import BrokenBox


@dataclass(frozen=True, slots=True)
class Suspect:
    """One box or one missing label, for the review queue.

    Attributes:
        recording: Clip id or name of the sequence.
        frame: Number of the frame.
        track: Track id, None for a missing label or where there are none.
        category: Of the label, or a word for what is missing.
        p_fault: Probability that it is wrong.
        reason: The check that speaks loudest.
        scores: Every check that spoke up, in thresholds.
        row: Row of the labels, None for a missing label.
        place_m: Where it is, in the platform's frame; None where its numbers are no place.
    """

    recording: str
    frame: int
    track: int | None
    category: str
    p_fault: float
    reason: str
    scores: dict[str, float]
    row: int | None
    place_m: tuple[float, float, float] | None

    def document(self) -> dict[str, Any]:
        """Plain data."""
        names = ("recording", "frame", "track", "category", "p_fault", "reason", "scores")
        place_m = None if self.place_m is None else list(self.place_m)
        return {name: getattr(self, name) for name in names} | {"place_m": place_m}


def broken_suspects(broken: Sequence[BrokenBox]) -> Iterator[Suspect]:
    """Labels that need no evidence: their numbers are no box."""
    for box in broken:
        yield Suspect(
            recording=box.sequence,
            frame=box.frame_index,
            track=box.track,
            category=box.category,
            p_fault=1.0,
            reason=BROKEN,
            scores={BROKEN: 3.0},
            row=None,
            place_m=None,
        )


def box_suspects(name: str, labels: Labels, verdicts: Verdicts) -> Iterator[Suspect]:
    """Boxes that some check speaks up about."""
    for row in np.flatnonzero(verdicts.is_alarm).tolist():
        spoken = {
            check: round(float(score), 3)
            for check, score in zip(BOX_CHECKS, verdicts.scores[row], strict=True)
            if score > 1
        }
        yield Suspect(
            recording=name,
            frame=int(labels.frame[row]),
            track=None if labels.track is None else int(labels.track[row]),
            category=str(labels.category[row]),
            p_fault=round(float(verdicts.p_fault[row]), 4),
            reason=max(spoken, key=lambda check: spoken[check]),
            scores=spoken,
            row=row,
            place_m=_rounded(labels.center_m[row]),
        )


def missing_suspects(
    name: str,
    blobs: Blobs,
    missing: np.ndarray,
    calibration: Calibration,
    labels: Labels,
    verdicts: Verdicts,
    pairs: Pairs,
) -> Iterator[Suspect]:
    """Objects without a label, one per frame and object; not where a displaced box tells of it."""
    displaced = set(pairs.blob[verdicts.is_alarm[pairs.box]].tolist())
    seen: set[tuple[int, int]] = set()
    for blob in missing.tolist():
        key = (int(blobs.frame[blob]), int(blobs.identity[blob]))
        if blob in displaced or key in seen:
            continue
        if key[1] > 0:
            seen.add(key)
        points_m = blobs.points_m[blobs.start[blob] : blobs.start[blob + 1]]
        yield Suspect(
            recording=name,
            frame=key[0],
            track=None,
            category="unlabelled",
            p_fault=calibration.missing_probability,
            reason=MISSING,
            scores={MISSING: 3.0},
            row=None,
            place_m=_rounded(points_m.mean(axis=0)),
        )


def _rounded(place_m: F64) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 2) for value in place_m)
    return x, y, z
