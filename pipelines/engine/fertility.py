"""Fertility: how much text a split's tokens stand for, language by language.

In:  a split's token runs, and the signals that its passes measured.
Out: a part with one row per language.
Guaranteed: counts, not estimates; BOS and EOS are no text's tokens. A language is known where `language_id` was
    measured, words where `word_count` was, on the final text.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.engine.fit import load_fitted_encoder
from pipelines.engine.job import Holding, Job
from pipelines.engine.keys import key_of
from pipelines.engine.measured import stored_columns
from pipelines.engine.parts import PartWriter, read_part
from pipelines.engine.receipts import Receipt, save_receipt

LANGUAGE, WORDS = "language_id", "word_count"
"""Signals by which documents are grouped, and tokens per word are counted."""

AMOUNTS = ("documents", "characters", "bytes", "tokens", "words", "tokens_of_words")

FERTILITY = pa.schema(
    [pa.field("language", pa.string()), *(pa.field(name, pa.int64(), nullable=False) for name in AMOUNTS)]
)
"""Columns of a fertility part, sorted by language; null is not known. `tokens_of_words` are those of documents whose
words were counted."""


@dataclass(frozen=True)
class FertilityTask:
    """Adds up one split's text and tokens.

    Args:
        holding: the split after its last pass.
        content: content of the last pass.
        suffix: what stands behind the names of signals on the final text.
    """

    holding: Holding
    content: str
    suffix: str

    def part(self, job: Job) -> str:
        """Return the path of the fertility part."""
        del job
        held = self.holding
        return (
            f"work/fertility/{key_of(['fertility', held.split.key, held.signals, self.content, self.suffix])}.parquet"
        )


def run_fertility(job: Job, task: FertilityTask) -> Receipt:
    """Write the split's counts."""
    with PartWriter(job.storage, task.part(job), FERTILITY) as writer:
        writer.add(_by_language(_documents(job, task)))
    counts, info = {"rows": writer.rows}, {"source": task.holding.split.source}
    return save_receipt(job.storage, Receipt(writer.part, writer.files, writer.content, counts, info))


def _by_language(documents: pa.Table) -> pa.Table:
    """Return the sums of each language, in the columns of a part."""
    languages = documents["language"].combine_chunks().dictionary_encode("encode")
    sums = np.zeros((len(AMOUNTS), len(languages.dictionary)), np.int64)
    for total, name in zip(sums, AMOUNTS, strict=True):
        np.add.at(total, languages.indices.to_numpy(), pc.fill_null(documents[name], 0).to_numpy())
    return pa.table([languages.dictionary, *map(pa.array, sums)], FERTILITY).sort_by("language")


def _documents(job: Job, task: FertilityTask) -> pa.Table:
    """Return a row per document that has a run, in the columns of a part."""
    encoder = load_fitted_encoder(job, task.holding.encoder)
    frame = len(encoder.policy.head) + len(encoder.policy.tail)
    table = read_part(job.storage, task.holding.tokens or "", ["row", "length", "text_bytes"]).combine_chunks()
    rows, tokens = table["row"], pc.subtract(table["length"], frame)
    chars = read_part(job.storage, task.holding.deltas[-1], ["chars"])["chars"].take(rows)
    language, words = (_signal(job, task, name).take(rows) for name in (_language_of(job, task), WORDS + task.suffix))
    known = pc.if_else(words.is_valid(), tokens, 0)
    columns = [language, pa.array(np.ones(len(rows), np.int64)), chars, table["text_bytes"], tokens]
    return pa.table([*columns, pc.fill_null(words, 0), known], FERTILITY.names)


def _language_of(job: Job, task: FertilityTask) -> str:
    """Return the name of the last column of languages that was measured, on whatever text."""
    names: list[str] = []
    for part in task.holding.signals:
        with job.storage.open(part) as file:
            names += pq.read_schema(file).names
    return next((name for name in reversed(names) if name.partition("@")[0] == LANGUAGE), LANGUAGE)


def _signal(job: Job, task: FertilityTask, name: str) -> pa.Array:
    """Return a signal of all rows of a split; nulls where it was not measured."""
    kind = pa.string() if name.startswith(LANGUAGE) else pa.int64()
    found = stored_columns(job, task.holding.signals, {name}).get(name)
    if found is not None:
        return found.cast(kind)
    return pa.nulls(read_part(job.storage, task.holding.deltas[-1], ["alive"]).num_rows, kind)
