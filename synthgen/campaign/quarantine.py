"""Slots that could not be filled: why, and how to see it again."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from synthgen.campaign.faults import Fault
from synthgen.campaign.plan import Plan
from synthgen.datatypes.clip_job import Slot
from synthgen.store.durable import write_durably
from synthgen.store.layout import readable_json

QUARANTINE_SCHEMA: Final = "synthgen/quarantine@1"
_MAX_FAULTS: Final = 12


def write_quarantine(
    dataset: Path, plan: Plan, slot: Slot, reason: str, faults: list[Fault]
) -> None:
    """Record a slot that was given up, with the faults that led to it."""
    record = {
        "schema": QUARANTINE_SCHEMA,
        "slot": slot.model_dump(),
        "seed": plan.seed,
        "reason": reason,
        "faults": [fault.model_dump(mode="json") for fault in faults[-_MAX_FAULTS:]],
        "try_again": f"rm {dataset}/quarantine/{slot.name}.json, then run with --resume",
    }
    write_durably(dataset / "quarantine" / f"{slot.name}.json", readable_json(record))


def quarantined_slots(dataset: Path) -> set[str]:
    """Names of the slots that were given up."""
    return {path.stem for path in dataset.glob("quarantine/*.json")}
