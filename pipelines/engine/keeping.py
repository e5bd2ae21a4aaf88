"""Keeping: what a build notes of its stages of duplicates for later builds, and what it takes from earlier ones.

In:  the exchanges of a build, one after another.
Out: the rows of earlier builds that take part in each; for the lock, what this build keeps itself.
Guaranteed: a stage that cannot be compared with earlier builds has no part in it.
"""

from collections.abc import Sequence

from pipelines.dedup.exchanges import Comparing, ExchangeStage, Recalling, Storing
from pipelines.engine.earlier import Keyed, SplitKeys, StageKeys, keys_of
from pipelines.engine.job import Holding
from pipelines.engine.keys import key_of
from pipelines.engine.meeting import Earlier
from pipelines.engine.recalling import (
    EarlierKeys,
    emitted_rows,
    open_earlier,
    recall_tasks,
    recalled_rows,
    run_recall,
)
from pipelines.engine.receipts import Receipt, load_receipt
from pipelines.engine.runner import Runner
from pipelines.engine.storing import StoreTask, run_store


class KeptKeys:
    """The keys of one run of a build: `begin` with a stage, `recall` between its exchanges, `end` behind the last."""

    def __init__(self, runner: Runner) -> None:
        self.earlier = Earlier()
        self.noted: list[StageKeys] = []
        self._runner = runner
        self._keyed: Keyed | None = None
        self._emitted: Sequence[Receipt] = ()
        self._builds: tuple[EarlierKeys, ...] = ()

    def begin(self, keyed: Keyed, emitted: Sequence[Receipt]) -> None:
        """Take up a stage whose map tasks have emitted their rows.

        Raises:
            SourceChanged: an earlier build is not what it was when the manifest was loaded.
        """
        self._keyed, self._emitted = keyed, emitted
        self._builds = open_earlier(keyed)
        self.earlier = emitted_rows(self._builds)

    def recall(self, step: str, decides: object, found: str, exchange: str) -> None:
        """Bring members of components from earlier builds to the exchange that decides.

        Args:
            step: its name in the build.
            decides: the exchange that follows.
            found: the rows file of the components task.
            exchange: key of the exchange that found them.
        """
        if self._builds and isinstance(decides, Recalling):
            tasks = recall_tasks(self._builds, decides, found, exchange)
            receipts = self._runner.run(f"{step}: recall", run_recall, tasks)
            self.earlier = recalled_rows(self._runner.job, self._builds, receipts)

    def end(self, step: str, stage: ExchangeStage, holdings: Sequence[Holding]) -> None:
        """Note what is kept of the stage, and store shingles where that is asked for.

        Args:
            step: its name in the build.
            stage: the exchange that decided.
            holdings: the splits that took part, as it left them.
        """
        self.earlier = Earlier()
        if self._keyed is None or not isinstance(self._keyed.stage, Comparing):
            return
        stored: Sequence[Receipt | None] = [None] * len(holdings)
        if isinstance(stage, Storing) and stage.store_shingles:
            tasks = [StoreTask(holding, stage) for holding in holdings]
            stored = self._runner.run(f"{step}: store shingles", run_store, tasks)
        parts = zip(self._emitted, holdings, stored, strict=True)
        splits = [self._split(receipt, holding, shingles) for receipt, holding, shingles in parts]
        documents = sum(receipt.counts["out"] for receipt in self._emitted)
        self.noted.append(keys_of(self._keyed, documents, splits))

    def _split(self, emitted: Receipt, holding: Holding, stored: Receipt | None) -> SplitKeys:
        """Return what is kept of one split."""
        records = load_receipt(self._runner.job.storage, holding.records or "")
        shingles = (stored.part, stored.content) if stored is not None else ("", "")
        contents = [emitted.info["rows_content"], records.content if records is not None else "", holding.mask]
        return SplitKeys(
            rows=str(emitted.info["rows"]),
            bytes=int(emitted.info["rows_bytes"]),
            records=holding.records or "",
            delta=holding.deltas[-1],
            shingles=shingles[0],
            content=key_of([*contents, shingles[1]]),
        )
