"""Personal data beside the peers, on real documents: Dolma's tagger as stored attributes, datatrove's formatter live.

Both agree everywhere but for one thing: datatrove takes its example values in turn over all documents that a formatter
has seen, so each document is given to a new one here.
"""

from typing import Any

import numpy as np
import pytest

from filters.batch import batch_of
from filters.pii import Pii
from filters.pii_spans import KINDS, find_spans
from tests.filters.real_texts import CORPUS, json_lines, needs_corpus, real_texts

pytestmark = needs_corpus

DOLMA_NAMES = {"EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone_number", "IP_ADDRESS": "ip_address"}

Span = tuple[int, int, str]


def tagged() -> list[tuple[str, set[Span]]]:
    """Return every document of the Dolma part with the spans of `pii_regex_v1`, in characters."""
    pairs = []
    for path in sorted(CORPUS.glob("dolma/*/documents/*.json.gz")):
        attributes = path.parents[1] / "attributes" / "pii_regex_v1" / path.name
        spans = {record["id"]: _spans(record["attributes"]) for record in json_lines(attributes)}
        pairs += [(record["text"], spans[record["id"]]) for record in json_lines(path)]
    return pairs


def _spans(attributes: dict[str, list[list[float]]]) -> set[Span]:
    named = {name.rpartition("__")[2]: spans for name, spans in attributes.items()}
    found = {kind: named.get(name, []) for name, kind in DOLMA_NAMES.items()}
    return {(int(start), int(end), kind) for kind, spans in found.items() for start, end, _ in spans}


def ours(text: str) -> set[Span]:
    scans = batch_of([text]).scans
    found = find_spans(scans, "dolma_v1", KINDS, public_only=False, among=np.ones(1, np.bool_))
    spans = zip(found.start.tolist(), found.end.tolist(), found.kind.tolist(), strict=True)
    raw = text.encode()
    return {(len(raw[:start].decode()), len(raw[:end].decode()), KINDS[kind]) for start, end, kind in spans}


def test_every_span_is_that_of_dolmas_tagger() -> None:
    pairs = tagged()
    assert sum(len(spans) for _, spans in pairs) > 500
    assert [ours(text) for text, _ in pairs] == [spans for _, spans in pairs]


def test_masked_texts_are_those_of_datatroves_formatter() -> None:
    formatters: Any = pytest.importorskip("datatrove.pipeline.formatters.pii")
    texts = [text for text in real_texts(4) if "@" in text or "." in text]
    masked = Pii(style="fineweb").edit(batch_of(texts)).to_pylist()
    assert masked == [formatters.PIIFormatter().format(text) for text in texts]
    assert masked != texts
