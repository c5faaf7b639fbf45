"""Numba's compiler with a memory: it asks once what it would ask hundreds of times.

Numba translates a function with `inline="always"` anew from Python's bytecode at each of its
calls, and in it all that it inlines itself; it tries all known meanings of `+` for each sum,
when it finds out types and again when it writes code; and it looks through instructions for
variables by asking of each part what it is not. That was most of the time that kernels took.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import Any, ClassVar

from numba.core import ir, types
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import register_pass
from numba.core.errors import TypingError
from numba.core.inline_closurecall import InlineWorker, callee_ir_validator
from numba.core.targetconfig import ConfigStack
from numba.core.untyped_passes import InlineInlinables


class RememberingCompiler(Compiler):  # type: ignore[misc]  # numba is untyped
    """Numba's own pipelines, but for the pass that inlines."""

    def define_pipelines(self) -> Any:
        """The pipelines."""
        pipelines = super().define_pipelines()
        for pipeline in pipelines:
            pipeline.passes = [
                (_Inlining if step is InlineInlinables else step, text)
                for step, text in pipeline.passes
            ]
        return pipelines


@register_pass(mutates_CFG=True, analysis_only=False)
class _Inlining(InlineInlinables):  # type: ignore[misc]
    _name = "remembering_inline_inlinables"

    def _do_work(
        self, state: Any, work: Any, block: Any, at: int, call: Any, worker: InlineWorker
    ) -> Any:
        remembering = _Inliner(
            state.typingctx,
            state.targetctx,
            state.locals,
            state.pipeline,
            state.flags,
            validator=callee_ir_validator,
        )
        return super()._do_work(state, work, block, at, call, remembering)


class _Inliner(InlineWorker):  # type: ignore[misc]
    _read: ClassVar[dict[Callable[..., Any], Any]] = {}

    def run_untyped_passes(self, function: Callable[..., Any], enable_ssa: bool = False) -> Any:
        # The caller copies what it gets.
        if function not in self._read:
            self._read[function] = super().run_untyped_passes(function, enable_ssa)
        self.flags.enable_ssa = enable_ssa
        return self._read[function]


_ask = types.BaseFunction.get_call_type


def _ask_once(function: Any, context: Any, arguments: Any, named: Any) -> Any:
    """Signature of a call of a built-in function, which tries all of its meanings."""
    if named:
        return _ask(function, context, arguments, named)
    flags = ConfigStack.top_or_none()
    inherited = flags and (flags.nrt, flags.error_model, frozenset(flags.fastmath.flags))
    # Kept in the function itself, which is made anew when it gains a meaning.
    known = vars(function).setdefault("_known_signatures", {})
    asked = (tuple(arguments), inherited)
    if asked not in known:
        known[asked] = _answer(function, context, arguments)
    signature, implementation = known[asked]
    if signature is None:
        raise TypingError(implementation)
    function._impl_keys[signature.args] = implementation
    return signature


def _answer(function: Any, context: Any, arguments: Any) -> tuple[Any, Any]:
    """Signature and implementation, or None and why there are none."""
    try:
        signature: Any = _ask(function, context, arguments, {})
    except TypingError as err:
        return None, str(err)
    return signature, function._impl_keys[signature.args]


types.BaseFunction.get_call_type = _ask_once  # type: ignore[assignment]  # less generic

_Kind = Enum("_Kind", ["VARIABLE", "INSTRUCTION", "ROW", "TABLE", "OTHER"])


@cache
def _kind(kind: type) -> _Kind:
    """What numba asks of each value in an instruction, which is slow to ask."""
    for asked, known in (
        (ir.Var, _Kind.VARIABLE),
        (ir.Inst, _Kind.INSTRUCTION),
        ((list, tuple), _Kind.ROW),
        (dict, _Kind.TABLE),
    ):
        if issubclass(kind, asked):
            return known
    return _Kind.OTHER


def _variables(instruction: ir.Inst, value: Any) -> list[ir.Var]:
    """The variables in a part of an instruction, in order."""
    kind = _kind(type(value))  # type: ignore[arg-type]  # types are hashable
    if kind is _Kind.OTHER:
        return []
    if kind is _Kind.VARIABLE:
        return [value]
    if kind is _Kind.INSTRUCTION:
        return list(value.list_vars())
    parts = value.values() if kind is _Kind.TABLE else value
    return [name for part in parts for name in _variables(instruction, part)]


ir.Inst._rec_list_vars = _variables


def _itself(location: ir.Loc, _: object) -> ir.Loc:
    return location


# A place in a source never changes, and is most of what the copies would copy.
ir.Loc.__deepcopy__ = _itself
