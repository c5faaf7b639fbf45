"""How kernels are compiled: those that Python calls, and their helpers (numba).

Numba gives each function two doors, one for Python and one for C, and machine code of its own.
A kernel's helpers need neither, since they are linked into the kernel and compiled with it; the
doors of helpers that take many arrays were most of what LLVM had to compile. Machine code of its
own would also be a second version of a helper, which a process that compiles would run instead
of the one within the kernel: its pictures then differ in last digits from those of the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# A package that another thread is importing is waited for only if it is named itself.
import numba  # noqa: F401
from llvmlite.binding import parse_bitcode
from numba.core.codegen import JITCodeLibrary
from numba.core.registry import CPUDispatcher
from numba.core.types import float32, float64
from numba.core.types.misc import unliteral

from synthgen.kernel_cache import CompiledCode, KernelCache
from synthgen.kernel_compiler import RememberingCompiler

Decorator = Callable[[Callable[..., Any]], Any]


def kernel(*signature: Any, **options: Any) -> Decorator:
    """A decorator for what Python calls: `numba.njit(*signature, cache=True, **options)`.

    With a signature it is compiled, or read from the cache, at once.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        made = CPUDispatcher(
            function,
            targetoptions={"nopython": True, "no_cfunc_wrapper": True, **options},
            pipeline_class=RememberingCompiler,
        )
        made._cache = KernelCache(function)  # numba has no other way in
        if signature:
            made.compile(*signature)
            made.disable_compile()
        return made

    return compiled


def helper(**options: Any) -> Decorator:
    """A decorator for what only kernels call: `numba.njit(**options)`, without doors."""
    doorless = {"nopython": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, **options}

    def compiled(function: Callable[..., Any]) -> Helper:
        return Helper(function, targetoptions=doorless, pipeline_class=_HelperCompiler)

    return compiled


def shared(made: Any) -> Any:
    """Keep a helper's code in the cache too, so that another process can compile it ahead."""
    made._cache = _HelperCache(made.py_func)
    return made


class Helper(CPUDispatcher):  # type: ignore[misc]  # numba is untyped
    """A function that kernels may call, and Python may not."""

    def add_overload(self, result: Any) -> None:
        """Keep a signature's code, and show Python nothing that it could call."""
        self.overloads[tuple(result.signature.args)] = result

    in_float32 = False
    """Whether it takes float32 wherever a caller has float64."""

    def get_call_template(self, arguments: Any, named: Any) -> Any:
        """Compile once for all constants: LLVM sees them where the helper is linked in."""
        kinds = {name: self._taken(kind) for name, kind in named.items()}
        return super().get_call_template(tuple(map(self._taken, arguments)), kinds)

    def _taken(self, kind: Any) -> Any:
        kind = unliteral(kind)
        return float32 if self.in_float32 and kind == float64 else kind

    def _compile_for_args(self, *_: object, **__: object) -> None:
        raise TypeError(f"{self.py_func.__qualname__}: only kernels can call it")


class _HelperCompiler(RememberingCompiler):
    def compile_extra(self, function: Any) -> Any:
        codegen = self.state.targetctx.codegen()
        self.state.library = _Library(codegen, function.__qualname__)
        return super().compile_extra(function)


class _Library(JITCodeLibrary):  # type: ignore[misc]
    """LLVM's code of one helper, for linking; it never becomes machine code."""

    _is_written = False

    @property
    def codegen(self) -> Any:
        """Itself: all that is asked of it is `set_env`."""
        return self

    def set_env(self, name: str, env: object) -> None:
        """Nothing: only machine code has a place for its environment."""

    def get_pointer_to_function(self, _: str) -> int:
        """None."""
        self._ensure_finalized()
        return 0

    def serialize_using_object_code(self) -> tuple[str, bytes]:
        """Name and code, instead of the machine code that there is not."""
        return self.name, self._get_module_for_linking().as_bitcode()

    def _get_module_for_linking(self) -> Any:
        # Written and read even here, so that kernels do not depend on who compiled a helper.
        if not self._is_written:
            module = super()._get_module_for_linking()
            self._shared_module = parse_bitcode(module.as_bitcode())
            self._is_written = True
        return self._shared_module

    def _optimize_final_module(self) -> None:
        """Nothing: LLVM optimises what is linked into a kernel with the kernel."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True


class _Reviving:
    """Numba's target, for which `CompileResult._rebuild` reads a helper's code."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def codegen(self) -> Any:
        """Itself, for `unserialize_library`."""
        return self

    def unserialize_library(self, stored: tuple[str, bytes]) -> _Library:
        """The library of a name and code."""
        name, code = stored
        library = _Library(self._target.codegen(), name)
        library._final_module = library._shared_module = parse_bitcode(code)
        library._finalized = library._is_written = True
        return library


class _HelperCode(CompiledCode):
    def rebuild(self, target: Any, stored: Any) -> Any:
        return super().rebuild(_Reviving(target), stored)._replace(target_context=target)


class _HelperCache(KernelCache):
    _impl_class = _HelperCode
