"""Lists as users keep them: text files with one entry a line.

In:  the options of a stage that name files, and what reads them.
Out: the bytes of the files; the entries of word lists.
Guaranteed: a blank line and a line that begins with '#' are no entries; order and repetition do not count.
"""

from collections.abc import Iterable
from typing import TypeAlias

from filters.batch import InputFile, ReadFiles

ListFiles: TypeAlias = InputFile | tuple[InputFile, ...] | None
"""An option that names no file, one file or pattern, or several."""


def read_lists(files: ListFiles, read: ReadFiles) -> list[bytes]:
    """Return the content of every file that an option names, in the order of their paths."""
    named = () if files is None else (files,) if isinstance(files, InputFile) else files
    return [content for file in named for _, content in sorted(read(file).items())]


def entries_of(lists: Iterable[bytes]) -> tuple[str, ...]:
    """Return the entries of word lists in UTF-8: stripped, each once, sorted.

    Raises:
        ValueError: a list is no UTF-8.
    """
    lines = {line.strip() for each in lists for line in each.decode("utf-8-sig").splitlines()}
    return tuple(sorted(line for line in lines if line and not line.startswith("#")))
