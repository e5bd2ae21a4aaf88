"""Pooling: which documents of a split are in which pool, in the order of the pools' streams.

In:  a split's token runs, its signals and records.
Out: a part with one row per document, sorted by the draw that orders every pool, and a histogram of tokens per pool.
Guaranteed: histograms of splits add up, so budgets need no global sort.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.engine.job import Holding, Job
from pipelines.engine.keys import U64, key_of
from pipelines.engine.measured import stored_columns
from pipelines.engine.parts import PartWriter, read_part
from pipelines.engine.receipts import Receipt, save_receipt
from pipelines.engine.selection import drawn
from pipelines.expressions import evaluate
from pipelines.mix.pools import Documents, documents_of, histogram
from pipelines.mixture import HOLDOUT, Mix, Pool


@dataclass(frozen=True)
class PoolTask:
    """Says which documents of a split are in which pool.

    Args:
        holding: the split after its last pass.
        content: content of the last pass: masks, signals and tokens.
        suffix: what stands behind the names of signals on the final text.
    """

    holding: Holding
    content: str
    suffix: str

    def part(self, job: Job) -> str:
        """Return the path of the pools part."""
        mix, held = mix_of(job), self.holding
        pools = [[pool.name, pool.where.text if pool.where else ""] for pool in pools_of(job, held)]
        names = [held.split.key, held.mask, held.text, held.signals, self.content]
        share = job.manifest.holdout_of(held.split.source)
        holdout = [share, sorted(drawn_pools(job))] if share else []
        return f"work/pools/{key_of(['pools', job.manifest.seed, names, pools, mix.subsets, holdout])}.parquet"


def mix_of(job: Job) -> Mix:
    """Return the manifest's mix."""
    if job.manifest.mix is None:
        raise ValueError("the manifest mixes nothing")
    return job.manifest.mix


def pools_of(job: Job, holding: Holding) -> list[Pool]:
    """Return the pools that a split's source is in, sorted by name."""
    return [pool for pool in job.manifest.pools if holding.split.source in pool.sources]


def drawn_pools(job: Job) -> set[str]:
    """Return the names of the pools that phases draw from."""
    mix = mix_of(job)
    return {pool for phase in mix.phases for pool in mix.pools_of(phase)}


def run_pools(job: Job, task: PoolTask) -> Receipt:
    """Write the split's documents, in the order of the pools' streams, and their histograms."""
    part = task.part(job)
    table = _pool_table(job, task)
    names = [name for name in table.schema.names if name.startswith("pool:")]
    documents = documents_in(table, task.holding)
    tallies = {name: histogram(documents.s, np.where(member(table, name), documents.tokens, 0)) for name in names}
    with PartWriter(job.storage, part, table.schema) as writer:
        writer.add(table)
    sums = pa.table({name: pa.array(tally) for name, tally in tallies.items()})
    with PartWriter(job.storage, histogram_part(part), sums.schema) as second:
        second.add(sums)
    counts = {name: int(tally.sum()) for name, tally in tallies.items()}
    counts |= {"documents": len(documents), "tokens": int(documents.tokens.sum()), **_outside(job, table)}
    return save_receipt(job.storage, Receipt(part, {**writer.files, **second.files}, writer.content, counts))


def histogram_part(part: str) -> str:
    """Return where the histograms of a pools part are."""
    return part.replace(".parquet", ".histogram.parquet")


def _pool_table(job: Job, task: PoolTask) -> pa.Table:
    """Return row, uid, s, tokens and a bool column per pool, sorted by (s, uid, row)."""
    holding = task.holding
    rows, tokens = run_lengths_of(job, holding)
    uid = _columns_at(job, holding, rows, ["uid"])["uid"].to_numpy()
    documents = documents_of(job.manifest.seed, uid, addresses(holding, rows), tokens)
    columns = {"row": pa.array(rows.astype(np.uint32)), "uid": pa.array(uid), "s": pa.array(documents.s)}
    columns["tokens"] = pa.array(tokens)
    pools = {pool.name: _membership(job, task, pool, rows) for pool in pools_of(job, holding) if pool.name != HOLDOUT}
    columns |= {f"pool:{name}": held for name, held in _without_holdout(job, holding, uid, pools).items()}
    order = np.lexsort((rows, uid, documents.s))
    return pa.table(columns).take(pa.array(order)).combine_chunks()


def _without_holdout(job: Job, holding: Holding, uid: U64, pools: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """Return the pools without what is held out: of the documents that phases could read, those that are drawn."""
    share = job.manifest.holdout_of(holding.split.source)
    if share == 0:
        return dict(pools)
    read = [held.to_numpy(zero_copy_only=False) for name, held in pools.items() if name in drawn_pools(job)]
    out = np.logical_or.reduce(read) & drawn(HOLDOUT, share, job.manifest.seed, uid)
    kept = {name: pc.and_(held, pa.array(~out)) for name, held in pools.items()}
    return {**kept, HOLDOUT: pa.array(out)}


def _outside(job: Job, table: pa.Table) -> dict[str, int]:
    """Return, of each pool that should be a subset, the documents and tokens that the wider pool does not hold."""
    counts: dict[str, int] = {}
    for name, wider in mix_of(job).subsets.items():
        out = member(table, f"pool:{name}") & ~member(table, f"pool:{wider}")
        counts[f"outside:{name}"] = int(out.sum())
        counts[f"outside tokens:{name}"] = int(table.column("tokens").to_numpy()[out].sum())
    return counts


def run_lengths_of(job: Job, holding: Holding) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the rows that have a run, and how many tokens each has."""
    table = read_part(job.storage, holding.tokens or "", ["row", "length"])
    return table.column("row").to_numpy().astype(np.int64), table.column("length").to_numpy()


def _membership(job: Job, task: PoolTask, pool: Pool, rows: npt.NDArray[np.int64]) -> pa.BooleanArray:
    if pool.where is None:
        return pa.array(np.ones(len(rows), np.bool_))
    names = {name: name if "@" in name else name + task.suffix for name in pool.where.names}
    signals = stored_columns(job, task.holding.signals, set(names.values()))
    signals = {name: signals[full].take(pa.array(rows)) for name, full in names.items() if full in signals}
    known = _columns_at(job, task.holding, rows, sorted(set(names) - set(signals)))
    return evaluate(pool.where, {**known, **signals})


def _columns_at(job: Job, holding: Holding, rows: npt.NDArray[np.int64], names: list[str]) -> dict[str, pa.Array]:
    """Return columns of some rows' documents: those of their records, and `chars`, the length of their current text."""
    places = {"chars": holding.deltas[-1]}
    columns = {
        name: read_part(job.storage, places.get(name, holding.records or ""), [name]).column(name).take(pa.array(rows))
        for name in names
        if name != "source"
    }
    if "source" in names:
        columns["source"] = pa.chunked_array([pa.array([holding.split.source] * len(rows), pa.string())])
    return {name: column.combine_chunks() for name, column in columns.items()}


def addresses(holding: Holding, rows: npt.NDArray[np.integer]) -> npt.NDArray[np.uint64]:
    """Return the addresses of some rows of a split."""
    return np.uint64(holding.split.number) << np.uint64(32) | rows.astype(np.uint64)


def documents_in(table: pa.Table, holding: Holding) -> Documents:
    """Return the documents of a pools part."""
    s, uid, rows = (table.column(name).to_numpy() for name in ("s", "uid", "row"))
    piece = np.zeros(len(uid), np.uint32)
    return Documents(s, uid, addresses(holding, rows), piece, table.column("tokens").to_numpy())


def member(table: pa.Table, name: str) -> npt.NDArray[np.bool_]:
    """Return who of a pools part is in the pool of the column `name`; nobody where there is no such column."""
    if name not in table.schema.names:
        return np.zeros(table.num_rows, np.bool_)
    values: npt.NDArray[np.bool_] = table.column(name).to_numpy()
    return values
