"""Gates: what a comparison (and an audit) must reach, with three outcomes.

Names: `compare.index` (the worst dimension), `compare.index.<dimension>`, `compare.c2st.auc`,
`compare.c2st.excess`, `compare.<cloud>` (`coverage`, `mmd2`, ...), `compare.effect.<column>`,
`compare.shift.<column>`, and any number of the audit's summary as `audit.<path>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from synthgen.datatypes.strict_yaml import load_model
from synthgen.errors import ConfigError

Outcome = Literal["pass", "fail", "inconclusive"]
EXIT: dict[str, int] = {"pass": 0, "fail": 1, "inconclusive": 3}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Gate(_Strict):
    """Limits of one number; `bound` says which end of its interval has to keep them."""

    min: float | None = None
    max: float | None = None
    bound: Literal["value", "lower", "upper"] = "value"

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a gate has min or max or both")
        return self


class Gates(_Strict):
    """A file of gates, schema `synthgen/gates@1`."""

    schema_: Literal["synthgen/gates@1"] = Field(alias="schema")
    gates: dict[str, Gate]
    on_inconclusive: Literal["inconclusive", "fail", "warn"] = "inconclusive"


@dataclass(frozen=True, slots=True)
class Judgement:
    """How one gate came out, in words."""

    name: str
    outcome: Outcome
    found: float | None
    message: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the report; `unclear` says why it cannot be judged."""

    value: float | None
    interval: tuple[float, float] | None = None
    unclear: str = ""


def load_gates(path: Path) -> Gates:
    """The gates in a file.

    Raises:
        ConfigError: `file:line:column: field: message`, one line per fault.
    """
    return load_model(path, Gates)


def judge(gates: Gates, report: dict[str, Any], audit: dict[str, Any] | None) -> list[Judgement]:
    """Every gate against the report of a comparison.

    Raises:
        ConfigError: A gate names a number that does not exist.
    """
    numbers = {**numbers_of(report), **_audit_numbers(audit)}
    return [_judged(name, gate, numbers) for name, gate in gates.gates.items()]


def verdict(gates: Gates, judgements: list[Judgement]) -> Outcome:
    """The outcome of all: a failure outweighs the rest."""
    outcomes = {j.outcome for j in judgements}
    if "fail" in outcomes:
        return "fail"
    if "inconclusive" not in outcomes or gates.on_inconclusive == "warn":
        return "pass"
    return "fail" if gates.on_inconclusive == "fail" else "inconclusive"


def numbers_of(report: dict[str, Any]) -> dict[str, Number]:
    """All numbers of a comparison that a gate can name."""
    numbers: dict[str, Number] = {}
    for dimension in report["dimensions"]:
        name = dimension["name"].replace(" ", "_")
        numbers[f"compare.index.{name}"] = Number(
            dimension["index"], dimension["interval"], dimension["unclear"]
        )
        for effect in dimension["effects"]:
            column, why = effect["name"], dimension["unclear"]
            numbers[f"compare.effect.{column}"] = Number(effect["value"], effect["interval"], why)
            numbers[f"compare.shift.{column}"] = Number(effect["shift"], None, why)
    worst = next((d for d in report["dimensions"] if d["name"] == report["worst"]), None)
    numbers["compare.index"] = (
        Number(worst["index"], worst["interval"], report["c2st"]["unclear"])
        if worst
        else Number(None, None, "no dimension has enough data")
    )
    test = report["c2st"]
    for name in ("auc", "excess"):
        numbers[f"compare.c2st.{name}"] = Number(test[name], None, test["unclear"])
    for name in ("mmd2", "mmd_p", "precision", "recall", "density", "coverage"):
        value = report["clouds"].get(name)
        numbers[f"compare.{name}"] = Number(value, None, test["unclear"])
    return numbers


def _audit_numbers(audit: dict[str, Any] | None, path: str = "audit") -> dict[str, Number]:
    numbers: dict[str, Number] = {}
    for name, value in (audit or {}).items():
        if isinstance(value, dict):
            numbers |= _audit_numbers(value, f"{path}.{name}")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers[f"{path}.{name}"] = Number(float(value))
    return numbers


def _judged(name: str, gate: Gate, numbers: dict[str, Number]) -> Judgement:
    if name not in numbers:
        if name.startswith("audit."):
            return Judgement(name, "inconclusive", None, "no audit summary has this number")
        dimension = name.removeprefix("compare.index.")
        if dimension != name or name.startswith(("compare.effect.", "compare.shift.")):
            return Judgement(name, "inconclusive", None, "the data sets cannot be compared by it")
        known = ", ".join(sorted(n for n in numbers if n.count(".") < 3))
        raise ConfigError(f"gate {name}: there is no such number; known: {known}")
    number = numbers[name]
    value = number.value
    if number.interval is not None and gate.bound != "value":
        value = number.interval[gate.bound == "upper"]
    if number.unclear or value is None:
        return Judgement(name, "inconclusive", value, number.unclear or "not measured")
    for limit, broken, word in (
        (gate.min, gate.min is not None and value < gate.min, "at least"),
        (gate.max, gate.max is not None and value > gate.max, "at most"),
    ):
        if broken:
            return Judgement(name, "fail", value, f"expected {word} {limit:g}, found {value:.3g}")
    return Judgement(name, "pass", value, f"found {value:.3g}")
