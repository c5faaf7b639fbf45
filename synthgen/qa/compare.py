"""Compares a real and a synthetic data set: `synthgen compare REAL SYN`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from synthgen.geometry.arrays import F64, I64
from synthgen.qa.advice import Advice, advise
from synthgen.qa.canonical import COMPARED, Canonical, canonical, common_view, view_of, vocabulary
from synthgen.qa.dimensions import PLANS, Dimension, dimension
from synthgen.qa.dry_run import dry_run
from synthgen.qa.label_features import LABEL_FEATURES
from synthgen.qa.policy import Policy
from synthgen.qa.profile import View, bad_reference
from synthgen.qa.sensor_tables import (
    ImageLook,
    SweepLook,
    image_statistics,
    sweep_statistics,
)
from synthgen.qa.sources import Source
from synthgen.qa.stats.c2st import c2st, null_aucs, replay_aucs, sample
from synthgen.qa.stats.clouds import (
    frechet,
    mmd,
    prdc,
    sliced_wasserstein,
    standardised,
)
from synthgen.qa.tables import Table

ROWS: Final = 1500
TREES: Final = 40
IMAGES: Final = 60
LEAST_FOR_C2ST: Final = 100
Pair = tuple[Table, Table]


@dataclass(frozen=True, slots=True)
class Options:
    """How much work to put in, and the label policy."""

    seed: int = 0
    policy: Policy = field(default_factory=Policy)
    null_draws: int = 40
    replay_splits: int = 5
    images: int = IMAGES


@dataclass(frozen=True, slots=True)
class Judged:
    """The classifier's verdict on one table.

    `unclear` says why it counts for nothing, where there are too few sequences or rows.
    """

    auc: float
    null: tuple[float, ...]
    replay: tuple[float, ...]
    p_value: float
    unclear: str

    @property
    def floor(self) -> float:
        """What an AUC has to exceed to mean anything: replay floor or 95 % of the null."""
        null = float(np.quantile(self.null, 0.95)) if self.null else 0.5
        replay = float(np.mean(self.replay)) if self.replay else 0.5
        return max(null, replay)

    @property
    def excess(self) -> float:
        """AUC above the floor."""
        return self.auc - self.floor


@dataclass(frozen=True, slots=True)
class Side:
    """What one data set is."""

    path: str
    kind: str
    frames: int
    sequences: int
    boxes: int
    tracks: int
    images: int
    sweeps: int
    left_out: dict[str, int]


@dataclass(frozen=True, eq=False, slots=True)
class Comparison:
    """All that a comparison found, and the tables it was found in.

    `scores` are the classifier's of boxes that it was not trained on, real and synthetic.
    """

    real: Side
    synthetic: Side
    dimensions: tuple[Dimension, ...]
    c2st: Judged
    clouds: dict[str, float]
    advice: tuple[Advice, ...]
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    view: View | None
    policy: Policy
    seed: int
    tables: dict[str, Pair]
    scores: tuple[F64, F64]
    frame_scores: tuple[F64, F64]
    image_looks: tuple[ImageLook | None, ImageLook | None]
    sweep_looks: tuple[SweepLook | None, SweepLook | None]

    @property
    def worst(self) -> Dimension | None:
        """The dimension with the lowest index among those with a verdict."""
        clear = [d for d in self.dimensions if not d.unclear and d.index is not None]
        return min(clear, key=lambda d: d.index or 0.0, default=None)


def compare(real: Source, synthetic: Source, options: Options | None = None) -> Comparison:
    """Compare two data sets.

    Args:
        real: What to come near to.
        synthetic: What is judged.
        options: Seed, policy and effort.
    """
    options = options or Options()
    rng = np.random.default_rng(options.seed)
    view = common_view(view_of(real.frames), view_of(synthetic.frames))
    classes = vocabulary([real.kind, synthetic.kind])
    sides = [
        canonical(s.frames, view=view, policy=options.policy, classes=classes)
        for s in (real, synthetic)
    ]
    both = tuple(zip((real, synthetic), sides, strict=True))
    with_images = all(next(s.images(1), None) is not None for s in (real, synthetic))
    with_sweeps = all(next(s.sweeps(1), None) is not None for s in (real, synthetic))
    images = [image_statistics(s, c, options.images if with_images else 0) for s, c in both]
    sweeps = [sweep_statistics(s, c, options.images if with_sweeps else 0) for s, c in both]
    tables: dict[str, Pair] = {
        "boxes": (sides[0].boxes, sides[1].boxes),
        "frames": (sides[0].frames, sides[1].frames),
    }
    if sides[0].tracks is not None and sides[1].tracks is not None:
        tables["tracks"] = (sides[0].tracks, sides[1].tracks)
    for name, parts in (("images", [i.table for i in images]), ("lidar", [w[0] for w in sweeps])):
        if len(parts[0]) and len(parts[1]):
            tables[name] = (parts[0], parts[1])
    dimensions = _dimensions(tables, view, options, rng)
    judged, scores, frame_scores = _judge(tables["boxes"], options, rng)
    clouds = _clouds(tables["boxes"], rng) | _patch_distance([i.patches for i in images], rng)
    return Comparison(
        real=_side(real, sides[0], images[0].table, sweeps[0][0], classes),
        synthetic=_side(synthetic, sides[1], images[1].table, sweeps[1][0], classes),
        dimensions=dimensions,
        c2st=judged,
        clouds=clouds,
        advice=advise(
            tables,
            {e.name for d in dimensions for e in d.effects if e.is_gap},
            (view, options.policy, sides[0].mount_height_m),
            options.seed,
        ),
        notes=_notes((real, synthetic), sides, tables, view),
        problems=tuple(dict.fromkeys([*real.problems, *synthetic.problems])),
        view=view,
        policy=options.policy,
        seed=options.seed,
        tables=tables,
        scores=scores,
        frame_scores=frame_scores,
        image_looks=(images[0].look, images[1].look),
        sweep_looks=(sweeps[0][1], sweeps[1][1]),
    )


def _dimensions(
    tables: dict[str, Pair], view: View | None, options: Options, rng: np.random.Generator
) -> tuple[Dimension, ...]:
    bad: dict[str, Table] = {}
    if view is not None:
        run = dry_run(bad_reference(), view, options.policy, rng, sequences=20, frames=20)
        bad = {"boxes": run.boxes, "frames": run.frames}
    found = [
        dimension(plan, *tables[plan.table], bad.get(plan.table), rng)
        for plan in PLANS
        if plan.table in tables
    ]
    return tuple(d for d in found if d is not None)


def _judge(
    boxes: Pair, options: Options, rng: np.random.Generator
) -> tuple[Judged, tuple[F64, F64], tuple[F64, F64]]:
    """The classifier test, scores of boxes, and mean scores of frames (NaN where not judged)."""
    real, synthetic = boxes
    frames = tuple(np.full(int(t["frame"].max(initial=-1)) + 1, np.nan) for t in boxes)
    sizes = len(real.sequences), len(synthetic.sequences)
    if min(len(real), len(synthetic)) < LEAST_FOR_C2ST or min(sizes) < 2:
        why = f"too few boxes or sequences ({len(real)} and {len(synthetic)} boxes)"
        return Judged(0.5, (), (), 1.0, why), (np.zeros(0), np.zeros(0)), (frames[0], frames[1])
    data = sample(real, synthetic, LABEL_FEATURES, ROWS, rng)
    verdict = c2st(data, rng, trees=TREES)
    null = null_aucs(data, options.null_draws, rng, trees=TREES)
    null = null[np.isfinite(null)]
    replay = np.zeros(0)
    if sizes[0] >= 4:
        part = max(min(sizes[1], sizes[0] // 2), 2)
        replay = replay_aucs(real, LABEL_FEATURES, part, ROWS, options.replay_splits, rng)
        replay = replay[np.isfinite(replay)]
    p_value = float((1 + np.sum(null >= verdict.auc)) / (1 + len(null)))
    few = sum(sizes) < 8 or min(sizes) < 3
    why = f"too few sequences ({sizes[0]} and {sizes[1]})" if few else ""
    judged = Judged(verdict.auc, tuple(null.tolist()), tuple(replay.tolist()), p_value, why)
    known = np.isfinite(verdict.scores)
    real_scores, own_scores = (
        verdict.scores[known & (data.is_synthetic == side)] for side in (False, True)
    )
    return judged, (real_scores, own_scores), _frame_scores(boxes, rng)


def _frame_scores(boxes: Pair, rng: np.random.Generator) -> tuple[F64, F64]:
    """Mean out-of-fold score of the boxes of each frame, for both sides."""
    data = sample(*boxes, LABEL_FEATURES, 20_000, rng)
    scores = c2st(data, rng, trees=20).scores
    found: list[F64] = []
    for side, table in enumerate(boxes):
        mine = scores[data.is_synthetic == bool(side)]
        frame = table["frame"].astype(np.int64)
        if len(mine) != len(frame):  # pragma: no cover - beyond the cap frames are not ranked.
            found.append(np.full(int(frame.max(initial=-1)) + 1, np.nan))
            continue
        known = np.isfinite(mine)
        count = np.bincount(frame[known], minlength=int(frame.max(initial=-1)) + 1)
        total = np.bincount(frame[known], mine[known], minlength=len(count))
        found.append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    return found[0], found[1]


def _clouds(boxes: Pair, rng: np.random.Generator) -> dict[str, float]:
    data = sample(*boxes, LABEL_FEATURES, 800, rng)
    if min(np.sum(data.is_synthetic), np.sum(~data.is_synthetic)) < 20:
        return {}
    real, synthetic = standardised(
        data.features[~data.is_synthetic], data.features[data.is_synthetic]
    )
    groups: tuple[I64, I64] = (
        data.sequence[~data.is_synthetic],
        data.sequence[data.is_synthetic] - data.sequences[0],
    )
    value, p_value = mmd(real, synthetic, groups, 200, rng)
    near = prdc(real, synthetic)
    return {
        "mmd2": value,
        "mmd_p": p_value,
        "precision": near.precision,
        "recall": near.recall,
        "density": near.density,
        "coverage": near.coverage,
        "sliced_wasserstein": sliced_wasserstein(real, synthetic, rng),
    }


def _patch_distance(patches: list[list[F64]], rng: np.random.Generator) -> dict[str, float]:
    if not patches[0] or not patches[1]:
        return {}
    return {
        f"image_patches_scale_{scale}": sliced_wasserstein(a, b, rng)
        for scale, (a, b) in enumerate(zip(*patches, strict=True))
    }


def user_features(real: F64, synthetic: F64, seed: int) -> dict[str, float]:
    """Distances of features that the user computed, e.g. with a network of their own.

    Raises nothing about what the features are: only their maker knows whether the Frechet distance
    of them may be called FID.
    """
    rng = np.random.default_rng(seed)
    groups = np.arange(len(real)), np.arange(len(synthetic))
    n = min(len(real), len(synthetic), 1000)
    value, p_value = mmd(real[:n], synthetic[:n], (groups[0][:n], groups[1][:n]), 200, rng)
    near = prdc(real[:n], synthetic[:n])
    found = {"mmd2": value, "mmd_p": p_value, "density": near.density, "coverage": near.coverage}
    return found | {"frechet": frechet(real[:n], synthetic[:n]), "rows": float(n)}


def _side(
    source: Source, side: Canonical, images: Table, sweeps: Table, classes: dict[str, int]
) -> Side:
    left_out = Counter(
        str(name)
        for frame in source.frames
        for name in frame.boxes.native_category[
            [str(c) not in classes for c in frame.boxes.category]
        ]
    )
    return Side(
        path=str(source.path),
        kind=source.kind,
        frames=len(source.frames),
        sequences=len(side.boxes.sequences),
        boxes=len(side.boxes),
        tracks=len(side.tracks) if side.tracks is not None else 0,
        images=len(images),
        sweeps=len(sweeps),
        left_out=dict(left_out.most_common()),
    )


def _notes(
    sources: tuple[Source, Source],
    sides: Sequence[Canonical],
    tables: dict[str, Pair],
    view: View | None,
) -> tuple[str, ...]:
    notes = [note for side in sides for note in side.notes]
    notes += [line for source in sources for line in source.left_out]
    if view is None:
        notes.append("no common camera: image boxes are left out and placement is of the full turn")
    else:
        notes.append(
            f"both sides seen by one camera of {view.width_px} x {view.height_px} pixels, focal "
            f"length {view.focal_px:.0f}"
        )
    heights = [side.mount_height_m for side in sides]
    if heights[0] is not None and heights[1] is not None:
        notes.append(
            f"heights are measured from the road: the cameras stand {heights[0]:.2f} m (real) and "
            f"{heights[1]:.2f} m (synthetic) above it"
        )
    for name, what in (("tracks", "tracks"), ("images", "images"), ("lidar", "LiDAR sweeps")):
        if name not in tables:
            notes.append(f"{what} are not compared: one of the sets has none")
    merged = sorted(
        {n for n in COMPARED if vocabulary([s.kind for s in sources])[n] != vocabulary([])[n]}
    )
    if merged:
        notes.append(f"classes that one format lacks are merged on both sides: {', '.join(merged)}")
    return tuple(notes)


def as_json(found: Comparison) -> dict[str, Any]:
    """The comparison as plain data, schema `synthgen/comparison@1`."""
    from dataclasses import asdict

    worst = found.worst
    return {
        "schema": "synthgen/comparison@1",
        "real": asdict(found.real),
        "synthetic": asdict(found.synthetic),
        "index": None if worst is None else worst.index,
        "worst": None if worst is None else worst.name,
        "dimensions": [
            {**asdict(d), "effects": [{**asdict(e), "is_gap": e.is_gap} for e in d.effects]}
            for d in found.dimensions
        ],
        "c2st": {**asdict(found.c2st), "floor": found.c2st.floor, "excess": found.c2st.excess},
        "clouds": found.clouds,
        "advice": [asdict(a) for a in found.advice],
        "notes": list(found.notes),
        "problems": list(found.problems),
        "view": None if found.view is None else found.view.model_dump(),
        "policy": found.policy.model_dump(),
        "seed": found.seed,
    }
