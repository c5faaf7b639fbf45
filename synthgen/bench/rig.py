"""What one rig costs: frames per second of each sensor, and what decoding takes of a capture."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Any, Final

from sensors.rig_file import load_rig, rig_path
from synthgen.bench.measured_run import measured_run
from synthgen.bench.pipeline import report_of

# Not imported: its runner imports carla, which this process has no need of.
_SHORT_CAPTURE: Final = "synthgen.bench.short_capture"
FRAMES_VARIABLE: Final = "SYNTHGEN_BENCH_FRAMES"


def bench_rig(config_file: Path, folder: Path, *, rig: str, frames: int) -> dict[str, float]:
    """Make so many captures of a config's first clip with a rig, and count.

    Args:
        config_file: Generation config.
        folder: Where the dataset goes; new or empty.
        rig: Rig file, or the name of one that comes with synthgen.
        frames: Captures to make; the run ends with them.

    Raises:
        ConfigError: The rig is wrong.
        SimulatorError: The clip failed.
    """
    file = rig_path(rig).absolute()
    os.environ[FRAMES_VARIABLE] = str(frames)
    given: dict[str, Any] = {"executor": "inline", "workers": 1, "rig": str(file)}
    run = measured_run(config_file, folder / "rig", clips=1, capture_module=_SHORT_CAPTURE, **given)
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
