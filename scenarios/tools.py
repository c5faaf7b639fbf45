"""What `synthgen scenario` does, as functions: list, check, preview, schema, export."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scenarios.loader import check_scenario, load_scenario
from scenarios.spec import ScenarioSpec, json_schema
from scenarios.values import constraint_holds, draw_values, satisfied
from synthgen.errors import ConfigError, ScenarioRejected

if TYPE_CHECKING:
    from scenarios.concrete import ConcreteScenario
    from scenarios.placement.map_index import MapIndex

LIBRARY = Path(__file__).with_name("library")
SCHEMA_FILE = Path(__file__).with_name("scenario.schema.json")
MIN_ACCEPTANCE = 0.05
PROBE = 2000


@dataclass(frozen=True, slots=True)
class Entry:
    """One scenario of the library."""

    name: str
    description: str
    tags: tuple[str, ...]
    file: Path


def library() -> list[Entry]:
    """The scenarios that come with synthgen, by name."""
    specs = [(load_scenario(file), file) for file in sorted(LIBRARY.glob("*.yaml"))]
    return [Entry(spec.name, spec.description, spec.tags, file) for spec, file in specs]


def schema_text() -> str:
    """The JSON Schema of scenario files as it is published."""
    return json.dumps(json_schema(), indent=1, sort_keys=True) + "\n"


def check_file(path: str | Path) -> list[str]:
    """Warnings about a scenario file.

    Raises:
        ConfigError: The file is wrong, or its constraints leave less than 5 % of the draws.
    """
    spec, lints = check_scenario(path)
    errors = [str(lint) for lint in lints if lint.is_error]
    if errors:
        raise ConfigError("\n".join(errors))
    share, worst = constraint_acceptance(spec)
    if share < MIN_ACCEPTANCE:
        raise ConfigError(
            f"{path}: constraints: {share:.1%} of the draws keep them, at least "
            f"{MIN_ACCEPTANCE:.0%}; the worst is {worst!r}"
        )
    return [str(lint) for lint in lints]


def constraint_acceptance(spec: ScenarioSpec) -> tuple[float, str]:
    """Share of draws that keep all constraints, and the constraint that most draws break."""
    values = draw_values(
        spec, PROBE, lambda name, n: np.random.default_rng([1, *name.encode()]).random(n)
    )
    shares = {text: float(constraint_holds(text, values).mean()) for text in spec.constraints}
    worst = min(shares, key=lambda text: shares[text], default="")
    return float(satisfied(spec, values).mean()), worst


def si_units(spec: ScenarioSpec) -> dict[str, str]:
    """SI unit of each of a scenario's parameters, empty for ratios and texts."""
    si = {"speed": "m/s", "length": "m", "time": "s", "angle": "rad", "acceleration": "m/s2"}
    return {name: si.get(values.dimension, "") for name, values in spec.params.items()}


def sample(
    path: str | Path, index: MapIndex, *, seed: int = 0, k: int = 0, max_draws: int = 12
) -> ConcreteScenario:
    """The first draw of a slot that passes the pre-screen.

    Raises:
        ConfigError: The map has no site.
        ScenarioRejected: No draw passes.
    """
    # `check` answers in a second because it does not load what places and solves.
    from scenarios.compile import compile_draw

    spec = load_scenario(path)
    for draw in range(max_draws):
        try:
            return compile_draw(spec, index=index, root_seed=seed, k=k, draw=draw)
        except ScenarioRejected as err:
            last = err
    raise ScenarioRejected(f"none of {max_draws} draws passes; the last: {last}")
