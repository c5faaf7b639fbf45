"""How fast a scenario becomes labelled frames, and where the wall time goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from synthgen.campaign.config import load_config, project_root
from synthgen.campaign.progress import make_progress
from synthgen.campaign.run import RunOptions, run_campaign
from synthgen.errors import SimulatorError

# Phases of a capture process (`synthgen.runner`) under the names of this bench. Encoding runs in
# a thread of its own beside the others, so the shares may add up to more than one.
_SHARES: Final = {
    "share_simulate": ("simulate", "spawn", "load"),
    "share_render": ("render",),
    "share_transfer": ("transfer", "decode"),
    "share_label": ("label",),
    "share_encode": ("encode",),
    "share_write": ("write", "hash", "commit"),
}


def bench_pipeline(
    config_file: Path, folder: Path, *, clips: int, rig: str | None = None
) -> dict[str, float]:
    """Make some clips of a config inline on the embedded server and count.

    Args:
        config_file: Generation config.
        folder: Where the dataset goes; new or empty.
        clips: How many clips to make.
        rig: Rig file that replaces the config's, or None.

    Raises:
        SimulatorError: A clip failed.
    """
    config = load_config(
        config_file,
        out=str(folder / "dataset"),
        executor="inline",
        workers=1,
        previews=False,
        exports=(),
        rig=rig,
    )
    progress = make_progress("plain")
    try:
        code = run_campaign(config, project_root(config_file), progress, RunOptions(limit=clips))
    finally:
        progress.close()
    if code:
        raise SimulatorError(f"the bench's run ended with exit code {code}")
    receipts = [
        json.loads(path.read_bytes())
        for path in sorted((folder / "dataset/run/receipts").glob("*.json"))
    ]
    return report_of(receipts)


def report_of(receipts: list[dict[str, Any]]) -> dict[str, float]:
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
