"""All scripted actors of one run: a script each, ticked once a frame, in order of their names."""

from __future__ import annotations

from collections.abc import Iterator

from scenarios.behaviours.commands import Command, SetLights, SetSignal, WorldView
from scenarios.behaviours.stage import Event, Stage, Track
from scenarios.behaviours.vehicles import VehicleScript
from scenarios.behaviours.walking import WalkerScript
from scenarios.concrete import ConcreteActor, ConcreteScenario, Step

DUSK_RAD = 0.09
_INTERRUPTIONS = ("hesitate", "turn_back")


class ActorScript:
    """Goes through an actor's steps: the next begins at its `when`, or when the last has ended."""

    def __init__(self, actor: ConcreteActor, stage: Stage) -> None:
        self.actor = actor
        self.stage = stage
        on_foot = actor.category == "pedestrian" or actor.role == "prop"
        self.script = WalkerScript(actor, stage) if on_foot else VehicleScript(actor, stage)
        if isinstance(self.script, WalkerScript):
            self.script.interruptions = [s for s in actor.behaviours if s.do in _INTERRUPTIONS]
        self.steps = [s for s in actor.behaviours if s.do not in _INTERRUPTIONS]
        self.number = -1
        self.holding: Iterator[list[Command]] = self.script.hold()
        self.running: Iterator[list[Command]] | None = None

    def tick(self) -> list[Command]:
        """Orders for the next tick."""
        self._advance()
        if self.running is not None:
            found = next(self.running, None)
            if found is not None:
                return found
            self._end()
            self._advance()
            if self.running is not None:
                return next(self.running, [])
        return next(self.holding)

    def _advance(self) -> None:
        """Move to the next step if its time has come."""
        if self.running is not None and self._is_over(self.steps[self.number]):
            self._end()
        following = self.number + 1
        if following >= len(self.steps):
            return
        step = self.steps[following]
        due = self.running is None if step.when is None else self.stage.fires(step.when)
        if due:
            if self.running is not None:
                self._end()
            self.number = following
            self.running = self.script.run(step)

    def _is_over(self, step: Step) -> bool:
        return step.until is not None and self.stage.fires(step.until)

    def _end(self) -> None:
        label = self.steps[self.number].label
        self.stage.ended.add((self.actor.name, label))
        self.stage.note(self.actor.name, "ended", label)
        self.running = None


class Choreography:
    """Turns what the world looks like into orders for the next tick; `events` says what it did."""

    def __init__(self, concrete: ConcreteScenario) -> None:
        self.concrete = concrete
        tracks = {a.name: Track(a) for a in concrete.actors if len(a.path_xyz_m) > 1}
        self.stage = Stage(concrete, tracks)
        ordered = sorted(concrete.actors, key=lambda actor: actor.name)
        self.scripts = [ActorScript(actor, self.stage) for actor in ordered]
        self.opened = False

    @property
    def events(self) -> tuple[Event, ...]:
        """What the scripts did so far."""
        return tuple(self.stage.events)

    def step(self, view: WorldView) -> list[Command]:
        """Orders of all actors, in the order of their names, for the tick after `view`."""
        self.stage.look(view)
        commands: list[Command] = [] if self.opened else self._opening()
        self.opened = True
        for script in self.scripts:
            seen = view.actors.get(script.actor.name)
            if seen is not None and seen.is_alive:
                commands += script.tick()
        return commands

    def _opening(self) -> list[Command]:
        """Lights of signals and, when it is dark, of vehicles."""
        commands: list[Command] = [
            SetSignal(signal.signal_id, signal.state) for signal in self.concrete.signals
        ]
        dark = self.concrete.weather.sun_altitude_rad < DUSK_RAD
        for script in self.scripts:
            actor = script.actor
            flags = set(actor.lights)
            if dark and actor.path_speeds_mps and actor.category != "bicycle":
                flags |= {"position", "low_beam"}
            if flags and actor.blueprint.startswith("vehicle."):
                commands.append(SetLights(actor.name, tuple(sorted(flags))))
        return commands
