"""What each worker is doing, in small files that whoever shows progress reads."""

from __future__ import annotations

import contextlib
from pathlib import Path

from pydantic import ValidationError

from synthgen.datatypes.clip_job import Record


class SlotState(Record):
    """One worker's state; `doing` is `idle`, `compile`, `boot` or the capture's phase."""

    worker: int
    doing: str
    slot: str = ""
    map: str = ""
    draw: int = 0
    tick: int = 0
    ticks: int = 0
    frames: int = 0


def write_state(run_folder: Path, state: SlotState) -> None:
    """Replace a worker's state; only for people, so a disk that refuses is no fault."""
    path = run_folder / "slots" / f"{state.worker}.state.json"
    partial = path.with_suffix(".partial")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(state.model_dump_json())
        partial.rename(path)


def read_states(run_folder: Path, workers: int) -> list[SlotState]:
    """The states of workers 0 … `workers` - 1; idle where nothing is known."""
    return [_read_state(run_folder, number) for number in range(workers)]


def _read_state(run_folder: Path, worker: int) -> SlotState:
    try:
        text = (run_folder / "slots" / f"{worker}.state.json").read_text()
        return SlotState.model_validate_json(text)
    except (OSError, ValidationError):
        return SlotState(worker=worker, doing="idle")
