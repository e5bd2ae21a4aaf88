"""Word lists by language, as RedPajama v2 looks words up in them.

In:  words in each language.
Out: tables that kernels ask.
Guaranteed: pure; what a list holds that can occur nowhere in a text (an empty entry, one that is not normalized) is
     left out and changes no count.
"""

import json
import string
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.kernels.normalized import find_normalized
from filters.kernels.redpajama_lists import row_entries, table_of, word_entries
from filters.kernels.scans import Scans

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True)
class WordLists:
    """Word lists of several languages.

    Args:
        languages: their codes, such as "en".
        starts: int64, one more than languages; the table of list l is `slots[starts[l]:starts[l + 1]]`.
        slots: uint64, tables of hashes (`filters/kernels/redpajama_lists.py`).
    """

    languages: tuple[str, ...]
    starts: I64
    slots: U64

    def numbers(self, languages: pa.Array) -> I64:
        """Return the number of each document's list, -1 where it has none; `languages` are strings or null."""
        encoded = languages.dictionary_encode()
        known = [
            self.languages.index(name) if name in self.languages else -1 for name in encoded.dictionary.to_pylist()
        ]
        numbers = np.array([*known, -1], np.int64)
        return np.asarray(numbers[encoded.indices.fill_null(len(known)).to_numpy()])


def _tables(lists: Mapping[str, Sequence[str]], entries_of: Callable[[Scans], tuple[U64, U8]]) -> WordLists:
    names = tuple(sorted(lists))
    scanned = [Scans(pa.array(lists[name], pa.large_string())) for name in names]
    tables = [table_of(*entries_of(scans)) for scans in scanned]
    starts = np.cumsum([0, *map(len, tables)]).astype(np.int64)
    return WordLists(names, starts, np.concatenate([*tables, np.zeros(0, np.uint64)]))


def _words_of(scans: Scans) -> tuple[U64, U8]:
    return word_entries(scans.data, scans.offsets)


def _rows_of(scans: Scans) -> tuple[U64, U8]:
    found = find_normalized(scans.data, scans.offsets)
    return row_entries(found.first, found.hashes)


def normalize(text: str) -> str:
    r"""Return text as RedPajama v2 normalizes it: without ASCII punctuation, lower case, single spaces, NFD.

    >>> normalize(" Don't  SHOUT,\n\u00c9ric ")
    'dont shout e\u0301ric'
    """
    words = text.translate(_NO_PUNCTUATION).lower().split()
    return unicodedata.normalize("NFD", " ".join(words))


def stop_word_lists(lists: Mapping[str, Sequence[str]]) -> WordLists:
    """Make tables of words that are compared with raw words exactly as written."""
    return _tables(lists, _words_of)


def bad_word_lists(lists: Mapping[str, Sequence[str]]) -> WordLists:
    """Make tables of rows of words that are compared with normalized words.

    RedPajama-Data does not normalize the list, so that an entry with a capital, punctuation or a composed letter never
    occurs; such entries are left out.
    """
    kept = {
        name: [entry for entry in entries if entry and normalize(entry) == entry] for name, entries in lists.items()
    }
    return _tables(kept, _rows_of)


def read_stop_words(files: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Read the JSON object {language: [words]} of stopwords-json.

    Raises:
        ValueError: a file is no such object.
    """
    lists: dict[str, list[str]] = {}
    for path, content in files.items():
        lists.update(_object_of_lists(path, content))
    return lists


def _object_of_lists(path: str, content: bytes) -> dict[str, list[str]]:
    try:
        found = json.loads(content)
    except ValueError as error:
        raise ValueError(f"stop words: {path} is not JSON ({error})") from error
    if not isinstance(found, dict) or not all(isinstance(words, list) for words in found.values()):
        raise ValueError(f'stop words: {path} is not an object of lists, such as {{"en": ["the", "a"]}}')
    return {language: [str(word) for word in words] for language, words in found.items()}


def read_bad_words(files: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Read one file per language, one entry a line, named by the language ("en" or "en.txt").

    Raises:
        ValueError: a file is not UTF-8.
    """
    lists: dict[str, list[str]] = {}
    for path, content in files.items():
        try:
            lists[PurePosixPath(path).stem] = [line.strip() for line in content.decode("utf-8").split("\n")]
        except UnicodeDecodeError as error:
            raise ValueError(f"bad words: {path} is not UTF-8 ({error})") from error
    return lists
