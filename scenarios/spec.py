"""The scenario schema `synthgen/scenario@1`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class ScenarioSpec(BaseModel):
    """A scenario as written: ranges, not values."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
