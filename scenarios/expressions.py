"""The small expression language of `constraints` and `expect`: parsed once, evaluated on arrays.

Comparisons (chained too), `and or not`, + - * /, numbers, texts, names, and calls of known
functions.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator

# What each function takes: actors first, then options, which end with "=". None: any numbers.
_TWO, _SEEN = ("a", "b"), ("actor", "camera=", "min_px=")
Functions = Mapping[str, tuple[str, ...] | None]
CHECK_FUNCTIONS: Functions = {
    "started": ("actor",),
    "in_ego_lane": ("actor",),
    "min_ttc": _TWO,
    "min_thw": ("follower", "leader"),
    "pet": _TWO,
    "drac": _TWO,
    "tet": _TWO,
    "v_impact": _TWO,
    "min_gap": _TWO,
    "collided": ("actor", "other="),
    "visible_frames": _SEEN,
    "first_visible_ttc": _SEEN,
    "ttc_at_lane_entry": ("ego", "actor"),
    "lane_entry_time": ("actor", "lane="),
    "signal": ("actor", "at="),
    "stopped": ("actor",),
    "speed": ("actor",),
    "min_speed": ("actor",),
}
CONSTRAINT_FUNCTIONS: Functions = {"min": None, "max": None, "abs": None}

Value = float | str | bool | NDArray[np.generic]
_BINARY: dict[type[ast.operator], Callable[[Value, Value], Value]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Value, Value], Value]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ALLOWED = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare,
    ast.BinOp, ast.Call, ast.keyword, ast.Name, ast.Load, ast.Constant, ast.Tuple, ast.List, ast.In,
    ast.NotIn, *_BINARY, *_COMPARE,
)  # fmt: skip
MAX_LENGTH = 400


def parse_expression(text: str, functions: Functions) -> ast.expr:
    """Syntax tree of an expression; ValueError on anything outside the language."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"an expression has at most {MAX_LENGTH} characters")
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as err:
        reason = err.msg if isinstance(err, SyntaxError) else "too deep"
        raise ValueError(f"cannot read expression {text!r}: {reason}") from err
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            raise ValueError(f"{type(node).__name__} is not allowed in an expression")
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name not in functions:
                known = ", ".join(sorted(functions))
                raise ValueError(f"unknown function {name!r}; known: {known}")
            _check_arguments(node, name, functions[name])
        if isinstance(node, ast.Constant) and not isinstance(node.value, int | float | str):
            raise ValueError(f"{node.value!r} is not allowed in an expression")
    return tree.body


def _check_arguments(call: ast.Call, name: str, takes: tuple[str, ...] | None) -> None:
    """Raise ValueError unless a call's arguments are those that the function takes."""
    named = {keyword.arg or "**" for keyword in call.keywords}
    if takes is None:
        if named or not call.args:
            raise ValueError(f"{name} takes numbers, found {ast.unparse(call)}")
        return
    plain = [option.removesuffix("=") for option in takes]
    given = plain[: len(call.args)]
    needed = {option for option in takes if not option.endswith("=")}
    fits = len(call.args) <= len(takes) and not named & set(given) and named <= set(plain)
    if not fits or not needed <= named | set(given):
        shown = ", ".join(option + "..." * option.endswith("=") for option in takes)
        raise ValueError(f"{name} takes ({shown}), found {ast.unparse(call)}")


def actors_in(tree: ast.expr) -> set[str]:
    """Names that an expression of `expect` reads as actors: arguments that are not options."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            takes = CHECK_FUNCTIONS[ast.unparse(node.func)] or ()
            count = sum(not option.endswith("=") for option in takes)
            places = [*node.args[:count], *(k.value for k in node.keywords if k.arg in takes)]
            found |= {ast.unparse(place) for place in places}
    return found


def names_in(tree: ast.expr) -> set[str]:
    """Names an expression reads, called functions left out."""
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called}


def evaluate(
    tree: ast.expr, names: Mapping[str, Value], functions: Mapping[str, Callable[..., Value]]
) -> Value:
    """Value of an expression; names and results may be arrays, `and or not` go element by element.

    A missing measurement is NaN: every comparison with it is false.
    """
    match tree:
        case ast.Constant(value=value):
            assert isinstance(value, int | float | str)
            return value
        case ast.Name(id=name):
            return names[name]
        case ast.UnaryOp(op=op, operand=operand):
            inner = evaluate(operand, names, functions)
            return np.logical_not(inner) if isinstance(op, ast.Not) else np.negative(inner)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = (evaluate(side, names, functions) for side in (left, right))
            return _BINARY[type(op)](a, b)
        case ast.BoolOp(op=op, values=values):
            parts = [np.asarray(evaluate(v, names, functions), dtype=bool) for v in values]
            joined = np.logical_and if isinstance(op, ast.And) else np.logical_or
            return np.asarray(joined.reduce(np.broadcast_arrays(*parts)))
        case ast.Compare():
            return _compare(tree, names, functions)
        case ast.Call(func=func, args=args, keywords=keywords):
            positional = [evaluate(a, names, functions) for a in args]
            named = {k.arg: evaluate(k.value, names, functions) for k in keywords if k.arg}
            return functions[ast.unparse(func)](*positional, **named)
    raise ValueError(f"{type(tree).__name__} is not allowed in an expression")


def _compare(
    tree: ast.Compare, names: Mapping[str, Value], functions: Mapping[str, Callable[..., Value]]
) -> Value:
    result: Value = True
    left = evaluate(tree.left, names, functions)
    for op, node in zip(tree.ops, tree.comparators, strict=True):
        if isinstance(op, ast.In | ast.NotIn):
            assert isinstance(node, ast.Tuple | ast.List)
            options = [evaluate(item, names, functions) for item in node.elts]
            found = np.logical_or.reduce([np.equal(left, option) for option in options])
            result = np.logical_and(result, found if isinstance(op, ast.In) else ~found)
            continue
        right = evaluate(node, names, functions)
        result = np.logical_and(result, _COMPARE[type(op)](left, right))
        left = right
    return result


def _constraint(text: str) -> str:
    parse_expression(text, CONSTRAINT_FUNCTIONS)
    return text


def _check(text: str) -> str:
    parse_expression(text, CHECK_FUNCTIONS)
    return text


Constraint = Annotated[str, AfterValidator(_constraint)]
CheckExpression = Annotated[str, AfterValidator(_check)]
