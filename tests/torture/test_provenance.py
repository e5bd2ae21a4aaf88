"""Every token can be traced: pieces of sequences against the sources' own bytes, read and encoded without our code."""

import gzip
import json
import random
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer

from pipelines.audit.opened import Opened, open_folder
from pipelines.audit.pieces import Piece, pieces_of, trace_pieces
from pipelines.sample import write_sample
from tests.helpers import CORPUS, build_here

PIECES = 10_000

LAYOUTS = {
    True: {
        "refinedweb": ("refinedweb", "refinedweb/*.parquet"),
        "dolma": ("dolma", "dolma/wiki/documents/*.json.gz"),
        "lines": ("redpajama_v1", "redpajama_v1/c4/*.jsonl"),
    },
    False: {
        "refinedweb": ("refinedweb", "refinedweb/*-00000-*.parquet"),
        "dolma": ("dolma", "dolma/python_docs/documents/*.json.gz"),
        "lines": ("redpajama_v1", "redpajama_v1/github/*_0000.*.jsonl"),
    },
}
"""Whether it is the real corpus -> source -> its format and files: Parquet, compressed lines, plain lines."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the real corpus, or the first-run corpus where that is not here."""
    if CORPUS.is_dir():
        return CORPUS
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, 20)
    return folder


@pytest.fixture(scope="module")
def built(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    out = tmp_path_factory.mktemp("provenance") / "out"
    build_here(manifest(corpus), out)
    return open_folder(out)


def manifest(corpus: Path) -> dict[str, Any]:
    layout = LAYOUTS[corpus == CORPUS]
    phases = [
        {"name": "main", "tokens": 700_000, "weights": {"refinedweb": 0.4, "dolma": 0.3, "lines": 0.3}},
        {"name": "end", "tokens": 300_000, "weights": {"long": 0.7, "short": 0.3}, "start": "restart"},
    ]
    pools = {
        "long": {"sources": ["dolma", "lines"], "where": "word_count > 200"},
        "short": {"sources": ["refinedweb", "lines"], "where": "chars < 1000"},
    }
    return {
        "name": "provenance",
        "split_bytes": "400KB",
        "sources": {name: {"format": kind, "path": f"{corpus}/{path}"} for name, (kind, path) in layout.items()},
        "stages": [
            {"gopher_quality": {"on": ["refinedweb"]}},
            "normalize",
            {"dedup_exact": {"max_loss": 1}},
            {"where": "chars > 80"},
        ],
        "tokenizer": {"train": {"vocab_size": 2000, "sample_bytes": "1MB"}},
        "mix": {
            "sequence_length": 64,
            "shard_tokens": "200K",
            "max_epochs": 200,
            "pools": pools,
            "phases": phases,
        },
    }


def text_of(corpus: Path, piece: Piece) -> str:
    """Return the edited text of a piece's document, read without our code."""
    _, pattern = LAYOUTS[corpus == CORPUS][piece.split.source]
    folder = corpus / pattern.partition("*")[0].rpartition("/")[0]
    raw = READERS[piece.split.source](folder / piece.split.file.path, piece.ordinal)
    return unicodedata.normalize("NFC", raw.replace("\r\n", "\n").replace("\r", "\n"))


@cache
def parquet_texts(path: Path) -> list[str]:
    texts: list[str] = pq.read_table(path).column("content").to_pylist()
    return texts


@cache
def gzip_texts(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        return [json.loads(line)["text"] for line in lines]


def text_at_byte(path: Path, byte: int) -> str:
    with path.open("rb") as file:
        file.seek(byte)
        return str(json.loads(file.readline())["text"])


READERS: dict[str, Callable[[Path, int], str]] = {
    "refinedweb": lambda path, record: parquet_texts(path)[record],
    "dolma": lambda path, record: gzip_texts(path)[record],
    "lines": text_at_byte,
}


class Reference:
    """The bytes of each token of a text, as the reference library has them."""

    def __init__(self, tokenizer: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._held: dict[int, list[int]] = {}

    def span(self, piece: Piece, text: str) -> slice:
        """Return where in the text's bytes a piece lies."""
        if piece.uid not in self._held:
            tokens = self._tokenizer.encode(text, add_special_tokens=False).tokens
            bounds = [0]
            for token in tokens:
                bounds.append(bounds[-1] + len(token))  # each character of a byte-level token stands for one byte
            self._held[piece.uid] = [*bounds, bounds[-1]]  # the end of the text stands for no byte
        bounds = self._held[piece.uid]
        return slice(bounds[piece.start], bounds[piece.start + len(piece.ids)])


def sequences(built: Opened, chance: random.Random) -> Iterator[tuple[str, list[int]]]:
    """Yield all shards in random order, with the rows of each in random order."""
    for shard in chance.sample(built.shards, len(built.shards)):
        rows = pq.read_metadata(f"{built.storage.url}/{shard}").num_rows
        yield shard, chance.sample(range(rows), rows)


@pytest.fixture(scope="module")
def pieces(built: Opened) -> list[Piece]:
    """Return random pieces of all shards; the seed is printed."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    found = [piece for shard, rows in sequences(built, chance) for piece in pieces_of(built, shard, rows)]
    return chance.sample(found, PIECES)


def test_the_bytes_of_random_pieces_are_those_of_the_sources_at_their_place(
    corpus: Path, built: Opened, pieces: list[Piece]
) -> None:
    reference = Reference(Path(built.storage.url, built.lock.tokenizer))
    for piece in pieces:
        text = text_of(corpus, piece)
        assert piece.data == text.encode()[reference.span(piece, text)], piece


def test_replaying_the_passes_gives_the_text_of_the_same_pieces(built: Opened, pieces: list[Piece]) -> None:
    traced = trace_pieces(built, pieces)
    assert [each.piece for each in traced] == pieces
    assert [each.piece for each in traced if not each.agrees] == []


def test_the_random_pieces_are_of_every_kind(built: Opened, pieces: list[Piece]) -> None:
    assert {piece.split.source for piece in pieces} == {"refinedweb", "dolma", "lines"}
    assert {piece.pool for piece in pieces} == {"refinedweb", "dolma", "lines", "long", "short"}
    assert {piece.shard.split("/")[1] for piece in pieces} == {"main", "end"}
    assert any(piece.start == 0 for piece in pieces)
    assert any(piece.start > 0 for piece in pieces)
    assert max(piece.epoch for piece in pieces) > 0
    assert len({piece.split.number for piece in pieces}) > len(built.manifest.sources)
