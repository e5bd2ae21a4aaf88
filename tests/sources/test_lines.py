"""JSON lines: what a readable line is, what is said of one that is not, and that its neighbours stand."""

import json

import pytest

from tests.sources.helpers import CORPUS, Row, lines, needs_corpus, problems_of, rows_of, source_of

GOOD = {"text": "good", "id": "g"}
JSONL = source_of("jsonl", fields={"score": {"path": "score", "type": "int64"}, "tag": "meta.tag"})

UNREADABLE = {
    "no json": (b"hello", "json: invalid character (byte 0)"),
    "a broken tail": (b'{"text": "good"', "json: input data was truncated"),
    "two objects": (b'{"text": "a"} {"text": "b"}', "json: trailing characters"),
    "a trailing comma": (b'{"text": "a",}', "json: trailing comma in object (byte 13)"),
    "NaN": (b'{"text": "a", "n": NaN}', "json: invalid character (byte 19)"),
    "a bad number in a key not read": (b'{"text": "a", "n": 01}', "json: invalid number (byte 20)"),
    "a bad escape in a key not read": (b'{"text": "a", "n": "\\q"}', "json: invalid escaped character (byte 21)"),
    "a raw NUL": (b'{"text": "a\0"}', "json: invalid character (byte 11)"),
    "a NUL after the object": (b'{"text": "a"}\0', "json: trailing characters"),
    "deep nesting": (b'{"text": "a", "n": ' + b"[" * 100_000, "json: nested too deeply"),
    "an invalid byte": (b'{"text": "a\xff"}', "utf-8: invalid byte 0xff at 11"),
    "an invalid byte in a key not read": (b'{"text": "a", "n": "\xe9"}', "utf-8: invalid byte 0xe9 at 20"),
    "an encoded surrogate": (b'{"text": "\xed\xa0\x80"}', "utf-8: invalid byte 0xed at 10"),
    "a high surrogate alone": (b'{"text": "a\\ud800b"}', "utf-8: lone surrogate"),
    "a low surrogate alone": (b'{"text": "a\\uDC00b"}', "utf-8: lone surrogate"),
    "a lone surrogate in a key not read": (b'{"text": "a", "n": "\\ud83d"}', "utf-8: lone surrogate"),
    "an array": (b'["text"]', "type: the record is an array, not an object"),
    "a number": (b"42", "type: the record is a number, not an object"),
    "null": (b"null", "type: the record is null, not an object"),
    "no text": (b'{"id": "x"}', "missing: no field 'text'"),
    "a null text": (b'{"text": null}', "missing: 'text' is null"),
    "a number as text": (b'{"text": 1}', "type: 'text' is a number, not a string"),
    "a bool as text": (b'{"text": true}', "type: 'text' is a bool, not a string"),
    "an array as text": (b'{"text": []}', "type: 'text' is an array, not a string"),
    "an object as text": (b'{"text": {}}', "type: 'text' is an object, not a string"),
    "a string as a number": (b'{"text": "a", "score": "1"}', "type: 'score' is a string, not int64"),
    "a fraction as an integer": (b'{"text": "a", "score": 1.5}', "type: 'score' is a number, not int64"),
    "a bool as an integer": (b'{"text": "a", "score": true}', "type: 'score' is a bool, not int64"),
    "an integer that is too large": (
        b'{"text": "a", "score": 9223372036854775808}',
        "type: 'score' is a number, not int64",
    ),
    "a number that is no double": (b'{"text": "a", "score": 1e999}', "type: number out of range"),
    "metadata that is a number": (b'{"text": "a", "meta": 5}', "type: 'meta' is a number, not an object"),
    "metadata that is an array": (b'{"text": "a", "meta": [1]}', "type: 'meta' is an array, not an object"),
    "metadata that is a word": (b'{"text": "a", "meta": "word"}', "type: 'meta' is a string, not an object"),
    "metadata that holds an array": (b'{"text": "a", "meta": "[1]"}', "type: 'meta' is a string, not an object"),
}


@pytest.mark.parametrize(("line", "problem"), UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_line_says_why_and_its_neighbours_stand(line: bytes, problem: str) -> None:
    before, bad, after = rows_of(JSONL, lines(GOOD, line, GOOD))
    assert bad["problem"].startswith(problem)
    assert bad == {**dict.fromkeys(bad), "ordinal": len(lines(GOOD)), "problem": bad["problem"], "text": "", "id": ""}
    assert [before["text"], after["text"], before["id"], after["id"]] == ["good", "good", "g", "g"]
    assert before["problem"] is None
    assert after["problem"] is None


READABLE = {
    "an escaped NUL": (b'{"text": "a\\u0000b"}', "a\0b"),
    "an escaped pair": (b'{"text": "\\ud83d\\ude00"}', "\N{GRINNING FACE}"),
    "an escaped backslash before ud800": (b'{"text": "\\\\ud800"}', "\\ud800"),
    "an escaped key": (b'{"te\\u0078t": "a"}', "a"),
    "a key given twice": (b'{"text": "a", "text": "b"}', "b"),
    "white space around": (b' \t{"text": "a"} \t', "a"),
    "a carriage return at the end": (b'{"text": "a"}\r', "a"),
    "an empty text": (b'{"text": ""}', ""),
    "the last character": (b'{"text": "\xf4\x8f\xbf\xbf"}', "\U0010ffff"),
    "metadata that is null": (b'{"text": "a", "meta": null}', "a"),
    "a huge number in a key not read": (b'{"text": "a", "n": 1e999}', "a"),
}


@pytest.mark.parametrize(("line", "text"), READABLE.values(), ids=READABLE)
def test_an_unusual_line_is_read(line: bytes, text: str) -> None:
    (row,) = rows_of(JSONL, line)
    assert (row["problem"], row["text"]) == (None, text)


def test_metadata_may_be_an_object_or_a_string_that_holds_one() -> None:
    values: list[Row] = [
        {"text": "a", "meta": {"tag": "x"}},
        {"text": "b", "meta": '{"tag": "y"}'},
        {"text": "c", "meta": {}},
    ]
    assert [row["tag"] for row in rows_of(JSONL, lines(*values))] == ["x", "y", None]


def test_a_string_that_holds_an_object_may_itself_stand_in_an_object_or_in_such_a_string() -> None:
    source = source_of("jsonl", fields={"tag": "a.b.tag"})
    inner = json.dumps({"tag": "x"})
    values: list[Row] = [{"a": {"b": {"tag": "x"}}}, {"a": {"b": inner}}, {"a": json.dumps({"b": inner})}]
    assert [row["tag"] for row in rows_of(source, lines(*({"text": "t", **value} for value in values)))] == ["x"] * 3


def test_metadata_read_whole_and_in_parts_may_be_a_string_too() -> None:
    source = source_of("pile", fields=["meta", "pile_set_name"])
    data = lines(b'{"text":"a","meta":{"pile_set_name":"X", "n":1}}', {"text": "b", "meta": '{"pile_set_name":"Y"}'})
    rows = rows_of(source, data + lines({"text": "c"}, {"text": "d", "meta": 5}, {"text": "e", "meta": "no"}))
    assert [row["meta"] for row in rows[:3]] == ['{"pile_set_name":"X", "n":1}', '{"pile_set_name":"Y"}', None]
    assert [row["pile_set_name"] for row in rows[:3]] == ["X", "Y", None]
    assert problems_of(rows) == [
        "type: 'meta' is a number, not an object",
        "type: 'meta' is a string, not an object",
    ]


def test_a_text_inside_an_object_is_found_or_missed_by_its_path() -> None:
    source = source_of("jsonl", text_field="doc.body.text", id_field="doc.id")
    values: list[Row] = [
        {"doc": {"id": 7, "body": {"text": "a"}}},
        {"doc": {"body": {}}},
        {"doc": None},
        {"doc": {"body": {"text": 1}}},
    ]
    rows = rows_of(source, lines(*values))
    assert [(row["text"], row["id"]) for row in rows] == [("a", "7"), ("", ""), ("", ""), ("", "")]
    assert problems_of(rows) == [
        "missing: no field 'doc.body.text'",
        "missing: no field 'doc.body.text'",
        "type: 'doc.body.text' is a number, not a string",
    ]


def test_fields_take_the_first_key_that_is_there_at_the_top_or_in_the_metadata() -> None:
    source = source_of("dolma", fields=["lang"])
    values: list[Row] = [{"lang": "top", "metadata": {"lang": "in"}}, {"metadata": {"lang": "in"}}, {"lang": None}, {}]
    rows = rows_of(source, lines(*({"text": "a", **value} for value in values)))
    assert [row["lang"] for row in rows] == ["top", "in", None, None]


def test_declared_fields_have_their_types() -> None:
    fields = {name: {"path": name, "type": name} for name in ("string", "int64", "float64", "bool", "timestamp")}
    value = {"string": 1.5, "int64": -3, "float64": 2, "bool": False, "timestamp": "2020-02-02"}
    (row,) = rows_of(source_of("jsonl", fields=fields), lines({"text": "a", **value}))
    found = {**row, "timestamp": row["timestamp"].isoformat()}
    wanted = {"string": "1.5", "int64": -3, "float64": 2.0, "bool": False, "timestamp": "2020-02-02T00:00:00+00:00"}
    assert {name: found[name] for name in wanted} == wanted


def test_a_url_or_language_that_is_empty_or_a_list_is_null() -> None:
    values: list[Row] = [
        {"url": "", "language": [{"name": "C"}]},
        {"url": {}, "language": "en"},
        {"url": "u", "language": 7},
    ]
    rows = rows_of(JSONL, lines(*({"text": "a", **value} for value in values)))
    assert [(row["url"], row["language"]) for row in rows] == [(None, None), (None, "en"), ("u", "7")]


def test_an_empty_id_is_no_id() -> None:
    values = (
        {"text": "a", "meta": {"arxiv_id": ""}},
        {"text": "b", "meta": {"arxiv_id": "1"}},
        {"text": "c", "source": "s"},
    )
    assert [row["id"] for row in rows_of(source_of("redpajama_v1"), lines(*values))] == [None, "1", "s"]


def test_blank_lines_are_no_records_but_move_the_bytes() -> None:
    data = b"\n\r\n" + lines(GOOD) + b" \t\n\n" + lines(GOOD) + b"\n"
    rows = rows_of(JSONL, data)
    assert [row["ordinal"] for row in rows] == [data.find(b"{"), data.rfind(b"{")]
    assert problems_of(rows) == []


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n\r\n", b" ", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n\n"])
def test_a_file_without_a_line_has_no_records(data: bytes) -> None:
    assert rows_of(JSONL, data) == []


def test_a_byte_order_mark_is_accepted_at_the_beginning_only() -> None:
    mark = b"\xef\xbb\xbf"
    rows = rows_of(JSONL, mark + lines(GOOD) + mark + lines(GOOD))
    assert [row["ordinal"] for row in rows] == [0, 3 + len(lines(GOOD))]
    assert [row["problem"] for row in rows] == [None, "json: invalid character (byte 0)"]


def test_windows_line_ends_are_accepted() -> None:
    data = lines(GOOD, GOOD).replace(b"\n", b"\r\n")
    assert [(row["ordinal"], row["text"]) for row in rows_of(JSONL, data)] == [(0, "good"), (len(data) // 2, "good")]


def test_the_last_line_needs_no_newline() -> None:
    assert [row["text"] for row in rows_of(JSONL, lines(GOOD, GOOD)[:-1])] == ["good", "good"]


def test_a_carriage_return_alone_ends_no_line() -> None:
    (row,) = rows_of(JSONL, lines(GOOD)[:-1] + b"\r" + lines(GOOD)[:-1])
    assert row["problem"].startswith("json: trailing characters")


@pytest.mark.parametrize(
    ("magic", "name"),
    [
        (b"BZh91AY&SY", "bzip2"),
        (b"\xfd7zXZ\x00", "xz"),
        (b"PK\x03\x04", "zip"),
        (b"\x04\x22\x4d\x18", "lz4"),
        (b"PAR1", "parquet"),
    ],
)
def test_a_file_of_another_kind_is_one_unreadable_record(magic: bytes, name: str) -> None:
    rows = rows_of(JSONL, magic + b"\n" * 1000 + b"x" * 1000, split_bytes=100)
    assert [(row["ordinal"], row["problem"]) for row in rows] == [
        (0, f"format: the file is {name}, which is not read here")
    ]


def hostile(row: Row, where: int) -> bytes:
    data = json.dumps(row).encode()
    return data[:where] + b"\xff" + data[where:]


def test_an_invalid_byte_anywhere_in_a_line_makes_that_line_unreadable_and_no_other() -> None:
    size = len(json.dumps(GOOD))
    for where in range(size + 1):
        rows = rows_of(JSONL, lines(GOOD, hostile(GOOD, where), GOOD))
        assert [row["problem"] for row in rows] == [None, f"utf-8: invalid byte 0xff at {where}", None]


@needs_corpus
def test_real_lines_broken_anywhere_never_raise() -> None:
    data = (CORPUS / "genuine/redpajama_pile_djuicer/arxiv.jsonl").read_bytes()
    line = data.split(b"\n", 1)[0]
    source = source_of("redpajama_v1")
    for where in range(len(line)):
        rows = rows_of(source, line[:where] + b"\n" + line[where:] + b"\n" + line)
        assert rows[-1]["problem"] is None
        assert all(problem.partition(":")[0] in {"json", "type", "missing"} for problem in problems_of(rows))
