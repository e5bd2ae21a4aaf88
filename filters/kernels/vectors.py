"""Sixty-four bytes looked at in one step: which of them are white space, letters, or no ASCII.

In:  bytes, and a place behind which sixty-four of them lie.
Out: a uint64 whose bit i says it of byte i.
Guaranteed: exact for every byte, whatever stands beside it. This is the one place that speaks to LLVM itself: numba
     has no vectors of its own, and a loop that gathers bits is not made into one.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from filters.kernels.compiled import inlined, kernel

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
F32 = npt.NDArray[np.float32]

STEP = np.uint64(64)
"""Bytes of one step."""

BYTES = ir.VectorType(ir.IntType(8), int(STEP))
NOTHING, ONE = np.uint64(0), np.uint64(1)
ALL = ~NOTHING


def _each(value: int) -> ir.Constant:
    return ir.Constant(BYTES, [value] * int(STEP))


def _between(builder: Any, block: Any, low: int, count: int) -> Any:  # noqa: ANN401 - llvmlite is not typed
    """Return which bytes are among `count` values from `low` on."""
    return builder.icmp_unsigned("<", builder.sub(block, _each(low)), _each(count))


def _one_of(builder: Any, block: Any, values: bytes) -> Any:  # noqa: ANN401 - llvmlite is not typed
    """Return which bytes are one of some values."""
    tests = (builder.icmp_unsigned("==", block, _each(value)) for value in values)
    return reduce(builder.or_, tests)


def _of(builder: Any, byte: Any) -> Any:  # noqa: ANN401 - llvmlite is not typed
    """Return a vector of one byte, known when it runs."""
    first = builder.insert_element(ir.Constant(BYTES, ir.Undefined), byte, ir.Constant(ir.IntType(32), 0))
    places = ir.Constant(ir.VectorType(ir.IntType(32), int(STEP)), [0] * int(STEP))
    return builder.shuffle_vector(first, first, places)


def _block(context: Any, builder: Any, signature: Any, given: Any) -> Any:  # noqa: ANN401 - llvmlite is not typed
    """Return the vector at a place, from the first two arguments."""
    array = context.make_array(signature.args[0])(context, builder, given[0])
    place = builder.bitcast(builder.gep(array.data, [given[1]]), BYTES.as_pointer())
    return builder.load(place, align=1)


def _marks(test: Callable[[Any, Any], Any]) -> Callable[[U8, np.uint64], np.uint64]:
    """Make a function for kernels of a test on a vector of bytes."""

    @intrinsic
    def marks(_typing: object, data: Any, at: Any) -> Any:  # noqa: ANN401 - numba's types
        def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:  # noqa: ANN401 - numba's code generator
            block = _block(context, builder, signature, given)
            return builder.bitcast(test(builder, block), ir.IntType(64))

        return types.uint64(data, at), code

    return cast("Callable[[U8, np.uint64], np.uint64]", marks)


ascii_spaces = _marks(
    lambda builder, block: builder.or_(_one_of(builder, block, b" "), _between(builder, block, 0x09, 5))
)
"""Mark white space of ASCII: the space, and U+0009 to U+000D."""

not_ascii = _marks(lambda builder, block: builder.icmp_signed("<", block, _each(0)))
"""Mark bytes that are not ASCII."""

ascii_letters = _marks(lambda builder, block: _between(builder, builder.or_(block, _each(0x20)), 0x61, 26))
"""Mark A to Z and a to z."""

ascii_digits = _marks(lambda builder, block: _between(builder, block, 0x30, 10))
"""Mark 0 to 9."""

underscores = _marks(lambda builder, block: _one_of(builder, block, b"_"))
"""Mark '_'."""

joins_letters = _marks(lambda builder, block: _one_of(builder, block, b".':"))
"""Mark what joins two letters by UAX #29: MidNumLet, Single_Quote and MidLetter of ASCII."""

joins_digits = _marks(lambda builder, block: _one_of(builder, block, b".',;"))
"""Mark what joins two digits: MidNumLet, Single_Quote and MidNum of ASCII."""

fasttext_ends = _marks(
    lambda builder, block: builder.or_(_one_of(builder, block, b" \0"), _between(builder, block, 0x09, 5))
)
"""Mark what ends a word for fastText: NUL, U+0009 to U+000D, and the space."""

characters = _marks(lambda builder, block: builder.icmp_signed(">", block, _each(-65)))
"""Mark the first byte of each code point of UTF-8: the bytes that continue none (those are -128 to -65)."""

line_end_heads = _marks(
    lambda builder, block: builder.or_(
        builder.or_(_between(builder, block, 0x0A, 4), _between(builder, block, 0x1C, 3)),
        _one_of(builder, block, b"\xc2\xe2"),
    )
)
"""Mark what ends a line for `str.splitlines`, of ASCII, and what U+0085, U+2028 and U+2029 begin with."""

number_signs = _marks(lambda builder, block: _one_of(builder, block, b"#"))
"""Mark '#'."""

full_stops = _marks(lambda builder, block: _one_of(builder, block, b"."))
"""Mark '.'."""

ellipsis_heads = _marks(lambda builder, block: _one_of(builder, block, b"\xe2"))
"""Mark what U+2026 begins with, and every other of U+2000 to U+2FFF."""

line_feeds = _marks(lambda builder, block: _one_of(builder, block, b"\n"))
"""Mark U+000A."""

opening_brackets = _marks(lambda builder, block: _one_of(builder, block, b"["))
"""Mark `[`."""

sentence_marks = _marks(
    lambda builder, block: builder.or_(_one_of(builder, block, b".!?"), builder.icmp_signed("<", block, _each(0)))
)
"""Mark `.`, `!`, `?`, and bytes that are not ASCII."""


@intrinsic
def _alike(_typing: object, data: Any, at: Any, byte: Any, mask: Any) -> Any:  # noqa: ANN401 - numba's types
    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:  # noqa: ANN401 - numba's code generator
        block = _block(context, builder, signature, given)
        same = builder.icmp_unsigned("==", builder.and_(block, _of(builder, given[3])), _of(builder, given[2]))
        return builder.bitcast(same, ir.IntType(64))

    return types.uint64(data, at, byte, mask), code


alike = cast("Callable[[U8, np.uint64, np.uint8, np.uint8], np.uint64]", _alike)
"""Mark bytes whose bits in a mask, the last argument, are those of the byte before it, which has no others."""


def _zeros(beside: str) -> Callable[[np.uint64], np.uint64]:
    """Make a function for kernels that counts zeros: `cttz` those below the lowest bit that is set, `ctlz` above."""

    @intrinsic
    def zeros(_typing: object, bits: Any) -> Any:  # noqa: ANN401, ARG001 - numba calls it, and reads the name
        def code(_context: object, builder: Any, _signature: object, given: Any) -> Any:  # noqa: ANN401 - numba's code generator
            return getattr(builder, beside)(given[0], ir.Constant(ir.IntType(1), 0))

        return types.uint64(types.uint64), code

    return cast("Callable[[np.uint64], np.uint64]", zeros)


lowest = _zeros("cttz")
"""Return the number of the lowest bit that is set; 64 where none is."""

leading = _zeros("ctlz")
"""Return how many bits above the highest that is set are not; 64 where none is."""


@inlined
def highest(bits: np.uint64) -> np.uint64:
    """Return the number of the highest bit that is set; at least one must be."""
    return np.uint64(63) - leading(bits)


@intrinsic
def _bit_count(_typing: object, bits: Any) -> Any:  # noqa: ANN401, ARG001 - numba calls it, and reads the name
    def code(_context: object, builder: Any, _signature: object, given: Any) -> Any:  # noqa: ANN401 - numba's code generator
        return builder.ctpop(given[0])

    return types.int64(types.uint64), code


bit_count = cast("Callable[[np.uint64], int]", _bit_count)
"""Return how many bits are set."""


@intrinsic
def _fetch(_typing: object, numbers: Any, at: Any) -> Any:  # noqa: ANN401 - numba's types
    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:  # noqa: ANN401 - numba's code generator
        array = context.make_array(signature.args[0])(context, builder, given[0])
        place = builder.bitcast(builder.gep(array.data, [given[1]]), ir.IntType(8).as_pointer())
        flag = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, flag, flag, flag])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [place.type], kind)
        builder.call(prefetch, [place, flag(0), flag(3), flag(1)])
        return context.get_dummy_value()

    return types.void(numbers, at), code


fetch = cast("Callable[[U64, np.uint64], None]", _fetch)
"""Ask for the cache line of a number of an array, and go on: it is there when it is read some time later."""


LANES = 16
"""Numbers of float32 that are added in one step."""

NUMBERS = ir.VectorType(ir.FloatType(), LANES)


@intrinsic
def _add_lanes(_typing: object, into: Any, at: Any, numbers: Any, place: Any) -> Any:  # noqa: ANN401 - numba's types
    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:  # noqa: ANN401 - numba's code generator
        arrays = (context.make_array(signature.args[side])(context, builder, given[side]) for side in (0, 2))
        left, right = (
            builder.bitcast(builder.gep(array.data, [given[side]]), NUMBERS.as_pointer())
            for array, side in zip(arrays, (1, 3), strict=True)
        )
        total = builder.fadd(builder.load(left, align=4), builder.load(right, align=4))
        builder.store(total, left, align=4)
        return context.get_dummy_value()

    return types.void(into, at, numbers, place), code


add_lanes = cast("Callable[[F32, np.uint64, F32, np.uint64], None]", _add_lanes)
"""Add `LANES` numbers of an array, from a place on (the last two arguments), to those of another (the first two)."""


@inlined
def below(count: np.uint64) -> np.uint64:
    """Return a number of which the lowest `count` bits, 0 to 64, are set."""
    return (ONE << count) - ONE if count < STEP else ALL


@kernel
def rest_of(data: U8, at: int) -> U8:
    """Return the bytes from `at` on, fewer than a step, and zeros behind them: a whole step."""
    rest = np.zeros(STEP, np.uint8)
    for place in range(at, len(data)):
        rest[place - at] = data[place]
    return rest
