"""The build: every pass, exchange and fit of a manifest, in order, resumed where it stopped.

In:  a plan and a runner.
Out: token runs, shards and the ledger in the build folder.
Guaranteed: what is written follows from the manifest and the inputs; the books balance or the build fails.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipelines.audit.balance import check_documents, check_tokens
from pipelines.audit.fits import FitReport
from pipelines.audit.ledger import IDS_PER_FILE, IdsTask, LedgerTask, run_ids, run_ledger
from pipelines.audit.passport import DECODER
from pipelines.dedup.exchanges import Counting, ExchangeStage, Linking, Standing, ranges_of
from pipelines.engine.budgeting import CutTask, run_cut
from pipelines.engine.earlier import Keyed
from pipelines.engine.fertility import FertilityTask, run_fertility
from pipelines.engine.fit import load_fitted_encoder, save_artifact
from pipelines.engine.fitting import make_fit
from pipelines.engine.homecoming import HomeTask, ReduceTask, run_home, run_reduce
from pipelines.engine.job import Holding
from pipelines.engine.keeping import KeptKeys
from pipelines.engine.keys import key_of
from pipelines.engine.linking import ComponentsTask, MembersTask, run_components, run_members
from pipelines.engine.losses import check_losses
from pipelines.engine.mapping import MapTask, run_map
from pipelines.engine.packing import PackTask, run_pack
from pipelines.engine.placing import PlaceTask, run_place
from pipelines.engine.plan import Plan
from pipelines.engine.pooling import PoolTask, run_pools
from pipelines.engine.promises import check_max_shares, check_subsets
from pipelines.engine.receipts import Receipt
from pipelines.engine.route import Fit, Pass
from pipelines.engine.runner import Runner
from pipelines.engine.sampling import train_tokenizer
from pipelines.engine.stamps import check_stamps
from pipelines.mix.place import shard_count
from pipelines.sources.options import chats_of
from pipelines.tokens.edited_json import edited_json
from pipelines.tokens.marks import check_marks


class Build:
    """One run of a plan, step by step."""

    def __init__(self, plan: Plan, runner: Runner) -> None:
        self.plan = plan
        self.runner = runner
        self.job = runner.job
        self.holdings = [Holding(split) for split in plan.splits]
        self.sizes = dict(zip((split.number for split in plan.splits), plan.sizes(), strict=True))
        self.maps: list[Receipt] = []
        self.last: list[Receipt] = []
        self.encoder = ""
        self.encoder_hash = ""
        self.fitted: dict[str, str] = {}
        self.reports: list[FitReport] = []
        self.fertility: list[Receipt] = []
        self.keys = KeptKeys(runner)

    def run(self) -> list[Receipt]:
        """Run everything; return the receipts of the ledger."""
        self.load_tokenizer()
        for number in range(self.plan.passes):
            self.take(number)
        self._check_stamps([holding.tokens for holding in self.holdings if holding.tokens is not None])
        if self.encoder:
            self._count_text()
        if self.job.manifest.mix is None:
            self.runner.sweep("shards", ())
            ledger = self._ledger([None] * len(self.holdings), [receipt.content for receipt in self.maps])
        else:
            ledger = self._mix()
        check_documents(self.last, ledger)
        return ledger

    def _count_text(self) -> None:
        """Add up, for the passport, how much text the tokens of each split stand for."""
        suffixes = {source: route[-1].suffix for source, route in self.plan.routes.items()}
        pairs = zip(self.holdings, self.maps, strict=True)
        tasks = [FertilityTask(held, receipt.content, suffixes[held.split.source]) for held, receipt in pairs]
        self.fertility = self.runner.run("passport", run_fertility, tasks)

    def _check_stamps(self, paths: Sequence[str]) -> None:
        """Refuse token runs or shards, left by an earlier run or put there, whose ids are of another tokenizer."""
        check_stamps(self.job.storage, paths, self.encoder_hash)

    def take(self, number: int) -> None:
        """Run pass `number`, the exchange that ends it, and its fits."""
        self.map_pass(number)
        self._exchange(number)
        for fit in self._work(self.holdings[0], number).fits:
            self._fit(fit, number)

    def _work(self, holding: Holding, number: int) -> Pass:
        return self.plan.routes[holding.split.source][number]

    def load_tokenizer(self) -> None:
        """Bring a tokenizer file into the build folder, where every worker finds it."""
        spec = self.job.manifest.tokenizer
        if spec is not None and spec.path is not None:
            data = Path(spec.path).read_bytes()
            part = f"work/fits/tokenizer-{key_of([spec.kind, data.hex()])}.bin"
            self._use_tokenizer(save_artifact(self.job, part, data, {"bytes": len(data)}).part)

    def _use_tokenizer(self, part: str) -> None:
        encoder = load_fitted_encoder(self.job, part)
        check_marks(chats_of(self.job.manifest.sources), encoder.about.specials)
        self.encoder, self.encoder_hash = part, encoder.hash
        self.runner.log({"event": "tokenizer", "hash": encoder.hash, "backend": encoder.backend.name})
        if encoder.name == "json":
            self.job.storage.put(DECODER, edited_json(self.job.storage.read(part), encoder))
        else:
            self.job.storage.delete(DECODER)

    def map_pass(self, number: int) -> None:
        """Run one pass over all splits, and nothing of what ends it."""
        tasks = [self.map_task(holding, number) for holding in self.holdings]
        step = f"pass {number + 1} of {self.plan.passes}"
        self.maps = self.runner.run(step, run_map, tasks, lambda task: self.sizes[task.holding.split.number])
        self.last = list(self.maps)
        pairs = zip(self.holdings, tasks, self.maps, strict=True)
        self.holdings = [after_map(holding, task, receipt) for holding, task, receipt in pairs]

    def map_task(self, holding: Holding, number: int) -> MapTask:
        """Return what pass `number` does with a split, as the passes before left it."""
        work = self._at_hand(holding, number)
        keeps = self.plan.keeps_text(holding.split.source, number)
        standing = self._standing(holding.split.source, work.exchange)
        encoder = self.encoder if work.tokenize else None
        return MapTask(holding, work, standing, keeps, encoder, self.encoder_hash if work.tokenize else "")

    def _at_hand(self, holding: Holding, number: int) -> Pass:
        """Return pass `number` over the texts of a split as they are, with all that was fitted before."""
        return self._work(holding, number).behind(holding.cut).given(self.fitted)

    def _standing(self, source: str, exchange: ExchangeStage | None) -> Standing:
        """Return what the exchange's `keep` and `exempt` say of a source."""
        if exchange is None:
            return Standing(0, exempt=False)
        stands = [source in self.job.manifest.sources_of(name) for name in exchange.keep]
        position = stands.index(True) if True in stands else len(stands)
        exempt = any(source in self.job.manifest.sources_of(name) for name in exchange.exempt)
        return Standing(position, exempt)

    def _exchange(self, number: int) -> None:
        """Bring together what the pass emitted, and take the answers home."""
        works = [self._work(holding, number) for holding in self.holdings]
        taking_part = [at for at, work in enumerate(works) if work.exchange is not None]
        if taking_part:
            self._bring_together(works[taking_part[0]], number, taking_part)

    def _bring_together(self, work: Pass, number: int, taking_part: Sequence[int]) -> None:
        """Run the exchange that ends a pass, for the splits that take part in it."""
        emitted = [self.maps[at] for at in taking_part]
        stage, label = work.ending, work.exchange_label
        if work.round == 0:
            texts = frozenset(self._work(self.holdings[at], number).suffix for at in taking_part)
            self.keys.begin(Keyed(label, stage, texts), emitted)
        earlier = self.keys.earlier
        documents = sum(receipt.counts["out"] for receipt in emitted) + earlier.documents
        stage = stage.for_documents(documents) if isinstance(stage, Counting) else stage
        inputs = tuple((self.holdings[at].split.number, str(self.maps[at].info["rows"])) for at in taking_part)
        contents = [[self.holdings[at].split.number, self.maps[at].info["rows_content"]] for at in taking_part]
        counted = [documents] if isinstance(stage, Counting) else []
        exchange = key_of(["exchange", work.exchange_identity, [*contents, *earlier.contents], *counted])
        size = sum(int(receipt.info["rows_bytes"]) for receipt in emitted) + earlier.bytes
        partitions = ranges_of(stage) or self.job.resources.partitions_for(size)
        reduces = [
            ReduceTask(stage, inputs, exchange, partition, partitions, earlier) for partition in range(partitions)
        ]
        decided = self.runner.run(f"{label} {number + 1}: decide", run_reduce, reduces)
        answers = tuple(receipt.part for receipt in decided)
        if isinstance(stage, Linking):
            found = self._link(f"{label} {number + 1}", exchange, answers, taking_part)
            self.keys.recall(f"{label} {number + 1}", stage.then, found, exchange)
            return
        homes = [HomeTask(self.holdings[at], stage, label, answers, exchange) for at in taking_part]
        receipts = self.runner.run(f"{label} {number + 1}: bring home", run_home, homes)
        for at, receipt in zip(taking_part, receipts, strict=True):
            self.last[at] = receipt
            self.holdings[at] = after_home(self.holdings[at], receipt, label if stage.cuts else "")
        check_losses(label, stage.max_loss, homes, receipts)
        self.keys.end(f"{label} {number + 1}", stage, [self.holdings[at] for at in taking_part])

    def _link(self, step: str, exchange: str, edges: tuple[str, ...], taking_part: Sequence[int]) -> str:
        """Make components of the candidates that an exchange found; return their rows file. Nobody falls by that."""
        (found,) = self.runner.run(f"{step}: components", run_components, [ComponentsTask(edges, exchange)])
        tasks = [MembersTask(self.holdings[at], found.part, exchange) for at in taking_part]
        receipts = self.runner.run(f"{step}: bring home", run_members, tasks)
        for at, receipt in zip(taking_part, receipts, strict=True):
            self.holdings[at] = replace(self.holdings[at], components=receipt.part)
        return found.part

    def _fit(self, fit: Fit, number: int) -> None:
        """Make what later passes work with, out of the documents alive behind pass `number`."""
        if fit.stage is None:
            self._fit_tokenizer()
            return
        held = [holding for holding in self.holdings if holding.split.source in fit.sources]
        fits = {holding.split.number: self._at_hand(holding, number).fits for holding in held}
        steps = [next(each.step for each in fits[holding.split.number] if each.name == fit.name) for holding in held]
        content, report = make_fit(self.runner, fit, list(zip(held, steps, strict=True)))
        self.fitted[fit.name] = content
        self.reports.append(report)

    def _fit_tokenizer(self) -> None:
        """Train the tokenizer on a sample of what is alive."""
        spec = self.job.manifest.tokenizer
        if spec is None or spec.train is None:
            return
        trained, reports = train_tokenizer(self.runner, self.holdings)
        self.reports += reports
        self._use_tokenizer(trained.part)

    def pool(self) -> list[Receipt]:
        """List the documents of every split, behind its last pass, by pool."""
        suffixes = {source: route[-1].suffix for source, route in self.plan.routes.items()}
        pairs = list(zip(self.holdings, self.maps, strict=True))
        tasks = [PoolTask(holding, receipt.content, suffixes[holding.split.source]) for holding, receipt in pairs]
        return self.runner.run("pools", run_pools, tasks)

    def _mix(self) -> list[Receipt]:
        """Share the token runs out over pools and phases, and pack the shards."""
        pools = self.pool()
        check_subsets(self.job, pools)
        held = tuple((holding, receipt.part) for holding, receipt in zip(self.holdings, pools, strict=True))
        content = key_of(
            [[holding.split.number, pool.content] for holding, pool in zip(self.holdings, pools, strict=True)]
        )
        (cuts,) = self.runner.run("budgets", run_cut, [CutTask(held, content)])
        places = [
            PlaceTask(holding, pool, cuts.part, key_of([receipt.content, pool, cuts.content]))
            for (holding, pool), receipt in zip(held, self.maps, strict=True)
        ]
        placed = self.runner.run("place", run_place, places)
        check_max_shares(self.job, places, placed)
        packed = self._pack(cuts, places, placed)
        ledger = self._ledger([receipt.part for receipt in placed], [receipt.content for receipt in placed])
        check_tokens(pools, cuts, placed, packed, ledger)
        return ledger

    def _pack(self, cuts: Receipt, places: list[PlaceTask], placed: list[Receipt]) -> list[Receipt]:
        """Pack every shard of every phase, and of what is held out."""
        mix = self.job.manifest.mix
        tasks: list[PackTask] = []
        for phase in mix.folders if mix is not None else ():
            taken = sum(count for name, count in cuts.counts.items() if name.split("\t")[0] == phase)
            shards = shard_count(taken, mix.shard_tokens if mix is not None else 1)
            inputs = tuple((place.holding.split.number, place.rows_part(self.job, phase)) for place in places)
            contents = [receipt.content for receipt in placed]
            packing = [mix.pack, mix.sequence_length, mix.next_token] if mix is not None else []
            stamp = key_of([self.job.manifest_hash, self.encoder_hash, packing, shards, contents])
            tasks += [PackTask(phase, shard, shards, inputs, self.encoder, stamp) for shard in range(shards)]
        self.runner.sweep("shards", [task.part(self.job) for task in tasks])
        packed = self.runner.run("pack", run_pack, tasks)
        self._check_stamps([receipt.part for receipt in packed])
        return packed

    def _ledger(self, usage: Sequence[str | None], contents: Sequence[str]) -> list[Receipt]:
        """Merge what all passes said into the ledger."""
        tasks = [
            LedgerTask(holding, used, key_of([holding.records, holding.deltas, holding.signals, content, used]))
            for holding, used, content in zip(self.holdings, usage, contents, strict=True)
        ]
        self.runner.sweep("ledger/verdicts", [task.part(self.job) for task in tasks])
        self.runner.sweep("ledger/signals", [task.signals_part() for task in tasks])
        ledger = self.runner.run("ledger", run_ledger, tasks)
        inputs = tuple(
            (task.holding.split.number, str(receipt.info["ids"]), receipt.part)
            for task, receipt in zip(tasks, ledger, strict=True)
        )
        partitions = max(1, -(-sum(receipt.counts["records"] for receipt in ledger) // IDS_PER_FILE))
        stamp = key_of([inputs, [receipt.info["ids_content"] for receipt in ledger], partitions])
        ids = [IdsTask(inputs, partition, partitions, stamp) for partition in range(partitions)]
        self.runner.sweep("ledger/ids", [task.part(self.job) for task in ids])
        self.runner.run("ledger: ids", run_ids, ids)
        return ledger


def after_map(holding: Holding, task: MapTask, receipt: Receipt) -> Holding:
    """Return what a split holds behind a map pass."""
    info = receipt.info
    kept = None if task.edited else holding.texts
    signals = (info["signals"],) if info["signals"] else ()
    return replace(
        holding,
        records=info["records"],
        deltas=(*holding.deltas, receipt.part),
        mask=info["mask"],
        text=task.work.text,
        texts=info["texts"] or kept,
        cuts=None,
        signals=(*holding.signals, *signals),
        tokens=info["tokens"] or holding.tokens,
        encoder=task.encoder or holding.encoder,
    )


def after_home(holding: Holding, receipt: Receipt, cut_by: str) -> Holding:
    """Return what a split holds behind an exchange; `cut_by` is the label of one that cuts texts, else ""."""
    held = replace(holding, deltas=(*holding.deltas, receipt.part), mask=receipt.info["mask"], components=None)
    if not cut_by:
        return held
    cut, text = (key_of([name, receipt.content]) for name in (holding.cut, holding.text))
    return replace(held, cuts=receipt.part, cut=cut, text=text, cut_by=(*held.cut_by, (cut_by, receipt.part)))
