"""A capture program that obeys the contract of `synthgen.datatypes.clip_job` without a simulator.

It writes clips whose bytes depend on the job alone, slowly enough to be killed half-way. Slots
misbehave by their number if `FAKE_CAPTURE` (a JSON object) says so: `{"crash": [3], "hang": [5],
"flaky": [1, 2], "reject": [4], "ticks": 20, "tick_s": 0.02}`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from synthgen.datatypes.clip_job import EXIT_SIM_FAULT, ClipJob, Heartbeat, Receipt
from synthgen.errors import OutputError
from synthgen.store.clip_writer import file_list
from synthgen.store.commit import commit_clip, staged_clip

FRAME_BYTES = 64 * 1024


def main() -> int:
    """Make one clip."""
    parser = argparse.ArgumentParser()
    for name in ("job", "staging", "heartbeat", "receipt"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("server", "tm-port"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    job = ClipJob.model_validate_json(options.job.read_bytes())
    habits = json.loads(os.environ.get("FAKE_CAPTURE", "{}"))
    try:
        status = make_clip(job, options, habits)
    except (OutputError, OSError) as err:
        sys.stderr.write(f"{err}\n")
        return OutputError.exit_code
    receipt = Receipt(clip_id=job.clip_id, status=status, frames=habits.get("ticks", 20), boxes2d=7)
    options.receipt.write_text(receipt.model_dump_json(by_alias=True))
    return EXIT_SIM_FAULT if status == "fault" else 0


def make_clip(job: ClipJob, options: argparse.Namespace, habits: dict[str, Any]) -> Any:
    """Stage and commit the clip's files; misbehave on the way if told so."""
    ticks = habits.get("ticks", 20)
    with staged_clip(options.staging, job.clip_id) as folder:
        seed = hashlib.sha256(job.clip_id.encode()).digest()
        with write_file(folder / "frames.bin") as frames:
            for tick in range(ticks):
                beat(options.heartbeat, Heartbeat(phase="run", tick=tick, ticks=ticks, frames=tick))
                misbehave(job, tick, habits)
                frames.write(hashlib.sha256(seed + bytes([tick])).digest() * (FRAME_BYTES // 32))
                time.sleep(habits.get("tick_s", 0.02))
        if job.draw == 0 and job.slot.k in habits.get("reject", []):
            return "rejected"
        facts = {"slot": job.slot.model_dump(), "draw": job.draw, "files": file_list(folder)}
        (folder / "clip.json").write_text(json.dumps(facts, sort_keys=True))
        beat(options.heartbeat, Heartbeat(phase="commit"))
        commit_clip(folder, Path(job.dataset), job.clip_id)
    return "accepted"


def write_file(path: Path) -> Any:
    """A new binary file."""
    return path.open("xb")


def misbehave(job: ClipJob, tick: int, habits: dict[str, Any]) -> None:
    """Crash, hang or be flaky, as the slot's number asks."""
    k = job.slot.k
    if tick == 7 and k in habits.get("crash", []):
        os.kill(os.getpid(), signal.SIGSEGV)
    if tick == 9 and k in habits.get("hang", []):
        time.sleep(3600)
    if tick == 4 and k in habits.get("flaky", []):
        marker = Path(job.dataset) / "run" / f"flaky-{job.slot.name}"
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGABRT)


def beat(path: Path, heartbeat: Heartbeat) -> None:
    """Replace the heartbeat."""
    partial = path.with_suffix(".partial")
    partial.write_text(heartbeat.model_dump_json())
    partial.rename(path)


if __name__ == "__main__":
    sys.exit(main())
