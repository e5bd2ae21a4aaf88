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
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokenizer", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    config = ExactDedupConfig(content_getter=content)
    _run(given.out, "signatures", [*_filters(given.corpus), *_kept(given), _signatures(given.out, config)])
    _run(given.out, "duplicates", [ExactFindDedups(_path(given.out, "hashes"), _path(given.out, "removed"), config)])
    if given.tokenizer is not None:
        _run(given.out, "tokens", _tokens(given.out, given.tokenizer, config))
    print(_documents(given.out) - _duplicates(given.out))


def _filters(corpus: Path) -> list[Any]:
    lines = [JsonlReader(str(corpus / name)) for name in ("redpajama", "pile", "dolma")]
    pages = ParquetReader(str(corpus / "refinedweb"), text_key="content")
    return [*lines, pages, GopherQualityFilter(), Normalizer()]


def _kept(given: argparse.Namespace) -> list[Any]:
    return [] if given.tokenizer is None else [JsonlWriter(_path(given.out, "kept"), compression=None)]


def _signatures(out: Path, config: ExactDedupConfig) -> ExactDedupSignature:
    return ExactDedupSignature(_path(out, "hashes"), config)


def _tokens(out: Path, tokenizer: Path, config: ExactDedupConfig) -> list[Any]:
    reader = JsonlReader(_path(out, "kept"), compression=None)
    writer = DocumentTokenizer(_path(out, "tokens"), str(tokenizer), eos_token=END_OF_TEXT, seed=17)
    return [reader, ExactDedupFilter(_path(out, "removed"), config), writer]


def _run(out: Path, name: str, steps: list[Any]) -> None:
    LocalPipelineExecutor(steps, tasks=1, workers=1, logging_dir=_path(out, f"logs/{name}")).run()


def _path(out: Path, name: str) -> str:
    return str(out / name)


def _documents(out: Path) -> int:
    """Return how many documents came as far as dedup, from datatrove's own statistics."""
    stats = json.loads((out / "logs" / "signatures" / "stats.json").read_text(encoding="utf-8"))
    return int(stats[-1]["stats"]["total"])


def _duplicates(out: Path) -> int:
    """Return how many documents dedup removed: four bytes each in its lists."""
    return sum(path.stat().st_size for path in (out / "removed").rglob("*.c4_dup")) // 4


if __name__ == "__main__":
    main()
