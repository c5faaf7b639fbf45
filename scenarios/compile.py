"""From a scenario and a map to one concrete draw: sample, place, solve, pre-screen."""

from __future__ import annotations

from collections.abc import Mapping

from scenarios.concrete import ConcreteScenario
from scenarios.placement.map_index import MapIndex
from scenarios.spec import ScenarioSpec


def compile_draw(
    spec: ScenarioSpec,
    *,
    index: MapIndex,
    root_seed: int,
    k: int,
    draw: int,
    tick_s: float = 0.05,
    duration_s: float | None = None,
    overrides: Mapping[str, object] | None = None,
) -> ConcreteScenario:
    """Draw number `draw` of slot (`spec.name`, `k`) on one map, ready to run.

    Args:
        spec: The scenario.
        index: The map.
        root_seed: The campaign's one seed.
        k: Slot number within the scenario.
        draw: Attempt number, from 0.
        tick_s: Simulation tick.
        duration_s: Length of the record window; None takes the scenario's own.
        overrides: `{"weather": {...}}` replaces the weather block, `{"params": {name: value}}` pins
            parameters (as written in YAML); nothing else changes with them.

    Raises:
        ScenarioRejected: No candidate of this draw passes the pre-screen; take the next draw.
        ConfigError: The map has no site for this scenario at all; names the query and nearest miss.
    """
    raise NotImplementedError
