"""Budgeting: how many tokens every phase takes from every pool, and where in the pool's stream they lie.

In:  the pools parts of all splits; the mix of the manifest.
Out: cuts: pairs of places in the pools' streams.
Guaranteed: exact to the token; only buckets that hold a cut are sorted.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from pipelines.engine.fit import save_artifact
from pipelines.engine.job import Holding, Job
from pipelines.engine.keys import key_of
from pipelines.engine.parts import read_part
from pipelines.engine.pooling import documents_in, histogram_part, member, mix_of
from pipelines.engine.receipts import Receipt
from pipelines.mix.budgets import Interval, Phase, intervals, once
from pipelines.mix.cut import CutPoint, Location, cut_in_bucket, locate
from pipelines.mix.pools import BUCKETS, Documents, bucket_of, concat_documents
from pipelines.mixture import HOLDOUT, Mix


@dataclass(frozen=True)
class CutTask:
    """Finds where every phase cuts every pool.

    Args:
        pools: (split after its last pass, its pools part) of all splits.
        content: hash of the contents of the pools parts and of the splits' numbers.
    """

    pools: tuple[tuple[Holding, str], ...]
    content: str

    def part(self, job: Job) -> str:
        """Return the path of the cuts."""
        mix = mix_of(job).model_dump(mode="json", exclude={"pack", "sequence_length", "next_token", "shard_tokens"})
        return f"work/cuts/{key_of(['cuts', mix, self.content])}.json"


class Cuts(msgspec.Struct, frozen=True):
    """What one phase takes from one pool, and between which two cuts of its stream that lies."""

    phase: str
    pool: str
    start: int
    tokens: int
    begin: CutPoint
    end: CutPoint


def run_cut(job: Job, task: CutTask) -> Receipt:
    """Share every phase out over its pools, and fetch the buckets that hold a cut.

    Raises:
        ShortPool: a pool holds fewer tokens than the phases take from it.
    """
    mix = mix_of(job)
    tallies = _tallies(job, task)
    totals = {name: int(tally.sum()) for name, tally in tallies.items()}
    phases = phases_of(mix)
    epochs = {pool.name: mix.max_epochs_of(pool.name) for pool in job.manifest.pools}
    laid = [*intervals(phases, totals, epochs, mix.shared), *once(HOLDOUT, HOLDOUT, totals)]
    places = {(each.pool, at): locate(tallies[each.pool], at) for each in laid for at in (each.start, each.end)}
    held = _buckets(job, task, places)
    points = {name: cut_in_bucket(place, held[name]) for name, place in places.items()}
    cuts = [_cuts(each, points) for each in laid]
    counts = {f"{each.phase}\t{each.pool}": each.tokens for each in laid}
    return save_artifact(job, task.part(job), msgspec.json.encode(cuts), counts)


def phases_of(mix: Mix) -> list[Phase]:
    """Return the phases of a mix as budgets read them."""
    return [Phase(each.name, each.tokens, each.weights, each.start, each.short) for each in mix.phases]


def _cuts(each: Interval, points: Mapping[tuple[str, int], CutPoint]) -> Cuts:
    return Cuts(**asdict(each), begin=points[each.pool, each.start], end=points[each.pool, each.end])


def _tallies(job: Job, task: CutTask) -> dict[str, npt.NDArray[np.int64]]:
    """Return the tokens of every pool by bucket, all splits together."""
    tallies = {pool.name: np.zeros(BUCKETS, np.int64) for pool in job.manifest.pools}
    for _, part in task.pools:
        table = read_part(job.storage, histogram_part(part))
        for name in table.schema.names:
            tallies[name.removeprefix("pool:")] += table.column(name).to_numpy()
    return tallies


def _buckets(job: Job, task: CutTask, places: Mapping[tuple[str, int], Location]) -> dict[tuple[str, int], Documents]:
    """Return, for each cut, the documents of its pool that are in its bucket."""
    found: dict[tuple[str, int], list[Documents]] = {name: [] for name in places}
    for holding, part in task.pools:
        table = read_part(job.storage, part)
        documents = documents_in(table, holding)
        buckets = bucket_of(documents.s)
        for name, place in places.items():
            chosen = member(table, f"pool:{name[0]}") & (buckets == place.bucket)
            found[name].append(documents.take(chosen))
    return {name: concat_documents(parts) for name, parts in found.items()}


def load_cuts(job: Job, part: str) -> list[Cuts]:
    """Read what a cut task found, phase by phase."""
    return msgspec.json.decode(job.storage.read(part), type=list[Cuts])
