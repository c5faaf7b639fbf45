"""Small scenarios and maps for tests of the scenarios."""

from __future__ import annotations

from pathlib import Path

from scenarios.placement import MapIndex, load_index

ROOT = Path(__file__).resolve().parents[3]
LIBRARY = ROOT / "scenarios" / "library"
TOWNS = ROOT / "synthgen" / "simserver" / "maps" / "towns"


def town(name: str = "SynthDowntown") -> MapIndex:
    """The index of a town of ours."""
    return load_index(TOWNS / f"{name}.xodr", name)
