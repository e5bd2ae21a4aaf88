"""The exchange: how rows that share a key meet, through files.

In:  rows that map tasks emitted (`Emitter`), one file per task, each with the number of its split.
Out: the rows of one partition, that is, of one range of keys.
Guaranteed: rows come in total order (key, split, row, slot), whatever the size of buffers, the number of segments and
the number of partitions: partitions 0 .. R-1, one after another, are the same rows for every R.

    map task      with Emitter(storage, path, layout) as emitter: emitter.add(Rows.build(layout, key=..., row=...))
    reduce task   rows = read_partition(storage, [(split.number, path), ...], p, R)

The files of *reduce* tasks all carry the number 0 when they are read in turn: the partition they come from says
nothing about a row, and an order by it would change with R. Their (key, row, slot) must then be unique.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from pipelines.engine.emitter import Emitted, Emitter
from pipelines.engine.rows import Layout, Rows, total_order
from pipelines.engine.segments import load_footer, read_rows
from pipelines.engine.storage import Storage

__all__ = [
    "KEYS",
    "Emitted",
    "Emitter",
    "Layout",
    "Rows",
    "least_size",
    "partition_range",
    "read_keys",
    "read_partition",
]

KEYS = 1 << 64
READERS = 8
"""Files read at once: an object store answers slowly, but many at a time."""


def partition_range(partition: int, partitions: int) -> tuple[int, int]:
    """Return the half-open range of keys with floor(key * partitions / 2^64) == partition."""
    return -(-partition * KEYS // partitions), -(-(partition + 1) * KEYS // partitions)


def read_partition(storage: Storage, paths: Sequence[tuple[int, str]], partition: int, partitions: int) -> Rows:
    """Return the rows of one of `partitions` ranges of keys; see `read_keys`."""
    return read_keys(storage, paths, *partition_range(partition, partitions))


def read_keys(storage: Storage, paths: Sequence[tuple[int, str]], low: int, high: int) -> Rows:
    """Return the rows with low <= key < high of several files, in total order.

    Args:
        storage: holds the files.
        paths: (number of the split, file); rows that agree in (key, split, row, slot) keep the order of `paths`.
        low: first key.
        high: end of the keys, at most 2^64.

    Returns:
        Rows with the files' columns and `split`, int64. Without any path, rows of an empty layout.

    Raises:
        BuildError: a file is damaged.
        ValueError: the files differ in their layout.
    """
    rows = _gather(storage, paths, low, high)
    return rows.take(total_order(rows["key"], rows.split, rows["row"], rows["slot"]))


def least_size(storage: Storage, paths: Sequence[tuple[int, str]], partition: int, partitions: int) -> int:
    """Return how many bytes `read_partition` will read at least, by the files' footers alone."""
    low, high = partition_range(partition, partitions)
    return sum(load_footer(storage, path).bytes_within(low, high) for _, path in paths)


def _gather(storage: Storage, paths: Sequence[tuple[int, str]], low: int, high: int) -> Rows:
    with ThreadPoolExecutor(READERS) as pool:
        found = pool.map(lambda file: _read_file(storage, file, low, high), paths)
        pieces = list(chain.from_iterable(found))
    return Rows.concat(pieces or [Rows.empty(Layout().dtype).of_split(0)])


def _read_file(storage: Storage, file: tuple[int, str], low: int, high: int) -> list[Rows]:
    number, path = file
    return [piece.of_split(number) for piece in read_rows(storage, path, low, high)]
