"""The recipe as datatrove runs it: Gopher quality, normalize, its exact dedup, its tokenizer, one worker.

In:  the benchmark's corpus, perhaps a tokenizer.json, an output folder.
Out: with a tokenizer, datatrove's token files, shuffled; without, its lists of duplicates. The number of documents kept
     is the last line on standard output.
Guaranteed: its own blocks with their defaults, but for normalize, which it lacks: a formatter of the same two steps.
Survivors wait for dedup as uncompressed JSON lines, the fastest it offers.

Run it: python -m benchmarks.with_datatrove CORPUS [TOKENIZER] --out OUT
"""

import argparse
import json
import unicodedata
from pathlib import Path
from typing import Any

from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup.exact_dedup import (
    ExactDedupConfig,
    ExactDedupFilter,
    ExactDedupSignature,
    ExactFindDedups,
)
from datatrove.pipeline.filters import GopherQualityFilter
from datatrove.pipeline.formatters.base import BaseFormatter
from datatrove.pipeline.readers import JsonlReader, ParquetReader
from datatrove.pipeline.tokens import DocumentTokenizer
from datatrove.pipeline.writers import JsonlWriter

END_OF_TEXT = "<|endoftext|>"


class Normalizer(BaseFormatter):  # type: ignore[misc]  # datatrove is not annotated
    """NFC, and plain newlines."""

    name = "normalizer"

    def format(self, text: str) -> str:
        """Return the text normalized."""
        return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


def content(document: Document) -> bytes:
    """Return what two duplicates share, as bytes: xxhash 4 takes no strings."""
    text: str = document.text
    return text.encode()


def main() -> None:
    """Run the passes one after another and print how many documents stay."""
    given = arguments()
    config = ExactDedupConfig(content_getter=content)
    hashes, removed = _path(given.out, "hashes"), _path(given.out, "removed")
    run_step(given.out, "signatures", [*_filters(given.corpus), *_kept(given), _signatures(given.out, config)])
    run_step(given.out, "duplicates", [ExactFindDedups(hashes, removed, config)])
    if given.tokenizer is not None:
        run_step(given.out, "tokens", _tokens(given.out, given.tokenizer, config))
    print(statistic(given.out, "signatures", -1, "total") - _duplicates(given.out))


def arguments() -> argparse.Namespace:
    """Return the corpus, the tokenizer or None, and the folder for what is written."""
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokenizer", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def _filters(corpus: Path) -> list[Any]:
    return [*readers(corpus), GopherQualityFilter(), Normalizer()]


def readers(corpus: Path) -> list[Any]:
    """Return what reads the benchmark's corpus."""
    lines = [JsonlReader(str(corpus / name)) for name in ("redpajama", "pile", "dolma")]
    pages = ParquetReader(str(corpus / "refinedweb"), text_key="content")
    return [*lines, pages]


def _kept(given: argparse.Namespace) -> list[Any]:
    return [] if given.tokenizer is None else [JsonlWriter(_path(given.out, "kept"), compression=None)]


def _signatures(out: Path, config: ExactDedupConfig) -> ExactDedupSignature:
    return ExactDedupSignature(_path(out, "hashes"), config)


def _tokens(out: Path, tokenizer: Path, config: ExactDedupConfig) -> list[Any]:
    reader = JsonlReader(_path(out, "kept"), compression=None)
    writer = DocumentTokenizer(_path(out, "tokens"), str(tokenizer), eos_token=END_OF_TEXT, seed=17)
    return [reader, ExactDedupFilter(_path(out, "removed"), config), writer]


def run_step(out: Path, name: str, steps: list[Any], tasks: int = 1) -> None:
    """Run a pipeline, one worker, its logs in `logs/NAME`."""
    LocalPipelineExecutor(steps, tasks=tasks, workers=1, logging_dir=_path(out, f"logs/{name}")).run()


def _path(out: Path, name: str) -> str:
    return str(out / name)


def statistic(out: Path, name: str, block: int, key: str) -> int:
    """Return a number of datatrove's own statistics: of a block of a pipeline that `run_step` ran."""
    stats = json.loads((out / "logs" / name / "stats.json").read_text(encoding="utf-8"))
    return int(stats[block]["stats"][key])


def _duplicates(out: Path) -> int:
    """Return how many documents dedup removed: four bytes each in its lists."""
    return sum(path.stat().st_size for path in (out / "removed").rglob("*.c4_dup")) // 4


if __name__ == "__main__":
    main()
