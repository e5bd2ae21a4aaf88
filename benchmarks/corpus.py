"""The benchmark's corpus: real documents in four layouts, as many as are asked for.

In:  `../shared/corpus` beside the repository, or else the first-run corpus; megabytes of text.
Out: below the folder: corpus/{refinedweb,redpajama,pile,dolma}/ in parquet, jsonl, jsonl.zst and json.gz, and
     tokenizer.json: GPT-2's where it is there, else one trained on the corpus; the bytes of text on standard output.
Guaranteed: documents come in the order of a hash; where there are too few, they come again with every fifth word
changed for another word of the same document, so that no copy is a duplicate of another, nor a near-duplicate.

Run it: python -m benchmarks.corpus FOLDER MEGABYTES
"""

import gzip
import hashlib
import io
import itertools
import json
import random
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "corpus"
PATTERNS = {
    "refinedweb": "refinedweb/*.parquet",
    "redpajama": "redpajama_v1/*/*.jsonl",
    "pile": "pile/**/*.jsonl.zst",
    "dolma": "dolma/*/documents/*.json.gz",
}
TOKENIZER = "tokenizers/gpt2/tokenizer.json"
FILES = 4
"""Files that each layout is written to."""

CHANGED = 5
"""One word in so many is changed where a document comes again."""

LONGEST = 500_000
"""Characters: longer documents (books) are left out, since the peer's word splitter refuses a million."""

Row = dict[str, Any]


def main() -> None:
    """Write the corpus and print the bytes of its text."""
    folder, megabytes = Path(sys.argv[1]), int(sys.argv[2])
    root = _root(folder, megabytes)
    total = 0
    for name, rows in _chosen(root, megabytes):
        _write(folder / "corpus" / name, name, rows)
        total += sum(len(row[_key(name)].encode()) for row in rows)
    _place_tokenizer(root / TOKENIZER, folder)
    print(total)


def texts(folder: Path, megabytes: int) -> list[str]:
    """Return the texts of the corpus, in its order; what has to be written first goes below `folder`."""
    chosen = _chosen(_root(folder, megabytes), megabytes)
    return [row[_key(name)] for name, rows in chosen for row in rows]


def _root(folder: Path, megabytes: int) -> Path:
    return SHARED if SHARED.is_dir() else _sample(folder / "sample", megabytes)


def _chosen(root: Path, megabytes: int) -> Iterator[tuple[str, list[Row]]]:
    """Yield each layout and its rows, in equal parts of `megabytes`."""
    for name, pattern in PATTERNS.items():
        yield name, _take(_key(name), _rows(root, name, pattern), megabytes * 1_000_000 // len(PATTERNS))


def _sample(folder: Path, megabytes: int) -> Path:
    from pipelines.sample import write_sample

    return write_sample(folder, megabytes).folder


def _key(name: str) -> str:
    return "content" if name == "refinedweb" else "text"


def _rows(root: Path, name: str, pattern: str) -> list[Row]:
    """Return the rows of a layout's files, in the order of a hash of their text."""
    rows = [row for path in sorted(root.glob(pattern)) for row in read_rows(path) if 0 < len(row[_key(name)]) < LONGEST]
    return sorted(rows, key=lambda row: hashlib.blake2b(row[_key(name)].encode(), digest_size=8).digest())


def read_rows(path: Path) -> Iterable[Row]:
    """Return the rows of a file: Parquet, or JSON lines, plain or compressed by gzip or zstd."""
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    return [json.loads(line) for line in _unpacked(path).decode().split("\n") if line]


def _unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
    return data


def _take(key: str, rows: list[Row], budget: int) -> list[Row]:
    """Return rows until their texts reach `budget` bytes."""
    taken = []
    for row in repeated(key, rows):
        if budget <= 0:
            break
        taken.append(row)
        budget -= len(row[key].encode())
    return taken


def repeated(key: str, rows: list[Row]) -> Iterator[Row]:
    """Yield the rows, then again and again with other words."""
    yield from rows
    for copy in itertools.count(1):
        for number, row in enumerate(rows):
            yield {**row, key: _reworded(row[key], random.Random(f"{copy} {number}"))}


def _reworded(text: str, rng: random.Random) -> str:
    parts = re.split(r"(\s+)", text)
    words = parts[::2]
    for at in range(rng.randrange(min(CHANGED, len(words))), len(words), CHANGED):
        parts[2 * at] = rng.choice(words)
    return f"{rng.randrange(10**9)} " + "".join(parts)


def _write(folder: Path, name: str, rows: list[Row]) -> None:
    folder.mkdir(parents=True)
    for number in range(FILES):
        part = rows[number::FILES]
        if name == "refinedweb":
            pq.write_table(pa.Table.from_pylist(part), folder / f"{number:02d}.parquet")
        else:
            lines = b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in part)
            _write_lines(folder, f"{number:02d}", name, lines)


def _write_lines(folder: Path, stem: str, name: str, lines: bytes) -> None:
    if name == "pile":
        (folder / f"{stem}.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(lines))
    elif name == "dolma":
        (folder / f"{stem}.json.gz").write_bytes(gzip.compress(lines, mtime=0))
    else:
        (folder / f"{stem}.jsonl").write_bytes(lines)


def _place_tokenizer(gpt2: Path, folder: Path) -> None:
    """Copy GPT-2's tokenizer, or train one of the same kind where it is not there."""
    if gpt2.exists():
        shutil.copyfile(gpt2, folder / "tokenizer.json")
        return
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=16_000, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet)
    tokenizer.train([str(path) for path in sorted((folder / "corpus").rglob("*.jsonl"))], trainer)
    tokenizer.save(str(folder / "tokenizer.json"))


if __name__ == "__main__":
    main()
