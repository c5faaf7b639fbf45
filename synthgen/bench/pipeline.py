"""How fast a scenario becomes labelled frames, and where the wall time goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from synthgen.bench.measured_run import MeasuredRun, measured_run
from synthgen.bench.spin import two_core_speed_up
from synthgen.campaign.config import load_config

_BARE_CAPTURE: Final = "synthgen.bench.bare_capture"

# Phases of a capture process (`synthgen.runner`) under the names of this bench. Encoding and
# part of labelling run in threads beside the others, so the shares may add up to more than one.
_SHARES: Final = {
    "share_simulate": ("simulate", "spawn", "load"),
    "share_render": ("render",),
    "share_transfer": ("transfer", "decode"),
    "share_label": ("label", "label_live"),
    "share_encode": ("encode",),
    "share_write": ("write", "hash", "commit"),
}


def bench_pipeline(config_file: Path, folder: Path, *, clips: int) -> dict[str, float]:
    """Make some clips of a config inline on the embedded server and count.

    Args:
        config_file: Generation config.
        folder: Where the datasets go; new or empty.
        clips: How many clips to make of each kind.

    Raises:
        SimulatorError: A clip failed.
    """
    given: dict[str, Any] = {"executor": "inline", "workers": 1}
    ours = measured_run(config_file, folder / "ours", clips=clips, **given)
    bare = measured_run(
        config_file, folder / "bare", clips=clips, capture_module=_BARE_CAPTURE, **given
    )
    return {
        **report_of(ours.receipts),
        "overhead_vs_bare_capture": round(_capture_s(ours) / _capture_s(bare), 3),
        "driver_cpu_share": round(ours.driver_cpu_s / ours.wall_s, 4),
        "driver_rss_mb": ours.driver_rss_mb,
    }


def bench_scaling(config_file: Path, folder: Path, *, clips: int) -> dict[str, float]:
    """Clips per hour of two slots against one, each slot pinned to a core of its own.

    Starting up is left out: a clip's time runs from when its slot gets it to its commit. No program
    can gain more than the host's cores give, which is measured before and after.
    """
    simulator = {**load_config(config_file).simulator.model_dump(mode="json"), "threads": 1}
    given: dict[str, Any] = {"executor": "inline", "simulator": simulator, "pin_slots": True}
    speed_ups = [two_core_speed_up()]
    one = measured_run(config_file, folder / "one", clips=clips, workers=1, **given)
    two = measured_run(config_file, folder / "two", clips=2 * clips, workers=2, **given)
    speed_ups.append(two_core_speed_up())
    scaling = _clips_per_hour(two) / _clips_per_hour(one)
    ceiling = sum(speed_ups) / len(speed_ups)
    return {
        "clips_per_hour_1_slot": round(_clips_per_hour(one), 2),
        "clips_per_hour_2_slots": round(_clips_per_hour(two), 2),
        "scaling_2_slots": round(scaling, 3),
        "scaling_2_bare_loops": round(ceiling, 3),
        "scaling_share_of_bare_loops": round(scaling / ceiling, 3),
    }


def _capture_s(run: MeasuredRun) -> float:
    """Seconds that the capture processes spent on accepted clips."""
    return float(sum(receipt["seconds"]["total"] for receipt in run.receipts))


def _clips_per_hour(run: MeasuredRun) -> float:
    """The slots' rates, added up."""
    busy_s: dict[int, list[float]] = {}
    for receipt in run.receipts:
        busy_s.setdefault(receipt["worker"], []).append(receipt["wall_s"])
    return sum(3600 * len(walls) / sum(walls) for walls in busy_s.values())


def report_of(receipts: Sequence[dict[str, Any]]) -> dict[str, float]:
    """One flat report over the receipts of accepted clips."""
    wall_s = sum(receipt["wall_s"] for receipt in receipts)
    total = {
        name: sum(receipt[name] for receipt in receipts) for name in ("frames", "boxes2d", "bytes")
    }
    report = {
        "clips": len(receipts),
        "frames": total["frames"],
        "wall_s": round(wall_s, 2),
        "frames_per_s": round(total["frames"] / wall_s, 3),
        "boxes2d_per_s": round(total["boxes2d"] / wall_s, 3),
        "mb_per_s": round(total["bytes"] / 1e6 / wall_s, 3),
    }
    for share, phases in _SHARES.items():
        seconds = sum(r["seconds"].get(phase, 0.0) for r in receipts for phase in phases)
        report[share] = round(seconds / wall_s, 4)
    return report
