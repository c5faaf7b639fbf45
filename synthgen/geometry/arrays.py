"""Array types and the check that every stored array passes."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthgen.errors import InternalError

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
I8 = NDArray[np.int8]
I32 = NDArray[np.int32]
U32 = NDArray[np.uint32]
U16 = NDArray[np.uint16]
U8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]

_Scalar = TypeVar("_Scalar", bound=np.generic)


def frozen_array(
    name: str, value: ArrayLike, shape: tuple[int | None, ...], dtype: type[_Scalar]
) -> NDArray[_Scalar]:
    """Read-only view of `value`, of the stated shape and type.

    Args:
        name: Field the array is stored in, for the message.
        value: Array, or nested numbers, that convert to `dtype` without loss of kind.
        shape: Expected shape; None stands for any length.
        dtype: Expected element type.

    Raises:
        InternalError: Shape or type differ.
    """
    array = np.asarray(value)
    if array.shape != shape or array.dtype != dtype:  # Most calls have nothing to be converted.
        fits = len(array.shape) == len(shape) and all(
            want is None or want == found for want, found in zip(shape, array.shape, strict=True)
        )
        if not fits or not np.can_cast(array.dtype, dtype, casting="same_kind"):
            raise InternalError(
                f"{name}: expected {shape_text(shape)} {np.dtype(dtype)}, "
                f"got {shape_text(array.shape)} {array.dtype}"
            )
        array = array.astype(dtype, copy=False)
    view = array.view()
    view.flags.writeable = False
    return view


def shape_text(shape: tuple[int | None, ...]) -> str:
    """`(3, *)` for a shape with one open length."""
    inner = ", ".join("*" if length is None else str(length) for length in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"
