"""Documents judged by their URLs: block lists of domains and pages, and words in the URL.

In:  documents with URLs, and lists that the manifest names.
Out: how many entries of each list name a URL, and the first rule that it breaks.
Guaranteed: a document without a URL, or with one that has no host, has 0 of everything and stays. A block list of
     millions of domains takes eight bytes for each (two domains share a number with a chance of one in 10^12 at
     5 million entries and 3 look-ups).

Block lists are RefinedWeb's first step (arXiv 2306.01116, appendix G.1) and Dolma's (v1.7: configs/dolma-v1_7). What an
entry names is written at the top of `filters/kernels/domains.py`. It differs from the peers in this:

    DCLM       asks for exactly the host; it takes "www" out and leaves the dot, so its list must hold ".example.com"
    datatrove  asks for the host and for its registered domain, and for nothing between; pages must be equal
    Dolma      asks for exactly the host, with and without "www."
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, PrivateAttr

from filters.batch import Batch, Columns, Outcome, ReadFiles, Stage, Verdicts, judging, measuring, run_stage
from filters.verdicts import Rule, judge_by
from filters.word_files import ListFiles, read_lists

if TYPE_CHECKING:
    from filters.url_lists import UrlLists

MEASURED = ("url_blocked_domains", "url_blocked_pages", "url_strict_words", "url_hard_words", "url_soft_words")
"""The signals that `UrlFilter` measures; each is bounded by the rule `max_` of the same name without `url_`."""

Count = Annotated[int, Field(ge=0)] | None


class UrlFilter(Stage):
    """Drops documents whose URL stands on a block list or is made of words of a list.

    Rules are judged in the order of the options below and are called like them; the value is the stored signal. A bound
    of null turns its rule off; a number on the bound passes.
    """

    version: ClassVar[int] = 1
    measured: ClassVar[tuple[str, ...]] = MEASURED
    needing: ClassVar[Mapping[str, str]] = {
        "url_blocked_domains": "blocked",
        "url_blocked_pages": "blocked",
        "url_strict_words": "strict_words",
    }

    blocked: ListFiles = measuring(None, "lists of blocked domains and pages, such as lists/*/domains (UT1)")
    allowed: ListFiles = measuring(None, "lists of domains and pages that no block list touches")
    strict_words: ListFiles = measuring(None, "lists of words that may be anywhere in a URL; none by default")
    hard_words: ListFiles = measuring(None, "lists of whole words; by default a short one of our own")
    soft_words: ListFiles = measuring(None, "lists of whole words that count from two on; by default one of our own")
    word_style: Literal["dclm", "datatrove"] = measuring("dclm", "whose definition of words in a URL counts")
    max_blocked_domains: Count = judging(0, "most blocked domains that the URL lies in")
    max_blocked_pages: Count = judging(0, "most blocked pages that the URL lies at or below")
    max_strict_words: Count = judging(0, "most different strict words")
    max_hard_words: Count = judging(0, "most different hard words")
    max_soft_words: Count = judging(1, "most different soft words")

    _lists: UrlLists | None = PrivateAttr(None)

    def load(self, read: ReadFiles) -> Self:
        """Return the stage with its lists in memory."""
        from filters.url_lists import load_lists  # noqa: PLC0415 - compiled code is loaded where it runs

        copy = self.model_copy()
        names = ("blocked", "allowed", "strict_words", "hard_words", "soft_words")
        copy._lists = load_lists({name: read_lists(getattr(self, name), read) for name in names}, self.word_style)  # noqa: SLF001 - a copy of itself
        return copy

    def __call__(self, batch: Batch) -> Outcome:
        """Measure and judge."""
        return run_stage(self, batch)

    def measure(self, batch: Batch) -> Columns:
        """Return the five counts, one value per document, none of them null.

        Raises:
            ValueError: the stage names files that were not loaded.
        """
        lists = self._lists or self.load(_nothing)._lists  # noqa: SLF001 - likewise
        urls = pc.fill_null(batch.documents.column("url"), "").cast(pa.large_string())
        counts = lists.count(urls) if lists is not None else ()
        return {name: pa.array(count, pa.int64()) for name, count in zip(MEASURED, counts, strict=True)}

    def judge(self, signals: Columns) -> Verdicts:
        """Return the first rule that each document breaks, in the order of `rules`."""
        return judge_by(self.rules, signals)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The five rules, in their order."""
        names = [f"max_{signal.removeprefix('url_')}" for signal in MEASURED]
        return tuple(
            Rule(name, signal, "max", getattr(self, name)) for name, signal in zip(names, MEASURED, strict=True)
        )


def _nothing(file: object) -> dict[str, bytes]:
    raise ValueError(f"{file} is not in memory; call load() first")
