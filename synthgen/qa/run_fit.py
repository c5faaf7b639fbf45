"""`synthgen fit`: writes a profile, the part of it that scenarios can include, and its history."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

import synthgen
from synthgen.errors import DatasetError, OutputError
from synthgen.qa.canonical import canonical, view_of, vocabulary
from synthgen.qa.closed_loop import closed_loop
from synthgen.qa.dry_run import quantile_draw
from synthgen.qa.estimators import LEVEL
from synthgen.qa.fit import Mode, RealLabels, covering
from synthgen.qa.outputs import write_json
from synthgen.qa.policy import Policy
from synthgen.qa.profile import Profile, hand_default, merged_classes, normalised
from synthgen.qa.sources import open_source

LEAST_BOXES = 100
_ON_FOOT = ("pedestrian",)
# Between a woman of the 1st percentile (1.49 m, ANSUR II) and CARLA's tallest child (1.3 m).
_CHILD_BELOW_M = 1.4
# Scenario files name vehicles as CARLA does.
_KIND = {"cyclist": "bicycle"}


def run_fit(real: Path, out: Path, *, mode: Mode = "match", seed: int = 0) -> dict[str, Any]:
    """Fit a profile to a real labelled set.

    Writes `out`, beside it `<stem>.scenario.yaml` for `include:` of scenario files, and
    `<stem>.history.json`.

    Args:
        real: Data set with 3D boxes and a camera.
        out: YAML file to write.
        mode: `match` for sets that shall resemble the real one, `cover` for training sets.
        seed: Of splits and dry runs.

    Raises:
        DatasetError: The set cannot be read, or holds too little to fit to.
        OutputError: The files cannot be written.
    """
    source = open_source(real)
    view = view_of(source.frames)
    if view is None:
        raise DatasetError(f"{real}: a fit needs frames with a camera, none has one")
    policy = Policy()
    tables = canonical(
        source.frames, view=view, policy=policy, classes=vocabulary([source.kind]),
        level_mount=False,
    )  # fmt: skip
    solid = int(np.isfinite(tables.boxes["length_m"]).sum())
    if solid < LEAST_BOXES:
        raise DatasetError(f"{real}: expected {LEAST_BOXES} boxes with a size, found {solid}")
    moved = {"bus": "truck"} if source.kind.startswith("kitti") else {}
    rng = np.random.default_rng(seed)
    labels = RealLabels(tables.boxes, tables.frames, view, policy)
    loop = closed_loop(labels, merged_classes(hand_default(), moved), rng, name=out.stem)
    fitted = covering(loop.profile) if mode == "cover" else loop.profile
    provenance = {
        "dataset": real.name, "sequences": tables.boxes.sequences, "frames": len(tables.frames),
        "boxes": solid, "mode": mode, "level": LEVEL, "seed": seed,
        "generator_version": synthgen.__version__,
    }  # fmt: skip
    fitted = Profile.model_validate({**fitted.document(), "provenance": provenance})
    fragment = out.with_name(f"{out.stem}.scenario.yaml")
    history = out.with_name(f"{out.stem}.history.json")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(profile_text(fitted))
        fragment.write_text(scenario_fragment(fitted))
        write_json(history, {"schema": "synthgen/fit-history@1", "steps": list(loop.steps)})
    except OSError as err:
        raise OutputError(f"{out}: cannot write: {err.strerror}") from err
    return {
        "profile": str(out),
        "scenario": str(fragment),
        "history": str(history),
        "sequences": len(tables.boxes.sequences),
        "boxes": solid,
        "auc_first": loop.steps[0]["auc"],
        "auc_last": loop.steps[-1]["auc"],
        "left_out": source.left_out,
        "not_readable": source.problems,
    }


def profile_text(profile: Profile) -> str:
    """The profile as YAML, numbers rounded to four decimals."""
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 100
    stream = io.StringIO()
    yaml.dump(_plain(profile.document()), stream)
    return (
        "# Written by `synthgen fit`; docs/qa.md tells what each part means.\n" + stream.getvalue()
    )


def scenario_fragment(profile: Profile) -> str:
    """What a scenario file can include: ambient traffic per kilometre of lane and of pavement.

    A profile counts what a camera sees on a road with one lane and one pavement on each side; the
    density is that count over twice the distance within which 95 % of the objects are.
    """
    mix = normalised(profile.mix)
    density = {}
    for key, chosen in (("vehicles", False), ("pedestrians", True)):
        names = [n for n in mix if (n in _ON_FOOT) == chosen and mix[n] > 0]
        share = sum(mix[n] for n in names)
        reach_km = max((_reach_m(profile, n) for n in names), default=50.0) / 1000
        density[key] = profile.density.mean * share / (2 * reach_km)
    counted = profile.evidence.get("density.mean")
    told = (
        f"# objects in view: {counted.value:.2f}, {counted.interval[0]:.2f} to "
        f"{counted.interval[1]:.2f}, from {counted.boxes} boxes of {counted.sequences} sequences\n"
        if counted
        else ""
    )
    return (
        f"# Ambient traffic of profile {profile.name}; use it by `include: [THIS FILE]`.\n{told}"
        f"schema: synthgen/scenario@1\ntraffic:\n"
        f'  vehicles: "{density["vehicles"]:.2f} /km"\n'
        f'  pedestrians: "{density["pedestrians"]:.2f} /km"\n{_mix_line(mix)}'
        f"{_pedestrian_mix_line(profile)}"
    )


def _mix_line(mix: Mapping[str, float]) -> str:
    """The shares of the vehicles among each other, by the names of scenario files."""
    shares = {_KIND.get(n, n): s for n, s in mix.items() if n not in _ON_FOOT and s > 0}
    written = ", ".join(f"{kind}: {share:.4f}" for kind, share in shares.items())
    return f"  mix: {{{written}}}\n" if shares else ""


def _pedestrian_mix_line(profile: Profile) -> str:
    """The share of children, taken as that of pedestrians below a child's height."""
    if not profile.has("pedestrian"):
        return ""
    size = profile.classes["pedestrian"].size
    below = (_CHILD_BELOW_M - size.mean_m[2]) / max(size.sd_m[2], 1e-6)
    children = 0.5 * (1 + math.erf(below / math.sqrt(2)))
    return f"  pedestrian_mix: {{adult: {1 - children:.4f}, child: {children:.4f}}}\n"


def _reach_m(profile: Profile, name: str) -> float:
    streams = profile.classes[name].streams
    return max(float(quantile_draw(s.ahead_m, np.array([0.95]))[0]) for s in streams)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
