"""How well scores tell classes apart: counted pair by pair."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.training import quality

PAIRS = st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0]), st.booleans()), max_size=12)


def ratio(part: float, whole: int) -> float | None:
    return part / whole if whole else None


@given(PAIRS)
def test_quality_is_what_its_definitions_say(pairs: list[tuple[float, bool]]) -> None:
    scores, positive = np.array([score for score, _ in pairs], np.float32), np.array([good for _, good in pairs], bool)
    hits = sum(score > 0.5 and good for score, good in pairs)
    said, real = sum(score > 0.5 for score, _ in pairs), sum(good for _, good in pairs)
    duels = [(one > other) + (one == other) / 2 for one, good in pairs if good for other, bad in pairs if not bad]
    assert quality(scores, positive) == {
        "held_out_positive": real,
        "held_out_negative": len(pairs) - real,
        "precision": ratio(hits, said),
        "recall": ratio(hits, real),
        "f1": ratio(2 * hits, said + real),
        "auc": ratio(sum(duels), len(duels)),
    }
