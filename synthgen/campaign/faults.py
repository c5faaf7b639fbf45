"""What went wrong with an attempt, by evidence, and what follows from it.

| kind | evidence | consequence |
| --- | --- | --- |
| config | the job or the server's version is wrong | the run stops |
| disk | the disk refused | the run pauses, then stops so that it can be resumed |
| host | the simulator did not start | the slot backs off; never counted against a clip |
| outside | a process was killed by something that is not ours | tried again |
| simulator | crash, hang or fault while a clip was made | tried again; counted by signature |
"""

from __future__ import annotations

import enum
import json
import logging
from collections import Counter, defaultdict
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from synthgen.datatypes.clip_job import Record, Slot

logger = logging.getLogger(__name__)

# The same signature this often is the clip's own fault; each time on another server.
MAX_SAME_SIGNATURE: Final = 3
MAX_SIMULATOR_FAULTS: Final = 12
# Kills from outside say nothing of a clip, unless it is what makes the kernel run out of memory.
MAX_OUTSIDE_FAULTS: Final = 40


class FaultKind(enum.StrEnum):
    """Whose fault it was."""

    CONFIG = "config"
    DISK = "disk"
    HOST = "host"
    OUTSIDE = "outside"
    SIMULATOR = "simulator"


class Fault(Record):
    """One failed attempt.

    `signature` is equal for failures that look the same; `log` is the end of what the process said.
    """

    kind: FaultKind
    signature: str
    message: str
    incarnation: str = ""
    log: str = ""


class JournalLine(Record):
    """One line of `run/faults.jsonl`."""

    slot: Slot
    fault: Fault


class FaultBook:
    """Counts faults per slot; a journal carries them over to a resumed run."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._faults: dict[Slot, list[Fault]] = defaultdict(list)
        self.by_kind: Counter[FaultKind] = Counter()
        for line in _lines(journal):
            try:
                entry = JournalLine.model_validate_json(line)
            except ValidationError:
                logger.warning("%s: skipped a torn line", journal)
                continue
            self._faults[entry.slot].append(entry.fault)

    def add(self, slot: Slot, fault: Fault) -> None:
        """Count a fault. The journal is advice for later runs; the disk may refuse it."""
        self._faults[slot].append(fault)
        self.by_kind[fault.kind] += 1
        line = JournalLine(slot=slot, fault=fault).model_dump(mode="json")
        try:
            with self._journal.open("a") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as err:
            logger.warning("%s: cannot write: %s", self._journal, err.strerror)

    def of(self, slot: Slot) -> list[Fault]:
        """The faults of a slot so far."""
        return list(self._faults[slot])

    def verdict(self, slot: Slot) -> str | None:
        """Why a slot is hopeless, or None while it is not."""
        faults = self._faults[slot]
        counted = [f for f in faults if f.kind is FaultKind.SIMULATOR]
        servers: dict[str, set[str]] = defaultdict(set)
        for fault in counted:
            servers[fault.signature].add(fault.incarnation)
        for signature, incarnations in sorted(servers.items()):
            times = sum(f.signature == signature for f in counted)
            if times >= MAX_SAME_SIGNATURE and len(incarnations) >= 2:
                return f"failed {times} times in the same way on fresh servers: {signature}"
        if len(counted) >= MAX_SIMULATOR_FAULTS:
            return f"failed {len(counted)} times in different ways"
        outside = sum(f.kind is FaultKind.OUTSIDE for f in faults)
        if outside >= MAX_OUTSIDE_FAULTS:
            return f"its processes were killed {outside} times; does the host run out of memory?"
        return None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except FileNotFoundError:
        return []
