"""Tokenizing beside `tokenizers`, tiktoken and sentencepiece: the same documents and vocabularies, one core.

In:  `../shared/corpus` beside the repository: documents, and the vocabularies of GPT-2, Llama 3 and Llama 2.
Out: a table of text MB/s (10^6 bytes), one of hostile texts, and with `--json` a last line of JSON, a row of each.
Guaranteed: documents lie in memory when the clock starts, ours in Arrow batches of 4 MB, theirs as strings. The process
     is pinned to one core; rounds are interleaved, medians are given; seconds are those spent on the processor. "Warm":
     each side has encoded other documents before, in every round; "cold": ours begins with an empty cache. Ids of all
     documents are compared.

Run it: python -m benchmarks.tokens --json [--rounds 3]
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from benchmarks.agreement.documents import text_of
from benchmarks.corpus import SHARED, read_rows
from benchmarks.measure import one_core
from benchmarks.tokens_peers import Peer, peers_of
from filters.kernels.wordcache import empty_cache
from pipelines.tokenizer_spec import TokenizerSpec
from pipelines.tokens.bytepairs import BytePairs
from pipelines.tokens.encode import load_encoder
from pipelines.tokens.vocabulary import TableEncoder

FILES = {"gpt2": "gpt2/tokenizer.json", "llama3": "llama3/tokenizer.model", "llama2": "llama2/tokenizer.model"}
KINDS = {
    "English web": (("refinedweb/*.parquet", "c4/*.json.gz"), ("pile/**/*.jsonl.zst", "prose/*.jsonl.gz")),
    "many languages": (("c4_multilingual/*.json.gz",), ("redpajama_v2/documents/*/*/*.json.gz", "prose/*.jsonl.gz")),
}
"""Name -> files of what is measured, and of the other documents that were encoded before."""

HOSTILE = {"one letter": "a", "spaces": " ", "newlines": "\n", "Chinese": "\u6211\u4eec\u5728\u8fd9\u91cc\u7684\u4e66"}
HOSTILE_BYTES = 1_000_000
BATCH_BYTES = 4_000_000
WARMING_BYTES = 8_000_000
"""Bytes of other documents that the slower sides encode before each round; their caches are small."""

Row = dict[str, object]


@dataclass
class Ours:
    """Our encoder, with the cache that it would have at this time.

    Args:
        encoder: by kernels of our own.
        backend: its back-end.
        seconds: of the rounds so far, by what the cache held.
    """

    encoder: TableEncoder
    backend: BytePairs
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"warm": [], "cold": []})

    def forget(self) -> None:
        """Empty the cache."""
        model, _, rooms = self.backend.tools
        self.backend.tools = (model, empty_cache(), rooms)

    def encode(self, text: str) -> None:
        """Encode one text."""
        self.encoder.encode(pa.array([text], pa.large_string()))

    def time(self, name: str, batches: Sequence[pa.LargeStringArray]) -> None:
        """Encode, and note how long it took."""
        begun = time.process_time()
        for batch in batches:
            self.encoder.encode(batch)
        self.seconds[name].append(time.process_time() - begun)


def main() -> int:
    """Run the benchmark; return the exit code."""
    arguments = _arguments()
    if not SHARED.is_dir():
        print(f"there is no corpus at {SHARED}", file=sys.stderr)
        return 2
    with one_core():
        rows = [row for kind in KINDS for name in FILES for row in _compare(kind, name, arguments.rounds)]
        hostile = [row for name in FILES for row in _hostile(name)]
    console = Console(width=None if sys.stdout.isatty() else 140)
    for table in (_table(rows), _hostile_table(hostile)):
        console.print(table)
    if arguments.json:
        print(json.dumps([*rows, *hostile]))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tokens", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the result as JSON on the last line")
    parser.add_argument("--rounds", type=int, default=3, help="rounds whose median counts (default 3)")
    return parser.parse_args()


def _ours(name: str) -> Ours:
    path = SHARED / "tokenizers" / FILES[name]
    encoder = load_encoder(path.read_bytes(), TokenizerSpec(file=str(path), bos=False, eos=False))
    if not isinstance(encoder, TableEncoder) or not isinstance(encoder.backend, BytePairs):
        raise TypeError(f"{path} is not encoded by kernels of our own")
    encoder.encode(pa.array(["This compiles it."], pa.large_string()))
    return Ours(encoder, encoder.backend)


def _compare(kind: str, name: str, rounds: int) -> Iterator[Row]:
    print(f"{name}, {kind}", file=sys.stderr, flush=True)
    texts, others = (list(_texts(patterns)) for patterns in KINDS[kind])
    others = list(dict.fromkeys(others).keys() - set(texts))
    ours, peers = _ours(name), peers_of(name, SHARED / "tokenizers" / FILES[name])
    measured, before = list(_batches(texts)), list(_batches(others))
    for _ in range(rounds):
        ours.forget()
        ours.time("cold", measured)
        ours.forget()
        for batch in before:
            ours.encoder.encode(batch)
        ours.time("warm", measured)
        for peer in peers:
            peer.encode(_first(others, WARMING_BYTES))
            peer.time(texts)
    size = sum(len(text.encode()) for text in texts)
    mine = [list(run) for batch in measured for run in _runs(ours.encoder, batch)]
    for peer in peers:
        yield _row(kind, name, ours, peer, size) | {
            "documents": len(texts),
            "mb": round(size / 1e6, 1),
            "documents_that_differ": sum(own != theirs for own, theirs in zip(mine, peer.ids, strict=True)),
        }


def _texts(patterns: Sequence[str]) -> Iterator[str]:
    for pattern in patterns:
        for path in sorted(SHARED.glob(pattern)):
            yield from map(text_of, read_rows(path))


def _batches(texts: Sequence[str]) -> Iterator[pa.LargeStringArray]:
    begun, size = 0, 0
    for at, text in enumerate(texts):
        size += len(text.encode())
        if size >= BATCH_BYTES or at == len(texts) - 1:
            yield pa.array(texts[begun : at + 1], pa.large_string())
            begun, size = at + 1, 0


def _first(texts: Sequence[str], most: int) -> list[str]:
    """Return texts until they have so many characters."""
    taken: list[str] = []
    for text in texts:
        if most <= 0:
            break
        taken.append(text)
        most -= len(text)
    return taken


def _runs(encoder: TableEncoder, batch: pa.LargeStringArray) -> Iterator[list[int]]:
    runs = encoder.encode(batch)
    return (runs[number].tolist() for number in range(len(runs)))


def _row(kind: str, name: str, ours: Ours, peer: Peer, size: int) -> Row:
    warm, cold = (size / 1e6 / median(ours.seconds[which]) for which in ("warm", "cold"))
    theirs = size / 1e6 / median(peer.seconds)
    return {
        "name": f"{name}: {kind}",
        "peer": peer.name,
        "ours_mb_s": round(warm, 1),
        "peer_mb_s": round(theirs, 2),
        "ratio": round(warm / theirs, 1),
        "cold_mb_s": round(cold, 1),
        "cold_ratio": round(cold / theirs, 1),
    }


def _hostile(name: str) -> Iterator[Row]:
    """Yield how long one megabyte of each hostile text takes, and how much longer than half of it; least of three."""
    ours, peers = _ours(name), peers_of(name, SHARED / "tokenizers" / FILES[name])
    for what, unit in HOSTILE.items():
        whole, half = (unit * (size // len(unit.encode())) for size in (HOSTILE_BYTES, HOSTILE_BYTES // 2))
        mine = [_seconds(partial(ours.encode, text)) for text in (whole, half)]
        row: Row = {"name": f"{name}: 1 MB of {what}", "ours_s": round(mine[0], 3)}
        row["growth"] = round(mine[0] / mine[1], 2)
        bearing = [peer for peer in peers if peer.bears(whole)]
        yield row | {f"{peer.name}_s": round(_seconds(partial(peer.encode, [whole])), 3) for peer in bearing}


def _seconds(run: Callable[[], object]) -> float:
    """Return the least time that something took of three."""
    return min(_once(run) for _ in range(3))


def _once(run: Callable[[], object]) -> float:
    begun = time.process_time()
    run()
    return time.process_time() - begun


def _table(rows: Sequence[Row]) -> Table:
    table = Table(title="tokens of whole documents, one core; ids beside the peer's", title_justify="left")
    for heading in ("vocabulary: text", "beside"):
        table.add_column(heading)
    for heading in ("MB/s", "its MB/s", "times", "cold MB/s", "times", "texts", "MB", "differ"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*map(str, row.values()))
    return table


def _hostile_table(rows: Sequence[Row]) -> Table:
    table = Table(
        title="seconds for one megabyte; growth: times as long as half of it", title_justify="left", show_header=False
    )
    for row in rows:
        name, *figures = row.items()
        table.add_row(str(name[1]), ", ".join(f"{key} {value}" for key, value in figures))
    return table


if __name__ == "__main__":
    sys.exit(main())
