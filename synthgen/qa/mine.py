"""`synthgen mine`: which scenario parameters does a detector fail on?

Predictions are matched to the labels of every clip; a parameter whose values go with the misses is
written as sampling weights of the next batch: half of the weight stays even, so that the batch goes
on looking elsewhere.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from scenarios.distributions import UNITS, Distribution
from scenarios.loader import load_scenario
from synthgen.errors import ConfigError, DatasetError
from synthgen.geometry.arrays import F64, Bool
from synthgen.qa.clip_frames import clip_frames
from synthgen.qa.policy import Policy
from synthgen.qa.sources import open_source
from synthgen.qa.stats.effects import holm
from synthgen.store.clip_reader import ClipReader
from synthgen.store.layout import clip_folder

IOU: Final = 0.5
LEAST_SCORE: Final = 0.3
LEAST_CLIPS: Final = 8
BINS: Final = 4
PERMUTATIONS: Final = 2000
CLEAR_P: Final = 0.1


class Prediction(BaseModel):
    """One box of a detector: corner, width and height in pixels, as in COCO results."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    clip_id: str
    frame_index: int
    bbox: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]
    score: float = Field(default=1.0, ge=0, le=1)


@dataclass(frozen=True, slots=True)
class Cause:
    """How one parameter goes with the misses.

    Attributes:
        scenario: Name.
        parameter: Of the scenario.
        values: Middle of each bin, or each choice.
        miss_rates: Share of labelled boxes that were missed, drawn to the overall share.
        clips: In each bin.
        p_value: Of a permutation of clips, adjusted for all parameters (Holm).
    """

    scenario: str
    parameter: str
    values: tuple[float | str, ...]
    miss_rates: tuple[float, ...]
    clips: tuple[int, ...]
    p_value: float


def mine(
    dataset: Path, predictions: Path, out: Path, library: Path, *, seed: int = 0
) -> dict[str, Any]:
    """Find what goes with a detector's misses and write scenario files that ask for more of it.

    Args:
        dataset: Data set of ours.
        predictions: JSON list of predictions (`clip_id`, `frame_index`, `bbox`, `score`).
        out: Folder for the files `<scenario>_mined.yaml`.
        library: Folder of the scenario files, by name.
        seed: Of the permutations.

    Returns:
        A report; `verdict` is `inconclusive` with fewer than eight clips.

    Raises:
        DatasetError: The data set cannot be read; a clip that cannot be is named in the report.
        ConfigError: The predictions are not as expected, or none is of a clip of the data set.
    """
    found = _predictions(predictions)
    source = open_source(dataset)
    if source.kind != "synthgen":
        raise DatasetError(f"{dataset}: only clips of synthgen know their scenario parameters")
    known = {frame.sequence for frame in source.frames}
    predicted = {clip_id for clip_id, _ in found}
    strange = sorted(predicted - known)
    if predicted and not predicted & known:
        raise ConfigError(
            f"{predictions}: expected clip ids of {dataset}, found none of them, e.g. {strange[0]}"
        )
    drawn = _drawn(dataset, sorted(known), found)
    rng = np.random.default_rng(seed)
    causes = [c for name, clips in sorted(drawn.items()) for c in _causes(name, clips, rng)]
    written = []
    for name, clips in sorted(drawn.items()):
        clear = [c for c in causes if c.scenario == name and c.p_value < CLEAR_P]
        if clear and len(clips) >= LEAST_CLIPS:
            written.append(str(_write(out, name, clear, library)))
    total = sum(c["labelled"] for clips in drawn.values() for c in clips)
    missed = sum(c["missed"] for clips in drawn.values() for c in clips)
    enough = any(len(clips) >= LEAST_CLIPS for clips in drawn.values())
    return {
        "verdict": "found" if written else "nothing found" if enough else "inconclusive",
        "clips": sum(len(clips) for clips in drawn.values()),
        "boxes": total,
        "missed": missed,
        "miss_rate": round(missed / total, 4) if total else None,
        "causes": [
            {n: getattr(c, n) for n in c.__slots__} for c in sorted(causes, key=lambda c: c.p_value)
        ],
        "written": written,
        "unknown_clips": strange,
        "not_readable": source.problems,
    }


def _drawn(
    dataset: Path, clips: Sequence[str], found: Mapping[tuple[str, int], F64]
) -> dict[str, list[dict[str, Any]]]:
    """Parameters, labelled boxes and missed ones of each clip, by scenario."""
    drawn: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for clip_id in clips:
        clip = ClipReader(clip_folder(dataset, clip_id))
        labelled, missed = _misses(clip, found)
        scenario = clip.scenario
        drawn[scenario["name"]].append(
            {"parameters": scenario["parameters"], "labelled": labelled, "missed": missed}
        )
    return drawn


def _predictions(path: Path) -> Mapping[tuple[str, int], F64]:
    try:
        rows = TypeAdapter(list[Prediction]).validate_json(path.read_bytes())
    except OSError as err:
        raise ConfigError(f"{path}: cannot read: {err.strerror}") from err
    except ValidationError as err:
        first = err.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        where = f"{path}: {place}" if place else str(path)
        raise ConfigError(f"{where}: {first['msg']}") from err
    boxes: dict[tuple[str, int], list[tuple[float, ...]]] = defaultdict(list)
    for row in rows:
        if row.score >= LEAST_SCORE:
            x, y, w, h = row.bbox
            boxes[(row.clip_id, row.frame_index)].append((x, y, x + w, y + h))
    return {key: np.array(value) for key, value in boxes.items()}


def _misses(clip: ClipReader, found: Mapping[tuple[str, int], F64]) -> tuple[int, int]:
    """Labelled boxes that count, and how many of them no prediction meets."""
    policy = Policy()
    labelled = missed = 0
    for frame in clip_frames(clip):
        boxes = frame.boxes.xyxy_px
        assert boxes is not None, "clips have image boxes"
        occluded = frame.boxes.occluded
        assert occluded is not None, "clips know occlusion"
        keep = (boxes[:, 3] - boxes[:, 1] >= policy.min_height_px) & (occluded < 0.5)
        wanted = boxes[keep]
        guesses = found.get((clip.clip_id, frame.frame_index), np.zeros((0, 4)))
        labelled += len(wanted)
        missed += int(np.sum(~_met(wanted, guesses)))
    return labelled, missed


def _met(boxes: F64, guesses: F64) -> Bool:
    """(N,) whether some guess overlaps the box by `IOU`."""
    if not len(guesses) or not len(boxes):
        return np.zeros(len(boxes), dtype=bool)
    low = np.maximum(boxes[:, None, :2], guesses[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], guesses[None, :, 2:])
    inner = np.prod(np.clip(high - low, 0, None), axis=2)
    area = [np.prod(b[:, 2:] - b[:, :2], axis=1) for b in (boxes, guesses)]
    union = area[0][:, None] + area[1][None] - inner
    return np.asarray((inner / np.maximum(union, 1e-9)).max(axis=1) >= IOU)


def _causes(scenario: str, clips: list[dict[str, Any]], rng: np.random.Generator) -> list[Cause]:
    labelled = np.array([c["labelled"] for c in clips], dtype=np.float64)
    missed = np.array([c["missed"] for c in clips], dtype=np.float64)
    if len(clips) < LEAST_CLIPS or not missed.sum():
        return []
    raw = []
    for name in sorted(clips[0]["parameters"]):
        if "." in name:  # values written inline: they have no parameter to weigh
            continue
        place, middle = _bins([c["parameters"].get(name) for c in clips])
        if len(middle) > 1:
            observed = _contrast(place, labelled, missed, len(middle))
            null = [
                _contrast(rng.permutation(place), labelled, missed, len(middle))
                for _ in range(PERMUTATIONS)
            ]
            p_value = (1 + np.sum(np.array(null) >= observed)) / (1 + PERMUTATIONS)
            raw.append((name, place, middle, float(p_value)))
    adjusted = holm([r[3] for r in raw])
    overall = missed.sum() / labelled.sum()
    causes = []
    for (name, place, middle, _), p_value in zip(raw, adjusted.tolist(), strict=True):
        in_bin = [np.bincount(place, w, len(middle)) for w in (labelled, missed)]
        rates = (in_bin[1] + 10 * overall) / (in_bin[0] + 10)
        counts = np.bincount(place, minlength=len(middle))
        causes.append(
            Cause(scenario, name, middle, tuple(np.round(rates, 4).tolist()),
                  tuple(counts.tolist()), p_value)
        )  # fmt: skip
    return causes


def _bins(values: list[Any]) -> tuple[np.ndarray, tuple[float | str, ...]]:
    if any(isinstance(v, str | bool) or v is None for v in values):
        names = sorted({str(v) for v in values})
        return np.array([names.index(str(v)) for v in values]), tuple(names)
    numbers = np.array(values, dtype=np.float64)
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, BINS + 1)))
    place = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, max(len(edges) - 2, 0))
    middle = tuple(np.round((edges[:-1] + edges[1:]) / 2, 3).tolist())
    return place, middle


def _contrast(place: np.ndarray, labelled: F64, missed: F64, bins: int) -> float:
    """Spread of the miss rate over the bins, weighted by boxes."""
    n, k = (np.bincount(place, w, bins) for w in (labelled, missed))
    rate = k / np.maximum(n, 1)
    return float(np.sum(n * (rate - missed.sum() / labelled.sum()) ** 2))


def _write(out: Path, scenario: str, causes: list[Cause], library: Path) -> Path:
    """A scenario that extends the old one and draws from where misses are more often."""
    base = (library / f"{scenario}.yaml").resolve()
    params = load_scenario(base).params
    lines = [
        f"# Written by `synthgen mine`: {scenario} with more of what the detector misses.",
        "schema: synthgen/scenario@1",
        f"extends: {json.dumps(str(base))}",
        f"name: {scenario}_mined",
        "params:",
    ]
    for cause in causes:
        rates = np.array(cause.miss_rates)
        weights = np.round(0.5 / len(rates) + 0.5 * rates / rates.sum(), 4).tolist()
        values = [_text(v, params[cause.parameter]) for v in cause.values]
        lines.append(
            f"  {cause.parameter}: {{choice: [{', '.join(values)}], weights: {weights}}}"
            f"  # miss rates {list(cause.miss_rates)}, p {cause.p_value:.3f}"
        )
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{scenario}_mined.yaml"
    path.write_text("\n".join(lines) + "\n")
    load_scenario(path)
    return path


def _text(value: float | str, distribution: Distribution) -> str:
    if isinstance(value, str):
        return json.dumps(value)
    unit = next((u for u, factor in UNITS[distribution.dimension].items() if factor == 1.0), "")
    return json.dumps(f"{value:g} {unit}") if unit else f"{value:g}"
