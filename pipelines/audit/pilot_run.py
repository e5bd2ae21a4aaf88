"""The run of a pilot: all passes of a build and its pools, on a sample, in a folder that is gone afterwards.

In:  a manifest with a mix, and how much of each source is read.
Out: what each pool holds of each place.
Guaranteed: stages, fits, tokenizer and pools are those of a build; no loss stops it, and no short share of a
    tokenizer's sample. Of the manifest's build folder nothing is known here, and nothing is written there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import TemporaryDirectory

from pipelines.audit.bench_run import with_options
from pipelines.audit.pilot_sample import Stratum, Wanted, strata_of
from pipelines.engine.build import Build
from pipelines.engine.job import Job
from pipelines.engine.parts import read_part
from pipelines.engine.plan import Plan
from pipelines.engine.pooling import member
from pipelines.engine.receipts import Receipt
from pipelines.engine.runner import Runner
from pipelines.engine.sealing import bring_inputs
from pipelines.engine.session import Settings
from pipelines.engine.storage import open_storage
from pipelines.engine.workers import open_cluster
from pipelines.manifest import Manifest, TokenizerSpec


@dataclass(frozen=True)
class Held:
    """What a pool holds of the records that are read of one place, or should hold and does not.

    Args:
        documents: how many.
        tokens: of them.
        outside: of them, documents that are not in the pool of `subset_of`.
    """

    documents: int = 0
    tokens: int = 0
    outside: int = 0


@dataclass(frozen=True)
class Ran:
    """What a pilot run has left.

    Args:
        strata: by source, what was read.
        records: by source, how many records that were.
        held: number of a split and name of a pool -> what the pool holds of it.
    """

    strata: dict[str, Stratum]
    records: dict[str, int]
    held: dict[tuple[int, str], Held]


def run_pilot(manifest: Manifest, wanted: Wanted, settings: Settings) -> Ran:
    """Run a manifest up to its pools on a sample of each source.

    Raises:
        BuildError: a stage cannot do its work on the sample.
    """
    stages = tuple(with_options(entry, {"max_loss": 1.0}) for entry in manifest.stages)
    trial = manifest.model_copy(update={"stages": stages, "tokenizer": _lenient(manifest.tokenizer)})
    plan, strata = strata_of(trial, wanted)
    with TemporaryDirectory(prefix="gristmill-pilot-") as folder:
        job = Job(open_storage(folder), trial, "", settings.resources)
        bring_inputs(job.storage, [entry.stage for entry in trial.stages])
        with open_cluster(settings.address, settings.resources.workers) as cluster:
            build = Build(plan, Runner(job, cluster, settings.reporter))
            pools = _run(build)
        return Ran(strata, _records(plan, build.maps), dict(_held(job, plan, pools)))


def _lenient(spec: TokenizerSpec | None) -> TokenizerSpec | None:
    """Return a tokenizer that trains on what a sample holds, whatever the whole should hold."""
    if spec is None or spec.train is None:
        return spec
    return spec.model_copy(update={"train": spec.train.model_copy(update={"short": "less"})})


def _run(build: Build) -> list[Receipt]:
    """Run all passes and list the pools."""
    build.sizes = dict.fromkeys(build.sizes, 0)  # of a split that is read in part, nobody knows the bytes
    build.load_tokenizer()
    for number in range(build.plan.passes):
        build.take(number)
    return build.pool()


def _records(plan: Plan, maps: list[Receipt]) -> dict[str, int]:
    counts = dict.fromkeys(plan.routes, 0)
    for split, receipt in zip(plan.splits, maps, strict=True):
        counts[split.source] += receipt.counts["rows"]
    return counts


def _held(job: Job, plan: Plan, pools: list[Receipt]) -> Iterator[tuple[tuple[int, str], Held]]:
    for split, receipt in zip(plan.splits, pools, strict=True):
        table = read_part(job.storage, receipt.part)
        for pool in (pool.name for pool in job.manifest.pools if split.source in pool.sources):
            documents = int(member(table, f"pool:{pool}").sum())
            outside = receipt.counts.get(f"outside:{pool}", 0)
            yield (split.number, pool), Held(documents, receipt.counts[f"pool:{pool}"], outside)
