"""Looking up records: from an id, a uid or a place in a file to rows of the ledger.

In:  a finished build, and what a person calls a document.
Out: verdicts, one per record of that name; or, where there is none, names that come near.
Guaranteed: few row groups of `ledger/ids/` are read, however large the build; several records of one id are all given.
"""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from pipelines.audit.ledger import CUT_BY
from pipelines.audit.opened import Opened, rows_of
from pipelines.engine.keys import document_uids
from pipelines.engine.splits import Split

LARGEST = (1 << 64) - 1
SEARCHED = 1 << 20
"""Ids that are looked through for a name that comes near."""


@dataclass(frozen=True)
class Verdict:
    """One row of the ledger, and where it stands.

    Args:
        split: the split that the record is in.
        row: its row there.
        source: name of the source.
        ordinal: the record's number in its file, or the byte at which it begins.
        uid: its number.
        id: the corpus's own name of it.
        fate: what became of it.
        stage: where it fell; None where no stage dropped it.
        rule: the rule that failed; of an unreadable record, what is wrong with it.
        value: the number that decided.
        kept_uid: of a duplicate, the uid of the document that stayed.
        similarity: how alike the two are, from 0 to 1.
        cluster_size: documents in its group of duplicates; None outside of groups.
        chars_in: characters of the text as it was read.
        chars_out: of a survivor, characters of its final text.
        tokens: length of its token run.
        tokens_used: its tokens in shards, all copies counted.
    """

    split: Split
    row: int
    source: str
    ordinal: int
    uid: int
    id: str
    fate: str
    stage: str | None
    rule: str | None
    value: float | None
    kept_uid: int | None
    similarity: float | None
    cluster_size: int | None
    chars_in: int | None
    chars_out: int | None
    tokens: int | None
    tokens_used: int | None

    @property
    def path(self) -> str:
        """Path of the file below its source's folder."""
        return self.split.file.path

    @property
    def place(self) -> str:
        """The record as `source/path:ordinal`."""
        return f"{self.source}/{self.path}:{self.ordinal}"


def verdicts_at(build: Opened, split: Split, rows: Sequence[int]) -> list[Verdict]:
    """Return the verdicts of some rows of a split."""
    table = rows_of(build.storage, build.verdicts_file(split), rows)
    return [Verdict(split, row, **values) for row, values in zip(rows, table.to_pylist(), strict=True)]


def signals_at(build: Opened, split: Split, row: int) -> dict[str, float | int]:
    """Return the signals of one record by name; what was not measured is left out."""
    told = _told_at(build, split, row)
    return {name: value for name, value in told.items() if not name.startswith(CUT_BY)}


def cuts_at(build: Opened, split: Split, row: int) -> dict[str, list[tuple[int, int]]]:
    """Return what was cut out of one record's text: by stage, starts and ends, in bytes of the text it saw."""
    told = _told_at(build, split, row)
    bounds = {name.removeprefix(CUT_BY): value for name, value in told.items() if name.startswith(CUT_BY)}
    return {label: list(zip(each[::2], each[1::2], strict=True)) for label, each in bounds.items()}


def _told_at(build: Opened, split: Split, row: int) -> dict[str, Any]:
    """Return what the twin of the verdicts says of one record; nulls are left out."""
    part = build.verdicts_file(split).replace("ledger/verdicts/", "ledger/signals/", 1)
    (values,) = rows_of(build.storage, part, [row]).to_pylist()
    return {name: value for name, value in values.items() if name != "ordinal" and value is not None}


def find(build: Opened, name: str) -> list[Verdict]:
    """Return the verdicts of all records that `name` names.

    Args:
        build: a finished build.
        name: an id, a uid in decimal, or source/path:ordinal; the source may be left out.
    """
    found = {(verdict.split.number, verdict.row): verdict for verdict in _found(build, name)}
    return [found[place] for place in sorted(found)]


def _found(build: Opened, name: str) -> Iterator[Verdict]:
    key = xxhash.xxh3_64_intdigest(name.encode())
    yield from _verdicts(build, key, pc.field("id") == name)
    if is_uid(name):
        yield from with_uid(build, int(name))
    for place in places_of(build, name):
        source, path, ordinal = place
        (uid,) = document_uids(source, path, np.array([ordinal], np.uint64)).tolist()
        yield from (each for each in with_uid(build, uid) if (each.source, each.path, each.ordinal) == place)


def is_uid(name: str) -> bool:
    """Tell whether a name can be read as a uid."""
    return name.isascii() and name.isdigit() and int(name) <= LARGEST


def places_of(build: Opened, name: str) -> list[tuple[str, str, int]]:
    """Return source, path and ordinal where a name is written like a place: with its source, or without."""
    where, _, ordinal = name.rpartition(":")
    if not is_uid(ordinal):
        return []
    source, _, path = where.partition("/")
    whole = [(source, path)] if source in build.manifest.sources else []
    bare = [(each, where) for each in sorted(build.manifest.sources) if where in build.file_names(each)]
    return [(*place, int(ordinal)) for place in [*whole, *bare]]


def with_uid(build: Opened, uid: int) -> list[Verdict]:
    """Return the verdicts of all records with a uid: one, but for a collision."""
    return list(_verdicts(build, uid, pc.field("uid") == pa.scalar(uid, pa.uint64())))


def _verdicts(build: Opened, key: int, condition: pc.Expression) -> Iterator[Verdict]:
    for entry in _entries(build, key).filter(condition).to_pylist():
        yield from verdicts_at(build, build.split_of_file[entry["file"]], [entry["row"]])


def _entries(build: Opened, key: int) -> pa.Table:
    """Return the rows of `ledger/ids/` that have a key."""
    parts = build.parts("ledger: ids")
    part = parts[key * len(parts) >> 64]
    with build.storage.open(part) as file:
        parquet = pq.ParquetFile(file)
        groups = [number for number in range(parquet.num_row_groups) if _may_hold(parquet, number, key)]
        table = parquet.read_row_groups(groups, use_threads=False)
    return table.filter(pc.field("key") == pa.scalar(key, pa.uint64()))


def _may_hold(parquet: Any, group: int, key: int) -> bool:  # noqa: ANN401 - pyarrow has no types
    statistics = parquet.metadata.row_group(group).column(0).statistics
    return statistics is None or not statistics.has_min_max or statistics.min <= key <= statistics.max


def near(build: Opened, name: str, count: int = 5) -> list[str]:
    """Return names of records that come near to `name`, the nearest first."""
    if places := places_of(build, name):
        return _near_place(build, *places[0], count)
    ids = _some_ids(build)
    holding = [each for each in ids if len(name) >= 3 and name.lower() in each.lower()]
    return (holding or difflib.get_close_matches(name, ids[: SEARCHED >> 6], count))[:count]


def _near_place(build: Opened, source: str, path: str, ordinal: int, count: int) -> list[str]:
    """Return records of the file whose ordinals are nearest, or of files whose names are."""
    names = build.file_names(source)
    if path not in names:
        return [f"{source}/{near}:0" for near in difflib.get_close_matches(path, names, count, 0) or names[:count]]
    splits = [split for split in build.splits if (split.source, split.file.path) == (source, path)]
    tables = [_column(build, build.verdicts_file(split), "ordinal") for split in splits]
    ordinals = np.sort(np.concatenate([table.to_numpy() for table in tables])).astype(np.int64)
    at = int(np.searchsorted(ordinals, ordinal))
    first = max(min(at - count // 2, len(ordinals) - count), 0)
    return [f"{source}/{path}:{each}" for each in ordinals[first : first + count]]


def _column(build: Opened, part: str, name: str) -> pa.ChunkedArray:
    with build.storage.open(part) as file:
        return pq.ParquetFile(file).read(columns=[name], use_threads=False).column(name)


def _some_ids(build: Opened) -> list[str]:
    """Return the ids of at most `SEARCHED` records, sorted."""
    found: set[str] = set()
    for part in build.parts("ledger: ids"):
        if len(found) < SEARCHED:
            found |= set(_column(build, part, "id").to_pylist())
    return sorted(found)


def examples(build: Opened) -> list[Verdict]:
    """Return one record of every source that has any, to show how ids are written."""
    firsts: dict[str, Verdict] = {}
    for split in build.splits:
        if split.source not in firsts and len(_column(build, build.verdicts_file(split), "ordinal")):
            firsts[split.source] = verdicts_at(build, split, [0])[0]
    return [firsts[source] for source in sorted(firsts)]
