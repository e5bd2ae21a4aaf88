"""An export: a finished build's shards, written again in another format and accounted for.

In:  a build, what is asked, and an empty folder.
Out: the files of the format, a folder per phase, and `export.json`, written last, which names every file and counts
     what is in it and what is not.
Guaranteed: sequences are read in the order of the shards; tokens written = real tokens of the shards (where rows are
    kept, as often as they stand in rows), or the export fails; the same build gives the same bytes. An export is
    complete if and only if its `export.json` is there. A shard that is not what the build wrote is refused. Memory is
    bounded by a row group and the format's own bound.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow.parquet as pq
import xxhash

from pipelines.audit.opened import Opened
from pipelines.engine.progress import Reporter, Silent
from pipelines.engine.stamps import other_tokenizer, own_encoder
from pipelines.engine.storage import Storage
from pipelines.errors import RequestError, Unbalanced
from pipelines.exports.account import Export, PhaseExport, TokenizerNote, write_account
from pipelines.exports.chunks import Chunk, read_chunks
from pipelines.exports.formats import Target, Written
from pipelines.exports.wanted import Wanted, complete, empty_folder
from pipelines.mix.shards import ShardInfo, shard_info, shard_schema
from pipelines.tokens.columns import columns_of, record_type
from pipelines.tokens.encode import Encoder

BLOCK = 1 << 22

Infos = Mapping[str, ShardInfo]
"""Path of a shard -> what it says of itself, in the order of a phase's shards."""


def export(build: Opened, asked: Wanted, out: str, reporter: Reporter | None = None) -> Export:
    """Export a build.

    Args:
        build: a finished build with shards.
        asked: what is asked.
        out: an empty folder, or one that is not there yet: local, or `s3://bucket/prefix`.
        reporter: is told of every shard.

    Raises:
        RequestError: something is wrong with what was asked, or a shard is not what the build wrote.
        Unbalanced: the tokens written are not those of the shards.
    """
    wanted = complete(build, asked)
    storage = empty_folder(out)
    infos = {phase: _infos(build, phase) for phase in wanted.phases}
    phases = [
        _export_phase(build, wanted, _target(build, wanted, storage, each), each, reporter or Silent())
        for each in infos.values()
    ]
    account = _account(build, wanted, next(iter(infos[wanted.phases[0]].values())), phases)
    write_account(storage, account)
    return account


def _infos(build: Opened, phase: str) -> dict[str, ShardInfo]:
    """Return what the shards of a phase say of themselves; each must be what the build wrote."""
    return {path: _info(build, path) for path in build.shards if path.split("/")[1] == phase}


def _info(build: Opened, path: str) -> ShardInfo:
    place, remedy = f"{build.storage.url}/{path}", "run `gristmill build` again, and it is packed again"
    if words := other_tokenizer(build.storage, build.lock.tokenizer_hash, path):
        raise RequestError(words)
    try:
        content = _content(build.storage, path)
    except FileNotFoundError:
        raise RequestError(f"{place} is gone: {remedy}") from None
    if content != build.lock.parts["pack"][path]:
        raise RequestError(f"{place} is not what the build wrote: delete it, {remedy}")
    with build.storage.open(path) as file:
        return shard_info(pq.read_schema(file))


def _content(storage: Storage, path: str) -> str:
    """Return the hash of a file, as receipts know it."""
    digest = xxhash.xxh3_128()
    with storage.open(path) as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _encoder(build: Opened) -> Encoder:
    return own_encoder(build.job, build.lock.tokenizer, build.lock.tokenizer_hash)


def _target(build: Opened, wanted: Wanted, storage: Storage, infos: Infos) -> Target:
    info = next(iter(infos.values()))
    return Target(
        storage=storage,
        phase=info.origin.phase,
        dtype=np.dtype(_encoder(build).dtype),
        sequence_length=info.packing.sequence_length,
        row_length=info.packing.row_length,
        columns=columns_of(build.manifest.sources.values()),
        unit=wanted.unit,
        file_bytes=wanted.file_bytes,
        tokenizer=wanted.tokenizer,
        sources=info.origin.sources,
    )


def _export_phase(build: Opened, wanted: Wanted, target: Target, infos: Infos, reporter: Reporter) -> PhaseExport:
    sizes = {path: build.storage.identify(path).size for path in infos}
    reporter.begin(f"{target.phase} to {wanted.to}", len(sizes), 0, sum(sizes.values()))
    written = wanted.exporter.write(_chunks(build.storage, infos, sizes, reporter), target)
    reporter.end()
    real, padded = _count(infos, "real"), _count(infos, "padded")
    repeated = _count(infos, "repeated") if wanted.exporter.keeps_rows else 0
    _balance(target, written, real + repeated)
    return PhaseExport(
        phase=target.phase,
        shards={path: build.lock.parts["pack"][path] for path in infos},
        sequences=_count(infos, "sequences"),
        tokens=real,
        padding_written=written.padding,
        padding_left_out=padded - written.padding,
        items=written.items,
        repeated_written=repeated,
        files=dict(sorted(written.files.items())),
    )


def _chunks(storage: Storage, infos: Infos, sizes: Mapping[str, int], reporter: Reporter) -> Iterator[Chunk]:
    """Yield the sequences of a phase; what is read of a shard must be what it says of itself."""
    for path, info in infos.items():
        sequences = real = 0
        for chunk in read_chunks(storage, path):
            width, length = chunk.ids.shape[1], info.packing.row_length
            if width != length:
                raise Unbalanced(f"{storage.url}/{path}: its rows hold {width} ids, but it says {length}")
            sequences += len(chunk.ids)
            real += int(chunk.real.sum())
            yield chunk
        said = info.counts.real + info.counts.repeated
        if (sequences, real) != (info.counts.sequences, said):
            raise Unbalanced(
                f"{storage.url}/{path}: {sequences:,} sequences of {real:,} tokens were read, "
                f"but it says {info.counts.sequences:,} of {said:,}"
            )
        reporter.advance(sizes[path])


def _count(infos: Infos, name: str) -> int:
    return sum(getattr(info.counts, name) for info in infos.values())


def _balance(target: Target, written: Written, real: int) -> None:
    if written.tokens != real:
        raise Unbalanced(
            f"{target.storage.url}/{target.phase}: {written.tokens:,} tokens were written, but the shards hold "
            f"{real:,}; the export is not to be used"
        )


def _account(build: Opened, wanted: Wanted, info: ShardInfo, phases: list[PhaseExport]) -> Export:
    encoder = _encoder(build)
    of_tokens = columns_of(build.manifest.sources.values())
    columns = shard_schema(record_type(encoder.dtype, of_tokens)).names
    return Export(
        format=wanted.to,
        unit=wanted.unit,
        file_bytes=wanted.file_bytes,
        build=build.manifest.name,
        manifest_hash=build.lock.manifest_hash,
        dtype=encoder.dtype,
        sequence_length=info.packing.sequence_length,
        next_token=info.packing.next_token,
        tokenizer=_tokenizer(build, wanted, info),
        token_columns=[name for name in of_tokens if name in wanted.exporter.columns],
        columns_left_out=[name for name in columns if name not in wanted.exporter.columns],
        phases=phases,
    )


def _tokenizer(build: Opened, wanted: Wanted, info: ShardInfo) -> TokenizerNote:
    encoder, spec = _encoder(build), build.manifest.tokenizer
    return TokenizerNote(
        name=wanted.tokenizer,
        hash=encoder.hash,
        vocab_size=encoder.vocab_size,
        bos_id=encoder.bos_id,
        eos_id=encoder.eos_id,
        pad_id=info.packing.pad_id,
        adds_bos=encoder.bos_id is not None and (spec is None or spec.bos is not False),
        adds_eos=encoder.eos_id is not None and (spec is None or spec.eos is not False),
    )
