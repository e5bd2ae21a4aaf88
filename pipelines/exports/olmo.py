"""OLMo: bare arrays of ids, as OLMo and OLMo-core map them into memory.

In:  the chunks of a phase.
Out: `part-00000.npy`: ids, uint16 or uint32, without any header, whatever the name says; `part-00000.csv.gz`: a line
     per document: first token, place behind the last one, uid, source, first token's offset in the document's run;
     where shards have a loss mask, `part-00000.label_mask`: a byte per token, 1 where it counts.
Guaranteed: each file but a phase's last holds whole sequences of `sequence_length` ids, as its readers take them. The
    same bytes twice: the compressed file holds neither name nor time.

Of the lines OLMo-core reads the first two numbers (`iter_document_indices`, allenai/OLMo-core fa6c501), and only where
the array is not on a local disk: there it looks for the EOS tokens themselves.
"""

import gzip
from collections.abc import Iterable
from typing import BinaryIO, cast

import pyarrow as pa
from pyarrow import csv

from pipelines.engine.parts import HashingFile
from pipelines.engine.receipts import FileNote
from pipelines.exports.chunks import Chunk
from pipelines.exports.formats import Exporter, Target, Written
from pipelines.exports.token_files import Kind, TokenFile, write_token_files
from pipelines.tokens.columns import LOSS_MASK


def write_olmo(chunks: Iterable[Chunk], target: Target) -> Written:
    """Write a phase as arrays, each with the places of its documents."""
    stored, items_of = target.dtype.newbyteorder("<"), ("uid", "source", "start")
    kind = Kind(".npy", stored, target.sequence_length, items_of, {LOSS_MASK: ".label_mask"})
    files: dict[str, FileNote] = {}
    items = tokens = 0
    for file in write_token_files(chunks, target, kind):
        places = file.path.removesuffix(".npy") + ".csv.gz"
        files |= {**file.notes, places: _write_places(target, places, file)}
        items += len(file.begin)
        tokens += file.tokens
    return Written(files, items, tokens)


def _write_places(target: Target, path: str, file: TokenFile) -> FileNote:
    sources = pa.array(target.sources).take(pa.array(file.items["source"]))
    columns = [pa.array(file.begin), pa.array(file.end), file.items["uid"], sources, file.items["start"]]
    table = pa.table(columns, ["begin", "end", "uid", "source", "start"])
    options = csv.WriteOptions(include_header=False, quoting_style="none")
    with target.writing(path) as out, _zipped(out) as lines:
        csv.write_csv(table, lines, options)
    return out.note()


def _zipped(out: HashingFile) -> gzip.GzipFile:
    return gzip.GzipFile("", "wb", 6, cast("BinaryIO", out), mtime=0)


OLMO = Exporter(
    write=write_olmo,
    about="OLMo-core (NumpyFSLDatasetConfig), and OLMo (data.paths)",
    units=("documents",),
    file_bytes=2 << 30,
    columns=("input_ids", "doc_lengths", "doc_uids", "doc_starts", "source_ids", LOSS_MASK),
    pointer='paths=["{out}/{phase}/*.npy"], expand_glob=True, dtype="{dtype}", sequence_length={length}',
    mask_pointer=', label_mask_paths=["{out}/{phase}/*.label_mask"]',
    needs_eos=True,
)
"""Read by OLMo's MemMapDataset and OLMo-core's NumpyFSLDataset, in sequences that it cuts itself."""
