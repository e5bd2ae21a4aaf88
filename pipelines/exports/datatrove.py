"""Datatrove: the `.ds` files that datatrove writes and nanotron reads.

In:  the chunks of a phase.
Out: `part-00000.ds`: ids, uint16 or uint32; `.ds.index`: the end of each document, in tokens (u64, little-endian);
     `.ds.metadata`: three lines: tokenizer, `|` and bytes of an id; number of tokens; the same for people; where shards
     have a loss mask, `.ds.loss`: a byte per token, 1 where it counts.
Guaranteed: each file but a phase's last holds whole windows of `sequence_length + 1` ids, as its readers take them.

As `TokenizedFile` of datatrove 0.10.1 writes them.
"""

from collections.abc import Iterable

from pipelines.engine.receipts import FileNote
from pipelines.exports.chunks import Chunk
from pipelines.exports.formats import Exporter, Target, Written
from pipelines.exports.token_files import Kind, TokenFile, write_token_files
from pipelines.tokens.columns import LOSS_MASK


def write_datatrove(chunks: Iterable[Chunk], target: Target) -> Written:
    """Write a phase as `.ds` files, each with its index and metadata."""
    kind = Kind(".ds", target.dtype.newbyteorder("<"), target.sequence_length + 1, beside={LOSS_MASK: ".ds.loss"})
    files: dict[str, FileNote] = {}
    items = tokens = 0
    for file in write_token_files(chunks, target, kind):
        for path, data in _beside(file, target):
            with target.writing(path) as out:
                out.write(data)
            files[path] = out.note()
        files |= file.notes
        items += len(file.begin)
        tokens += file.tokens
    return Written(files, items, tokens)


def _beside(file: TokenFile, target: Target) -> list[tuple[str, bytes]]:
    lines = [f"{target.tokenizer}|{target.dtype.itemsize}", str(file.tokens), _for_people(file.tokens)]
    return [
        (f"{file.path}.index", file.end.astype("<u8").tobytes()),
        (f"{file.path}.metadata", "\n".join(lines).encode()),
    ]


def _for_people(tokens: int) -> str:
    """Return a number of tokens, above zero, with three digits: `1.23 GT`."""
    digits, _, exponent = f"{tokens:.2e}".partition("e")
    thousands, place = divmod(int(exponent), 3)
    return f"{float(digits) * 10**place:.{2 - place}f} {' kMGTPE'[thousands].strip()}T"


DATATROVE = Exporter(
    write=write_datatrove,
    about="nanotron, and datatrove's DatatroveFolderDataset",
    units=("documents",),
    file_bytes=2 << 30,
    columns=("input_ids", "doc_lengths", LOSS_MASK),
    pointer="dataset_folder: {out}/{phase}   (sequence_length: {length})",
)
"""Read by datatrove's DatatroveFolderDataset, in windows of sequence_length + 1 ids."""
