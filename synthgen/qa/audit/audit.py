"""`synthgen audit`: judge every box of a data set and say how good its labels are."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from synthgen.errors import DatasetError
from synthgen.geometry.arrays import F64
from synthgen.qa.audit.checks import BOX_CHECKS, score_boxes
from synthgen.qa.audit.evidence import Blobs, clip_blobs
from synthgen.qa.audit.foreign import read_recordings
from synthgen.qa.audit.labels import Labels, clip_labels
from synthgen.qa.audit.match import Pairs, match
from synthgen.qa.audit.sizes import KnownSizes, known_sizes
from synthgen.qa.audit.suspects import Suspect, box_suspects, broken_suspects, missing_suspects
from synthgen.qa.audit.systematic import Finding, Samples, findings, sample
from synthgen.qa.audit.vote import Calibration, Verdicts, judge
from synthgen.qa.sound import BrokenBox, cuboid_faults
from synthgen.qa.sources import kind_of
from synthgen.store.clip_reader import ClipReader, read_labels_manifest
from synthgen.store.commit import committed_manifests

logger = logging.getLogger(__name__)

AUDIT_SCHEMA: Final = "synthgen/audit@1"
_DEFAULT_RANGE_M: Final = 100.0


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """One clip or sequence, ready to be judged.

    Attributes:
        name: Clip id or name of the sequence.
        folder: Of the clip; None for a foreign sequence.
        labels: Its boxes.
        blobs: What the sensors say.
        hits: (N,) points within each box, NaN where there is no sweep; None where blobs tell.
        range_m: How far labels reach.
        broken: Labels whose numbers are no box, with the position of their frame.
    """

    name: str
    folder: Path | None
    labels: Labels
    blobs: Blobs
    hits: F64 | None
    range_m: float
    broken: tuple[BrokenBox, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class AuditedRecording:
    """One clip or sequence with its verdicts."""

    name: str
    folder: Path | None
    labels: Labels
    broken: int
    blobs: Blobs
    verdicts: Verdicts
    verifiable: np.ndarray
    suspects: tuple[Suspect, ...]


@dataclass(slots=True)
class Audit:
    """A data set's audit."""

    dataset: Path
    calibration: Calibration
    recordings: list[AuditedRecording] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def queue(self) -> list[Suspect]:
        """Everything that any check speaks up about, most likely wrong first."""
        found = [suspect for part in self.recordings for suspect in part.suspects]
        return sorted(found, key=lambda s: (-s.p_fault, -max(s.scores.values(), default=0.0)))

    @property
    def boxes(self) -> int:
        """Boxes audited."""
        return sum(len(part.labels) + part.broken for part in self.recordings)

    @property
    def verifiable(self) -> int:
        """Boxes that evidence, or the labels' own claim to be seen, says something about."""
        return sum(int(part.verifiable.sum()) + part.broken for part in self.recordings)

    def error_rate(self) -> tuple[float, float, float]:
        """Share of faulty labels with its 95 % interval, corrected for what the audit misses.

        Source: Rogan and Gladen 1978, "Estimating prevalence from the results of a screening test";
        Clopper and Pearson 1934 for the interval of the share of alarms.
        """
        return corrected_rate(
            self._judged_alarms(), max(1, self.verifiable), self.calibration.recall,
            self.calibration.false_alarm_share,
        )  # fmt: skip

    def _judged_alarms(self) -> int:
        """Alarms about boxes that can be judged, missing labels and broken ones."""
        boxes = sum(
            int((part.verifiable & part.verdicts.is_alarm).sum()) for part in self.recordings
        )
        return boxes + sum(suspect.row is None for suspect in self.queue)

    @property
    def exit_code(self) -> int:
        """2 if something could not be read, 1 if a label is probably wrong, else 0."""
        if self.unreadable:
            return 2
        wrong = any(suspect.p_fault > 0.5 for suspect in self.queue)
        return 1 if wrong or any(finding.is_alarm for finding in self.findings) else 0

    def document(self) -> dict[str, Any]:
        """The summary and the review queue as plain data."""
        queue = self.queue
        estimate, low, high = self.error_rate()
        return {
            "schema": AUDIT_SCHEMA,
            "dataset": self.dataset.name,
            "recordings": len(self.recordings),
            "unreadable": [{"name": n, "message": m} for n, m in self.unreadable],
            "boxes": self.boxes,
            "verifiable": self.verifiable,
            "alarms": len(queue),
            "probably_wrong": sum(suspect.p_fault > 0.5 for suspect in queue),
            "error_rate": {"estimate": estimate, "low": low, "high": high, "confidence": 0.95},
            "audit_recall": self.calibration.recall,
            "audit_false_alarms": self.calibration.false_alarm_share,
            "by_check": dict(Counter(suspect.reason for suspect in queue).most_common()),
            "coverage": self.coverage(),
            "systematic": [finding.document() for finding in self.findings],
            "boxes_per_s": round(self.boxes / self.seconds, 1) if self.seconds else None,
            "clips": {part.name: _status(part) for part in self.recordings},
            "queue": [suspect.document() for suspect in queue],
        }

    def coverage(self) -> dict[str, float]:
        """Share of the verifiable boxes that each check had evidence on."""
        scores = [part.verdicts.scores[part.verifiable] for part in self.recordings]
        if not sum(len(part) for part in scores):
            return {}
        spoken = (~np.isnan(np.concatenate(scores))).mean(axis=0)
        return {n: round(float(s), 4) for n, s in zip(BOX_CHECKS, spoken, strict=True)}


def _status(part: AuditedRecording) -> dict[str, Any]:
    wrong = sum(suspect.p_fault > 0.5 for suspect in part.suspects)
    return {
        "boxes": len(part.labels),
        "alarms": len(part.suspects),
        "probably_wrong": wrong,
        "status": "faulty" if wrong else "suspect" if part.suspects else "clean",
    }


def audit_dataset(dataset: Path, calibration: Calibration) -> Audit:
    """Audit all clips of a dataset of ours, or all sequences of a foreign one.

    Args:
        dataset: Folder.
        calibration: Thresholds, vote and known sizes.

    Raises:
        DatasetError: The folder holds no data set; an unreadable clip is named in the audit.
    """
    started = time.monotonic()
    audit = Audit(dataset, calibration)
    samples: list[Samples] = []
    parts = list(_own_recordings(dataset, audit) if _is_own(dataset) else _foreign(dataset, audit))
    if not parts and not audit.unreadable:
        raise DatasetError(
            f"{dataset}: expected at least one clip or frame with labels, found none"
        )
    sizes = known_sizes((part.labels for part in parts), calibration.sizes)
    for number, part in enumerate(parts):
        pairs = match(part.labels, part.blobs)
        if part.hits is not None:
            pairs = pairs.with_hits(np.where(np.isnan(part.hits), 1.0, part.hits))
        audit.recordings.append(_judged(part, pairs, sizes, calibration))
        samples.append(sample(part.labels, part.blobs, pairs, number))
    if samples:
        audit.findings = findings(samples, np.random.default_rng(0))
    audit.seconds = time.monotonic() - started
    return audit


def _judged(
    part: Part, pairs: Pairs, sizes: KnownSizes, calibration: Calibration
) -> AuditedRecording:
    labels, blobs = part.labels, part.blobs
    scores = score_boxes(labels, blobs, pairs, sizes, part.range_m)
    verdicts = judge(scores.values, calibration)
    # Where images cannot be taken apart, the checks of tracks and sizes judge every box.
    verifiable = scores.verifiable if part.folder is not None else np.ones(len(labels), dtype=bool)
    suspects = (
        *broken_suspects(part.broken),
        *box_suspects(part.name, labels, verdicts),
        *missing_suspects(part.name, blobs, scores.missing, calibration, labels, verdicts, pairs),
    )
    return AuditedRecording(
        part.name, part.folder, labels, len(part.broken), blobs, verdicts, verifiable, suspects
    )


def _is_own(dataset: Path) -> bool:
    if not dataset.is_dir():
        found = "a file" if dataset.exists() else "nothing"
        raise DatasetError(f"{dataset}: expected the folder of a data set, found {found}")
    return kind_of(dataset) == "synthgen"


def _own_recordings(dataset: Path, audit: Audit) -> Iterator[Part]:
    for manifest in committed_manifests(dataset):
        try:
            yield read_clip(manifest.parent)
        except DatasetError as err:
            audit.unreadable.append((manifest.parent.name, str(err)))


def _foreign(dataset: Path, audit: Audit) -> Iterator[Part]:
    problems: list[str] = []
    for item in read_recordings(dataset, problems):
        yield Part(
            item.name, None, item.labels, item.blobs, item.hits, _DEFAULT_RANGE_M, item.broken
        )
    audit.unreadable += [(dataset.name, problem) for problem in problems]


def read_clip(folder: Path) -> Part:
    """What the audit needs of a clip.

    Raises:
        DatasetError: A file of it is missing or damaged; names it.
    """
    clip = ClipReader(folder)
    settings = read_labels_manifest(folder, clip.labels_version).get("settings", {})
    range_m = float(settings.get("range_m", _DEFAULT_RANGE_M))
    try:
        labels, broken = _without_broken(clip_labels(clip), clip.clip_id)
        return Part(clip.clip_id, folder, labels, clip_blobs(clip), None, range_m, broken)
    except (KeyError, ValueError, IndexError, TypeError) as err:
        raise DatasetError(f"{folder}: the tables do not fit together: {err!r}") from err


def _without_broken(labels: Labels, name: str) -> tuple[Labels, tuple[BrokenBox, ...]]:
    assert labels.track is not None, "clips have tracks"
    reasons = cuboid_faults(labels.center_m, labels.size_lwh_m, labels.world_yaw_rad)
    broken = tuple(
        BrokenBox(
            name, int(labels.frame[row]), int(labels.track[row]), str(labels.category[row]),
            str(reasons[row]),
        )
        for row in np.flatnonzero(reasons != "").tolist()
    )  # fmt: skip
    return (labels.take(reasons == ""), broken) if broken else (labels, ())


def corrected_rate(
    alarms: int, boxes: int, recall: float, false_alarms: float
) -> tuple[float, float, float]:
    """Rate of faults behind a rate of alarms, with its 95 % interval.

    Args:
        alarms: Boxes that any check speaks up about.
        boxes: Boxes judged.
        recall: Share of faults that are found.
        false_alarms: Share of good boxes that are called wrong.
    """
    from scipy.stats import beta

    alarms = min(alarms, boxes)
    low = float(beta.ppf(0.025, alarms, boxes - alarms + 1)) if alarms else 0.0
    high = float(beta.ppf(0.975, alarms + 1, boxes - alarms)) if alarms < boxes else 1.0

    def corrected(share: float) -> float:
        rate = (share - false_alarms) / max(recall - false_alarms, 1e-9)
        return round(float(np.clip(rate, 0, 1)), 5)

    # The upper end leaves open that there were no false alarms at all here.
    most = round(min(1.0, high / max(recall, 1e-9)), 5)
    return corrected(min(1.0, alarms / boxes)), corrected(low), most
