"""Numba's compiler with a memory: it asks once what it would ask hundreds of times.

Numba translates a function with `inline="always"` anew from Python's bytecode at each of its
calls, and in it all that it inlines itself; and it tries all known meanings of `+` for each sum.
That was half of the time that kernels took.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from numba.core import ir, types
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import register_pass
from numba.core.inline_closurecall import InlineWorker, callee_ir_validator
from numba.core.untyped_passes import InlineInlinables


class RememberingCompiler(Compiler):  # type: ignore[misc]  # numba is untyped
    """Numba's own pipelines, but for the pass that inlines."""

    def __init__(self, typing_context: Any, *others: Any) -> None:
        super().__init__(typing_context, *others)
        self.state.typingctx = _TypingContext(typing_context)

    def define_pipelines(self) -> Any:
        """The pipelines."""
        pipelines = super().define_pipelines()
        for pipeline in pipelines:
            pipeline.passes = [
                (_Inlining if step is InlineInlinables else step, text)
                for step, text in pipeline.passes
            ]
        return pipelines


class _TypingContext:
    """Numba's knowledge of types; what a built-in function returns is looked up once."""

    _known: ClassVar[dict[Any, Any]] = {}

    def __init__(self, context: Any) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def resolve_function_type(self, function: Any, arguments: Any, named: Any) -> Any:
        """Signature of a call."""
        if not isinstance(function, types.Function) or named:
            return self._context.resolve_function_type(function, arguments, named)
        # By identity: numba notes in the function itself what was found.
        key = (id(function), arguments)
        if key not in self._known:
            found = self._context.resolve_function_type(function, arguments, named)
            self._known[key] = (found, function)
        return self._known[key][0]


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


def _itself(location: ir.Loc, _: object) -> ir.Loc:
    return location


# A place in a source never changes, and is most of what the copies would copy.
ir.Loc.__deepcopy__ = _itself
