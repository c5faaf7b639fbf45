"""A counter that kernels on several threads draw from, without the interpreter's lock (numba)."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


@intrinsic
def draw(typing_context, address, step):  # type: ignore[no-untyped-def]  # numba's signature
    """The counter (int64 at an address) as it was, after adding `step` in one atomic step."""
    signature = types.int64(types.intp, types.int64)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        word = ir.IntType(64)
        pointer = builder.inttoptr(arguments[0], word.as_pointer())
        return builder.atomic_rmw("add", pointer, arguments[1], "monotonic")

    return signature, generate
