"""What every part of the schema is made of: bounded quantities, names and comparisons."""

from __future__ import annotations

import math
import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from scenarios.distributions import (
    DISTRIBUTION_PLACEHOLDER,
    Acceleration,
    Angle,
    Density,
    Distribution,
    Length,
    Ratio,
    Speed,
    Time,
    parse_parameter,
    parse_scalar,
)
from scenarios.within import Within

NAME = r"^[a-z][a-z0-9_]{0,63}$"
Name = Annotated[str, Field(pattern=NAME)]
# 250 km/h; the fastest sprinter runs 12.4 m/s, a kicked ball is somewhat faster.
DrivingSpeed = Annotated[Speed, Within(0.0, 70.0, "m/s")]
RelativeSpeed = Annotated[Speed, Within(-70.0, 70.0, "m/s")]
LateralSpeed = Annotated[Speed, Within(0.1, 5.0, "m/s")]
FootSpeed = Annotated[Speed, Within(0.0, 15.0, "m/s")]
# Dry road and the best tyres give 1.2 g.
Pull = Annotated[Acceleration, Within(0.1, 12.0, "m/s2")]
Wait = Annotated[Time, Within(0.0, 3600.0, "s")]
Soon = Annotated[Time, Within(0.0, 30.0, "s")]
Share = Annotated[Ratio, Within(0.0, 1.0)]
Nearby = Annotated[Length, Within(0.0, 1000.0, "m")]
Aside = Annotated[Length, Within(-60.0, 60.0, "m")]
OnTheWay = Annotated[Length, Within(-300.0, 300.0, "m")]
Elevation = Annotated[Angle, Within(-math.pi / 2, math.pi / 2, "rad")]
Weight = Annotated[float, Field(ge=0.0, le=1e6)]
Crowd = Annotated[Density, Within(0.0, 500.0, "/km")]
_COMPARISON = re.compile(r"\s*(<=|>=|==|<|>)\s*(.+?)\s*")


class Strict(BaseModel):
    """Base of every part of the schema: frozen, no unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Comparison(Strict):
    """`">= 2"` or `"<= 60 km/h"`: an operator and a value in SI units."""

    op: Literal["<", "<=", "==", ">=", ">"]
    value: float

    def holds(self, found: float) -> bool:
        """Whether `found` satisfies the comparison."""
        return {
            "<": found < self.value,
            "<=": found <= self.value,
            "==": found == self.value,
            ">=": found >= self.value,
            ">": found > self.value,
        }[self.op]


def _comparison(dimension: str, example: str) -> tuple[PlainValidator, WithJsonSchema]:
    def parse(value: object) -> Comparison:
        match = _COMPARISON.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise ValueError(f'expected a comparison, e.g. "{example}"')
        return Comparison.model_validate(
            {"op": match[1], "value": parse_scalar(match[2], dimension)}
        )

    return PlainValidator(parse), WithJsonSchema(
        {"type": "string", "pattern": r"^\s*(<=|>=|==|<|>)\s*\S", "examples": [example]}
    )


Count = Annotated[Comparison, *_comparison("ratio", ">= 1")]
SpeedLimit = Annotated[Comparison, *_comparison("speed", "<= 60 km/h")]
Parameter = Annotated[
    Distribution,
    PlainValidator(parse_parameter),
    WithJsonSchema({"anyOf": [{"type": ["string", "number"]}, dict(DISTRIBUTION_PLACEHOLDER)]}),
]
