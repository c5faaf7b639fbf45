"""Outcomes of rehearsed runs: one line of JSON each, one file a scenario."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def read_outcomes(folder: Path) -> dict[str, dict[str, Any]]:
    """All outcomes of a folder by clip id."""
    lines = [
        json.loads(line)
        for file in sorted(folder.glob("*.jsonl"))
        for line in file.read_text().splitlines()
    ]
    return {outcome["id"]: outcome for outcome in lines}


def add_outcome(folder: Path, scenario: str, outcome: Mapping[str, Any]) -> None:
    """Append an outcome; several processes may do so at once, as a line is one write."""
    line = json.dumps(outcome) + "\n"
    with (folder / f"{scenario}.jsonl").open("ab", buffering=0) as file:
        file.write(line.encode())
