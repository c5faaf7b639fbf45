"""The ego and the other actors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenarios.distributions import Choice, Length
from scenarios.spec.behaviours import AnyBehaviour
from scenarios.spec.bounds import Nearby, Pull, Soon, Strict
from scenarios.spec.roads import At
from scenarios.within import Within

ActorKind = Literal[
    "car", "van", "truck", "bus", "motorcycle", "bicycle", "scooter", "pedestrian", "prop",
    "emergency",
]  # fmt: skip


class Actor(Strict):
    """A scripted actor."""

    kind: ActorKind
    model: Choice | None = None
    profile: Choice | None = None
    colour: Choice | None = None
    at: At
    behaviour: tuple[AnyBehaviour, ...] = Field((), max_length=12)
    lights: tuple[str, ...] = ()
    count: Annotated[int, Field(ge=1, le=20)] = 1
    spacing: Nearby = 1.0
    critical: bool = False


class Reaction(Strict):
    """The ego's own emergency braking: how late, how hard, how soon it believes in a conflict."""

    delay: Soon = 0.5
    decel: Pull = 6.0
    ttc: Soon = 2.5


class Ego(Strict):
    """The ego vehicle."""

    model: Choice = "vehicle.lincoln.mkz_2020"
    rig: str | None = None
    approach: Annotated[Length, Within(5.0, 160.0, "m")] = 70.0
    reaction: Reaction = Reaction()
    behaviour: tuple[AnyBehaviour, ...] = Field(min_length=1, max_length=12)
