"""What was played so far, kept so that a bench can be continued."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from synthgen.bench.chaos.verify import Findings

_FILE: Final = "rounds.jsonl"


@dataclass(frozen=True, slots=True)
class Round:
    """One dataset made under fire, or in peace.

    `kills` names the kind of each process that was killed, `recoveries_s` the seconds from a kill
    to the next commit, `clip_s` the median time of a clip, `gone_s` how long after the driver's end
    its last process went.
    """

    findings: Findings
    kills: tuple[str, ...]
    recoveries_s: tuple[float, ...]
    commits: int
    orphans: int
    clip_s: float
    gone_s: float


_ROUND: Final = TypeAdapter(Round)


def load_rounds(folder: Path) -> list[Round]:
    """The rounds kept in a folder, the one in peace first; empty if there are none."""
    path = folder / _FILE
    if not path.exists():
        return []
    return [_ROUND.validate_json(line) for line in path.read_text().splitlines()]


def save_round(folder: Path, played: Round) -> None:
    """Keep one more round."""
    with (folder / _FILE).open("a") as file:
        file.write(_ROUND.dump_json(played).decode() + "\n")
