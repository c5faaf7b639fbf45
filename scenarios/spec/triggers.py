"""What a behaviour waits for."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from scenarios.spec.bounds import Nearby, OnTheWay, Soon, Strict, Wait


class Between(Strict):
    """Two actors and the value below which the trigger fires."""

    between: tuple[str, str]
    below: Nearby


class BetweenTime(Strict):
    """Two actors and the time below which the trigger fires."""

    between: tuple[str, str]
    below: Soon


class TimeToArrival(Strict):
    """An actor's time of travel along its own path to a place."""

    actor: str = "ego"
    to: Literal["conflict", "stop_line"] = "conflict"
    below: Soon


class SignalIs(Strict):
    """The light that controls an actor's way shows a state."""

    of: str = "ego"
    state: Literal["red", "yellow", "green"]


class Passed(Strict):
    """An actor has come to a place on its own path."""

    actor: str = "ego"
    anchor: Literal["conflict", "stop_line", "start"] = "conflict"
    s: OnTheWay = 0.0


class Sync(Strict):
    """An actor would reach its conflict point with `with` in this time of it or less."""

    with_: str = Field("ego", alias="with")
    below: Soon


class Trigger(Strict):
    """A condition: exactly one key; combine with all and any."""

    time: Wait | None = None
    distance: Between | None = None
    ttc: BetweenTime | None = None
    tta: TimeToArrival | None = None
    signal: SignalIs | None = None
    position: Passed | None = None
    sync: Sync | None = None
    after: str | None = None
    all: tuple[Trigger, ...] | None = None
    any: tuple[Trigger, ...] | None = None

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("a trigger has exactly one key; combine with all: or any:")
        return self
