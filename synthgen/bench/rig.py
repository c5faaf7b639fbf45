"""What one rig costs: frames per second of each sensor, and what decoding takes of a capture."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

from sensors.rig_file import load_rig, rig_path
from synthgen.bench.measured_run import measured_run
from synthgen.bench.pipeline import report_of
from synthgen.campaign.config import load_config


def bench_rig(config_file: Path, folder: Path, *, rig: str, frames: int) -> dict[str, float]:
    """Make one clip of a config with a rig, of about so many captures, and count.

    Args:
        config_file: Generation config.
        folder: Where the dataset goes; new or empty.
        rig: Rig file, or the name of one that comes with synthgen.
        frames: Captures of the clip; the capture period follows from them.

    Raises:
        ConfigError: The rig is wrong.
        SimulatorError: The clip failed.
    """
    file = rig_path(rig).absolute()
    capture = load_config(config_file).capture
    ticks = round(capture.duration_s / capture.tick_s)
    period = max(1, min(100, ticks // frames))
    given: dict[str, Any] = {
        "executor": "inline",
        "workers": 1,
        "rig": str(file),
        "capture": capture.model_copy(update={"period_ticks": period}).model_dump(),
    }
    run = measured_run(config_file, folder / "rig", clips=1, **given)
    report = report_of(run.receipts)
    seconds = run.receipts[0]["seconds"]
    capturing_s = sum(seconds.get(phase, 0.0) for phase in ("render", "transfer", "decode"))
    report |= {
        "decode_share_of_capture": round(seconds.get("decode", 0.0) / capturing_s, 4),
        "largest_process_mb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
    }
    # All sensors of a capture are of one frame, so each keeps the pace of the whole.
    for sensor in load_rig(file).sensors:
        if sensor.modality in ("camera", "lidar", "radar"):
            report[f"frames_per_s.{sensor.name}"] = report["frames_per_s"]
    return report
