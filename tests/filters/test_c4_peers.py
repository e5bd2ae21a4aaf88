"""C4's rules beside datatrove's filter, live on real documents: the same verdicts and the same texts.

Both are given the sentences of `filters/sentences.py`. The one thing that differs is the reason of a page that holds
both "lorem ipsum" and a curly bracket: datatrove names what comes first in the page, we the first of our rules.
"""

from typing import Any

import pytest

from filters.batch import batch_of
from filters.c4 import C4Quality
from filters.sentences import sentences
from tests.filters.real_texts import needs_corpus, real_texts

c4_filters: Any = pytest.importorskip("datatrove.pipeline.filters.c4_filters")
documents: Any = pytest.importorskip("datatrove.data")

pytestmark = needs_corpus

REASONS = {
    "lorem_ipsum": "filter_lorem_ipsum",
    "curly_bracket": "filter_curly_bracket",
    "too_few_sentences": "min_num_sentences",
}


def answer_of(peer: Any, text: str) -> tuple[str | None, str | None]:  # noqa: ANN401 - an untyped library
    document = documents.Document(text=text, id="0")
    answer = peer.filter(document)
    return (None, document.text) if answer is True else (REASONS[answer[1]], None)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"split_paragraph": False},
        {"min_num_sentences": -1, "filter_no_terminal_punct": False, "min_words_per_line": -1},
        {"remove_citations": False, "max_word_length": 10},
        {
            "filter_javascript": False,
            "filter_policy": False,
            "filter_curly_bracket": False,
            "filter_lorem_ipsum": False,
        },
    ],
)
def test_verdicts_and_texts_are_those_of_datatrove(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]) -> None:
    monkeypatch.setattr(c4_filters, "split_into_sentences", lambda text, _language: sentences(text))
    stage = C4Quality(**{name: None if value == -1 else value for name, value in options.items()})
    texts = list(real_texts(9))
    ours, peer = stage(batch_of(texts)), c4_filters.C4QualityFilter(**options)
    assert ours.rule is not None
    assert ours.text is not None
    for text, rule, edited in zip(texts, ours.rule.to_pylist(), ours.text.to_pylist(), strict=True):
        reason, left = answer_of(peer, text)
        assert (rule is None) == (reason is None)
        assert reason is not None or edited == left
        assert rule == reason or {rule, reason} == {"filter_lorem_ipsum", "filter_curly_bracket"}
    assert len(texts) > 800
