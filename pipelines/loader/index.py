"""The index: where every training sequence of a build is.

In:  the lock of a finished build, and the footers of its shards, each read once.
Out: the stream of sequences, in the order of phases, of shards in a phase, and of rows in a shard.
Guaranteed: nothing but footers is read. Shards that are not those that the lock names are refused.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from pipelines.engine.keys import key_of
from pipelines.engine.storage import Storage
from pipelines.errors import RequestError
from pipelines.loader.finished import HOLDOUT, LOCK, Footer, MadeFrom, phase_of, read_footer, read_lock

I64 = npt.NDArray[np.int64]

AT_ONCE = 16
"""Footers read at a time: on an object store each is a few requests."""


@dataclass(frozen=True)
class Index:
    """Where every sequence of some phases is.

    Args:
        storage: the build folder.
        phases: their names, in the order in which they are read.
        content: hash of the names and contents of their shards.
        shards: their paths, in order.
        footers: of each.
    """

    storage: Storage
    phases: tuple[str, ...]
    content: str
    shards: tuple[str, ...]
    footers: tuple[Footer, ...]

    @property
    def sequences(self) -> int:
        """How many there are."""
        return int(self.starts[-1])

    @cached_property
    def starts(self) -> I64:
        """Which sequence each row group begins with, row groups numbered through all shards; and behind the last."""
        rows = [count for footer in self.footers for count in footer.rows]
        return np.concatenate([[0], np.cumsum(rows, dtype=np.int64)])

    @cached_property
    def first_groups(self) -> I64:
        """The number of each shard's first row group; and behind the last."""
        return np.concatenate([[0], np.cumsum([len(footer.rows) for footer in self.footers], dtype=np.int64)])

    @property
    def length(self) -> int:
        """Input tokens of a sequence."""
        return self.footers[0].about.packing.sequence_length

    @property
    def stored(self) -> int:
        """Ids stored of a sequence: `length`, or one more where shards hold next tokens."""
        return max(footer.stored for footer in self.footers)

    def groups_of(self, first: int, last: int) -> range:
        """Return the row groups that hold the sequences from `first` to before `last`, which is greater."""
        begin, end = np.searchsorted(self.starts, [first, last - 1], side="right") - 1
        return range(int(begin), int(end) + 1)

    def shard_of(self, group: int) -> tuple[int, int]:
        """Return the number of the shard that a row group is in, and the group's number there."""
        shard = int(np.searchsorted(self.first_groups, group, side="right")) - 1
        return shard, group - int(self.first_groups[shard])

    def place_of(self, sequence: int) -> tuple[str, int]:
        """Return the path of the shard that a sequence is in, and its row there."""
        shard, _ = self.shard_of(self.groups_of(sequence, sequence + 1)[0])
        return self.shards[shard], sequence - int(self.starts[self.first_groups[shard]])


def read_index(storage: Storage, phases: Sequence[str] | None = None) -> Index:
    """Return the index of some phases of a finished build, in the order given; by default of all but what is held out.

    Raises:
        RequestError: there is no finished build, or no such phase, or shards are not those of the build.
        FileNotFoundError: a shard is gone.
    """
    lock = read_lock(storage)
    wanted = _checked(storage, lock.phases, phases)
    shards = [shard for phase in wanted for shard in lock.shards if phase_of(shard) == phase]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        footers = tuple(pool.map(partial(read_footer, storage), shards))
    for shard, footer in zip(shards, footers, strict=True):
        _check_origin(f"{storage.url}/{shard}", footer.about.origin, MadeFrom(lock.manifest_hash, lock.tokenizer_hash))
    content = key_of([[shard, lock.shards[shard]] for shard in shards])
    return Index(storage, tuple(wanted), content, tuple(shards), footers)


def _check_origin(shard: str, found: MadeFrom, expected: MadeFrom) -> None:
    """Refuse a shard that is not of the build whose lock lies beside it."""
    if found.tokenizer_hash != expected.tokenizer_hash:
        raise RequestError(
            f"{shard} holds ids of the tokenizer {found.tokenizer_hash}, but the build's is {expected.tokenizer_hash}: "
            "ids of two tokenizers never mix; put back what the build wrote, or build again"
        )
    if found != expected:
        raise RequestError(f"{shard} is of another build than {LOCK} beside it: build again")


def _checked(storage: Storage, known: Sequence[str], wanted: Sequence[str] | None) -> list[str]:
    for phase in wanted or ():
        if phase not in known:
            raise RequestError(f"{storage.url} has no phase {phase!r}; it has {', '.join(known)}")
    if wanted is not None and not wanted:
        raise RequestError(f"no phase is named; {storage.url} has {', '.join(known)}")
    return [phase for phase in known if phase != HOLDOUT] if wanted is None else list(wanted)
