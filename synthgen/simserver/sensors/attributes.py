"""A sensor's attributes: text from a client to checked numbers, once, when it is spawned."""

from __future__ import annotations

import math
from collections.abc import Mapping

from synthgen.simserver.world.blueprints import SensorAttribute, sensor_attributes
from synthgen.simserver.world.errors import SpawnError

Value = bool | int | float | str
_TRUE, _FALSE = {"true", "1"}, {"false", "0", ""}


class Attributes:
    """Checked attributes of one sensor, by name and type."""

    def __init__(self, blueprint_id: str, texts: Mapping[str, str]) -> None:
        self._values: dict[str, Value] = {
            name: _parsed(blueprint_id, name, row, texts.get(name, row.default))
            for name, row in sensor_attributes(blueprint_id).items()
        }

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def number(self, name: str) -> float:
        """A float or int attribute."""
        return float(self._values[name])

    def whole(self, name: str) -> int:
        """An int attribute."""
        return int(self._values[name])

    def flag(self, name: str) -> bool:
        """A bool attribute."""
        return bool(self._values[name])

    def text(self, name: str) -> str:
        """A string attribute."""
        return str(self._values[name])

    def numbers(self, name: str) -> tuple[float, ...]:
        """A string attribute that lists numbers, separated by spaces or commas.

        Raises:
            SpawnError: One of them is no number.
        """
        words = self.text(name).replace(",", " ").split()
        try:
            return tuple(float(word) for word in words)
        except ValueError as err:
            raise SpawnError(f"{name}: expected numbers, got {self.text(name)!r}") from err


def _parsed(blueprint_id: str, name: str, row: SensorAttribute, text: str) -> Value:
    where = f"{blueprint_id}: {name}"
    if row.type == "bool":
        word = text.strip().lower()
        if word not in _TRUE | _FALSE:
            raise SpawnError(f"{where}: expected true or false, got {text!r}")
        return word in _TRUE
    if row.type == "string":
        if row.choices and text not in row.choices:
            raise SpawnError(f"{where}: expected one of {', '.join(row.choices)}, got {text!r}")
        return text
    return _number(where, row, text)


def _number(where: str, row: SensorAttribute, text: str) -> float | int:
    try:
        value = float(text)
    except ValueError as err:
        raise SpawnError(f"{where}: expected a number, got {text!r}") from err
    low = -math.inf if row.minimum is None else row.minimum
    high = math.inf if row.maximum is None else row.maximum
    if not math.isfinite(value) or not low <= value <= high:
        raise SpawnError(f"{where}: expected {low:g} to {high:g}, got {text}")
    # Programs write whole numbers as "64.0" too.
    return int(value) if row.type == "int" else value
