"""Exact duplicates, against the rule written out over all pairs of documents."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.batch import Batch, batch_of
from pipelines.dedup.exact import DedupExact
from pipelines.dedup.exchanges import Documents, Standing
from pipelines.dedup.keys import NormalForm, normalize_url
from pipelines.engine.exchange import Emitter, Rows, read_partition
from pipelines.engine.storage import open_storage

SOURCES = {"keeper": Standing(0, exempt=False), "plain": Standing(1, exempt=False), "safe": Standing(1, exempt=True)}
FORMS: tuple[NormalForm, ...] = ("none", "lower", "ccnet")
NO_DATE = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Page:
    """A document of one split."""

    text: str
    url: str | None
    date: int
    uid: int


@dataclass(frozen=True)
class Part:
    """The documents of one split; its number is its place among the parts."""

    source: str
    pages: tuple[Page, ...]


@st.composite
def parts(draws: Callable[..., Any]) -> list[Part]:
    """Draw a few splits of documents that are often equal in text, URL, date or uid."""
    page = st.builds(
        Page,
        st.sampled_from(["", "a", "bb", "b", "ccc"]),
        st.sampled_from([None, "", "http://e.org/x", "https://www.e.org/x/", "http://e.org/y"]),
        st.sampled_from([NO_DATE, -5, 0, 7]),
        st.sampled_from([1, 2, 2**63, 2**64 - 1]),
    )
    some: list[Part] = draws(
        st.lists(st.builds(Part, st.sampled_from(sorted(SOURCES)), st.lists(page, max_size=6).map(tuple)), max_size=4)
    )
    return some


def emit(stage: DedupExact, part: Part) -> Rows:
    batch = batch_of([page.text for page in part.pages])
    urls = pa.array([page.url for page in part.pages], pa.string())
    place = batch.documents.schema.get_field_index("url")
    documents = batch.documents.set_column(place, batch.documents.schema.field("url"), urls)
    measured = {name: values.to_numpy() for name, values in stage.measure(Batch(documents)).items()}
    columns = {
        **measured,
        "row": np.arange(len(part.pages), dtype=np.uint32),
        "uid": np.array([page.uid for page in part.pages], np.uint64),
        "date": np.array([page.date for page in part.pages], np.int64),
        "chars": np.array([len(page.text) for page in part.pages], np.int64),
    }
    return stage.emit(Documents(columns, batch.text), SOURCES[part.source])


Answer = tuple[bool, int, int]
"""Whether the document falls, the uid of who stays, and the size of the group."""


def decide(stage: DedupExact, splits: Sequence[Part], partitions: int, order: Sequence[int]) -> dict[int, Answer]:
    """Run the exchange with its files read in the given order; return the answers by address."""
    with TemporaryDirectory() as folder:
        storage = open_storage(folder)
        for number, part in enumerate(splits):
            with Emitter(storage, f"{number}.rows", stage.layout, spill_bytes=300) as emitter:
                emitter.add(emit(stage, part))
        paths = [(number, f"{number}.rows") for number in order]
        home = (
            [stage.reduce(read_partition(storage, paths, at, partitions)) for at in range(partitions)] if paths else []
        )
    answers: dict[int, Answer] = {}
    for rows in home:
        head = rows.header
        assert head["row"].tolist() == (head["key"] & np.uint64(0xFFFFFFFF)).tolist()
        assert set(head["similarity"].tolist()) <= {1.0}
        columns = (head[name].tolist() for name in ("key", "dropped", "kept_uid", "cluster"))
        answers |= {key: (bool(dropped), kept, size) for key, dropped, kept, size in zip(*columns, strict=True)}
    return answers


def expected(stage: DedupExact, splits: Sequence[Part]) -> dict[int, Answer]:
    """Decide by looking at each document and all that share its key."""
    groups: dict[str, list[tuple[int, Part, Page]]] = {}
    for number, part in enumerate(splits):
        for row, page in enumerate(part.pages):
            key = page.text if stage.by == "content" else normalize_url(page.url or "")
            if key or stage.by == "content":
                groups.setdefault(key, []).append((number << 32 | row, part, page))
    answers: dict[int, Answer] = {}
    for group in (group for group in groups.values() if len(group) > 1):
        best = min(group, key=lambda member: rank(stage.prefer, *member))
        for address, part, _ in group:
            falls = address != best[0] and not SOURCES[part.source].exempt
            answers[address] = (falls, best[2].uid, len(group))
    return answers


def rank(prefer: str, address: int, part: Part, page: Page) -> tuple[int, ...]:
    position = SOURCES[part.source].position
    if prefer == "first":
        return (position, address)
    preference = -len(page.text) if prefer == "longest" else -page.date
    return (position, preference, xxhash.xxh3_128_intdigest(page.text.encode()), page.uid, address)


@settings(max_examples=150)
@given(
    parts(),
    st.sampled_from(["content", "url"]),
    st.sampled_from(["first", "longest", "most_recent"]),
    st.integers(1, 7),
    st.randoms(use_true_random=False),
)
def test_who_stays_is_the_first_of_its_group_by_the_documented_order(
    splits: list[Part],
    by: Literal["content", "url"],
    prefer: Literal["first", "longest", "most_recent"],
    partitions: int,
    random: Any,  # noqa: ANN401 - hypothesis has no name for it
) -> None:
    stage = DedupExact(by=by, prefer=prefer)
    order = list(range(len(splits)))
    random.shuffle(order)
    assert decide(stage, splits, partitions, order) == expected(stage, splits)


def test_of_each_group_exactly_one_stays_where_none_is_exempt() -> None:
    pages = tuple(Page("same", None, NO_DATE, uid) for uid in (5, 3, 9))
    answers = decide(DedupExact(prefer="longest"), [Part("plain", pages), Part("plain", pages)], 1, [0, 1])
    assert [address for address, (falls, _, _) in answers.items() if not falls] == [1]
    assert {kept for _, kept, _ in answers.values()} == {3}


def test_a_document_that_is_alone_hears_nothing() -> None:
    assert decide(DedupExact(), [Part("plain", (Page("a", None, 0, 1), Page("b", None, 0, 2)))], 3, [0]) == {}


@pytest.mark.parametrize("text", ["", "x"])
def test_equal_halves_of_a_key_are_not_equal_keys(text: str) -> None:
    """Two rows with one high half and different low halves are two groups."""
    stage = DedupExact()
    rows = emit(stage, Part("plain", (Page(text, None, 0, 1), Page(text, None, 0, 2))))
    header = rows.header.copy()
    header["low"][1] += np.uint64(1)
    assert len(stage.reduce(Rows(header, rows.payload).of_split(0))) == 0
    assert len(stage.reduce(rows.of_split(0))) == 2


def test_texts_are_compared_in_their_normal_form() -> None:
    pages = tuple(Page(text, None, 0, uid) for uid, text in enumerate(["Page 12\n", " page 34", "Page 12", "Page 1"]))
    kept = {
        form: [
            address
            for address, (falls, _, _) in decide(DedupExact(normalize=form), [Part("plain", pages)], 2, [0]).items()
            if falls
        ]
        for form in FORMS
    }
    assert kept == {"none": [], "lower": [2], "ccnet": [1, 2]}


def test_the_rule_says_what_two_documents_share() -> None:
    assert [DedupExact(by=by).rule for by in ("content", "url")] == ["same_content", "same_url"]


def test_the_stage_alone_gives_its_key_columns() -> None:
    outcome = DedupExact(by="url")(batch_of(["a"]))
    assert sorted(outcome.columns) == ["content_high", "content_low", "url_high", "url_low"]
    assert outcome.rule is None
