"""The coverage ledger of a data set: which kinds of encounter it holds, and which are missing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

TTC_EDGES_S = (0.5, 1.0, 1.5, 3.0)
PET_EDGES_S = (0.5, 1.0, 2.0)
REVEAL_EDGES_S = (1.0, 1.6, 2.5)


@dataclass(frozen=True, order=True, slots=True)
class Cell:
    """One kind of encounter: scenario, map, light, bins of min TTC and of reveal, who is first."""

    scenario: str
    map_name: str
    light: str
    ttc: str
    reveal: str
    first: str


def ledger(dataset: Path) -> dict[Cell, int]:
    """Clips of a data set by kind of encounter."""
    return dict(sorted(Counter(_cells(dataset)).items()))


def filled_share(cells: dict[Cell, int]) -> float:
    """Share of the cells that are filled, of all combinations of what occurs on each axis."""
    axes: list[set[str]] = [set() for _ in Cell.__slots__]
    for cell in cells:
        for axis, name in zip(axes, Cell.__slots__, strict=True):
            axis.add(getattr(cell, name))
    total = 1
    for axis in axes:
        total *= max(len(axis), 1)
    return len(cells) / total


def _cells(dataset: Path) -> Iterable[Cell]:
    for file in sorted(dataset.glob("clips/*/*/clip.json")):
        manifest = json.loads(file.read_text())
        scenario = json.loads(file.with_name("scenario.json").read_text())
        concrete = scenario.get("concrete", scenario)
        metrics = manifest["outcome"]["metrics"]
        yield Cell(
            scenario=manifest["slot"]["scenario"],
            map_name=manifest["map"]["name"],
            light=_light(float(concrete["weather"]["sun_altitude_rad"])),
            ttc=_bin(_find(metrics, "min_ttc_s"), TTC_EDGES_S),
            reveal=_bin(_find(metrics, "first_visible_ttc_s"), REVEAL_EDGES_S),
            first=_first(concrete),
        )


def kind_of(metrics: Mapping[str, float]) -> tuple[str, str, str]:
    """Bins of min TTC, of PET and of the reveal of one run's metrics."""
    return (
        _bin(_find(metrics, "min_ttc_s"), TTC_EDGES_S),
        _bin(_find(metrics, "pet_s"), PET_EDGES_S),
        _bin(_find(metrics, "first_visible_ttc_s"), REVEAL_EDGES_S),
    )


def _find(metrics: Mapping[str, float], measure: str) -> float | None:
    return next((v for k, v in sorted(metrics.items()) if k.endswith(f".{measure}")), None)


def _bin(value: float | None, edges: tuple[float, ...]) -> str:
    if value is None:
        return "none"
    above = [edge for edge in edges if value >= edge]
    return f"from {above[-1]:g} s" if above else f"below {edges[0]:g} s"


def _light(altitude_rad: float) -> str:
    return "night" if altitude_rad < 0 else "low sun" if altitude_rad < 0.3 else "day"


def _first(concrete: dict[str, object]) -> str:
    actors = concrete.get("actors")
    assert isinstance(actors, list)
    for actor in actors:
        for step in actor["behaviours"]:
            if step.get("meet"):
                return "actor" if step["meet"]["offset_s"] > 0 else "ego"
    return "none"
