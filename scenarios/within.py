"""Bounds of what a scenario may ask for: outside of them stands a slip of the pen, not a scene."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from scenarios.distributions import Distribution, Quantity, Reference

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Within:
    """Least and greatest value of a quantity in SI units; stands in a field's `Annotated`.

    What a `$parameter` may be is not known where it is used: `bounded_references` finds those.
    """

    low: float
    high: float
    unit: str = ""

    def check(self, value: Quantity) -> Quantity:
        """The value; raises ValueError unless all that it can be lies inside."""
        for number in _extremes(value):
            if not self.low <= number <= self.high:
                unit = f" {self.unit}" if self.unit else ""
                raise ValueError(f"expected {self.low:g} to {self.high:g}{unit}, got {number:g}")
        return value

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Run `check` on what the field has parsed."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))


def _extremes(value: Quantity) -> tuple[float, ...]:
    if isinstance(value, Reference):
        return ()
    return value.bounds if isinstance(value, Distribution) else (value,)


def bounded_references(part: object, path: Path = ()) -> Iterator[tuple[Path, str, Within]]:
    """Every `$parameter` below a part of a scenario that stands in a field with bounds."""
    if isinstance(part, BaseModel):
        for name, field in type(part).model_fields.items():
            value, where = getattr(part, name), (*path, field.alias or name)
            within = next((m for m in field.metadata if isinstance(m, Within)), None)
            if within is not None and isinstance(value, Reference):
                yield where, value.name, within
            else:
                yield from bounded_references(value, where)
    elif isinstance(part, dict):
        for key, item in part.items():
            yield from bounded_references(item, (*path, key))
    elif isinstance(part, tuple):
        for i, item in enumerate(part):
            yield from bounded_references(item, (*path, i))
