"""What to change, and how much nearer it is expected to bring the synthetic set.

Only causes that a config can turn are named; pixel sizes, occlusion and the like follow from them.
The class mix comes first, since it drags all else along; then the others by their effect within
classes. Each is tried out: a dry run of the synthetic set's own profile with that one part taken
from the real set's. The fall of the classifier's AUC is the predicted gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from synthgen.errors import ConfigError
from synthgen.geometry.arrays import I64
from synthgen.qa.dry_run import dry_run
from synthgen.qa.fit import RealLabels, fit
from synthgen.qa.label_features import LABEL_FEATURES
from synthgen.qa.policy import Policy
from synthgen.qa.profile import Profile, View, hand_default
from synthgen.qa.stats.c2st import c2st, sample
from synthgen.qa.stats.effects import counted, distance
from synthgen.qa.tables import CLASSES, Table

LEAST_EFFECT: Final = 0.05
MOST: Final = 5
LEAST_BOXES: Final = 50
LEAST_SHARED: Final = 20  # of one class on both sides, for what is compared within classes
ROWS: Final = 1500


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to change.

    Attributes:
        cause: The column that shows it.
        knob: Where to turn it, in YAML.
        sentence: In plain words.
        change: YAML lines, those removed with `-`, those added with `+`.
        effect: Size of the difference, 0 to 1.
        gain: Predicted fall of the classifier's AUC; None where it could not be tried.
    """

    cause: str
    knob: str
    sentence: str
    change: str
    effect: float
    gain: float | None


def advise(
    tables: dict[str, tuple[Table, Table]],
    gaps: set[str],
    camera: tuple[View | None, Policy, float | None],
    seed: int,
) -> tuple[Advice, ...]:
    """At most five pieces of advice, the most promising first.

    Args:
        tables: Pairs of tables, real and synthetic, by name.
        gaps: Columns that differ by more than the real set's own parts do.
        camera: The common camera, the label policy and the real camera's height.
        seed: Of the dry runs.
    """
    effects = {
        name: effect
        for name, effect in _effects(tables).items()
        if effect >= LEAST_EFFECT and gaps & set(_SHOWN_BY.get(name, (name,)))
    }
    shown = sorted((n for n in effects if n in _LABEL_CAUSES), key=lambda n: -effects[n])
    # The class mix drags the others along, so it comes first.
    order = sorted(shown, key=lambda n: n != "category")[:MOST]
    profiles = _profiles(tables, camera, seed) if order else None
    found = [
        _label_advice(name, effects[name], tables, profiles, camera[1], seed) for name in order
    ]
    found += [_frame_advice(n, effects[n], tables) for n in effects if n in _FRAME_CAUSES]
    found.sort(key=lambda a: (-(a.gain if a.gain is not None else 0.0), -a.effect))
    return tuple(found[:MOST])


_SHOWN_BY: Final = {"size": ("length_m", "width_m", "height_m")}
_LABEL_CAUSES: Final = {
    "category": "mix of the traffic profile",
    "count": "traffic.vehicles, traffic.pedestrians",
    "size": "actors.<class>.model (weights of blueprints)",
    "ahead_m": "scenarios, maps, traffic.keep_clear",
    "left_m": "parked cars and lanes: where.edge_right, where.lanes_same_direction",
    "heading": "scenarios with oncoming and crossing traffic",
}
# Statistic of an image or sweep: knob, and words for more and less of it.
_FRAME_CAUSES: Final = {
    "luminance": ("weather.sun_altitude, camera exposure", "brighter", "darker"),
    "contrast": ("weather.cloud, camera gamma", "richer in contrast", "flatter"),
    "saturation": ("camera saturation", "more colourful", "paler"),
    "sharpness": ("camera blur", "sharper", "softer"),
    "noise": ("camera iso noise", "noisier", "cleaner"),
    "empty_share": ("lidar dropoff_general_rate", "fuller of holes", "denser"),
    "ground_noise_m": ("lidar noise_stddev", "noisier", "cleaner"),
    "points": ("lidar points_per_second, channels", "richer in points", "sparser"),
}


def _effects(tables: dict[str, tuple[Table, Table]]) -> dict[str, float]:
    """Effect of each cause; within classes for those of boxes."""
    boxes, found = tables["boxes"], {}
    if min(len(side) for side in boxes) < LEAST_BOXES:
        return {}
    found["category"] = _effect(boxes, "category", by_class=False)
    if _shared(*boxes).max() >= LEAST_SHARED:
        for name in ("ahead_m", "left_m", "heading"):
            found[name] = _effect(boxes, name, by_class=True)
        sides = [_effect(boxes, f"{s}_m", by_class=True) for s in ("length", "width", "height")]
        found["size"] = float(np.mean(sides))
    found["count"] = _effect(tables["frames"], "count", by_class=False)
    for table in ("images", "lidar"):
        for name in set(_FRAME_CAUSES) & set(tables[table][0].columns if table in tables else ()):
            found[name] = _effect(tables[table], name, by_class=False)
    return dict(sorted(found.items()))


def _effect(pair: tuple[Table, Table], name: str, *, by_class: bool) -> float:
    column = counted(*pair, name, by_class=by_class)
    return float(distance(column, column.real.sum(0), column.synthetic.sum(0)))


@dataclass(frozen=True, eq=False, slots=True)
class _Profiles:
    real: Profile
    synthetic: Profile
    view: View
    boxes: Table
    auc: float


def _profiles(
    tables: dict[str, tuple[Table, Table]],
    camera: tuple[View | None, Policy, float | None],
    seed: int,
) -> _Profiles | None:
    """Profiles of both sides, seen by one camera; None where there is too little to fit."""
    view, policy, mount_height_m = camera
    boxes = tables["boxes"]
    if view is None or min(len(b) for b in boxes) < LEAST_BOXES or mount_height_m is None:
        return None
    if any(np.isnan(b["length_m"]).any() for b in boxes):
        return None
    # Heights were levelled to the road: put the camera back for projecting.
    raised = [b.with_columns({"bottom_m": b["bottom_m"] - mount_height_m}) for b in boxes]
    rng = np.random.default_rng(seed)
    labels = [RealLabels(b, f, view, policy) for b, f in zip(raised, tables["frames"], strict=True)]
    real, synthetic = (fit(side, hand_default(), rng) for side in labels)
    auc = _dry_auc(synthetic, raised[0], view, policy, seed)
    return _Profiles(real, synthetic, view, raised[0], auc)


def _dry_auc(profile: Profile, real: Table, view: View, policy: Policy, seed: int) -> float:
    rng = np.random.default_rng(seed)
    run = dry_run(profile, view, policy, rng, sequences=12, frames=60)
    return c2st(sample(real, run.boxes, LABEL_FEATURES, ROWS, rng), rng, trees=40).auc


def _label_advice(
    name: str,
    effect: float,
    tables: dict[str, tuple[Table, Table]],
    profiles: _Profiles | None,
    policy: Policy,
    seed: int,
) -> Advice:
    sentence, change = _words(name, tables)
    gain = None
    if profiles is not None:
        try:
            patched = _patched(name, profiles)
        except (ConfigError, ValueError):
            patched = None
        if patched is not None:
            auc = _dry_auc(patched, profiles.boxes, profiles.view, policy, seed)
            gain = round(profiles.auc - auc, 3)
    return Advice(name, _LABEL_CAUSES[name], sentence, change, round(effect, 3), gain)


def _patched(name: str, profiles: _Profiles) -> Profile:
    """The synthetic profile with one part of the real one."""
    ours, theirs = profiles.synthetic.document(), profiles.real.document()
    if name == "category":
        ours["mix"] = theirs["mix"]
        for kind in theirs["mix"]:
            ours["classes"].setdefault(kind, theirs["classes"][kind])
    elif name == "count":
        ours["density"] = theirs["density"]
    else:
        for kind in set(ours["classes"]) & set(theirs["classes"]):
            _patch_class(name, ours["classes"][kind], theirs["classes"][kind])
    return Profile.model_validate(ours)


def _patch_class(name: str, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    if name == "size":
        ours["size"] = theirs["size"]
        return
    by_heading = {stream["heading"]: stream for stream in theirs["streams"]}
    if name == "heading":
        ours["streams"] = theirs["streams"]
        return
    keys = ("ahead_m",) if name == "ahead_m" else ("left_m", "far_from_m", "left_far_m")
    for stream in ours["streams"]:
        source = by_heading.get(stream["heading"], {})
        for key in keys:
            stream.pop(key, None) if key in keys[1:] else None
            if key in source:
                stream[key] = source[key]


def _words(name: str, tables: dict[str, tuple[Table, Table]]) -> tuple[str, str]:
    real, synthetic = tables["boxes"]
    if name == "category":
        shares = [np.bincount(t["category"].astype(int), minlength=len(CLASSES)) / max(len(t), 1)
                  for t in (real, synthetic)]  # fmt: skip
        off = int(np.argmax(np.abs(shares[1] - shares[0])))
        sentence = (
            f"Your set has {shares[1][off]:.0%} {CLASSES[off]}s, the real one {shares[0][off]:.0%}."
        )
        lines = [
            f"{sign} mix: {{{_mix_text(s)}}}"  # As in what `synthgen fit` writes.
            for sign, s in zip("-+", shares[::-1], strict=True)
        ]
        return sentence, "\n".join(lines)
    if name == "count":
        means = [float(t["count"].mean()) for t in tables["frames"]]
        ratio = means[0] / max(means[1], 1e-9)
        sentence = f"Your frames hold {means[1]:.1f} objects, the real ones {means[0]:.1f}."
        return sentence, f"  traffic:\n+   # vehicles and pedestrians per km: times {ratio:.2f}"
    if name == "heading":
        along = [float(np.mean(t["heading"] == 0)) for t in (real, synthetic)]
        sentence = f"{along[1]:.0%} of your objects head your way, {along[0]:.0%} in reality."
        return sentence, f"  heading along: {along[1]:.2f} -> {along[0]:.2f}"
    column, less, more = _most_different(name, tables)
    kind = int(np.argmax(_shared(real, synthetic)))
    middle = [float(np.nanmedian(t[column][t["category"] == kind])) for t in (real, synthetic)]
    off_m = middle[1] - middle[0]
    sentence = (
        f"Your {CLASSES[kind]}s are {abs(off_m):.2g} m too {less if off_m < 0 else more} "
        f"(medians {middle[1]:.3g} and {middle[0]:.3g} m)."
    )
    return sentence, f"  {CLASSES[kind]} {column}, median: {middle[1]:.2f} -> {middle[0]:.2f}"


def _shared(real: Table, synthetic: Table) -> I64:
    """(classes,) boxes of each class on the side that has fewer of them."""
    counts = [np.bincount(t["category"].astype(int), minlength=len(CLASSES))
              for t in (real, synthetic)]  # fmt: skip
    return np.minimum(*counts)


def _most_different(name: str, tables: dict[str, tuple[Table, Table]]) -> tuple[str, str, str]:
    """Column that shows the cause, and what less and more of it is called."""
    words = {
        "length_m": ("short", "long"),
        "width_m": ("narrow", "wide"),
        "height_m": ("low", "tall"),
        "ahead_m": ("near", "far away"),
        "left_m": ("far right", "far left"),
    }
    sides = ("length_m", "width_m", "height_m") if name == "size" else (name,)
    column = max(sides, key=lambda side: _effect(tables["boxes"], side, by_class=True))
    return column, *words[column]


def _mix_text(shares: np.ndarray) -> str:
    return ", ".join(f"{n}: {s:.2f}" for n, s in zip(CLASSES, shares.tolist(), strict=True) if s)


def _frame_advice(name: str, effect: float, tables: dict[str, tuple[Table, Table]]) -> Advice:
    table = "images" if name in tables.get("images", ({},))[0].columns else "lidar"  # type: ignore[union-attr]  # a Table where present
    real, synthetic = (float(np.nanmedian(t[name])) for t in tables[table])
    knob, more, less = _FRAME_CAUSES[name]
    what = "images" if table == "images" else "sweeps"
    sentence = f"Your {what} are {more if synthetic > real else less} than the real ones."
    return Advice(
        name, knob, sentence, f"  {name}, median: {synthetic:.3g} -> {real:.3g}",
        round(effect, 3), None,
    )  # fmt: skip
