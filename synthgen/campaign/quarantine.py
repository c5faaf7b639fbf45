"""Slots that could not be filled: why, and how to see it again."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from shlex import quote
from typing import Final

from synthgen.campaign.faults import Fault
from synthgen.campaign.plan import Plan
from synthgen.datatypes.clip_job import ClipJob, Slot
from synthgen.store.durable import write_durably
from synthgen.store.layout import readable_json

QUARANTINE_SCHEMA: Final = "synthgen/quarantine@1"
_MAX_FAULTS: Final = 12


def write_quarantine(
    dataset: Path,
    plan: Plan,
    slot: Slot,
    reason: str,
    faults: list[Fault],
    *,
    can_try_again: bool,
) -> None:
    """Record a slot that was given up, with the faults that led to it.

    Args:
        dataset: Folder of the dataset.
        plan: Its plan.
        slot: What was given up.
        reason: Why.
        faults: What went wrong in its attempts, oldest first.
        can_try_again: False where all its draws were rejected: they would be so again.
    """
    record_path = dataset / "quarantine" / f"{slot.name}.json"
    record = {
        "schema": QUARANTINE_SCHEMA,
        "slot": slot.model_dump(),
        "seed": plan.seed,
        "reason": reason,
        "faults": [fault.model_dump(mode="json") for fault in faults[-_MAX_FAULTS:]],
        "reproduce": _reproduce(dataset, plan, slot),
        "try_again": f"rm {quote(str(record_path))}, then run with --resume"
        if can_try_again
        else "the same draws would be rejected: change the scenario or the seed, and choose "
        "another --out",
    }
    write_durably(record_path, readable_json(record))


def keep_job(run_folder: Path, job_file: Path, job: ClipJob) -> None:
    """Keep the job of a failed attempt, so that the failure can be seen again by hand."""
    target = _job_path(run_folder, job.slot, job.draw)
    with contextlib.suppress(OSError):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(job_file, target)


def _job_path(run_folder: Path, slot: Slot, draw: int) -> Path:
    return run_folder / "faults" / f"{slot.name}.{draw}.job.json"


def _reproduce(dataset: Path, plan: Plan, slot: Slot) -> list[str]:
    """Commands that make the slot's last failed attempt again: a server, then a capture process."""
    jobs = sorted((dataset / "run" / "faults").glob(f"{slot.name}.*.job.json"))
    if not jobs:
        return []
    map_name = next(task.map.name for task in plan.slots if task.slot == slot)
    maps = quote(str(dataset / "run" / "maps"))
    server = (
        f"python -m synthgen.simserver --port 20000 --maps-dir {maps} --map {map_name} "
        f"--synchronous --fixed-delta {plan.capture.tick_s!r} --quality-level "
        f"{plan.simulator.quality}"
    )
    capture = (
        f"python -m synthgen.runner --job {quote(str(jobs[-1]))} --server 127.0.0.1:20000 "
        "--tm-port 20003 --staging /tmp/staging --heartbeat /tmp/heartbeat.json "
        "--receipt /tmp/receipt.json"
    )
    return [server, capture] if plan.simulator.kind == "embedded" else [capture]


def quarantined_slots(dataset: Path) -> set[str]:
    """Names of the slots that were given up."""
    return {path.stem for path in dataset.glob("quarantine/*.json")}
