"""A corpus of bad files and rows among good ones, with what the ledger must say of each.

In:  a folder and a seed.
Out: files below one folder per source, the manifest's `sources` for them, and the list of what is unreadable and why.
Guaranteed: the same seed writes the same bytes; every record that is not listed is readable; more than 200 are listed.

Ordinals are those of the design: the byte at which a line begins in plain files, the number of the record elsewhere;
a broken tail, header or missing column is one unreadable record at the next ordinal. No file is cut where it depends on
a library's buffers how much of it can be read.
"""

import bz2
import gzip
import io
import json
import lzma
import random
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

LONG_LINE = 100_000_000
GOOD_ROWS = 60

Row = dict[str, Any]
Line = tuple[bytes, str | None]
"""The bytes of a line without its newline, and the kind of its problem (null = readable)."""

SENTENCE = (
    "the of and to be that have with in a miller grinds corn between two stones water turns the wheel slowly before "
    "sun comes over hill people bring sacks from villages around river carts wait at gate while flour falls into "
    "bins dust hangs light as snow he listens for sound changes when grain runs low"
)
WORDS = SENTENCE.split()


@dataclass(frozen=True, order=True)
class Expected:
    """A record that must be unreadable.

    Args:
        file: path below the corpus's folder, with `/`; its first part is the source.
        ordinal: byte of the line (plain lines) or number of the record (compressed lines, Parquet).
        kind: how its problem begins, before the colon.
    """

    file: str
    ordinal: int
    kind: str


@dataclass(frozen=True)
class LineCorpus:
    """A line corpus: its entry in a manifest, its files' ending, where its text stands and what stands beside it."""

    options: dict[str, Any]
    ending: str
    text: str
    beside: Callable[[int], Row]


LINE_CORPORA = {
    "c4": LineCorpus(
        {"format": "c4"},
        ".json.gz",
        "text",
        lambda n: {"timestamp": "2019-04-25T12:57:54Z", "url": f"https://example.org/{n}"},
    ),
    "dolma": LineCorpus(
        {"format": "dolma"},
        ".json.gz",
        "text",
        lambda n: {"id": f"d{n}", "source": "mill", "added": None, "created": None, "metadata": {"page": n}},
    ),
    "redpajama_v1": LineCorpus(
        {"format": "redpajama_v1"}, ".jsonl", "text", lambda n: {"meta": {"url": f"https://example.org/{n}"}}
    ),
    "common_crawl": LineCorpus(
        {"format": "redpajama_v1"}, ".jsonl.zst", "text", lambda n: {"wiki_prob": 0.5, "source": f"cc/{n}"}
    ),
    "redpajama_v2": LineCorpus(
        {"format": "redpajama_v2"},
        ".json.gz",
        "raw_content",
        lambda n: {"url": f"https://example.org/{n}", "length": n, "language": "en"},
    ),
    "pile": LineCorpus(
        {"format": "pile", "fields": ["pile_set_name"]},
        ".jsonl.zst",
        "text",
        lambda _: {"meta": {"pile_set_name": "Pile-CC"}},
    ),
    "jsonl": LineCorpus(
        {"format": "jsonl", "fields": {"score": {"path": "score", "type": "int64"}}},
        ".jsonl",
        "text",
        lambda n: {"score": n},
    ),
}

PARQUET_CORPORA = {
    "refinedweb": ({"format": "refinedweb"}, "content"),
    "parquet": ({"format": "parquet"}, "text"),
}


def manifest_sources(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the `sources` of a manifest that reads the whole corpus below `folder`."""
    options = {name: corpus.options for name, corpus in LINE_CORPORA.items()}
    options |= {name: entry for name, (entry, _) in PARQUET_CORPORA.items()}
    return {name: {**entry, "path": str(folder / name)} for name, entry in options.items()}


def write_bad_corpus(folder: Path, seed: int, long_line: int = LONG_LINE) -> list[Expected]:
    """Write the corpus below `folder` and return what must be unreadable in it, sorted.

    Args:
        folder: made where it is absent.
        seed: another seed gives other texts, in another order.
        long_line: bytes of the one long line, itself broken.
    """
    rng = random.Random(seed)
    expected: list[Expected] = []
    for name, corpus in LINE_CORPORA.items():
        expected += _write_rows(folder, name, corpus, rng)
    for number, (ending, lines) in enumerate(_tricky_files(rng, long_line)):
        expected += _write_lines(folder, f"jsonl/tricky-{number:02d}{ending}", lines)
    expected += _write_broken_files(folder, rng)
    expected += _write_parquet_files(folder, rng)
    return sorted(expected)


# ------------------------------------------------------------------------------------------------------- good records


def _text(rng: random.Random) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randrange(60, 120))) + "."


def _good_row(rng: random.Random, corpus: LineCorpus, number: int) -> Row:
    return {corpus.text: _text(rng), **corpus.beside(number)}


def _dumps(row: object) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


def _good_line(rng: random.Random, corpus: LineCorpus, number: int) -> bytes:
    """Return one readable line, now and then in an unusual but permitted form."""
    row = _good_row(rng, corpus, number)
    forms: tuple[Callable[[], bytes], ...] = (
        lambda: _dumps(row),
        lambda: _dumps(row) + b"\r",
        lambda: b"  " + json.dumps(row, indent=None).encode() + b"\t",
        lambda: _dumps(dict(reversed(row.items()))),
        lambda: _dumps({**row, "unknown": {"deep": [1, 2.5, None, {"x": "y"}]}}),
        lambda: _dumps(row).replace(b".", b"\\u0000.", 1),
        lambda: _dumps(row).replace(b".", b" \\ud83d\\ude00.", 1),
        lambda: _dumps({**row, corpus.text: ""}),
    )
    return forms[number % len(forms)]()


# --------------------------------------------------------------------------------------------------------- bad lines


def _bad_lines(row: Row, text: str) -> Iterator[Line]:
    """Yield one line of each sort that cannot be read, made of a good row."""
    yield from ((line, "json") for line in _broken_json(row))
    yield from ((_in_text(row, part), "utf-8") for part in BAD_UTF8)
    yield from ((_dumps(value), "type") for value in ([row], 42, "words", None, True))
    yield from ((_dumps({**row, text: value}), "type") for value in (7, 0.5, False, ["words"], {"words": 1}))
    yield from ((_dumps(value), "missing") for value in ({}, {**row, text: None}, _without(row, text)))


BAD_UTF8 = (
    b"\xff",  # never a byte of UTF-8
    b"caf\xe9 ",  # Latin-1
    b"\xe2\x82 ",  # a character cut short
    b"\xc0\x80",  # an overlong NUL
    b"\xed\xa0\x80",  # a surrogate, encoded
    b"\xf4\x90\x80\x80",  # beyond U+10FFFF
    b"\\ud800 ",  # lone surrogates, escaped
    b"\\udc00",
    b"\\uDFFF\\uD800",
    b"\\ud83d\\u0041",
)


def _in_text(row: Row, part: bytes) -> bytes:
    """Return the row with `part` in the middle of its first string, which is the text."""
    return _dumps(row).replace(b" the ", b" the " + part, 1).replace(b" of ", b" of " + part, 1)


def _broken_json(row: Row) -> Iterator[bytes]:
    whole = _dumps(row)
    yield whole[: len(whole) // 2]
    yield whole[:-1]
    yield whole[:-1] + b",}"
    yield whole[:-1] + b',"score":NaN}'
    yield whole[:-1] + b',"more":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}"
    yield whole + b" " + whole
    yield whole + b"," + whole
    yield whole + b" and more"
    yield b"\xef\xbb\xbf" + whole
    yield b"{" + whole
    yield b"// " + whole
    yield whole.replace(b":", b"=", 1)
    yield repr(row).encode()
    yield from (_in_text(row, part) for part in (b"\\x41", b"\\u12", b"\0", b"\x01", b'"'))


def _without(row: Row, key: str) -> Row:
    return {name: value for name, value in row.items() if name != key}


def _bad_beside(name: str, row: Row) -> list[Line]:
    """Return lines whose metadata is of another type than the source declares."""
    wrong: dict[str, list[Row]] = {
        "pile": [{**row, "meta": 5}, {**row, "meta": ["Pile-CC"]}],
        "jsonl": [{**row, "score": "many"}, {**row, "score": 0.5}, {**row, "score": 2**70}, {**row, "score": True}],
    }
    return [(_dumps(each), "type") for each in wrong.get(name, [])]


# --------------------------------------------------------------------------------------------------- files of lines


def _write_rows(folder: Path, name: str, corpus: LineCorpus, rng: random.Random) -> list[Expected]:
    """Write a file of good and bad lines, shuffled, with blank lines between; then one of good lines alone.

    The first line is a good one: a byte order mark, which is bad elsewhere, may stand there.
    """
    good: list[Line] = [(_good_line(rng, corpus, number), None) for number in range(GOOD_ROWS)]
    row = {corpus.text: "all the corn of the mill.", **corpus.beside(0)}
    bad = [*_bad_lines(row, corpus.text), *_bad_beside(name, row)]
    lines = [*good, *bad, *[(b"", None), (b" \t", None), (b"\r", None)] * 3]
    rng.shuffle(lines)
    _write_lines(folder, f"{name}/good{corpus.ending}", good)
    return _write_lines(folder, f"{name}/rows{corpus.ending}", [good[0], *lines])


def _write_lines(folder: Path, file: str, lines: Sequence[Line]) -> list[Expected]:
    """Write lines, compressed as the file's name says, and return the bad ones."""
    data = b"".join(line + b"\n" for line, _ in lines)
    _write(folder, file, _compress(data, file.rpartition(".")[2]))
    numbered = _by_byte(lines) if file.endswith("l") else _by_number(lines)
    return [Expected(file, ordinal, kind) for ordinal, kind in numbered if kind is not None]


def _write(folder: Path, file: str, data: bytes) -> None:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _compress(data: bytes, ending: str) -> bytes:
    """Return `data` in two gzip members or zstd frames, or as it is."""
    compress = {"gz": _gzip, "zst": _zstd}.get(ending, lambda part: part)
    half = data.find(b"\n", len(data) // 2) + 1
    return compress(data[:half]) + compress(data[half:])


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def _by_byte(lines: Iterable[Line]) -> Iterator[tuple[int, str | None]]:
    at = 0
    for line, kind in lines:
        yield at, kind
        at += len(line) + 1


def _by_number(lines: Iterable[Line]) -> Iterator[tuple[int, str | None]]:
    records = [kind for line, kind in lines if line.strip(b" \t\r")]
    yield from enumerate(records)


def _tricky_files(rng: random.Random, long_line: int) -> Iterator[tuple[str, list[Line]]]:
    """Yield files that are whole, but unusual: (ending, lines)."""
    good = _good_lines(rng, 3)
    yield ".jsonl", [*good, (b'{"score":1,"text":"' + b"corn " * (long_line // 5), "json"), *good]
    yield ".jsonl", [(b"\xef\xbb\xbf" + good[0][0], None), *good, (b"\xef\xbb\xbf{}", "json")]
    yield ".jsonl", []
    yield ".json.gz", []
    yield ".jsonl.zst", []
    yield ".jsonl", [(b"", None)] * 1000
    yield ".jsonl", [*[(b"\r", None)] * 100, *good, (b"\0" * 1000, "json"), *good]


def _good_lines(rng: random.Random, count: int) -> list[Line]:
    return [(_dumps(_good_row(rng, LINE_CORPORA["jsonl"], number)), None) for number in range(count)]


# ------------------------------------------------------------------------------------------------------- broken files


def _write_broken_files(folder: Path, rng: random.Random) -> list[Expected]:
    """Write files that end in one unreadable record, under a true name and under one that lies."""
    good = _good_lines(rng, 5)
    lines = b"".join(line + b"\n" for line, _ in good)
    expected = []
    for number, (ending, kind, before, tail) in enumerate(_broken_files(lines)):
        for name in (f"broken-{number:02d}{ending}", f"lying-{number:02d}{LIES[ending]}"):
            _write(folder, f"jsonl/{name}", before + tail)
            expected.append(Expected(f"jsonl/{name}", len(good) if before else 0, kind))
    return expected + _write_lying_files(folder, lines)


LIES = {".jsonl.gz": ".jsonl.zst", ".jsonl.zst": ".jsonl", ".jsonl": ".json.gz"}


def _broken_files(lines: bytes) -> Iterator[tuple[str, str, bytes, bytes]]:
    """Yield (true ending, kind, bytes that can be read, bytes that cannot) of a file each.

    The tails of members whose checksum is wrong hold half a line: whether whole lines before a wrong checksum stand is
    the reader's choice.
    """
    for name, compress, tails in (("gz", _gzip, _gzip_tails), ("zst", _zstd, _zstd_tails)):
        kind = "gzip" if name == "gz" else "zstd"
        yield from ((f".jsonl.{name}", kind, before, tail) for before in (b"", compress(lines)) for tail in tails())
        yield f".jsonl.{name}", kind, compress(lines), b"hello"
    yield from ((f".jsonl.{name}", kind, whole, b"") for name, kind, whole in _unfinished(lines))
    yield from ((".jsonl", "format", b"", container) for container in _foreign(lines))
    yield ".jsonl", "utf-8", b"", bytes(range(128, 256)) * 100
    yield ".jsonl", "utf-8", b"", json.dumps({"text": "sixteen bits"}).encode("utf-16")


HALF_LINE = b'{"text": "half a li'


def _gzip_tails() -> list[bytes]:
    half = _gzip(HALF_LINE)
    return [
        half[:3],
        half[:10],
        half[:-8],
        half[:-3],
        half[:-8] + b"\0\0\0\0" + half[-4:],
        half[:-4] + b"\xff\xff\xff\x7f",
        half[:2] + b"\x07" + half[3:],
        half[:10] + b"\x07" + half[11:],
    ]


def _zstd_tails() -> list[bytes]:
    half = _zstd(HALF_LINE)
    skippable = b"\x50\x2a\x4d\x18\x10\0\0\0"
    return [
        half[:4],
        half[:7],
        half[:-4],
        half[:-1],
        half[:-1] + bytes([half[-1] ^ 1]),
        half[:4] + b"\xff" * 30,
        skippable + b"abc",
    ]


def _unfinished(lines: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Yield streams that give all lines and then end before their end."""
    deflate = zlib.compressobj(wbits=31)
    yield "gz", "gzip", deflate.compress(lines) + deflate.flush(zlib.Z_FULL_FLUSH)
    yield "gz", "gzip", _gzip(lines)[:-8]
    frame = zstandard.ZstdCompressor().compressobj()
    yield "zst", "zstd", frame.compress(lines) + frame.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    yield "zst", "zstd", _zstd(lines)[:-2]


def _foreign(lines: bytes) -> Iterator[bytes]:
    """Yield the lines in compressions that are not read."""
    yield bz2.compress(lines)
    yield lzma.compress(lines)
    yield b"\x04\x22\x4d\x18" + lines
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("lines.jsonl"), lines)
    yield packed.getvalue()


def _write_lying_files(folder: Path, lines: bytes) -> list[Expected]:
    """Write whole files of good lines and one bad line under names that lie."""
    expected = []
    for ending, compress in ((".jsonl.zst", bytes), (".jsonl.zst", _gzip), (".jsonl", _gzip), (".jsonl.gz", _zstd)):
        file = f"jsonl/lie-{compress.__name__.strip('_')}{ending}"
        _write(folder, file, compress(lines + b'{"text": oops}\n' + lines))
        plain = compress is bytes
        expected.append(Expected(file, len(lines) if plain else lines.count(b"\n"), "json"))
    return expected


# ------------------------------------------------------------------------------------------------------------ Parquet


def _write_parquet_files(folder: Path, rng: random.Random) -> list[Expected]:
    """Write whole files of bad rows, broken files, and a file of no rows."""
    expected = []
    for name, (_, column) in PARQUET_CORPORA.items():
        texts = [_text(rng) for _ in range(20)]
        expected += _write_parquet_rows(folder, name, column, texts)
        for ending, (ordinal, kind, data) in _broken_parquet(column, texts).items():
            _write(folder, f"{name}/{ending}.parquet", data)
            expected.append(Expected(f"{name}/{ending}.parquet", ordinal, kind))
        _write(folder, f"{name}/empty.parquet", _parquet(pa.table({column: pa.array([], pa.string())})))
    return expected


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=10, compression="zstd")
    return sink.getvalue()


def _write_parquet_rows(folder: Path, name: str, column: str, texts: list[str]) -> list[Expected]:
    """Write files whose rows are bad one by one: null texts, and bytes that are not UTF-8, called strings or not."""
    nulls = [None if row % 7 == 3 else text for row, text in enumerate(texts)]
    raw = [b"\xff" + text.encode() if row % 6 == 5 else text.encode() for row, text in enumerate(texts)]
    files = {
        "nulls": (pa.array(nulls, pa.string()), "missing", range(3, len(texts), 7)),
        "binary": (pa.array(raw, pa.binary()), "utf-8", range(5, len(texts), 6)),
        "string": (_unchecked_string(raw), "utf-8", range(5, len(texts), 6)),
        "large": (_unchecked_string(raw).cast(pa.large_string()), "utf-8", range(5, len(texts), 6)),
    }
    for file, (array, _, _) in files.items():
        _write(folder, f"{name}/{file}.parquet", _parquet(pa.table({column: array})))
    return [Expected(f"{name}/{file}.parquet", row, kind) for file, (_, kind, rows) in files.items() for row in rows]


def _unchecked_string(values: Sequence[bytes]) -> pa.StringArray:
    offsets = np.cumsum([0, *map(len, values)]).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(values))]
    return pa.StringArray.from_buffers(len(values), buffers[1], buffers[2])


def _broken_parquet(column: str, texts: list[str]) -> dict[str, tuple[int, str, bytes]]:
    """Return files by name: (ordinal, kind, bytes); a wrong last row group leaves the ten rows before it."""
    whole = _parquet(pa.table({column: texts}))
    footer = int.from_bytes(whole[-8:-4], "little")
    start = len(whole) - 8 - footer
    group = pq.ParquetFile(io.BytesIO(whole)).metadata.row_group(1).column(0)
    at, size = group.dictionary_page_offset or group.data_page_offset, group.total_compressed_size
    return {
        "magic-only": (0, "parquet", b"PAR1"),
        "magic-twice": (0, "parquet", b"PAR1PAR1"),
        "truncated": (0, "parquet", whole[: len(whole) // 2]),
        "no-end": (0, "parquet", whole[:-1]),
        "other-end": (0, "parquet", whole[:-4] + b"PARX"),
        "footer-too-long": (0, "parquet", whole[:-8] + b"\xff\xff\xff\x7f" + b"PAR1"),
        "footer-of-noise": (0, "parquet", whole[:start] + b"\xff" * footer + whole[-8:]),
        "group-of-noise": (10, "parquet", whole[:at] + b"\xff" * size + whole[at + size :]),
        "lines-of-json": (0, "parquet", _dumps({column: texts[0]}) + b"\n"),
        "no-text-column": (0, "parquet", _parquet(pa.table({"other": texts}))),
        "number-column": (0, "type", _parquet(pa.table({column: range(20)}))),
    }
