"""Reference losses beside tokens, against a loop over documents."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.tokens.ref_loss import RefLoss, ref_loss
from tests.tokens.made_runs import runs_from

half = st.floats(0, 60, width=16)
documents = st.lists(st.tuples(st.integers(0, 5), st.none() | st.lists(half, max_size=5), st.booleans()), max_size=6)
frames = st.tuples(st.integers(0, 1), st.integers(0, 1))


def found(held: list[tuple[int, list[float] | None, bool]], frame: tuple[int, int]) -> RefLoss:
    runs = runs_from([[0] * (tokens + sum(frame)) for tokens, _, _ in held])
    lists = pa.array([[9.0], *(losses for _, losses, _ in held)], pa.list_(pa.float16())).slice(1)
    return ref_loss(lists, np.array([unedited for _, _, unedited in held], np.bool_), runs, frame)


@given(documents, frames)
def test_a_loss_stands_beside_its_token_or_not_at_all(
    held: list[tuple[int, list[float] | None, bool]], frame: tuple[int, int]
) -> None:
    expected: list[float] = []
    counts = {"given": 0, "edited": 0, "misfit": 0}
    for tokens, losses, unedited in held:
        inner = [np.nan] * tokens
        if losses is not None:
            fate = "edited" if not unedited else "given" if len(losses) == tokens else "misfit"
            counts[fate] += 1
            inner = losses if fate == "given" else inner
        expected += [np.nan] * frame[0] + inner + [np.nan] * frame[1]
    seen = found(held, frame)
    assert seen.values.dtype == np.float16
    assert np.array_equal(seen.values, np.array(expected, np.float16), equal_nan=True)
    assert {name: getattr(seen, name) for name in counts} == counts


def test_bos_and_eos_have_none() -> None:
    values = found([(2, [1.5, 0.25], True), (1, [4.0], True)], (1, 1)).values
    assert [None if np.isnan(each) else float(each) for each in values] == [None, 1.5, 0.25, None, None, 4.0, None]
