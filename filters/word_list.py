r"""Words and phrases that no text of a training set should hold, by lists that the manifest names.

In:  documents, and lists such as LDNOOBW (github.com/LDNOOBW/List-of-Dirty-Naughty-Obscene-and-Otherwise-Bad-Words).
Out: how often entries of the lists occur in each document, and whether that is too often.
Guaranteed: a document has a hit if and only if C4's expression finds one: `(?:\W|^)(entry|...)(?:\W|$)` in the lower-
     cased text, or the entry anywhere where words are not separated (Raffel et al. 2020, JMLR 21, section 2.2;
     tensorflow/datasets, c4_utils.py, `get_badwords_filter_fn`; datatrove, `C4BadWordsFilter`). Where C4 stops at the
     first hit, here all are counted, overlapping ones too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import pyarrow as pa
from pydantic import Field, PrivateAttr

from filters.batch import Batch, Columns, InputFile, Outcome, ReadFiles, Stage, Verdicts, judging, measuring, run_stage
from filters.signals.signal import Signal
from filters.signals.word_list import hits_of
from filters.verdicts import Rule, judge_by
from filters.word_files import entries_of, read_lists

if TYPE_CHECKING:
    from filters.kernels.entries import Table


class WordList(Stage):
    """Drops documents that hold entries of a list.

    The one rule, `max_hits`, bounds `<name>_hits`; a bound of null turns it off; a number on the bound passes.
    """

    version: ClassVar[int] = 1

    name: str = measuring("word_list", "name of the list: its signal is <name>_hits", pattern="^[a-z][a-z0-9_]*$")
    words: InputFile | tuple[InputFile, ...] = measuring(..., "lists of words and phrases, one a line")
    match: Literal["word", "substring"] = measuring("word", "substring for Japanese, Thai and Chinese, as in C4")
    max_hits: Annotated[int, Field(ge=0)] | None = judging(0, "most hits of a document that stays")

    _table: Table | None = PrivateAttr(None)

    def load(self, read: ReadFiles) -> Self:
        """Return the stage with its lists in memory."""
        from filters.kernels.entries import table_of  # noqa: PLC0415 - compiled code is loaded where it runs

        copy = self.model_copy()
        entries = [entry.lower() for entry in entries_of(read_lists(self.words, read))]
        copy._table = table_of(entries, whole=self.match == "word")  # noqa: SLF001 - a copy of itself
        return copy

    def __call__(self, batch: Batch) -> Outcome:
        """Measure and judge."""
        return run_stage(self, batch)

    def measure(self, batch: Batch) -> Columns:
        """Return the hits of each document, none of them null.

        Raises:
            ValueError: the lists were not loaded.
        """
        from filters.lower_case import count_in_lower_case  # noqa: PLC0415 - compiled code is loaded where it runs

        if self._table is None:
            raise ValueError("the lists are not in memory; call load() first")
        hits = count_in_lower_case(batch.scans, self._table, whole=self.match == "word")
        return {self.signal: pa.array(hits, pa.int64())}

    def judge(self, signals: Columns) -> Verdicts:
        """Return the documents with more than `max_hits` hits."""
        return judge_by(self.rules, signals)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The one rule."""
        return (Rule("max_hits", self.signal, "max", self.max_hits),)

    @property
    def signal(self) -> str:
        """Name of the number of hits."""
        return f"{self.name}_hits"

    @property
    def signals(self) -> Mapping[str, Signal]:
        """The one signal that it measures."""
        return {self.signal: hits_of(self.name)}
