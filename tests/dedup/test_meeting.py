"""Rows of earlier builds beside those of this one, against the rule written out over all documents."""

from collections.abc import Sequence
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dedup.earlier import FIRST_EARLIER, build_numbers, split_number
from pipelines.dedup.exact import DedupExact
from pipelines.dedup.keys import normalize_url
from pipelines.engine.exchange import Emitter, read_partition
from pipelines.engine.meeting import Earlier, EarlierRows
from pipelines.engine.storage import open_storage
from tests.dedup.test_exact import SOURCES, Page, Part, emit, parts, rank

PLACES = 2
"""Places that `keep` of each build takes: of `keeper`, and of all others."""

Preferred = Literal["first", "longest", "most_recent"]
Answer = tuple[int, int, int]
"""0 where the document stays, else 1 and the number of the earlier build for which it falls; the uid of the one that
stays; the size of the group."""


def decide(stage: DedupExact, builds: Sequence[Sequence[Part]], partitions: int) -> dict[int, Answer]:
    """Run the exchange of the first build beside the others; return all that is said, by address."""
    answers: dict[int, Answer] = {}
    with TemporaryDirectory() as folder:
        storage, files = open_storage(folder), list[tuple[tuple[int, str], ...]]()
        for build, splits in enumerate(builds):
            names = [(split_number(build, split), f"{build}-{split}.rows") for split in range(len(splits))]
            for (_, name), part in zip(names, splits, strict=True):
                with Emitter(storage, name, stage.layout, spill_bytes=300) as emitter:
                    emitter.add(emit(stage, part))
            files.append(tuple(names))
        own, *others = files
        held = [EarlierRows(storage, each, PLACES * at) for at, each in enumerate(others) if each]
        earlier = Earlier(tuple(held), places=PLACES * len(others))
        for partition in range(partitions if own else 0):
            rows = earlier.beside(read_partition(storage, own, partition, partitions), partition, partitions)
            head = stage.reduce(rows).header
            columns = (head[name].tolist() for name in ("key", "dropped", "kept_uid", "cluster"))
            answers |= {key: (dropped, kept, size) for key, dropped, kept, size in zip(*columns, strict=True)}
    return answers


def expected(stage: DedupExact, builds: Sequence[Sequence[Part]]) -> dict[int, Answer]:
    """Decide by looking at each document of this build and all that share its key; earlier builds come first."""
    groups: dict[str, list[tuple[int, Part, Page]]] = {}
    for build, splits in enumerate(builds):
        for number, part in enumerate(splits):
            for row, page in enumerate(part.pages):
                key = page.text if stage.by == "content" else normalize_url(page.url or "")
                if key or stage.by == "content":
                    address = split_number(build, number) << 32 | row
                    groups.setdefault(key, []).append((address, part, page))
    answers: dict[int, Answer] = {}
    for group in (group for group in groups.values() if len(group) > 1):
        best = min(group, key=lambda member: (_turn(member[0]), *rank(stage.prefer, *member)))
        for address, part, _ in group:
            falls = address != best[0] and not SOURCES[part.source].exempt and address < int(FIRST_EARLIER)
            answers[address] = ((1 + _number(best[0])) * falls, best[2].uid, len(group))
    return answers


def _number(address: int) -> int:
    return int(build_numbers(np.array([address], np.uint64))[0])


def _turn(address: int) -> int:
    """Return the place of a document's build in rank: earlier builds in their order, and then this one."""
    return _number(address) or 1 << 32


@settings(max_examples=120)
@given(
    st.lists(parts(), min_size=1, max_size=3),
    st.sampled_from(["content", "url"]),
    st.sampled_from(["first", "longest", "most_recent"]),
    st.integers(1, 5),
)
def test_documents_of_earlier_builds_come_first_in_their_order_and_never_fall(
    builds: Sequence[Sequence[Part]], by: Literal["content", "url"], prefer: Preferred, partitions: int
) -> None:
    stage = DedupExact(by=by, prefer=prefer)
    assert decide(stage, builds, partitions) == (expected(stage, builds) if builds[0] else {})


def test_numbers_of_builds_and_splits_do_not_meet() -> None:
    addresses = [split_number(build, split) << 32 | row for build in (0, 1, 63) for split in (0, 9) for row in (0, 7)]
    numbers: Any = build_numbers(np.array(addresses, np.uint64))
    assert numbers.tolist() == [0] * 4 + [1] * 4 + [63] * 4
    assert len(set(addresses)) == len(addresses)
    assert [address < FIRST_EARLIER for address in addresses] == [True] * 4 + [False] * 8
