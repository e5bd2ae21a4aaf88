"""The run of a bench: a build up to its near duplicates, in a folder that is gone afterwards; nobody falls there.

In:  a manifest, which of its stages is looked at, a sample.
Out: how many documents came to the stage, and the members of the components that it found, with their shingles.
Guaranteed: the stages before are those of a build, and so is all that is measured; of the manifest's build folder
     nothing is known here.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.audit.bench_sample import Sample, sample_of
from pipelines.dedup.minhash import DedupMinhash
from pipelines.dedup.minhash_survivors import MinhashSurvivors
from pipelines.engine.build import Build
from pipelines.engine.exchange import Rows, read_partition
from pipelines.engine.job import Holding, Job
from pipelines.engine.parts import scan_part
from pipelines.engine.plan import Plan, make_plan
from pipelines.engine.runner import Runner
from pipelines.engine.sealing import bring_inputs
from pipelines.engine.session import Settings
from pipelines.engine.storage import open_storage
from pipelines.engine.texts import surviving_texts
from pipelines.engine.workers import open_cluster
from pipelines.errors import RequestError
from pipelines.manifest import Manifest, StageEntry

I64 = npt.NDArray[np.int64]

BEHIND = 2
"""Passes of a route behind the one that finds candidates."""


@dataclass(frozen=True)
class Document:
    """A document as it comes to the stage.

    Args:
        source: its source.
        id: as in the ledger.
        text: its text, as the stages before left it.
    """

    source: str
    id: str
    text: str


@dataclass(frozen=True)
class Come:
    """The documents of a source that came to the stage.

    Args:
        records: read of the source.
        chars_read: characters of their texts.
        documents: how many of them came to the stage.
        chars: characters of their texts.
    """

    records: int = 0
    chars_read: int = 0
    documents: int = 0
    chars: int = 0


def stage_at(manifest: Manifest, wanted: str) -> int:
    """Return which of the manifest's stages is meant: the first dedup_minhash, or that of a number, from 1.

    Args:
        manifest: what is asked for.
        wanted: "", a number, or `dedup_minhash#2`.

    Raises:
        RequestError: there is no such stage; the message says what to write.
    """
    places = [at for at, entry in enumerate(manifest.stages) if isinstance(entry.stage, DedupMinhash)]
    if not places:
        count = len(manifest.stages)
        once = f"stages.{count}=dedup_minhash" if count else "stages=[dedup_minhash]"
        raise RequestError(
            f"{manifest.name} has no stage `dedup_minhash`; add `- dedup_minhash` to its `stages`, behind the filters, "
            f"or for this run alone `--set {once}`"
        )
    number = wanted.removeprefix("dedup_minhash").removeprefix("#") or "1"
    if not (number.isascii() and number.isdigit() and 1 <= int(number) <= len(places)):
        raise RequestError(f"--stage {wanted}: write a number from 1 to {len(places)}: which dedup_minhash is meant")
    return places[int(number) - 1]


def trial_manifest(manifest: Manifest, at: int) -> Manifest:
    """Return the manifest up to a stage, which measures every similarity; no loss stops it, and nothing comes out."""
    *before, ending = manifest.stages[: at + 1]
    stages = (*(with_options(entry, {"max_loss": 1.0}) for entry in before), with_options(ending, {"verify": True}))
    head = {"name": manifest.name, "seed": manifest.seed, "split_bytes": manifest.split_bytes}
    return Manifest(**head, sources=manifest.sources, stages=stages)


def with_options(entry: StageEntry, options: dict[str, object]) -> StageEntry:
    """Return a stage with other options, of those that it has."""
    known = {name: value for name, value in options.items() if name in type(entry.stage).model_fields}
    return entry.model_copy(update={"stage": entry.stage.model_copy(update=known)})


class Trial:
    """What a run up to the stage has left.

    Args:
        build: the build, whose passes are done up to the one that sends members with their shingles.
        whole: the plan of which it reads a sample.
        sample: what was read.
        held: what each split holds when that pass begins.
    """

    def __init__(self, build: Build, whole: Plan, sample: Sample, held: Sequence[Holding]) -> None:
        self.plan, self.job, self.whole, self.sample = build.plan, build.job, whole, sample
        self._receipts, self._read = list(build.maps), build.runner.receipts
        self._held = held
        route = next(iter(build.plan.routes.values()))
        self._number = len(route) - BEHIND

    @property
    def taking_part(self) -> list[int]:
        """Which of the splits come to the stage."""
        works = [self.plan.routes[holding.split.source][self._number] for holding in self._held]
        return [at for at, work in enumerate(works) if work.exchange is not None]

    @property
    def survivors(self) -> MinhashSurvivors:
        """The exchange that decides within components."""
        source = self._held[self.taking_part[0]].split.source
        stage = self.plan.routes[source][self._number].ending
        if not isinstance(stage, MinhashSurvivors):
            raise TypeError(f"{stage.rule} decides about no near duplicates")
        return stage

    def partitions(self) -> Iterator[Rows]:
        """Yield the members of components, many at a time; of no component a part only."""
        emitted = [(self._held[at].split.number, self._receipts[at].info) for at in self.taking_part]
        inputs = [(number, str(info["rows"])) for number, info in emitted]
        size = sum(int(info["rows_bytes"]) for _, info in emitted)
        count = max(1, -(-size // self.job.resources.partition_bytes))
        yield from (read_partition(self.job.storage, inputs, number, count) for number in range(count))

    def chars(self) -> dict[int, I64]:
        """Return, by number of the split, the length of each row's text; 0 of one that did not come to the stage."""
        return {self._held[at].split.number: self._chars(self._held[at]) for at in self.taking_part}

    def _chars(self, holding: Holding) -> I64:
        parts = scan_part(self.job.storage, holding.deltas[-1], ["alive", "chars"])
        kept = (pc.if_else(part["alive"], part["chars"], 0).fill_null(0) for part in parts)
        return np.concatenate([np.empty(0, np.int64), *(column.to_numpy() for column in kept)])

    def come(self) -> dict[str, Come]:
        """Return, by source, what was read and what came to the stage."""
        first = next(receipts for step, receipts in self._read.items() if step.startswith("pass 1 of"))
        found: dict[str, Come] = {}
        for at in self.taking_part:
            source, read, last = self._held[at].split.source, first[at].counts, self._receipts[at].counts
            old = found.get(source, Come())
            found[source] = Come(
                old.records + read["rows"],
                old.chars_read + read["chars_in"],
                old.documents + last["out"],
                old.chars + last["chars_out"],
            )
        return found

    def documents(self, addresses: Iterable[int]) -> dict[int, Document]:
        """Return documents by their addresses; each split that holds one is read again."""
        wanted = set(addresses)
        numbers = {address >> 32 for address in wanted}
        found: dict[int, Document] = {}
        for holding in (self._held[at] for at in self.taking_part):
            if holding.split.number in numbers:
                for batch in surviving_texts(self.job, holding):
                    found |= _documents(batch, wanted)
        return found


def _documents(batch: pa.RecordBatch, wanted: set[int]) -> dict[int, Document]:
    chosen = batch.filter(pc.is_in(batch["address"], pa.array(sorted(wanted), pa.uint64())))
    columns = (chosen[name].to_pylist() for name in ("address", "source", "id", "text"))
    return {address: Document(source, name, text) for address, source, name, text in zip(*columns, strict=True)}


@contextmanager
def trial(manifest: Manifest, at: int, documents: int | None, settings: Settings) -> Iterator[Trial]:
    """Run a manifest up to one of its stages on a sample, and give what is left; it is gone when the block ends.

    Args:
        manifest: what is asked for.
        at: which of its stages.
        documents: records of each source that are read; None is all.
        settings: where to run; who is told.
    """
    short = trial_manifest(manifest, at)
    plan = make_plan(short)
    sample = sample_of(short, plan.splits, documents)
    with TemporaryDirectory(prefix="gristmill-bench-") as folder:
        job = Job(open_storage(folder), short, "", settings.resources)
        bring_inputs(job.storage, [entry.stage for entry in short.stages])
        with open_cluster(settings.address, settings.resources.workers) as cluster:
            build = Build(replace(plan, splits=sample.splits), Runner(job, cluster, settings.reporter))
            held = _run(build)
        yield Trial(build, plan, sample, held)


def _run(build: Build) -> list[Holding]:
    """Run all passes up to the one that sends members; return what each split held before it."""
    build.sizes = dict.fromkeys(build.sizes, 0)  # of a split that is read in part, nobody knows the bytes
    last = build.plan.passes - BEHIND
    for number in range(last):
        build.take(number)
    held = list(build.holdings)
    build.map_pass(last)
    return held
