"""Sequences: the training sequences of a build, as one stream.

In:  the folder of a finished build, and the phases wanted.
Out: how many sequences there are, where each is, any of them, and batches of them.
Guaranteed: the order is that of the phases, of shards in a phase, and of rows in a shard. The build has placed
    documents by chance already (`mix/place.py`), so nothing is shuffled here.
"""

from collections.abc import Sequence
from pathlib import Path

from pipelines.engine.storage import open_storage
from pipelines.errors import RequestError
from pipelines.loader.batch import Batch, batch_of
from pipelines.loader.batches import Batches
from pipelines.loader.index import Index, read_index
from pipelines.loader.reader import Reader
from pipelines.loader.share import Incomplete, Share


class Sequences:
    """A stream of training sequences.

    Args:
        index: where they are.
    """

    def __init__(self, index: Index) -> None:
        self.index = index

    def __len__(self) -> int:
        return self.index.sequences

    @property
    def length(self) -> int:
        """Input tokens of a sequence."""
        return self.index.length

    @property
    def phases(self) -> tuple[str, ...]:
        """The phases, in the order in which they are read."""
        return self.index.phases

    def read(self, first: int, last: int) -> Batch:
        """Return the sequences from `first` to before `last`, as a batch of step 0.

        Raises:
            RequestError: there are no such sequences.
        """
        if not 0 <= first <= last <= len(self):
            raise RequestError(f"no sequences {first} to {last}: there are {len(self)}, counted from 0")
        with Reader(self.index) as reader:
            return batch_of(reader.rows(first, last), 0, first, self.length)

    def place_of(self, sequence: int) -> tuple[str, int]:
        """Return the shard that a sequence is in, and its row there, as `trace` takes them.

        Raises:
            RequestError: there is no such sequence.
        """
        if not 0 <= sequence < len(self):
            raise RequestError(f"no sequence {sequence}: there are {len(self)}, counted from 0")
        return self.index.place_of(sequence)

    def batches(
        self,
        batch_size: int,
        *,
        rank: int = 0,
        world: int = 1,
        start_step: int = 0,
        skip: int = 0,
        incomplete: Incomplete = "drop",
    ) -> Batches:
        """Return a rank's batches.

        Args:
            batch_size: sequences that the rank takes in a step, which is `batch_size * world` sequences.
            rank: from 0.
            world: how many ranks there are.
            start_step: the step to begin with; what lies before is not read.
            skip: sequences at the beginning of the stream that belong to no step, for a batch size that changes on the
                way: those that were taken before.
            incomplete: what becomes of a last step for which too few sequences are left: nobody takes them (`drop`), or
                ranks share them out evenly, and some may have none (`short`).

        Raises:
            RequestError: these do not fit each other or the stream, or there would be no step at all.
        """
        share = Share(len(self), batch_size, rank, world, skip, incomplete)
        if share.steps == skip == 0 < len(self):
            raise RequestError(
                f"batch_size is {batch_size}, world {world}: a step takes {share.global_batch} sequences, and there "
                f"are {len(self)}, so no step is whole; take fewer, or give `incomplete='short'`"
            )
        return Batches(self.index, share, start_step)


def load_sequences(folder: str | Path, phases: str | Sequence[str] | None = None) -> Sequences:
    """Open the training sequences of a finished build.

    Args:
        folder: the build folder, local or `s3://bucket/prefix`; of its files, `lock.json` and the shards are read.
        phases: a phase, or several in the order in which they are to be read; by default all in the manifest's order.
            What `mix.holdout` drew is in none of them: ask for "holdout".

    Raises:
        RequestError: there is no finished build, or no such phase, or shards are not those of the build.
        FileNotFoundError: a shard is gone.
    """
    wanted = [phases] if isinstance(phases, str) else phases
    return Sequences(read_index(open_storage(folder), wanted))
