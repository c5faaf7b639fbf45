"""How often an attempt became a clip, by scenario, with its uncertainty."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any, Final

from synthgen.errors import DatasetError
from synthgen.store.commit import committed_manifests

_Z95: Final = 1.959964


def wilson(hits: int, attempts: int) -> tuple[float, float]:
    """The 95 % score interval of a share. Source: Wilson, JASA 22 (1927) 209."""
    if attempts == 0:
        return 0.0, 1.0
    p, z2 = hits / attempts, _Z95**2
    middle = (p + z2 / (2 * attempts)) / (1 + z2 / attempts)
    half = _Z95 * math.sqrt(p * (1 - p) / attempts + z2 / (4 * attempts**2)) / (1 + z2 / attempts)
    return middle - half, middle + half


def hit_rates(dataset: Path) -> dict[str, dict[str, Any]]:
    """Attempts and accepted clips of each scenario, and why the others were rejected.

    An attempt is a draw that went to the simulator; draws that placement or the pre-screen refused
    are none.

    Raises:
        DatasetError: A record cannot be read.
    """
    accepted: Counter[str] = Counter()
    rejected: dict[str, Counter[str]] = {}
    for path in committed_manifests(dataset):
        accepted[_read(path)[0]] += 1
    for path in sorted((dataset / "rejected").glob("*.json")):
        scenario, record = _read(path)
        if record.get("stage") == "verify":
            reasons = rejected.setdefault(scenario, Counter())
            reasons[str(record.get("reason")).split("; ")[0]] += 1
    return {
        name: _rate(accepted[name], rejected.get(name, Counter()))
        for name in sorted({*accepted, *rejected})
    }


def _rate(hits: int, reasons: Counter[str]) -> dict[str, Any]:
    attempts = hits + reasons.total()
    low, high = wilson(hits, attempts)
    return {
        "attempts": attempts,
        "hits": hits,
        "hit_rate": round(hits / attempts, 4),
        "wilson_low": round(low, 4),
        "wilson_high": round(high, 4),
        "rejected": dict(sorted(reasons.items())),
    }


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    """The scenario that a record is about, and the record."""
    try:
        record: dict[str, Any] = json.loads(path.read_bytes())
        return str(record["slot"]["scenario"]), record
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise DatasetError(f"{path}: expected a record of a slot: {err!r}") from err
