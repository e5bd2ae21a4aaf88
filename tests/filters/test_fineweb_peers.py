"""FineWeb's rules beside datatrove's filter, live on real documents: the same verdicts for the same reasons.

datatrove is given our words; with those of spaCy the ratio of line feeds to words differs.
"""

from typing import Any

import pytest

from filters.batch import batch_of
from filters.fineweb import FineWebQuality
from filters.sentences import TERMINALS
from filters.words import words
from tests.filters.real_texts import needs_corpus, real_texts

fineweb_filter: Any = pytest.importorskip("datatrove.pipeline.filters.fineweb_quality_filter")
documents: Any = pytest.importorskip("datatrove.data")

REASONS = {
    "empty": "min_lines",
    "line_punct_ratio": "line_punct_thr",
    "short_line_ratio": "short_line_thr",
    "char_dup_ratio": "char_duplicates_ratio",
    "list_ratio": "new_line_ratio",
}


def reason_of(peer: Any, text: str) -> str | None:  # noqa: ANN401 - an untyped library
    answer = peer.filter(documents.Document(text=text, id="0"))
    return None if answer is True else REASONS[answer[1]]


def test_terminal_marks_are_those_of_datatrove() -> None:
    assert set(TERMINALS) == fineweb_filter.TERMINAL_PUNCTUATION
    assert len(TERMINALS) == len(set(TERMINALS))


@needs_corpus
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"line_punct_exclude_zero": True},
        {"char_duplicates_ratio": 0.1, "short_line_length": 80, "stop_chars": (".", ",")},
        {"line_punct_thr": 0, "short_line_thr": 1, "char_duplicates_ratio": 1},
    ],
)
def test_verdicts_are_those_of_datatrove(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]) -> None:
    monkeypatch.setattr(fineweb_filter, "split_into_words", lambda text, _language: words(text))
    texts = list(real_texts(9))
    ours, peer = FineWebQuality(**options)(batch_of(texts)), fineweb_filter.FineWebQualityFilter(**options)
    assert ours.rule is not None
    assert ours.rule.to_pylist() == [reason_of(peer, text) for text in texts]
    assert len(texts) > 800
