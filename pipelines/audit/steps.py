"""Steps: which sequences a step of training consists of.

In:  a finished build, and how a trainer reads it.
Out: their shards and rows, and their pieces.
Guaranteed: the same sequences that `pipelines.loader` gives all ranks together in that step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from pipelines.audit.opened import Opened
from pipelines.audit.pieces import Piece, pieces_of
from pipelines.errors import RequestError
from pipelines.loader.sequences import load_sequences

Place = tuple[str, int]
"""A shard and a row of it."""


@dataclass(frozen=True)
class Step:
    """A step of training.

    Args:
        number: from 0.
        batch_size: sequences that all ranks together take in a step.
        phases: those that are read, in order; all where there are none.
        skip: sequences at the beginning that belong to no step.
    """

    number: int
    batch_size: int = 1
    phases: tuple[str, ...] = ()
    skip: int = 0


def places_of(build: Opened, step: Step) -> list[Place]:
    """Return where the sequences of a step are, in their order; the last step may have fewer than the others.

    Raises:
        RequestError: there is no such phase or step.
    """
    sequences = load_sequences(build.storage.url, step.phases or None)
    return sequences.batches(step.batch_size, skip=step.skip, incomplete="short").places(step.number)


def place_in(places: Sequence[Place], row: int) -> Place:
    """Return one of a step's places.

    Raises:
        RequestError: the step has no such row.
    """
    if not 0 <= row < len(places):
        raise RequestError(f"the step has no row {row}: its {len(places)} sequences are counted from 0")
    return places[row]


def pieces_at(build: Opened, places: Sequence[Place]) -> list[Piece]:
    """Return the pieces of sequences, in their order; each shard is opened once where they lie beside each other.

    Raises:
        RequestError: there is no such shard or row.
    """
    runs = groupby(places, lambda place: place[0])
    return [piece for shard, held in runs for piece in pieces_of(build, shard, [row for _, row in held])]
