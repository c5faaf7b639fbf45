"""Does a fit close the gap? On real sequences, and on hidden generators whose knobs are known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np

from exporters.kitti_tracking.reader import read_kitti_tracking
from synthgen.geometry.arrays import F64
from synthgen.qa.canonical import canonical, view_of, vocabulary
from synthgen.qa.dry_run import draw_places, dry_run
from synthgen.qa.fit import RealLabels, fit
from synthgen.qa.label_features import LABEL_FEATURES
from synthgen.qa.policy import Policy
from synthgen.qa.profile import Profile, View, hand_default, merged_classes, normalised
from synthgen.qa.stats.c2st import c2st, sample
from synthgen.qa.tables import Table

CAP: Final = 2000
TREES: Final = 50
FIT_SEQUENCES: Final = 3
HIDDEN_SEQUENCES: Final = 50
HIDDEN_FRAMES: Final = 10
KITTI_VIEW: Final = View(
    width_px=1242, height_px=375, focal_px=721.5, centre_x_px=609.6, centre_y_px=172.9
)


def bench_fit(real: Path | None, *, splits: int = 20, seeds: int = 20) -> dict[str, Any]:
    """Both measurements as one flat report.

    Args:
        real: KITTI tracking set, or None to leave the first measurement out.
        splits: Of the real sequences into 3 to fit and the rest to test.
        seeds: Hidden generators.
    """
    report: dict[str, Any] = {}
    if real is not None:
        report |= _real_report(real, splits)
    return report | hidden_report(range(seeds))


def _real_report(folder: Path, splits: int) -> dict[str, Any]:
    frames = list(read_kitti_tracking(folder))
    view = view_of(frames)
    assert view is not None, "KITTI has cameras"
    classes = vocabulary(["kitti-tracking"])
    tables = canonical(frames, view=view, policy=Policy(), classes=classes, level_mount=False)
    real = RealLabels(tables.boxes, tables.frames, view, Policy())
    found = np.array([split_aucs(real, seed) for seed in range(splits)])
    gain = found[:, 0] - found[:, 1]
    return {
        "splits": splits,
        "real_sequences": len(tables.boxes.sequences),
        "hand_auc": _rounded(found[:, 0].mean()),
        "fitted_auc": _rounded(found[:, 1].mean()),
        "replay_auc": _rounded(found[:, 2].mean()),
        "auc_drop_mean": _rounded(gain.mean()),
        "auc_drop_sd": _rounded(gain.std(ddof=1)) if splits > 1 else None,
        "splits_lower": int((gain > 0).sum()),
        "splits_lower_by_0.07": int((gain >= 0.07).sum()),
    }


def split_aucs(real: RealLabels, seed: int) -> tuple[float, float, float]:
    """AUC against unseen sequences: hand-written profile, fitted profile, replayed real labels."""
    rng = np.random.default_rng([seed, 1])
    order = rng.permutation(len(real.boxes.sequences))
    seen, unseen = (real.of_sequences(part) for part in np.split(order, [FIT_SEQUENCES]))
    hand = merged_classes(hand_default(), {"bus": "truck"})
    fitted = fit(seen, hand, rng)
    runs = [
        dry_run(p, real.view, real.policy, rng, sequences=20, frames=60).boxes
        for p in (hand, fitted)
    ]
    hand_auc, fitted_auc, replay = (_auc(unseen.boxes, b, seed) for b in (*runs, seen.boxes))
    return hand_auc, fitted_auc, replay


def _auc(real: Table, synthetic: Table, seed: int) -> float:
    rng = np.random.default_rng([seed, 2])
    return c2st(sample(real, synthetic, LABEL_FEATURES, CAP, rng), rng, trees=TREES).auc


def hidden_report(seeds: Iterable[int]) -> dict[str, Any]:
    """How often a fit to 500 frames of a secret profile finds its knobs, and what gap is left."""
    held: dict[str, list[bool]] = defaultdict(list)
    left: list[float] = []
    for seed in seeds:
        found, share = hidden_generator(seed)
        left.append(share)
        for knob, holds in found.items():
            held[knob].append(holds)
    often = {knob: float(np.mean(h)) for knob, h in held.items() if len(h) * 2 >= len(left)}
    worst = min(often, key=lambda knob: often[knob])
    return {
        "hidden_seeds": len(left),
        "knobs": len(often),
        "knob_coverage_mean": _rounded(np.mean(list(often.values()))),
        "knob_coverage_worst": _rounded(often[worst]),
        "knob_worst": worst,
        "knobs_below_0.9": sorted(knob for knob, share in often.items() if share < 0.9),
        "excess_auc_reduction": _rounded(1 - np.mean(left)),
    }


def hidden_generator(seed: int) -> tuple[dict[str, bool], float]:
    """For one secret profile: which knobs lie in their intervals, and the share of gap left.

    The policy lets boxes of 10 pixels through: what a policy cuts off no fit can know.
    """
    rng = np.random.default_rng([seed, 3])
    policy, hand = Policy(min_height_px=10), hand_default()
    secret = secret_profile(hand, rng)
    size = {"sequences": HIDDEN_SEQUENCES, "frames": HIDDEN_FRAMES}
    seen = dry_run(secret, KITTI_VIEW, policy, rng, **size)
    fitted = fit(RealLabels(seen.boxes, seen.frames, KITTI_VIEW, policy), hand, rng)
    truth = knobs(secret)
    holds = {
        knob: evidence.interval[0] <= truth[knob] <= evidence.interval[1]
        for knob, evidence in fitted.evidence.items()
    }
    fresh, *others = (
        dry_run(p, KITTI_VIEW, policy, rng, sequences=100, frames=12).boxes
        for p in (secret, hand, fitted, secret)
    )
    before, after, floor = (_auc(fresh, other, seed) for other in others)
    return holds, max(after - floor, 0.0) / (before - floor)


def secret_profile(base: Profile, rng: np.random.Generator) -> Profile:
    """The base profile with every knob turned at random."""
    document = base.document()
    names = list(document["mix"])
    shares = rng.dirichlet(6 * np.array([document["mix"][n] for n in names]) + 1)
    document["mix"] = dict(zip(names, shares.tolist(), strict=True))
    document["density"] = {
        "mean": float(rng.uniform(4, 10)),
        "dispersion": float(rng.uniform(1.5, 6)),
    }
    for kind in document["classes"].values():
        turned = np.array(kind["size"]["mean_m"]) * rng.uniform(0.85, 1.15, 3)
        kind["size"]["mean_m"] = tuple(turned.tolist())
        shares = rng.dirichlet(8 * np.array([s["share"] for s in kind["streams"]]) + 1)
        reach, aside = rng.uniform(0.6, 1.0), rng.uniform(-2, 2)
        for stream, share in zip(kind["streams"], shares.tolist(), strict=True):
            near, far = stream["ahead_m"]
            stream["share"] = share
            stream["ahead_m"] = (near + 2, near + 2 + (far - near) * reach)
            stream["left_m"] = tuple(v + aside for v in stream["left_m"])
    document["ground"]["height_m"] = float(rng.uniform(-2, -1.4))
    return Profile.model_validate(document)


def knobs(profile: Profile) -> dict[str, float]:
    """The true value of every knob that a fit reports."""
    rng = np.random.default_rng(0)
    truth = {
        "density.mean": profile.density.mean,
        "density.dispersion": profile.density.dispersion,
        "ground.height_m": profile.ground.height_m,
    }
    truth |= {f"mix.{name}": share for name, share in normalised(profile.mix).items()}
    for name, kind in profile.classes.items():
        sides = zip(("length", "width", "height"), kind.size.mean_m, strict=True)
        truth |= {f"classes.{name}.size.{side}_m": mean for side, mean in sides}
        total = sum(stream.share for stream in kind.streams)
        truth |= {f"classes.{name}.{s.heading}": s.share / total for s in kind.streams}
        ahead, left, _ = draw_places(kind, 200_000, rng)
        truth |= {
            f"classes.{name}.ahead_m": _median(ahead),
            f"classes.{name}.left_m": _median(left),
        }
    return truth


def _median(values: F64) -> float:
    return float(np.median(values))


def _rounded(value: float | np.floating[Any]) -> float:
    return round(float(value), 4)
