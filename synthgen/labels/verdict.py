"""Votes of independent sources on each label, and the verdict on each frame.

A check compares a label with one source of evidence. Exact recounts (*hard* findings) reject a
label alone. The others vote: a label that two sources call wrong is rejected; where one calls it
wrong, a third source decides whether it is rejected or only suspect.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from synthgen.labels.columns import Columns

CHECKS: Final = {
    "pixel_count": "visible pixels differ from a recount",
    "visible_box": "visible box differs from that of the mask by more than a pixel",
    "fraction_range": "a fraction is not within 0 and 1",
    "amodal_order": "the clipped amodal box is not within the unclipped one",
    "occlusion_too_high": "more pixels are seen than the occluded fraction leaves",
    "nothing_hides_it": "said to be free, but hardly a pixel is seen",
    "missing_label": "an instance of at least 12 pixels has no 2D label",
    "unknown_track": "an instance of at least 12 pixels is no object of the clip",
    "track_twice": "an object has two labels in one image or frame",
    "unlabelled_pixels": "at least 30 near pixels of a road user belong to no object",
    "unlabelled_points": "at least 10 near LiDAR points of a road user belong to no object",
    "mask_outside_box": "the mask sticks out of the projected cuboid by 2 px and 6 %",
    "box_loose": "a free-standing object fills too little of its projected cuboid",
    "depth_outside_box": "over 4 % of its pixels lie over 7 cm outside the cuboid, but for glass",
    "no_support": "it has pixels, and all lie 20 cm or more outside its cuboid (ghost)",
    "class_of_pixels": "most of its pixels carry another class's tag",
    "points_outside_box": "over 6 % of its LiDAR points lie 8 cm or more outside the cuboid",
    "class_of_points": "most of its LiDAR points carry another class's tag",
    "point_count": "LiDAR points per box differ from a recount",
    "degenerate": "a size of the cuboid is (nearly) zero or not finite",
    "absurd_size": "a size is beyond twice the credible range of its category",
    "size": "a size is beyond the credible range of its category",
    "duplicate": "two cuboids share over half of their footprint",
    "overlap": "two cuboids share over a tenth of their footprint",
    "position_jump": "the position fits no prediction from the frames before and after",
    "velocity": "the velocity is not what the positions say",
    "heading_step": "the heading differs from both neighbours by over 0.6 rad",
    "moves_sideways": "a vehicle moves over 25 degrees off its axis",
    "too_fast": "faster than its kind can be",
    "too_much_force": "accelerates by more than 15 m/s2",
    "size_changes": "the size differs from the track's median by over 5 %",
    "class_changes": "the category differs from that of the track's first row",
    "labels_late": "labels of the whole clip lag behind its images by over 25 ms",
}
"""Every check and what it flags."""

Source = Literal["mask", "depth", "lidar", "semantic", "size", "time"]
Status = Literal["ok", "suspect", "rejected"]
WHOLE_FRAME = 0  # track id of findings about no label in particular


@dataclass(frozen=True, slots=True)
class Finding:
    """One check that failed.

    Attributes:
        check: Its name.
        track_id: Whose label it is, or `WHOLE_FRAME`.
        source: What contradicts the label; None for a hard finding.
        sensor: Camera or LiDAR, where it was one.
    """

    check: str
    track_id: int
    source: Source | None = None
    sensor: str | None = None

    def __str__(self) -> str:
        where = "" if self.sensor is None else f"@{self.sensor}"
        return self.check + where + (f":{self.track_id}" if self.track_id else "")


@dataclass(slots=True)
class Votes:
    """What the checks of one frame say; filled check by check.

    Attributes:
        findings: The checks that failed.
        judged: Source -> track ids it had enough evidence to judge.
    """

    findings: list[Finding] = field(default_factory=list)
    judged: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def hard(self, check: str, track_id: int = WHOLE_FRAME, sensor: str | None = None) -> None:
        """Record a contradiction that needs no second opinion."""
        self.findings.append(Finding(check, track_id, None, sensor))

    def vote(
        self,
        source: Source,
        track_id: int,
        failed: Mapping[str, bool],
        sensor: str | None = None,
    ) -> None:
        """Record what one source says of one label: each check's name and whether it failed."""
        self.judged[source].add(track_id)
        self.findings += [
            Finding(check, track_id, source, sensor) for check, bad in failed.items() if bad
        ]


def label_status(findings: Sequence[Finding], judging: set[str]) -> Status:
    """Verdict on one label.

    Args:
        findings: Its failed checks.
        judging: All sources that judged it.
    """
    if not findings:
        return "ok"
    against = {finding.source for finding in findings if finding.source is not None}
    if len(against) != 1 or any(finding.source is None for finding in findings):
        return "rejected"
    return "suspect" if judging - against else "rejected"


@dataclass(frozen=True, slots=True)
class FrameVerdict:
    """Verdict on one frame.

    Attributes:
        status: The worst of its labels.
        failed_checks: What failed, sorted.
        labels: Track id -> verdict, of the labels that are not `ok`; `WHOLE_FRAME` too.
    """

    status: Status
    failed_checks: tuple[str, ...]
    labels: Mapping[int, Status]


def frame_verdict(votes: Iterable[Votes]) -> FrameVerdict:
    """Verdict on a frame from the votes of its sensors and tracks."""
    by_track: dict[int, list[Finding]] = defaultdict(list)
    judging: dict[int, set[str]] = defaultdict(set)
    for part in votes:
        for finding in part.findings:
            by_track[finding.track_id].append(finding)
        for source, track_ids in part.judged.items():
            for track_id in track_ids:
                judging[track_id].add(source)
    labels = {
        track_id: label_status(findings, judging[track_id])
        for track_id, findings in sorted(by_track.items())
    }
    worst: Status = "ok"
    if labels:
        worst = "rejected" if "rejected" in labels.values() else "suspect"
    names = {str(finding) for findings in by_track.values() for finding in findings}
    return FrameVerdict(worst, tuple(sorted(names)), labels)


def status_columns(frame_indices: Sequence[int], verdicts: Sequence[FrameVerdict]) -> Columns:
    """Table status."""
    return {
        "frame_index": np.array(frame_indices, dtype=np.int32),
        "status": [verdict.status for verdict in verdicts],
        "failed_checks": [list(verdict.failed_checks) for verdict in verdicts],
    }
