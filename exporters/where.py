"""The language of `--where`: a condition over the fields of clips, frames and objects.

    condition  = term (`and` | `or`) term …, `not` term, parentheses
    term       = field (`=` | `!=` | `<>` | `<` | `<=` | `>` | `>=`) value
               | field [`not`] `in` (value, …)      | field [`not`] `between` value `and` value
               | field [`not`] `like` 'text%with_'  | field `is` [`not`] `null`
               | field                              (of a true-or-false field)
    value      = number | 'text' | true | false

As in SQL, `and` binds closer than `or`, a comparison with a missing value is neither true nor
false, and what is not true is left out. Nothing is ever executed but the comparisons above.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from synthgen.errors import ConfigError

Kind = Literal["number", "text", "truth"]
Value = float | int | str | bool
Columns = Mapping[str, Any]  # pyarrow arrays or scalars by field
MAX_DEPTH: Final = 50

_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<text>'(?:[^']|'')*')"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_.]*)|(?P<sign><=|>=|<>|!=|=|<|>|\(|\)|,))"
)
_COMPARE: Final = {
    "=": pc.equal,
    "!=": pc.not_equal,
    "<>": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
_WORDS: Final = frozenset(
    ("and", "or", "not", "in", "between", "like", "is", "null", "true", "false")
)


@dataclass(frozen=True, slots=True)
class Term:
    """A test of one field; `test` is a comparison sign or `in`, `between`, `like`, `null`."""

    field: str
    test: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Junction:
    """`and`, `or` or `not` over conditions."""

    kind: Literal["and", "or", "not"]
    parts: tuple[Condition, ...]


Condition = Term | Junction


def parse_where(text: str, fields: Mapping[str, Kind]) -> Condition:
    """The condition that a text says.

    Args:
        text: As the user typed it.
        fields: Known fields; a name that ends in `.` stands for all fields that begin with it.

    Raises:
        ConfigError: It says none; names the column, what was expected and what was found.
    """
    return _Parser(text, fields).parse()


def evaluate(condition: Condition, columns: Columns) -> Any:
    """True, false or null for each row, as a pyarrow array or scalar of booleans.

    Args:
        condition: What to test.
        columns: Arrays of equal length, or scalars. A field that is not among them is not known
            yet: its tests are null, by Kleene's logic, so a false result is false whatever the
            field turns out to be.
    """
    if isinstance(condition, Term):
        return _test(condition, columns)
    results = [evaluate(part, columns) for part in condition.parts]
    if condition.kind == "not":
        return pc.invert(results[0])
    join = pc.and_kleene if condition.kind == "and" else pc.or_kleene
    joined = results[0]
    for result in results[1:]:
        joined = join(joined, result)
    return joined


def terms_of(condition: Condition) -> Iterator[Term]:
    """The tests that a condition is made of."""
    if isinstance(condition, Term):
        yield condition
        return
    for part in condition.parts:
        yield from terms_of(part)


def fields_of(condition: Condition) -> frozenset[str]:
    """The fields that a condition tests."""
    return frozenset(term.field for term in terms_of(condition))


def _test(term: Term, columns: Columns) -> Any:
    column = columns.get(term.field)
    if column is None:
        return pa.scalar(None, pa.bool_())
    if term.test == "null":
        return pc.is_null(column)
    if term.test == "in":
        found = pc.is_in(column, value_set=pa.array(term.values))
        return pc.if_else(pc.is_null(column), pa.scalar(None, pa.bool_()), found)
    if term.test == "like":
        return pc.match_like(column, str(term.values[0]))
    if term.test == "between":
        low, high = term.values
        return pc.and_kleene(pc.greater_equal(column, low), pc.less_equal(column, high))
    return _COMPARE[term.test](column, term.values[0])


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


class _Parser:
    def __init__(self, text: str, fields: Mapping[str, Kind]) -> None:
        self._text = text
        self._fields = fields
        self._tokens = self._split()
        self._at = 0
        self._depth = 0

    def parse(self) -> Condition:
        condition = self._or()
        if self._peek().kind != "end":
            raise self._fault("expected and, or, or the end")
        return condition

    def _or(self) -> Condition:
        return self._joined("or", self._and)

    def _and(self) -> Condition:
        return self._joined("and", self._not)

    def _joined(self, word: Literal["and", "or"], part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self._take(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Junction(word, tuple(parts))

    def _not(self) -> Condition:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._fault(f"expected at most {MAX_DEPTH} levels")
        try:
            if self._take("not"):
                return Junction("not", (self._not(),))
            if self._take("("):
                inside = self._or()
                self._require(")")
                return inside
            return self._term()
        finally:
            self._depth -= 1

    def _term(self) -> Condition:
        start = self._peek()
        if start.kind != "word" or start.text.lower() in _WORDS:
            raise self._fault("expected a field")
        self._at += 1
        kind = self._kind_of(start)
        negated = False
        if self._take("is"):
            negated = self._take("not")
            self._require("null")
            term = Term(start.text, "null")
        elif self._peek().kind == "sign" and self._peek().text in _COMPARE:
            term = Term(start.text, self._next().text, (self._value(start, kind),))
        else:
            negated = self._take("not")
            term = self._set_test(start, kind, negated)
        return Junction("not", (term,)) if negated else term

    def _set_test(self, start: _Token, kind: Kind, negated: bool) -> Term:
        if self._take("in"):
            self._require("(")
            values = [self._value(start, kind)]
            while self._take(","):
                values.append(self._value(start, kind))
            self._require(")")
            return Term(start.text, "in", tuple(values))
        if self._take("between"):
            low = self._value(start, kind)
            self._require("and")
            return Term(start.text, "between", (low, self._value(start, kind)))
        if kind == "text" and self._take("like"):
            return Term(start.text, "like", (self._value(start, kind),))
        if kind == "truth" and not negated:
            return Term(start.text, "=", (True,))
        raise self._fault("expected a comparison")

    def _kind_of(self, token: _Token) -> Kind:
        family = token.text.partition(".")[0] + "."
        kind = self._fields.get(token.text) or (
            self._fields.get(family) if "." in token.text else None
        )
        if kind is not None:
            return kind
        near = difflib.get_close_matches(token.text, self._fields, n=1)
        hint = f"; did you mean {near[0]}" if near else ""
        known = ", ".join(f"{name}<name>" if name.endswith(".") else name for name in self._fields)
        raise ConfigError(
            f"where: column {token.column}: no field {token.text}{hint} (known: {known})"
        )

    def _value(self, field: _Token, kind: Kind) -> Value:
        token = self._peek()
        value: Value
        if token.kind == "number" and kind == "number":
            value = float(token.text)
        elif token.kind == "text" and kind == "text":
            value = token.text[1:-1].replace("''", "'")
        elif kind == "truth" and token.text.lower() in ("true", "false"):
            value = token.text.lower() == "true"
        else:
            wanted = {"number": "a number", "text": "a 'text'", "truth": "true or false"}[kind]
            raise self._fault(f"expected {wanted} for {field.text}")
        self._at += 1
        return value

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, text: str) -> bool:
        token = self._peek()
        found = token.kind in ("word", "sign") and token.text.lower() == text
        self._at += found
        return found

    def _require(self, text: str) -> None:
        if not self._take(text):
            raise self._fault(f"expected {text}")

    def _fault(self, what: str) -> ConfigError:
        token = self._peek()
        found = token.text or "the end"
        return ConfigError(f"where: column {token.column}: {what}, found {found}: {self._text}")

    def _split(self) -> Sequence[_Token]:
        tokens: list[_Token] = []
        at = 0
        end = len(self._text.rstrip())
        while at < end:
            match = _TOKEN.match(self._text, at)
            if match is None or match.lastgroup is None:
                column = at + len(self._text[at:]) - len(self._text[at:].lstrip()) + 1
                raise ConfigError(
                    f"where: column {column}: expected a field, value or sign, "
                    f"found {self._text[column - 1 :][:10]}: {self._text}"
                )
            start = match.start(match.lastgroup)
            tokens.append(_Token(match.lastgroup, match.group(match.lastgroup), start + 1))
            at = match.end()
        return (*tokens, _Token("end", "", end + 1))
