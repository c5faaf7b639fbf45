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

CHECK_FUNCTIONS = frozenset(
    {
        "started", "in_ego_lane", "min_ttc", "min_thw", "pet", "drac", "tet", "v_impact", "min_gap",
        "collided", "visible_frames", "first_visible_ttc", "ttc_at_lane_entry", "lane_entry_time",
        "signal", "stopped", "speed", "min_speed",
    }
)  # fmt: skip
CONSTRAINT_FUNCTIONS = frozenset({"min", "max", "abs"})

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


def parse_expression(text: str, functions: frozenset[str]) -> ast.expr:
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
        if isinstance(node, ast.Constant) and not isinstance(node.value, int | float | str):
            raise ValueError(f"{node.value!r} is not allowed in an expression")
    return tree.body


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
