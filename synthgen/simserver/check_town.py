"""`python -m synthgen.simserver check FILE.xodr`: build a town and say what is in it."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from synthgen.simserver.world.errors import CallError
from synthgen.simserver.world.town_store import TownStore

BAD_USAGE = 2


def main(argv: Sequence[str]) -> int:
    """Print one flat JSON object, or on standard error why there is no town; the exit code."""
    if len(argv) != 1:
        print("check: expected one OpenDRIVE file", file=sys.stderr)  # noqa: T201  # its answer
        return BAD_USAGE
    towns, begun_s = TownStore(None, 0), time.monotonic()
    try:
        town = towns.load(towns.add_file(Path(argv[0])))
    except CallError as err:
        print(err, file=sys.stderr)  # noqa: T201  # its answer
        return BAD_USAGE
    decks_m = town.ground.decks_m
    kinds = Counter(signal.type_id.split(".")[1] for signal in town.signals)
    facts = {
        "spawn_points": len(town.spawn_points),
        "traffic_lights": kinds.pop("traffic_light", 0),
        "signs": kinds.total(),
        "crosswalks": len(town.crosswalks),
        "walkable": bool(town.navmesh),
        "levels": 1 if decks_m is None else 1 + len(decks_m),
        "build_s": round(time.monotonic() - begun_s, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(facts))  # noqa: T201  # its answer
    return 0
