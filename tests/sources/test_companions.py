"""Companions of documents: where they lie, what is read of them, and to whom each row belongs."""

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from filters.spans import spans_name
from pipelines.sources.attributes import read_attributes
from pipelines.sources.batches import raw_batch, raw_schema, text_array
from pipelines.sources.beside import read_companion
from pipelines.sources.companions import SCORES, Companion, place_beside
from pipelines.sources.joining import Joining, Told
from pipelines.sources.listing import read_listing
from pipelines.sources.streams import Problem
from tests.sources.helpers import CORPUS, FailingFile, lines, needs_corpus, plain_rows, rows_of, source_of
from tests.sources.published import minhash_table

ATTRIBUTES = sorted(
    [*CORPUS.glob("dolma/*/attributes/*/*.gz"), *CORPUS.glob("genuine/dolma/provided/attributes/*/*.gz")]
)
SIGNALS = sorted(CORPUS.glob("redpajama_v2*/quality_signals/**/*.gz"))
DUPLICATES = Companion(
    "duplicates", ("duplicates",), "listing", "duplicates", id="doc_id", fields={"duplicate": "doc_id"}
)


def attributes(fields: dict[str, str], key: str = "attributes") -> Companion:
    return Companion("a", ("attributes", "a"), "attributes", "attributes/a", key=key, fields=fields)


def read(data: bytes, fields: dict[str, str]) -> Told:
    return read_attributes(attributes(fields), io.BytesIO(data))


def plain_scores(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON
    """Return the scores of an attribute, as the documentation of the format says."""
    return [span[2] for span in value] if isinstance(value, list) else [] if value is None else [float(value)]


@needs_corpus
@pytest.mark.parametrize("path", [*ATTRIBUTES, *SIGNALS], ids=lambda path: f"{path.parts[-2]}-{path.name}")
def test_attributes_are_read_as_they_are_published(path: Path) -> None:
    rows, key = plain_rows(path), "quality_signals" if path in SIGNALS else "attributes"
    names = sorted({name for row in rows for name, value in row[key].items() if not isinstance(value, dict)})
    with path.open("rb") as file:
        told = read_companion(attributes({f"f{at}": name for at, name in enumerate(names)}, key), file)
    assert (told.problem, told.ids.to_pylist()) == ("", [row["id"] for row in rows])
    for at, name in enumerate(names):
        values = [row[key].get(name) for row in rows]
        assert told.columns[f"f{at}"].to_pylist() == [plain_scores(value) for value in values]
        found = told.columns[spans_name(f"f{at}")].to_pylist()
        pairs = [(spans, value) for spans, value in zip(found, values, strict=True) if isinstance(value, list)]
        assert all(spans == [place for span in value for place in span[:2]] for spans, value in pairs)


def test_a_name_that_a_row_does_not_have_is_an_empty_list_there() -> None:
    told = read(lines({"id": "a", "attributes": {"x": [[0, 2, 0.5]]}}, {"id": "b", "attributes": {}}), {"n": "x"})
    assert (told.columns["n"].to_pylist(), told.columns["n:spans"].to_pylist()) == ([[0.5], []], [[0, 2], []])


def test_a_dot_leads_into_an_object_and_a_key_with_a_dot_comes_first() -> None:
    row = {"id": "a", "attributes": {"pii": {"email": [[1, 2, 1.0]]}, "pii.email": 3, "pii.phone": [[4, 5, 0.0]]}}
    told = read(lines(row), {"email": "pii.email", "phone": "pii.phone", "none": "pii.x.y"})
    assert [told.columns[name].to_pylist() for name in ("email", "phone", "none")] == [[[3.0]], [[0.0]], [[]]]
    row["attributes"].pop("pii.email")  # type: ignore[attr-defined]
    assert read(lines(row), {"email": "pii.email"}).columns["email"].to_pylist() == [[1.0]]


def test_bare_numbers_and_truths_are_scores_without_a_span() -> None:
    rows = [{"id": str(at), "attributes": {"x": value}} for at, value in enumerate([0.7, 3, True, False, None])]
    told = read(lines(*rows), {"n": "x"})
    assert told.columns["n"].to_pylist() == [[0.7], [3.0], [1.0], [0.0], []]
    assert told.columns["n:spans"].to_pylist() == [[0, 0], [0, 0], [0, 0], [0, 0], []]
    assert told.problem == ""


NO_ATTRIBUTES = ['"text"', "[1, 2, 3]", "[[1, 2]]", "[[-1, 2, 0.5]]", "[[0, 4294967296, 1]]", "{}", "[[0, 1, 1], 7]"]


@pytest.mark.parametrize("value", NO_ATTRIBUTES)
def test_a_value_that_is_no_attribute_is_null_and_counted(value: str) -> None:
    data = b'{"id": "a", "attributes": {"x": %b, "y": 1}}\n' % value.encode()
    told = read(data, {"n": "x", "m": "y"})
    assert (told.columns["n"].to_pylist(), told.columns["m"].to_pylist()) == ([None], [[1.0]])
    assert told.problem == "1 rows or values are no attributes"


@pytest.mark.parametrize(
    "line", [b"{", b'{"id": [3], "attributes": {}}', b'{"attributes": {}}', b'{"id": "b"}', b"\xff", b"[]"]
)
def test_a_row_that_cannot_be_read_is_null_and_keeps_its_place(line: bytes) -> None:
    good = {"id": "a", "attributes": {"x": 1}}
    told = read(lines(good, line, {**good, "id": "c"}), {"n": "x"})
    assert told.ids.to_pylist() == ["a", None, "c"]
    assert told.columns["n"].to_pylist() == [[1.0], None, [1.0]]
    assert told.problem == "1 rows or values are no attributes"


def test_an_id_may_be_a_number() -> None:
    document = rows_of(source_of("dolma"), lines({"id": 7, "text": "a"}))
    assert read(lines({"id": 7, "attributes": {}}), {"n": "x"}).ids.to_pylist() == [document[0]["id"]] == ["7"]


def test_a_file_that_breaks_off_counts_as_far_as_it_goes() -> None:
    rows = [{"id": str(number), "attributes": {"x": number}} for number in range(50_000)]
    whole = gzip.compress(lines(*rows), mtime=0)
    told = read(whole[: len(whole) // 2], {"n": "x"})
    assert 0 < len(told.ids) < 50_000
    assert told.columns["n"].to_pylist() == [[float(number)] for number in range(len(told.ids))]
    assert told.problem.startswith("gzip: truncated after")


def test_only_the_files_own_error_is_raised() -> None:
    data = lines({"id": "a", "attributes": {}}) * 100_000
    with pytest.raises(OSError, match="the storage failed"):
        read_attributes(attributes({"n": "x"}), FailingFile(data, 1_500_000))
    table = io.BytesIO()
    pq.write_table(pa.table({"doc_id": [str(number) for number in range(100_000)]}), table)
    with pytest.raises(OSError, match="the storage failed"):
        read_listing(DUPLICATES, FailingFile(table.getvalue(), 1))


# --- joining


def raw_of(
    ids: list[str | None], ordinals: list[int] | None = None, broken: frozenset[int] = frozenset()
) -> pa.RecordBatch:
    """Return a raw batch of documents with these ids."""
    problems = {row: Problem("json", "broken") for row in broken}
    numbers = np.array(range(len(ids)) if ordinals is None else ordinals, np.uint64)
    columns = {"id": pa.array(ids, pa.string())}
    return raw_batch(raw_schema(source_of("dolma")), numbers, problems, text_array([b""] * len(ids)), columns)


def told_of(ids: list[str | None]) -> Told:
    """Return a companion whose row n has the one score n."""
    scores = pa.array([[float(row)] for row in range(len(ids))], SCORES)
    spans = pa.array([[0, 0]] * len(ids), pa.list_(pa.uint32()))
    return Told(pa.array(ids, pa.string()), {"n": scores, "n:spans": spans})


def joined(ids: list[str | None], told: Told | None, ordinals: list[int] | None = None) -> tuple[list[Any], Joining]:
    joining = Joining(attributes({"n": "x"}), told)
    found = joining.join(raw_of(ids, ordinals))["n"].to_pylist()
    return [None if row is None else int(row[0]) for row in found], joining


NAMES = st.lists(st.sampled_from(["a", "b", "c", "d", "e", None]), max_size=8)


@given(NAMES, NAMES, st.integers(0, 3))
def test_a_row_belongs_to_the_document_with_its_id_rather_at_its_own_place(
    documents: list[str | None], rows: list[str | None], shift: int
) -> None:
    ordinals = [place + shift for place in range(len(documents))]
    wanted: list[int | None] = []
    for ordinal, name in zip(ordinals, documents, strict=True):
        own = ordinal < len(rows) and rows[ordinal] == name
        wanted.append(None if name is None or name not in rows else ordinal if own else rows.index(name))
    found, joining = joined(documents, told_of(rows), ordinals)
    assert found == wanted
    assert (joining.documents, joining.without) == (len(documents), wanted.count(None))
    assert joining.claimed.tolist() == [row in wanted for row in range(len(rows))]


def test_documents_of_a_companion_that_is_not_there_have_null() -> None:
    found, joining = joined(["a", "b"], None)
    assert (found, joining.documents, joining.without) == ([None, None], 2, 2)


def test_a_document_that_cannot_be_read_has_no_row_and_is_not_missed() -> None:
    joining = Joining(attributes({"n": "x"}), told_of([None, "b"]))
    assert joining.join(raw_of([None, "b"], broken=frozenset({0})))["n"].to_pylist() == [None, [1.0]]
    assert (joining.documents, joining.without) == (1, 0)


def listing_of(problem: str) -> list[Any]:
    told = Told(pa.array(["b"]), {"duplicate": pa.array([True])}, problem)
    raw = raw_of(["a", "b", "c"], broken=frozenset({2}))
    found: list[Any] = Joining(DUPLICATES, told).join(raw)["duplicate"].to_pylist()
    return found


def test_who_is_not_in_a_listing_is_not_what_it_lists_if_it_is_whole() -> None:
    assert listing_of("") == [False, True, None]
    assert listing_of("parquet: broken") == [None, True, None]


def test_a_listing_without_its_column_or_of_another_kind_says_nothing(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "x")
    with (tmp_path / "x").open("rb") as file:
        told = read_listing(DUPLICATES, file)
    assert (told.ids.to_pylist(), told.problem) == ([], "parquet: no column 'doc_id'")
    pq.write_table(pa.table({"doc_id": [[1], [2]]}), tmp_path / "z")
    with (tmp_path / "z").open("rb") as file:
        told = read_listing(DUPLICATES, file)
    assert (told.ids.to_pylist(), told.problem) == ([], "parquet: the ids, 'doc_id', are no strings")
    (tmp_path / "y").write_bytes(b"no Parquet")
    with (tmp_path / "y").open("rb") as file:
        told = read_listing(DUPLICATES, file)
    assert (len(told.ids), told.problem[:9]) == (0, "parquet: ")


# --- places


@pytest.mark.parametrize(
    ("root", "path", "folder", "expected"),
    [
        ("/d/documents", "2023/en.json.gz", None, ("/d/minhash", "2023/en.minhash.parquet")),
        ("/d", "x/documents/2023/en.json.gz", None, ("/d/x/minhash", "2023/en.minhash.parquet")),
        ("s3://bucket/documents", "en.json.gz", None, ("s3://bucket/minhash", "en.minhash.parquet")),
        ("/documents/documents", "en.json.gz", None, ("/documents/minhash", "en.minhash.parquet")),
        ("/d/documents", "2023/en.json.gz", "s3://b/m", ("s3://b/m", "2023/en.minhash.parquet")),
        ("/elsewhere", "2023/en.json.gz", "/m", ("/m", "2023/en.minhash.parquet")),
        ("/elsewhere", "documents", None, None),
    ],
)
def test_a_companion_lies_below_its_folder_where_the_document_lies_below_documents(
    root: str, path: str, folder: str | None, expected: tuple[str, str] | None
) -> None:
    companion = Companion("minhash", ("minhash",), "bands", "minhash", ".minhash.parquet")
    assert place_beside(companion, root, path, folder) == expected


def test_attributes_are_called_like_their_documents() -> None:
    place = place_beside(attributes({}), "/d/documents", "a/b.jsonl.zst", None)
    assert place == ("/d/attributes/a", "a/b.jsonl.zst")


# --- options


REFUSED = {
    "an unknown signature": ("redpajama_v2", {"minhash": ["signature_sim0.5"]}, "signature_sim0.7"),
    "a taken name": ("dolma", {"attributes": {"a": {"bucket": "x"}}, "fields": ["bucket"]}, "other_name: bucket"),
    "a name twice": ("dolma", {"attributes": {"a": ["x"], "b": ["x"]}}, "attributes.b: another field is called 'x'"),
    "a name of every document": ("dolma", {"attributes": {"a": ["url"]}}, "{my_url: url}"),
    "a name that is none": ("dolma", {"attributes": {"pii": ["pii.email"]}}, "{some_name: 'pii.email'}"),
    "a folder of nothing": ("dolma", {"attributes": {"pii": ["x"]}, "folders": {"pi": "x"}}, "there are: pii"),
    "a folder where nothing is asked for": ("dolma", {"folders": {"pii": "x"}}, "none, for no option asks for one"),
    "a companion of which nothing is wanted": ("dolma", {"attributes": {"pii": []}}, "name at least one field"),
    "companions of others": ("c4", {"attributes": {}}, "attributes"),
}


@pytest.mark.parametrize(("kind", "options", "remedy"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_companion_is_refused_with_what_to_write(kind: str, options: dict[str, object], remedy: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        source_of(kind, **options)
    assert remedy in str(refusal.value)


# --- any bytes


def whole_files() -> dict[str, tuple[Companion, bytes]]:
    """Return a good file of each kind, with its companion."""
    rows = [{"id": str(number), "attributes": {"x": [[0, number, 0.5]] * (number % 3)}} for number in range(40)]
    table, ids = io.BytesIO(), [str(number) for number in range(40)]
    pq.write_table(minhash_table(ids, [f"{' '.join(ids)} {number}" for number in range(40)]), table)
    listed = io.BytesIO()
    pq.write_table(pa.table({"doc_id": ids}), listed, row_group_size=15)
    bands = Companion("m", ("m",), "bands", "m", fields={"signature_sim0.9": "signature_sim0.9"})
    return {
        "lines": (attributes({"n": "x"}), lines(*rows)),
        "gzip": (attributes({"n": "x"}), gzip.compress(lines(*rows), mtime=0)),
        "bands": (bands, table.getvalue()),
        "listing": (DUPLICATES, listed.getvalue()),
    }


WHOLE = whole_files()


@pytest.mark.parametrize("kind", WHOLE)
@given(st.data())
def test_a_damaged_file_is_read_as_far_as_it_goes_and_never_raises(kind: str, data: st.DataObject) -> None:
    companion, whole = WHOLE[kind]
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for at, byte in data.draw(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 255)), max_size=4)):
        if damaged:
            damaged[at % len(damaged)] = byte
    told = read_companion(companion, io.BytesIO(bytes(damaged)))
    assert sorted(told.columns) == sorted(companion.schema.names)
    for field in companion.schema:
        told.columns[field.name].validate(full=True)
        assert (told.columns[field.name].type, len(told.columns[field.name])) == (field.type, len(told.ids))
    assert told.ids.type == pa.string()
