"""MinHash dedup by datatrove: its four steps, one worker, JSON lines in and out.

In:  a folder of JSON lines.
Out: its signatures, pairs and lists of what to remove, and in `kept/` the documents that stay.
Guaranteed: its own steps with their defaults, 64-bit hashes among them. With the words `whitespace` its word splitter
     is `str.split` and texts are not simplified, so that its shingles are ours; with `own` both are its own. Its hash
     function gets UTF-8, for xxhash 4 takes no strings.

Run it: python -m benchmarks.dedup_datatrove own|whitespace WARM DOCUMENTS OUT
"""

import sys
from pathlib import Path
from typing import Any

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.text import TextNormConfig

from benchmarks.dedup_runs import BANDS, NGRAM, ROWS, SEED, report

UNCHANGED = TextNormConfig(
    lowercase=False,
    norm_whitespace=False,
    remove_punctuation=False,
    norm_unicode_diacritics=False,
    norm_numbers=False,
)


class Whitespace:
    """A word splitter by white space."""

    def word_tokenize(self, text: str) -> list[str]:
        """Return the words of a text."""
        return text.split()


def main() -> None:
    """Time the dedup with the words that were asked for."""
    words = sys.argv[1]
    report(lambda documents, out: dedup(documents, out, words))


def dedup(documents: Path, out: Path, words: str = "own") -> None:
    """Run the four steps one after another."""
    config = config_of(words)
    signatures, pairs, removed = (str(out / name) for name in ("signatures", "pairs", "removed"))
    _run(out, "1", [_reader(documents), signature_step(signatures, words)])
    _run(out, "2", [MinhashDedupBuckets(signatures, pairs, config=config)], BANDS)
    _run(out, "3", [MinhashDedupCluster(pairs, removed, config=config)])
    writer = JsonlWriter(str(out / "kept"), compression=None)
    _run(out, "4", [_reader(documents), MinhashDedupFilter(removed), writer])


def config_of(words: str) -> MinhashConfig:
    """Return the parameters that every side has."""
    simplified = TextNormConfig() if words == "own" else UNCHANGED
    return MinhashConfig(n_grams=NGRAM, num_buckets=BANDS, hashes_per_bucket=ROWS, seed=SEED, norm_config=simplified)


def signature_step(folder: str, words: str) -> Any:  # noqa: ANN401 - datatrove is not annotated
    """Return the step that makes signatures."""
    step = MinhashDedupSignature(folder, config_of(words))
    hashed = step._hash_func  # noqa: SLF001 - it cannot be given from outside
    step._hash_func = lambda shingle: hashed(shingle.encode())  # noqa: SLF001 - likewise
    if words != "own":
        step.word_tokenizer = Whitespace()
    return step


def _reader(documents: Path) -> JsonlReader:
    return JsonlReader(str(documents), compression=None)


def _run(out: Path, step: str, blocks: list[Any], tasks: int = 1) -> None:
    logs = str(out / "logs" / step)
    LocalPipelineExecutor(blocks, tasks=tasks, workers=1, logging_dir=logs).run()


if __name__ == "__main__":
    main()
