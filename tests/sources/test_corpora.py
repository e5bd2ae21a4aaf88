"""Every published format, row by row, against a plain reading of the same real file."""

import json
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.sources.options import SourceOptions
from tests.sources.helpers import CORPUS, Row, moment, needs_corpus, plain_bytes, plain_rows, rows_of, source_of

pytestmark = needs_corpus

Expected = Callable[[Row], Row]


def files(pattern: str) -> list[Path]:
    return sorted(CORPUS.glob(pattern))


def check(source: SourceOptions, path: Path, expected: Expected) -> None:
    rows = rows_of(source, path.read_bytes(), name=path.relative_to(CORPUS).as_posix())
    found = [{key: value for key, value in row.items() if key != "ordinal"} for row in rows]
    plain = [{"problem": None, "id": None, "url": None, "date": None, "language": None} for _ in rows]
    assert found == [{**base, **expected(row)} for base, row in zip(plain, plain_rows(path), strict=True)]


def c4_row(row: Row) -> Row:
    return {"text": row["text"], "url": row["url"], "date": moment(row["timestamp"])}


@pytest.mark.parametrize("path", files("c4*/*.gz"), ids=lambda path: path.name)
def test_c4_reads_as_it_is_published(path: Path) -> None:
    check(source_of("c4"), path, c4_row)


def dolma_row(row: Row) -> Row:
    meta = row["metadata"]
    common = {"id": row["id"], "text": row["text"], "url": meta.get("url"), "date": moment(row["created"])}
    fields = {"title": meta.get("title"), "subset": row["source"], "added": moment(row["added"])}
    return {**common, "language": meta.get("language"), **fields, "meta": None, "perplexity": meta.get("perplexity")}


@pytest.mark.parametrize(
    "path",
    [*files("dolma/*/documents/*"), *files("genuine/dolma/*.*"), *files("genuine/dolma/*/documents/*")],
    ids=lambda path: path.name,
)
def test_dolma_reads_as_it_is_published(path: Path) -> None:
    fields = {"title": "title", "subset": "subset", "added": "added", "meta": "no.such.key", "perplexity": "perplexity"}
    check(source_of("dolma", fields=fields), path, dolma_row)


def pile_row(row: Row) -> Row:
    whole = json.dumps(row["meta"], ensure_ascii=False, separators=(",", ":"))
    return {"text": row["text"], "pile_set_name": row["meta"]["pile_set_name"], "meta": whole}


@pytest.mark.parametrize("path", files("pile/**/*.zst"), ids=lambda path: path.name)
def test_the_pile_reads_as_it_is_published_with_its_metadata_in_parts_and_whole(path: Path) -> None:
    rows = rows_of(source_of("pile", fields=["pile_set_name", "meta"]), path.read_bytes())
    compact = [
        {**row, "meta": json.dumps(json.loads(row["meta"]), ensure_ascii=False, separators=(",", ":"))} for row in rows
    ]
    keys = ("text", "pile_set_name", "meta")
    assert [{key: row[key] for key in keys} for row in compact] == [pile_row(row) for row in plain_rows(path)]


def redpajama_v1_row(row: Row) -> Row:
    meta: Row = row.get("meta", {})
    date = meta.get("timestamp")
    if date is not None:
        date = moment(f"{date[:4]}-{date[4:6]}-{date[6:]}" if date.isdigit() else date)
    return {
        "id": meta.get("arxiv_id") or row.get("source"),
        "text": row["text"],
        "url": meta.get("url"),
        "date": date.replace(tzinfo=UTC) if date is not None else None,
        "language": meta.get("language"),
        "title": meta.get("title", meta.get("short_book_title")),
        "wiki_prob": row.get("wiki_prob"),
    }


@pytest.mark.parametrize(
    "path", [*files("redpajama_v1/*/*"), *files("genuine/redpajama_v1/*")], ids=lambda path: path.name
)
def test_redpajama_v1_reads_as_it_is_published(path: Path) -> None:
    check(source_of("redpajama_v1", fields=["title", "wiki_prob"]), path, redpajama_v1_row)


def redpajama_v2_row(row: Row) -> Row:
    fields = {key: row[key] for key in ("bucket", "perplexity", "length")}
    common = {"text": row["raw_content"], "url": row["url"], "date": moment(row["date_download"])}
    return {**common, "language": row["language"], **fields}


@pytest.mark.parametrize("path", files("redpajama_v2*/documents/**/*.gz"), ids=lambda path: path.name)
def test_redpajama_v2_has_the_ids_by_which_its_quality_signals_are_published(path: Path) -> None:
    signals = Path(str(path).replace("/documents/", "/quality_signals/").replace(".json.gz", ".signals.json.gz"))
    source = source_of("redpajama_v2", fields=["bucket", "perplexity", "length"])
    rows = rows_of(source, path.read_bytes(), name=path.as_posix())
    ids = [row["id"] for row in plain_rows(signals)]
    numbered = zip(plain_rows(path), ids, strict=True)
    assert rows == [
        {"ordinal": number, "problem": None, "id": name, **redpajama_v2_row(row)}
        for number, (row, name) in enumerate(numbered)
    ]


@pytest.mark.parametrize("path", files("refinedweb/*"), ids=lambda path: path.name)
def test_refinedweb_reads_as_it_is_published(path: Path) -> None:
    rows = rows_of(source_of("refinedweb", fields=["dump", "segment"]), path.read_bytes(), split_bytes=1)
    plain = pq.read_table(path).to_pylist()
    assert rows == [
        {
            "ordinal": number,
            "problem": None,
            "text": row["content"],
            "id": None,
            "url": row["url"],
            "date": row["timestamp"].replace(tzinfo=UTC),
            "language": None,
            "dump": row["dump"],
            "segment": row["segment"],
        }
        for number, row in enumerate(plain)
    ]


def test_plain_json_lines_read_with_the_keys_that_the_manifest_names() -> None:
    (path,) = files("prose/*.gz")

    def expected(row: Row) -> Row:
        common = {"id": row["id"], "text": row["text"], "url": row["url"], "language": row["lang"]}
        return {**common, "licence": row["licence"]}

    check(source_of("jsonl", language_field="lang", fields=["licence"]), path, expected)


def test_a_list_or_a_number_is_carried_as_its_json_text() -> None:
    (path,) = files("synthetic/self_instruct_seed_tasks.jsonl")
    fields = {"instances": "instances", "flag": {"path": "is_classification", "type": "bool"}}
    rows = rows_of(source_of("jsonl", text_field="instruction", fields=fields), path.read_bytes())
    plain = plain_rows(path)
    assert [json.loads(row["instances"]) for row in rows] == [row["instances"] for row in plain]
    assert [row["flag"] for row in rows] == [row["is_classification"] for row in plain]


@pytest.mark.parametrize("path", files("genuine/data_prep_kit/*"), ids=lambda path: path.name)
def test_plain_parquet_reads_with_the_columns_that_the_manifest_names(path: Path) -> None:
    plain: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    text = "contents" if "contents" in plain[0] else "text"
    name = next((key for key in ("document_id", "doc_id") if key in plain[0]), "id")
    rows = rows_of(source_of("parquet", text_field=text, id_field=name), path.read_bytes())
    assert [row["text"] for row in rows] == [row[text] for row in plain]
    assert [row["id"] for row in rows] == [str(row[name]) if name in row else None for row in plain]


@pytest.mark.parametrize("path", files("langid/*.txt*"), ids=lambda path: path.name)
def test_a_text_file_is_one_document_whole(path: Path) -> None:
    (row,) = rows_of(source_of("text"), path.read_bytes())
    assert row["text"].encode() == plain_bytes(path)


def test_a_text_file_is_cut_at_its_separator() -> None:
    (path,) = files("langid/tatoeba.test.txt")
    rows = rows_of(source_of("text", separator="\n"), path.read_bytes())
    plain = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    assert [row["text"] for row in rows] == plain
    assert [row["ordinal"] for row in rows] == list(range(len(plain)))


@pytest.mark.parametrize("path", files("redpajama_v1/*/*.jsonl"), ids=lambda path: path.name)
def test_the_ordinal_of_a_plain_line_is_the_byte_at_which_it_begins(path: Path) -> None:
    data = path.read_bytes()
    rows = rows_of(source_of("redpajama_v1"), data, split_bytes=100_000)
    assert [json.loads(data[row["ordinal"] :].split(b"\n", 1)[0])["text"] for row in rows] == [
        row["text"] for row in rows
    ]
