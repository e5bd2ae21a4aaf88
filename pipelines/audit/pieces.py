"""Pieces: what a training sequence is made of, down to the bytes of the documents' texts.

In:  a finished build, a shard, and rows of it.
Out: the pieces of the sequences: which tokens, of which document, drawn from which pool; beside the text that they are.
Guaranteed: the text that a piece is checked against is made without the token runs, by replaying the last pass.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.audit.opened import Opened, rows_of
from pipelines.audit.replay import final_documents
from pipelines.audit.wording import listed
from pipelines.engine.splits import Split
from pipelines.engine.stamps import other_tokenizer, own_encoder
from pipelines.errors import RequestError
from pipelines.mix.shards import Packing, ShardInfo, shard_info
from pipelines.tokens.columns import TOKEN_COLUMNS
from pipelines.tokens.documents import Tokens, tokens_of
from pipelines.tokens.encode import Encoder
from pipelines.tokens.marks import NO_MARKS, marks_of
from pipelines.tokens.runs import Ids


@dataclass(frozen=True)
class Piece:
    """Consecutive tokens of one document in a training sequence.

    Args:
        shard: path of the shard.
        sequence: its row there.
        first: place of the piece's first token in the sequence.
        ids: its tokens.
        split: where the document was read.
        row: the document's row in the split.
        uid: the document's number.
        id: the corpus's own name of it.
        ordinal: its number in its file, or the byte at which it begins.
        pool: the pool from which it was drawn.
        epoch: which reading of the pool, from 0.
        start: offset of the piece's first token in the document's run.
        data: the bytes that the tokens stand for; it may begin or end inside a character.
        columns: per-token columns of the shard, a number per token.
    """

    shard: str
    sequence: int
    first: int
    ids: Ids
    split: Split
    row: int
    uid: int
    id: str
    ordinal: int
    pool: str
    epoch: int
    start: int
    data: bytes
    columns: Mapping[str, Sequence[float]]

    @property
    def end(self) -> int:
        """Place behind the piece's last token in the sequence."""
        return self.first + len(self.ids)

    @property
    def text(self) -> str:
        """The bytes as text; half a character at an edge becomes U+FFFD."""
        return self.data.decode("utf-8", errors="replace")

    @property
    def place(self) -> str:
        """The document as `source/path:ordinal`."""
        return f"{self.split.source}/{self.split.file.path}:{self.ordinal}"


@dataclass(frozen=True)
class Traced:
    """A piece beside the text that it should be.

    Args:
        piece: the piece.
        offset: byte of the document's final text at which it begins.
        text: the bytes of the final text there, as many as the piece has.
        same_ids: whether encoding the final text again gives the same tokens there.
    """

    piece: Piece
    offset: int
    text: bytes
    same_ids: bool

    @property
    def agrees(self) -> bool:
        """Whether the tokens stand for exactly the bytes of the text."""
        return self.same_ids and self.piece.data == self.text


def pieces_of(build: Opened, shard: str, rows: Sequence[int]) -> list[Piece]:
    """Return the pieces of some sequences of a shard, in their order.

    Args:
        build: a finished build.
        shard: its path, with or without `shards/`.
        rows: numbers of sequences.

    Raises:
        RequestError: there is no such shard or no such sequence; the message says which there are.
    """
    part = shard_part(build, shard)
    try:
        table = rows_of(build.storage, part, rows)
    except IndexError as error:
        raise RequestError(f"no sequence {listed(map(str, rows))}: {error}") from None
    except FileNotFoundError:
        raise RequestError(f"{build.storage.url}/{part} is gone: build again, and it is packed again") from None
    told = zip(rows, table.to_pylist(), strict=True)
    return _described(build, part, [stretch for row, values in told for stretch in _stretches(row, values)])


def shard_part(build: Opened, name: str) -> str:
    """Return the path of the shard that a person calls `name`.

    Raises:
        RequestError: there is none; the message shows some that there are.
    """
    part = f"shards/{name.removeprefix('shards/')}"
    if part in build.shards:
        return part
    if not build.shards:
        raise RequestError(f"{build.storage.url} has no shards: its manifest mixes nothing")
    some = "\n".join(f"    {each.removeprefix('shards/')}" for each in build.shards[:5])
    more = f"\n    and {len(build.shards) - 5} more" if len(build.shards) > 5 else ""
    raise RequestError(f"{build.storage.url} has no shard {name!r}; it has\n{some}{more}")


def packing_of(build: Opened, shard: str) -> Packing:
    """Return how a shard that there is was packed."""
    return _info(build, shard_part(build, shard)).packing


def _info(build: Opened, part: str) -> ShardInfo:
    with build.storage.open(part) as file:
        return shard_info(pq.read_schema(file))


@dataclass(frozen=True)
class _Stretch:
    """A piece as the shard's own columns tell it."""

    sequence: int
    first: int
    ids: list[int]
    columns: dict[str, list[float]]
    uid: int
    address: int
    start: int
    epoch: int
    pool: int


_COLUMNS = ("doc_uids", "doc_addresses", "doc_starts", "doc_epochs", "doc_pools")


def _stretches(sequence: int, values: dict[str, list[Any]]) -> Iterator[_Stretch]:
    bounds = np.concatenate([[0], np.cumsum(values["doc_lengths"], dtype=np.int64)]).tolist()
    for (first, end), *rest in zip(pairwise(bounds), *(values[name] for name in _COLUMNS), strict=True):
        columns = {name: values[name][first:end] for name in TOKEN_COLUMNS if name in values}
        yield _Stretch(sequence, first, values["input_ids"][first:end], columns, *rest)


def _described(build: Opened, part: str, stretches: Sequence[_Stretch]) -> list[Piece]:
    """Return pieces with what the lock, the ledger and the tokenizer say of them."""
    if words := other_tokenizer(build.storage, build.lock.tokenizer_hash, part):
        raise RequestError(words)
    origin = _info(build, part).origin
    if origin.manifest_hash != build.lock.manifest_hash:
        raise RequestError(f"{build.storage.url}/{part} was written by another build: delete it and build again")
    encoder = own_encoder(build.job, build.lock.tokenizer, build.lock.tokenizer_hash)
    known = _ledger_of(build, {stretch.address for stretch in stretches})
    return [_piece(build, part, stretch, known[stretch.address], origin.pools, encoder) for stretch in stretches]


def _piece(
    build: Opened, part: str, stretch: _Stretch, known: tuple[str, int], pools: Sequence[str], encoder: Encoder
) -> Piece:
    ids = np.array(stretch.ids, encoder.dtype)
    return Piece(
        shard=part,
        sequence=stretch.sequence,
        first=stretch.first,
        ids=ids,
        split=build.splits[stretch.address >> 32],
        row=stretch.address & 0xFFFFFFFF,
        uid=stretch.uid,
        id=known[0],
        ordinal=known[1],
        pool=pools[stretch.pool],
        epoch=stretch.epoch,
        start=stretch.start,
        data=encoder.token_bytes(ids),
        columns=stretch.columns,
    )


def _ledger_of(build: Opened, addresses: Iterable[int]) -> dict[int, tuple[str, int]]:
    """Return id and ordinal of the documents at some addresses."""
    known: dict[int, tuple[str, int]] = {}
    for number, group in groupby(sorted(addresses), lambda address: address >> 32):
        held = list(group)
        rows = [address & 0xFFFFFFFF for address in held]
        table = rows_of(build.storage, build.verdicts_file(build.splits[number]), rows, ["id", "ordinal"])
        pairs = zip(table.column("id").to_pylist(), table.column("ordinal").to_pylist(), strict=True)
        known.update(zip(held, pairs, strict=True))
    return known


def trace_piece(build: Opened, piece: Piece) -> Traced:
    """Return one piece beside the final text of its document; see `trace_pieces`."""
    (traced,) = trace_pieces(build, [piece])
    return traced


def trace_pieces(build: Opened, pieces: Sequence[Piece]) -> list[Traced]:
    """Return pieces beside the final texts of their documents, in the order given; each split is read once.

    Raises:
        RequestError: the text of a split cannot be made again, for something that it needs is gone.
        SourceChanged: a source file is not what it was.
    """
    traced: dict[int, Traced] = {}
    order = sorted(range(len(pieces)), key=lambda at: (pieces[at].split.number, pieces[at].row, pieces[at].start))
    for _, places in groupby(order, lambda at: pieces[at].split.number):
        held = list(places)
        documents = final_documents(build, pieces[held[0]].split, {pieces[at].row for at in held})
        for row, group in groupby(held, lambda at: pieces[at].row):
            here = list(group)
            found = _in_document(build, documents.get(row), [pieces[at] for at in here])
            traced.update(zip(here, found, strict=True))
    return [traced[at] for at in range(len(pieces))]


def _in_document(build: Opened, document: pa.RecordBatch | None, pieces: Sequence[Piece]) -> Iterator[Traced]:
    """Yield pieces of one document, sorted by their starts, beside its text; None: it fell.

    The text is encoded again, so that the place of a piece in it does not come from the stored run.
    """
    encoder = own_encoder(build.job, build.lock.tokenizer, build.lock.tokenizer_hash)
    chat = build.manifest.sources[pieces[0].split.source].layout.chat
    held = pa.record_batch({"text": pa.array([""], pa.large_string())}) if document is None else document
    tokens = tokens_of(encoder, held, NO_MARKS if document is None else marks_of(chat, encoder.about))
    run, whole = tokens.runs.ids, _spelt(encoder, held, tokens)
    done = offset = 0
    for piece in pieces:
        offset += len(encoder.token_bytes(run[done : piece.start]))
        done = piece.start
        same = np.array_equal(run[done : done + len(piece.ids)], piece.ids)
        yield Traced(piece, offset, whole[offset : offset + len(piece.data)], same)


def _spelt(encoder: Encoder, document: pa.RecordBatch, tokens: Tokens) -> bytes:
    """Return the text that the tokens of a document should spell: of a chat, its parts without the marks between."""
    parts = document.column("text") if tokens.cut is None else tokens.cut.parts
    bounds = pairwise([0, *tokens.borders[0].tolist(), len(tokens.runs.ids)])
    spelt = (encoder.token_bytes(tokens.runs.ids[first:end]) for first, end in bounds)
    return b"".join(_framed(part.as_py().encode(), each) for part, each in zip(parts, spelt, strict=True))


def _framed(text: bytes, encoded: bytes) -> bytes:
    """Return the text behind the blank that some tokenizers put before every text."""
    return b" " + text if encoded[:1] == b" " and len(encoded) == len(text) + 1 else text
