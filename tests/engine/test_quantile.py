"""Quantiles by histograms, 16 bits at a time, against a sort."""

from fractions import Fraction
from math import ceil, isnan

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.engine.quantile import BITS, BUCKETS, Place, Quantile, number_at, ordered, quantile

TYPES = {"float32": pa.float32(), "float64": pa.float64(), "int64": pa.int64()}

NUMBERS = {
    "float32": st.floats(width=32)
    | st.sampled_from([0.0, -0.0, 0.1, 1.0]).map(lambda number: float(np.float32(number))),
    "float64": st.floats() | st.sampled_from([0.0, -0.0, 0.1, 1.0]),
    "int64": st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 2),
}


def found(numbers: pa.Array, dtype: str, share: float, *, highest: bool) -> Quantile:
    """Find a quantile of numbers that are all in one split."""
    known = ordered(numbers, dtype)

    def count(place: Place, number: int) -> npt.NDArray[np.int64]:
        assert place.bits == number * BITS
        inside = known >> np.uint64(place.width - place.bits - BITS)
        inside = inside[[int(bits) >> BITS == place.prefix for bits in inside]]
        return np.bincount((inside & np.uint64(BUCKETS - 1)).astype(np.int64), minlength=BUCKETS)

    return quantile(count, dtype, share, highest=highest)


@settings(deadline=None, max_examples=60)
@given(st.data(), st.sampled_from(sorted(TYPES)), st.sampled_from([0.1, 0.3, 0.5, 1.0, 1e-12]), st.booleans())
def test_a_quantile_is_that_of_a_sort(data: st.DataObject, dtype: str, share: float, highest: bool) -> None:
    numbers = data.draw(st.lists(st.none() | NUMBERS[dtype], max_size=12))
    known = sorted((each for each in numbers if each is not None and not isnan(each)), reverse=highest)
    answer = found(pa.array(numbers, TYPES[dtype]), dtype, share, highest=highest)
    if not known:
        assert answer == Quantile(None, 0, 0)
        return
    bound = known[ceil(Fraction(repr(share)) * len(known)) - 1]
    kept = sum(each >= bound if highest else each <= bound for each in known)
    assert answer == Quantile(bound, len(known), kept)


@pytest.mark.parametrize("count", [1, 3, 10, 30, 1000])
def test_a_tenth_of_thirty_is_three(count: int) -> None:
    answer = found(pa.array(np.arange(count), pa.int64()), "int64", 0.1, highest=True)
    assert answer.kept == -(-count // 10)


@given(st.sampled_from(sorted(TYPES)).flatmap(lambda dtype: st.tuples(st.just(dtype), NUMBERS[dtype], NUMBERS[dtype])))
def test_the_order_of_numbers_is_that_of_their_bits(pair: tuple[str, float, float]) -> None:
    dtype, one, other = pair
    first, second = (ordered(pa.array([each], TYPES[dtype]), dtype) for each in (one, other))
    if isnan(one) or isnan(other):
        assert len(first) + len(second) < 2
        return
    assert (one < other, one == other) == (first[0] < second[0], first[0] == second[0])
    width = 32 if dtype == "float32" else 64
    assert number_at(Place(dtype, int(first[0]), width)) == one
