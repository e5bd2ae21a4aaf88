"""Ranking, against the order written out as tuples of plain numbers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.dedup.exchanges import Documents, Standing
from pipelines.dedup.ranking import RANKED, Preference, addresses, ranked_columns, ranking
from pipelines.engine.exchange import Layout, Rows

LAYOUT = Layout(RANKED)
NO_DATE = np.iinfo(np.int64).min
HASHES = st.sampled_from([0, 1, 2**63, 2**64 - 1])


@dataclass(frozen=True)
class Document:
    """A document, the source of its split, and its place."""

    split: int
    row: int
    position: int
    content: tuple[int, int]
    uid: int
    chars: int
    date: int


DOCUMENTS = st.lists(
    st.builds(
        Document,
        st.sampled_from([0, 1, 2**31 - 1]),
        st.sampled_from([0, 1, 2**32 - 1]),
        st.integers(0, 2),
        st.tuples(HASHES, HASHES),
        HASHES,
        st.sampled_from([0, 5, 2**40]),
        st.sampled_from([NO_DATE, -7, 0, 7]),
    ),
    max_size=20,
    unique_by=lambda document: (document.split, document.row),
)


def row_of(document: Document, prefer: Preference) -> Rows:
    """Return what the document sends, as its split's number and the exchange make it."""
    columns: dict[str, npt.NDArray[np.generic]] = {
        "row": np.array([document.row], np.uint32),
        "uid": np.array([document.uid], np.uint64),
        "content_high": np.array([document.content[0]], np.uint64),
        "content_low": np.array([document.content[1]], np.uint64),
        "chars": np.array([document.chars], np.int64),
        "date": np.array([document.date], np.int64),
    }
    known = Documents(columns, pa.array([""], pa.large_string()))
    ranked = ranked_columns(known, Standing(document.position, exempt=False), prefer)
    return Rows.build(LAYOUT, key=0, row=document.row, **ranked).of_split(document.split)


def address(document: Document) -> int:
    return document.split << 32 | document.row


def rank(document: Document, prefer: Preference) -> tuple[int, ...]:
    if prefer == "first":
        return document.position, address(document)
    preferred = -document.chars if prefer == "longest" else -document.date
    return document.position, preferred, *document.content, document.uid, address(document)


@given(DOCUMENTS, st.sampled_from(["first", "longest", "most_recent"]))
def test_documents_rank_by_keep_then_preference_then_content_then_uid_then_address(
    documents: list[Document], prefer: Preference
) -> None:
    rows = Rows.concat([row_of(document, prefer) for document in documents] or [Rows.empty(LAYOUT.dtype).of_split(0)])
    order = np.lexsort(ranking(rows, prefer)).tolist()
    assert [documents[place] for place in order] == sorted(documents, key=lambda document: rank(document, prefer))


@given(DOCUMENTS.filter(bool))
def test_an_address_is_the_split_above_the_row(documents: list[Document]) -> None:
    rows = Rows.concat([row_of(document, "first") for document in documents])
    assert addresses(rows).dtype == np.uint64
    assert addresses(rows).tolist() == [address(document) for document in documents]


def test_the_longest_the_latest_or_the_first_of_a_source_comes_first() -> None:
    short = Document(0, 1, 0, (1, 1), 1, chars=5, date=9)
    long = Document(1, 0, 0, (1, 1), 1, chars=6, date=NO_DATE)
    for prefer, best in (("first", short), ("longest", long), ("most_recent", short)):
        rows = Rows.concat([row_of(long, prefer), row_of(short, prefer)])  # type: ignore[arg-type] # a tuple of str
        assert addresses(rows)[np.lexsort(ranking(rows, prefer))[0]] == address(best)  # type: ignore[arg-type] # likewise
