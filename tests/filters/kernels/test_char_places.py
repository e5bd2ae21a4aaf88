"""Places in bytes are those that Python finds by encoding."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.char_places import byte_places

PLACED = st.lists(st.tuples(st.text(max_size=20), st.lists(st.integers(0, 25), max_size=6).map(sorted)), max_size=5)


@given(PLACED, st.binary(max_size=3))
def test_places_are_those_of_the_encoded_beginning(placed: list[tuple[str, list[int]]], before: bytes) -> None:
    encoded = [text.encode() for text, _ in placed]
    offsets = np.cumsum([len(before), *map(len, encoded)], dtype=np.int64)
    text = np.repeat(np.arange(len(placed)), [len(places) for _, places in placed])
    place = np.array([each for _, places in placed for each in places], np.int64)
    data = np.frombuffer(before + b"".join(encoded), np.uint8)
    expected = [
        int(start) + len(whole[:each].encode())
        for start, (whole, places) in zip(offsets, placed, strict=False)
        for each in places
    ]
    assert byte_places(data, offsets, text, place).tolist() == expected


def test_a_long_text_is_walked_over_once() -> None:
    whole = "a\U0001f600é\n" * 100_000
    data = np.frombuffer(whole.encode(), np.uint8)
    place = np.arange(0, 400_001, 4)
    found = byte_places(data, np.array([0, len(data)]), np.zeros(len(place), np.int64), place)
    assert found.tolist() == list(range(0, 800_001, 8))
