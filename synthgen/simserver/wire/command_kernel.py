"""Compiled: commands of one kind out of their msgpack bytes."""

import math

import numba as nb

from synthgen.kernels import helper, kernel

VEHICLE_CONTROL, WALKER_STATE = 2, 7
# What is returned for anything that is not spelt as the client spells it.
MISFIT = -1
# A walker's state with an id of four bytes.
LONGEST_COMMAND = 48

_ARRAY, _FIXINT_MAX = 0x90, 0x7F
_FALSE, _TRUE = 0xC2, 0xC3
_FLOAT32 = 0xCA
_UINT8, _UINT16, _UINT32 = 0xCC, 0xCD, 0xCE
_NUMBER = 5

_fast = helper(error_model="numpy", _nrt=False)


@_fast
def _width(first):
    """How many bytes follow the first one of an unsigned integer."""
    if first <= _FIXINT_MAX:
        return 0
    if first == _UINT8:
        return 1
    if first == _UINT16:
        return 2
    return 4 if first == _UINT32 else MISFIT


@_fast
def _number(data, at, width):
    value = 0
    for k in range(width):
        value = (value << 8) | nb.int64(data[at + k])
    return value


@_fast
def _floats(data, at, count, out, column):
    """Read an array of finite numbers of four bytes each; where it ends."""
    for k in range(count):
        if data[at] != _FLOAT32:
            return MISFIT
        bits = _number(data, at + 1, 4)
        exponent, mantissa = (bits >> 23) & 0xFF, bits & 0x7FFFFF
        if exponent == 0xFF:
            return MISFIT
        if exponent > 0:
            mantissa |= 0x800000
        value = math.ldexp(float(mantissa), max(exponent, 1) - 150)
        out[column + k] = -value if bits >> 31 else value
        at += _NUMBER
    return at


@_fast
def _control(data, at, out):
    if data[at] != _ARRAY + 7:
        return MISFIT
    at = _floats(data, at + 1, 3, out, 0)
    if at == MISFIT:
        return MISFIT
    for k in range(3):
        if data[at + k] != _FALSE and data[at + k] != _TRUE:
            return MISFIT
        out[3 + k] = float(data[at + k] & 1)
    if data[at + 3] > _FIXINT_MAX:
        return MISFIT
    out[6] = float(data[at + 3])
    return at + 4


@_fast
def _state(data, at, out):
    if data[at] != _ARRAY + 2:
        return MISFIT
    at += 1
    for column in (0, 3):
        if data[at] != _ARRAY + 3:
            return MISFIT
        at = _floats(data, at + 1, 3, out, column)
        if at == MISFIT:
            return MISFIT
    return _floats(data, at, 1, out, 6)


@kernel(
    nb.int64(
        nb.types.Array(nb.uint8, 1, "C", readonly=True),
        *(nb.int64, nb.int64, nb.int64[::1], nb.float64[:, ::1]),
    ),
    nogil=True,
    error_model="numpy",
    _nrt=False,
)
def read_commands(data, at, kind, ids, values):
    """Fill in actor ids and seven values a command, see `CommandTable`; where they end.

    `data` has `LONGEST_COMMAND` bytes more than may be read.
    """
    fields = 2 if kind == VEHICLE_CONTROL else 3
    for row in range(len(ids)):
        if at + LONGEST_COMMAND > len(data):
            return MISFIT
        if data[at] != _ARRAY + 1 or data[at + 1] != _ARRAY + 2:
            return MISFIT
        if data[at + 2] != kind or data[at + 3] != _ARRAY + fields:
            return MISFIT
        width = _width(data[at + 4])
        if width == MISFIT:
            return MISFIT
        ids[row] = _number(data, at + 5, width) if width > 0 else nb.int64(data[at + 4])
        at += 5 + width
        at = _control(data, at, values[row]) if fields == 2 else _state(data, at, values[row])
        if at == MISFIT:
            return MISFIT
    return at
