"""Shares: which sequences of the stream a rank takes in a step.

In:  how many sequences there are, the size of the global batch, a rank of some.
Out: per step, the first sequence of the rank's and the one behind its last.
Guaranteed: step s is the sequences from skip + s * G to before skip + (s + 1) * G, G being the size of the global
    batch, whatever the ranks; each rank has consecutive ones of them, in the order of ranks. All ranks have the same
    number of steps.
"""

from dataclasses import dataclass
from typing import Literal

from pipelines.errors import RequestError

Incomplete = Literal["drop", "short"]


@dataclass(frozen=True)
class Share:
    """What a rank takes of a stream.

    Args:
        sequences: how many the stream has.
        batch_size: how many a rank takes in a step.
        rank: from 0.
        world: how many ranks there are.
        skip: how many are left out at the beginning.
        incomplete: what becomes of a last step for which too few are left: none takes them (`drop`), or ranks share
            them out evenly (`short`), so that a rank may have none.

    Raises:
        RequestError: these do not fit each other.
    """

    sequences: int
    batch_size: int
    rank: int
    world: int
    skip: int = 0
    incomplete: Incomplete = "drop"

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise RequestError(f"batch_size is {self.batch_size}: a rank takes at least one sequence in a step")
        if not 0 <= self.rank < self.world:
            raise RequestError(f"rank is {self.rank} of {self.world}: ranks are counted from 0")
        if not 0 <= self.skip <= self.sequences:
            raise RequestError(f"skip is {self.skip}: there are {self.sequences} sequences")
        if self.incomplete not in {"drop", "short"}:
            raise RequestError(f"incomplete is {self.incomplete!r}: it may be 'drop' or 'short'")

    @property
    def global_batch(self) -> int:
        """How many sequences all ranks together take in a step."""
        return self.batch_size * self.world

    @property
    def steps(self) -> int:
        """How many steps there are."""
        whole, left = divmod(self.sequences - self.skip, self.global_batch)
        return whole + (left > 0 and self.incomplete == "short")

    def all_of_step(self, step: int) -> tuple[int, int]:
        """Return the first sequence that the ranks take in a step, and the one behind the last."""
        first = self.skip + step * self.global_batch
        return first, min(first + self.global_batch, self.sequences)

    def of_step(self, step: int) -> tuple[int, int]:
        """Return the first sequence that this rank takes in a step, and the one behind its last."""
        first, last = self.all_of_step(step)
        count = last - first
        return first + count * self.rank // self.world, first + count * (self.rank + 1) // self.world
