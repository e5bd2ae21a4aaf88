"""Digests of what every stage says of one fixed batch, kept in digests.json beside the stage's version.

A stage that says something else under its old version would mix new numbers with stored ones. After a change that is
meant, raise the stage's `version` and run

    python -m tests.golden.digests

It writes the digests of new stages and of new versions, and refuses a new digest under an old version.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import pyarrow as pa
import pyarrow.compute as pc

from filters.batch import Batch, Columns, InputFile, Loads, Stage, batch_of, run_stage
from filters.classifier import MODEL_FILE
from filters.fasttext_models import Options, train
from filters.fitting import Fitted
from filters.spans import spans_name
from filters.top_share import QUANTILE_FILE, TopShare
from pipelines.catalog import STAGES
from pipelines.engine.keys import content_hash
from pipelines.sources.companions import SCORES, SPANS
from pipelines.where import Where, columns_of
from tests.filters.references.fasttext_file import ModelFile

RECORDED = Path(__file__).with_name("digests.json")
TEXTS = Path(__file__).with_name("texts.json")

REQUIRED: dict[str, dict[str, Any]] = {
    "where": {"expression": "chars >= 12 and url is null or chars between 3 and 5"},
    "classifier": {"train": {"positive": ("good",), "negative": ("others",)}},
    "top_share": {"signal": "chars", "share": 0.5},
    "language": {"model": "small.ftz"},
    "word_list": {"words": "list.txt"},
    "replace_spans": {"spans": ("marked", {"field": "marked", "max_score": 0.5, "replacement": "[{}]"})},
}
"""Options of stages that cannot be made without."""

FILES = {"small.ftz": ModelFile().to_bytes(), "list.txt": b"good\nthe text\n"}
"""Content of the files that these options name."""

FITTED: dict[str, Callable[[], dict[str, bytes]]] = {
    "classifier": lambda: {MODEL_FILE: train([("good words", True), ("others", False)] * 9, Options(4, 9, buckets=50))},
    "top_share": lambda: {QUANTILE_FILE: b"12"},
}
"""What is fitted for stages that wait for it."""

ROUNDED = {"classifier": 2, "language": 4}
"""Decimals of stages whose last ones depend on the machine's exponentials."""


class Digest(TypedDict):
    """One entry of digests.json."""

    version: int
    digest: str


def fixed_batch() -> Batch:
    """Return the batch that all digests are taken of: odd texts, some with a URL, most with marked spans."""
    batch = batch_of(json.loads(TEXTS.read_text()))
    urls = pa.array([f"http://www.Example.org/{row % 3}/?a=1" if row % 2 else None for row in range(len(batch))])
    place = batch.documents.schema.get_field_index("url")
    documents = batch.documents.set_column(place, "url", urls)
    scores = pa.array([None if row % 4 == 3 else [row / 8, 0.25] for row in range(len(batch))], SCORES)
    spans = pa.array([None if row % 4 == 3 else [row, row + 2, 3, 5] for row in range(len(batch))], SPANS)
    return Batch(documents.append_column("marked", scores).append_column(spans_name("marked"), spans))


def made(name: str) -> Any:  # noqa: ANN401 - a stage, but its protocol is not known here
    """Return a stage of the catalogue at work, with its default options."""
    stage = STAGES[name](**REQUIRED.get(name, {}))
    loaded = stage.load(read_file) if isinstance(stage, Loads) else stage
    return loaded.fitted(FITTED[name]()) if isinstance(loaded, Fitted) and loaded.waits else loaded


def digest_of(name: str) -> Digest:
    """Return version and digest of a stage of the catalogue, with its default options."""
    answers = _answers(made(name), fixed_batch())
    if name in ROUNDED:
        answers = {column: _rounded(values, ROUNDED[name]) for column, values in answers.items()}
    return Digest(version=STAGES[name].version, digest=content_hash(pa.table(dict(answers))))


def read_file(file: InputFile) -> dict[str, bytes]:
    """Return what a stage reads."""
    return {file.path: FILES[file.path]}


def _rounded(values: pa.Array, decimals: int) -> pa.Array:
    return pc.round(values, decimals) if pa.types.is_floating(values.type) else values


def _answers(stage: Stage, batch: Batch) -> Columns:
    seen = Batch(batch.documents, columns_of(batch)) if isinstance(stage, Where | TopShare) else batch
    outcome = run_stage(stage, seen)
    said = {"rule": outcome.rule, "value": outcome.value, "text": outcome.text, **outcome.columns}
    return {name: column for name, column in said.items() if column is not None}


def recorded() -> dict[str, Digest]:
    """Return digests.json."""
    digests: dict[str, Digest] = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    return digests


def renewed(old: dict[str, Digest], new: dict[str, Digest]) -> dict[str, Digest]:
    """Return the digests to record.

    Raises:
        SystemExit: a stage answers differently under the same version.
    """
    stale = [name for name in new if name in old and old[name]["version"] == new[name]["version"]]
    changed = [name for name in stale if old[name] != new[name]]
    if changed:
        raise SystemExit(f"{', '.join(changed)}: new answers under an old version; raise `version` first")
    return new


def main() -> None:
    """Renew digests.json."""
    digests = renewed(recorded(), {name: digest_of(name) for name in sorted(STAGES)})
    RECORDED.write_text(json.dumps(digests, indent=2) + "\n")


if __name__ == "__main__":
    main()
