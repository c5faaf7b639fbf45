"""One run in a process of its own, so that the driver's own CPU time and memory can be read.

`python -m synthgen.bench.measured_run CONFIG OVERRIDES LIMIT [CAPTURE_MODULE]` makes clips and ends
with a line of JSON.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from synthgen.campaign.config import load_config, project_root
from synthgen.campaign.progress import PlainProgress
from synthgen.campaign.run import RunOptions, run_campaign
from synthgen.errors import SimulatorError


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """What a run cost its driver, and the receipts of its clips."""

    exit_code: int
    wall_s: float
    driver_cpu_s: float
    driver_rss_mb: float
    receipts: tuple[dict[str, Any], ...] = ()


def measured_run(
    config_file: Path,
    out: Path,
    *,
    clips: int,
    capture_module: str | None = None,
    **overrides: Any,
) -> MeasuredRun:
    """Make some clips of a config into a new folder, without previews and exports.

    Args:
        config_file: Generation config.
        out: Where the dataset goes.
        clips: How many clips to make.
        capture_module: Capture program instead of `synthgen.runner`.
        overrides: Fields of the config, as JSON can hold them.

    Raises:
        SimulatorError: A clip failed.
    """
    fields = {"out": str(out), "previews": False, "exports": [], **overrides}
    command = [sys.executable, "-m", __name__, str(config_file), json.dumps(fields), str(clips)]
    if capture_module is not None:
        command.append(capture_module)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SimulatorError(f"the bench's run of {config_file} ended with code {done.returncode}")
    receipts = sorted((out / "run/receipts").glob("*.json"))
    return MeasuredRun(
        **json.loads(done.stdout.splitlines()[-1]),
        receipts=tuple(json.loads(path.read_bytes()) for path in receipts),
    )


def _run(config_file: Path, overrides: Mapping[str, Any], clips: int, capture: str | None) -> int:
    config = load_config(config_file, **overrides)
    command = None if capture is None else (sys.executable, "-m", capture)
    options = RunOptions(limit=clips, capture_command=command)
    started = time.monotonic()
    code = run_campaign(config, project_root(config_file), PlainProgress(), options)
    own = resource.getrusage(resource.RUSAGE_SELF)
    found = MeasuredRun(
        exit_code=code,
        wall_s=round(time.monotonic() - started, 3),
        driver_cpu_s=round(own.ru_utime + own.ru_stime, 3),
        driver_rss_mb=round(own.ru_maxrss / 1024, 1),
    )
    cost = {name: value for name, value in asdict(found).items() if name != "receipts"}
    sys.stdout.write(json.dumps(cost) + "\n")
    return code


if __name__ == "__main__":
    _, file, fields, limit, *module = sys.argv
    sys.exit(_run(Path(file), json.loads(fields), int(limit), module[0] if module else None))
