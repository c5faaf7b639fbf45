"""The values of one draw: a row of candidates for every parameter and inline distribution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.concrete import Scalar
from scenarios.distributions import Distribution, Quantity, Reference, Text, parse_parameter
from scenarios.expressions import CONSTRAINT_FUNCTIONS, evaluate, parse_expression
from scenarios.loader import distributions_of
from scenarios.spec import ScenarioSpec
from synthgen.errors import ConfigError

F64 = NDArray[np.float64]
Uniforms = Callable[[str, int], F64]

_FUNCTIONS = {"min": np.minimum, "max": np.maximum, "abs": np.abs}
assert set(_FUNCTIONS) == set(CONSTRAINT_FUNCTIONS)


@dataclass(frozen=True, eq=False, slots=True)
class Values:
    """`n` candidates: arrays (n,) by parameter name, or by path for inline distributions."""

    n: int
    drawn: Mapping[str, NDArray[np.generic]]

    def number(self, quantity: Quantity | None, path: str, default: float = 0.0) -> F64:
        """A quantity of all candidates, (n,) float64."""
        if quantity is None:
            return np.full(self.n, default)
        if isinstance(quantity, int | float):
            return np.full(self.n, float(quantity))
        name = quantity.name if isinstance(quantity, Reference) else path
        return np.asarray(self.drawn[name], dtype=np.float64)

    def text(self, text: Text | None, path: str) -> list[str | None]:
        """A text of all candidates."""
        if text is None or isinstance(text, str):
            return [text] * self.n
        name = text.name if isinstance(text, Reference) else path
        return [str(item) for item in self.drawn[name]]

    def take(self, rows: NDArray[np.int64]) -> Values:
        """Some of the candidates."""
        return Values(len(rows), {name: array[rows] for name, array in self.drawn.items()})

    def plain(self, i: int) -> dict[str, Scalar]:
        """All values of one candidate as plain data."""
        return {
            name: str(array[i]) if array.dtype == object else float(array[i])
            for name, array in sorted(self.drawn.items())
        }


def draw_values(
    spec: ScenarioSpec,
    n: int,
    uniforms: Uniforms,
    pinned: Mapping[str, object] | None = None,
) -> Values:
    """`n` candidates of every random value.

    Args:
        spec: The scenario.
        n: Candidates.
        uniforms: Gives (name, n) uniform numbers in [0, 1), a stream of its own for every name.
        pinned: Parameters fixed to a value, as written in YAML.
    """
    named = dict(distributions_of(spec))
    for name, value in (pinned or {}).items():
        if name not in spec.params:
            raise ConfigError(
                f"{spec.name}: {name} is not a parameter; known: {', '.join(spec.params)}"
            )
        named[name] = _pinned(spec, name, value)
    return Values(n, {name: d.quantile(uniforms(name, n)) for name, d in sorted(named.items())})


def _pinned(spec: ScenarioSpec, name: str, value: object) -> Distribution:
    try:
        found = parse_parameter(value)
    except ValueError as err:
        raise ConfigError(f"{spec.name}: params.{name}: {err}") from err
    if found.dimension != spec.params[name].dimension:
        wanted = spec.params[name].dimension
        raise ConfigError(f"{spec.name}: params.{name}: expected a {wanted}, got {value!r}")
    return found


def satisfied(spec: ScenarioSpec, values: Values) -> NDArray[np.bool_]:
    """Which candidates keep all constraints, (n,) bool."""
    keep = np.ones(values.n, dtype=bool)
    for text in spec.constraints:
        keep &= constraint_holds(text, values)
    return keep


def constraint_holds(text: str, values: Values) -> NDArray[np.bool_]:
    """Which candidates keep one constraint, (n,) bool."""
    tree = parse_expression(text, CONSTRAINT_FUNCTIONS)
    return np.broadcast_to(
        np.asarray(evaluate(tree, values.drawn, _FUNCTIONS), dtype=bool), (values.n,)
    )
