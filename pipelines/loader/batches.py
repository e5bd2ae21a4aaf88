"""Batches: a rank's share of the stream, step by step.

In:  an index, a share, the step to begin with.
Out: batches; a small state, from which another process goes on.
Guaranteed: the batch of a step is the same however one came to it. A state is refused where it would give others.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from pipelines.errors import RequestError
from pipelines.loader.batch import Batch, batch_of
from pipelines.loader.index import Index
from pipelines.loader.reader import Reader, read_ahead
from pipelines.loader.share import Share


class Batches:
    """A rank's batches; iterating goes on at `step`, and moves it.

    Args:
        index: where sequences are.
        share: which of them the rank takes.
        step: the step to begin with.

    Raises:
        RequestError: there is no such step, or batches would be too large to index by int32.
    """

    def __init__(self, index: Index, share: Share, step: int = 0) -> None:
        if share.batch_size * index.stored > np.iinfo(np.int32).max:
            raise RequestError(f"batch_size is {share.batch_size}: a batch of 2^31 tokens or more has no cu_seqlens")
        self.index, self.share = index, share
        self.step = self._checked(step)

    @property
    def steps(self) -> int:
        """How many steps there are, those before `step` included; the same for all ranks."""
        return self.share.steps

    def __iter__(self) -> Iterator[Batch]:
        for batch in self.run(range(self.step, self.steps)):
            self.step = batch.step + 1
            yield batch

    def run(self, steps: Iterable[int]) -> Iterator[Batch]:
        """Yield the batches of some steps, without moving `step`."""
        with Reader(self.index) as reader:
            yield from read_ahead(lambda step: self._read(reader, step), steps)

    def batch(self, step: int) -> Batch:
        """Return the batch of a step, without moving `step`.

        Raises:
            RequestError: there is no such step.
        """
        with Reader(self.index) as reader:
            return self._read(reader, self._checked(step, self.steps - 1))

    def places(self, step: int) -> list[tuple[str, int]]:
        """Return the shard and the row of each sequence that all ranks together take in a step, as `trace` takes them.

        Raises:
            RequestError: there is no such step.
        """
        first, last = self.share.all_of_step(self._checked(step, self.steps - 1))
        return [self.index.place_of(sequence) for sequence in range(first, last)]

    def state_dict(self, step: int | None = None) -> dict[str, Any]:
        """Return what another process needs to go on at a step, as plain JSON values.

        Args:
            step: by default `step`, the one behind the batch that was given last.
        """
        at = self.step if step is None else self._checked(step)
        sequence = min(self.share.all_of_step(at)[0], self.share.sequences)
        return {**self._identity(), "step": at, "sequence": sequence}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken. Ranks may be others, if the global batch has its size.

        Raises:
            RequestError: it is no state, or that of other sequences, or of other batches of them.
        """
        unknown = set(state) ^ {*self._identity(), "step", "sequence"}
        if unknown:
            raise RequestError(f"this is no state of a loader: {', '.join(sorted(unknown))} is missing or unknown")
        for key, remedy in _REMEDIES.items():
            if state[key] != self._identity()[key]:
                raise RequestError(
                    f"the state is of other batches: its {key} is {state[key]!r}, here it is "
                    f"{self._identity()[key]!r}: {remedy.format(**state)}"
                )
        if not isinstance(state["step"], int):
            raise RequestError(f"this is no state of a loader: its step is {state['step']!r}, and no whole number")
        self.step = self._checked(state["step"])

    def _identity(self) -> dict[str, Any]:
        """Return what decides which sequences the steps are."""
        return {
            "phases": list(self.index.phases),
            "content": self.index.content,
            "skip": self.share.skip,
            "global_batch": self.share.global_batch,
        }

    def _read(self, reader: Reader, step: int) -> Batch:
        first, last = self.share.of_step(step)
        return batch_of(reader.rows(first, last), step, first, self.index.length)

    def _checked(self, step: int, most: int | None = None) -> int:
        """Return a step that there is, or the one behind the last."""
        if not 0 <= step <= (self.steps if most is None else most):
            raise RequestError(f"no step {step}: there are {self.steps}, counted from 0")
        return step


_REMEDIES = {
    "phases": "open those phases",
    "content": "it was taken from another build, or the build was run again with another result; open the one it is of",
    "skip": "give `skip={skip}`",
    "global_batch": "give ranks and a batch size whose product that is; to go on with another size, begin anew with "
    "`skip={sequence}`",
}
"""What decides about batches -> what to do where a state says something else."""
