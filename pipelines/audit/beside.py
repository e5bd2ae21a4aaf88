"""What lay beside the documents, and of how many it said something.

In:  the receipts of records (`engine/recording.py`).
Out: per source and companion, counts that add up all splits.
Guaranteed: every number was counted by the reading that wrote the records; a file that was cut into splits counts once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from pipelines.engine.companions import MISSING
from pipelines.engine.job import Job
from pipelines.engine.receipts import Receipt, load_receipt
from pipelines.engine.splits import Split


class Beside(msgspec.Struct, frozen=True):
    """What the companions of one name said of a source's documents.

    Args:
        source: name of the source.
        companion: as `folders` in the manifest calls it.
        documents: readable documents of the source.
        without: of these, those of which it says nothing: no file, no row, or an empty row.
        unclaimed: rows that belong to no document.
        missing: document files that have no such file.
        broken: files with something wrong in them.
        problem: the first of these, and what is wrong with it.
    """

    source: str
    companion: str
    documents: int
    without: int
    unclaimed: int
    missing: int
    broken: int
    problem: str = ""


def beside_counts(job: Job, splits: Sequence[Split], receipts: Iterable[Receipt]) -> list[Beside]:
    """Add up what the first pass counted, in the order of sources and companions.

    Args:
        job: the build.
        splits: all splits.
        receipts: of the first pass, one per split.
    """
    counted: dict[tuple[str, str], dict[str, list[Mapping[str, Any]]]] = {}
    for split, receipt in zip(splits, receipts, strict=True):
        for count in _counts(job, receipt) if split.file.beside else ():
            files = counted.setdefault((split.source, count["companion"]), {})
            files.setdefault(f"{split.file.root}/{split.file.path}", []).append(count)
    return [_added(source, companion, files) for (source, companion), files in counted.items()]


def _counts(job: Job, receipt: Receipt) -> list[Mapping[str, Any]]:
    records = load_receipt(job.storage, str(receipt.info["records"]))
    return [] if records is None else records.info.get("beside", [])


def _added(source: str, companion: str, files: Mapping[str, Sequence[Mapping[str, Any]]]) -> Beside:
    every = [count for counts in files.values() for count in counts]
    firsts = [counts[0] for counts in files.values()]
    broken = [first for first in firsts if first["problem"] not in {"", MISSING}]
    return Beside(
        source,
        companion,
        documents=sum(count["documents"] for count in every),
        without=sum(count["without"] for count in every),
        unclaimed=sum(first["rows"] for first in firsts) - sum(count["claimed"] for count in every),
        missing=sum(first["problem"] == MISSING for first in firsts),
        broken=len(broken),
        problem=f"{broken[0]['file']}: {broken[0]['problem']}" if broken else "",
    )
