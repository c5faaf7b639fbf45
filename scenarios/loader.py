"""Scenario files to validated specs."""

from __future__ import annotations

from pathlib import Path

from scenarios.spec import ScenarioSpec


def load_scenario(path: str | Path) -> ScenarioSpec:
    """The scenario in a file.

    Raises:
        ConfigError: `file:line:column: field: message`, one line per fault.
    """
    raise NotImplementedError
