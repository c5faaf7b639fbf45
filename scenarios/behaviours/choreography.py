"""All scripted actors of one run, a generator each, ticked once a frame."""

from __future__ import annotations

from scenarios.behaviours.commands import Command, WorldView
from scenarios.concrete import ConcreteScenario


class Choreography:
    """Turns what the world looks like into orders for the next tick."""

    def __init__(self, concrete: ConcreteScenario) -> None:
        self.concrete = concrete

    def step(self, view: WorldView) -> list[Command]:
        """Orders of all actors, in the order of their names, for the tick after `view`."""
        raise NotImplementedError
