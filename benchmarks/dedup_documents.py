"""The documents of the dedup benchmark: real text as uncompressed JSON lines, so that gzip is not what is measured.

In:  the texts of the benchmark's corpus, and where `../shared/corpus` is, its real pairs of near-duplicates.
Out: folders of `.jsonl` files, each line {"id", "text"}: `documents` to be timed, `warm` for a first run that is not;
     or, to see growth, copies of the same documents.
Guaranteed: documents stand in the order of a hash of their text, so that near-duplicates lie anywhere. Copies are told
     apart by rotating the letters a to z: each has the same bytes and near-duplicates of its own, and none elsewhere.

Run it: python -m benchmarks.dedup_documents FOLDER MEGABYTES [COPIES]
"""

import gzip
import hashlib
import json
import string
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.corpus import SHARED
from benchmarks.corpus import texts as corpus_texts

FILES = 4
"""Files that documents, or one copy of them, are written to."""

WARM = 40
"""Documents of the first run, by which code is compiled and loaded."""

GOLD = SHARED / "neardup_gold" / "peps.docs.jsonl.gz"
LETTERS = len(string.ascii_lowercase)


def main() -> None:
    """Write the documents and print as JSON how many there are and how many bytes of text."""
    folder, megabytes, copies = Path(sys.argv[1]), int(sys.argv[2]), int((sys.argv[3:] or ["0"])[0])
    texts = near_duplicates(folder, megabytes)
    if copies:
        texts = mostly_letters(texts)
        write_copies(folder / "copies", texts, copies)
    else:
        write_lines(folder / "documents", texts)
        write_lines(folder / "warm", texts[:WARM])
    print(json.dumps({"documents": len(texts), "bytes": text_bytes(texts)}))


def near_duplicates(folder: Path, megabytes: int) -> list[str]:
    """Return texts of about `megabytes`, real near-duplicates among them, in the order of a hash."""
    gold = _gold()
    rest = max(megabytes - text_bytes(gold) // 1_000_000, 1)
    chosen: list[str] = []
    budget = megabytes * 1_000_000
    for text in sorted([*gold, *corpus_texts(folder, rest)], key=_hash):
        budget -= len(text.encode())
        if budget < 0 and chosen:
            break
        chosen.append(text)
    return chosen


def text_bytes(texts: Iterable[str]) -> int:
    """Return the bytes of texts in UTF-8."""
    return sum(len(text.encode()) for text in texts)


def _gold() -> list[str]:
    if not GOLD.exists():
        return []
    with gzip.open(GOLD, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()


def mostly_letters(texts: Sequence[str]) -> list[str]:
    """Return the texts that become others when their letters are rotated: at least half of them are ASCII letters."""
    return [text for text in texts if 2 * sum(map(text.count, string.ascii_letters)) >= len(text)]


def rotated(text: str, places: int) -> str:
    """Return the text with its ASCII letters moved on in the alphabet.

    >>> rotated("Hal 9000", 1)
    'Ibm 9000'
    """
    turned = (letters[places:] + letters[:places] for letters in (string.ascii_lowercase, string.ascii_uppercase))
    return text.translate(str.maketrans(string.ascii_letters, "".join(turned)))


def write_copies(folder: Path, texts: Sequence[str], copies: int) -> None:
    """Write the texts, and each of their further copies, below a folder of its own.

    Raises:
        ValueError: there are more copies than letters.
    """
    if copies > LETTERS:
        raise ValueError(f"{copies} copies cannot be told apart by {LETTERS} letters")
    for copy in range(copies):
        write_lines(folder / f"{copy:02d}", [rotated(text, copy) for text in texts])


def write_lines(folder: Path, texts: Sequence[str]) -> None:
    """Write texts to `FILES` files."""
    folder.mkdir(parents=True)
    for number in range(FILES):
        rows = ({"id": f"{place}", "text": text} for place, text in enumerate(texts) if place % FILES == number)
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (folder / f"{number:02d}.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
