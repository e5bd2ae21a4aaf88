"""Exact substrings: stretches of text that stand in an earlier document, or earlier in the same one, cut out.

In:  documents' texts.
Out: per document the (start, end) byte pairs that are cut, or that it falls.
Guaranteed: cut by position; what is cut follows from the documents alone, not from partitions, buffers or order. Texts
     are compared unit by unit, never by hashes, and no stretch reaches across two of them.

Documents of a scope are ranked by place of the source in `keep`, source, path, ordinal. A unit (a byte, or a token) is
cut if it lies in a stretch of `min_length` units that stands before, whole, in a document that is ranked higher or in
the same one (`pipelines/dedup/repeats.py`). What is published:

    Lee et al.   50 tokens (Deduplicating Training Data Makes Language Models Better, 2021, ExactSubstr)
    RefinedWeb   likewise 50 tokens, cut out
    OLMo 3       500 bytes, at least one copy stays: the defaults; its fuzzy merge of spans is not here

Lee et al.'s code (google-research/deduplicate-text-datasets, src/main.rs, `self-similar` and `collect`) unites all
members of each group of equal stretches, and its scripts cut all of them: `first_stays: false`. By default the first
of each group stays. Only the texts as they come to the stage are compared, so what is left may repeat again once
something between two repetitions is gone, as their README says, too. And a stretch that reaches from one repeated
passage into another can lose its last copy as a whole, though of each passage one stays.

A span that begins or ends inside a character, which a byte or a token may, is shortened to whole ones.

The texts of a scope are compared in memory, by one task, so `scope: {documents: N}` bounds what it takes: per byte of
text 10 bytes at its peak (20 where units are GPT-2's tokens), and 4 to 7 MB/s on one core (1 to 2 in tokens, for the
tokenizer takes most of it); the default, 50,000 pages of 5 kB, is 2.5 GB. A scope of more than 2^31 - 1 bytes, or 2^29
tokens, stops the build: before its texts are read, or, where it names columns, before they are sorted.
"""

from itertools import pairwise
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import PrivateAttr, model_validator

from filters.batch import Batch, Columns, InputFile, Outcome, ReadFiles, Stage, judging, run_stage
from pipelines.dedup.cuts import Application, cuts_home
from pipelines.dedup.exchanges import HOME, Documents, Standing
from pipelines.dedup.groups import bounds_of
from pipelines.dedup.options import exempt_option, keep_option, max_loss_option
from pipelines.dedup.ranking import addresses
from pipelines.dedup.repeated_spans import lost_by
from pipelines.dedup.repeats import repeats_in
from pipelines.dedup.scope import BucketSize, Scope, bucket_count, document_scopes, row_buckets
from pipelines.dedup.suffix_array import MOST_BYTES
from pipelines.dedup.text_units import TextUnits, bytes_of, tokens_of
from pipelines.dedup.token_units import Speller
from pipelines.engine.exchange import Layout, Rows
from pipelines.engine.keys import draw
from pipelines.errors import BuildError

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

LEAST_TOKENS = 50
"""Default of `min_length` where units are tokens."""


class DedupSubstrings(Stage):
    """Cut stretches of text that repeat, or drop documents made of them.

    By `apply: cut`, a document of which no character is left falls by rule `no_text_left`. By `apply: drop` nothing is
    cut: a document falls by rule `repeated_substrings` if more than `drop_share` of its characters would be. In the
    ledger, its `similarity` is that share, and `kept_uid` the document that has the first copy of what its longest
    span begins with.
    """

    version: ClassVar[int] = 1
    layout: ClassVar[Layout] = Layout((("uid", "u8"), ("position", "u4"), ("exempt", "u1")))
    cuts: ClassVar[bool] = True
    reads_text: ClassVar[bool] = True

    unit: Literal["bytes", "tokens"] = judging("bytes", "What is compared; tokens ask for a `tokenizer`.")
    min_length: int = judging(500, "Units that must agree in a row; 50 by default where they are tokens.", ge=1)
    tokenizer: InputFile | None = judging(
        None, "A fixed byte-level tokenizer.json, or tiktoken ranks, for `unit: tokens`; none that this build trains."
    )
    first_stays: bool = judging(True, "Whether the first of equal stretches stays, or all of them go.")
    scope: Scope = judging(
        BucketSize(documents=50_000),
        "Which texts are compared, all at once in memory: {documents: N}, columns, or `global`.",
        names="columns",
    )
    apply: Application = judging("cut", "Cut stretches out of texts, or drop documents that hold many of them.")
    drop_share: float = judging(
        0.5, "By `apply: drop`, a document falls if more of its characters than this would be cut.", ge=0, le=1
    )
    keep: list[str] = keep_option("copies")
    exempt: list[str] = exempt_option()
    max_loss: float = max_loss_option()

    _buckets: int = PrivateAttr(default=0)
    _speller: Speller | None = PrivateAttr(default=None)

    @model_validator(mode="before")
    @classmethod
    def _length_of_tokens(cls, options: Any) -> Any:  # noqa: ANN401 - whatever the manifest holds
        if isinstance(options, dict) and options.get("unit") == "tokens":
            return {"min_length": LEAST_TOKENS, **options}
        return options

    @model_validator(mode="after")
    def _tokens_need_a_tokenizer(self) -> Self:
        if self.unit == "tokens" and self.tokenizer is None:
            raise ValueError(
                "`unit: tokens` asks for a tokenizer that is there before the build: write `tokenizer: FILE`, a "
                "byte-level tokenizer.json or tiktoken ranks, or `unit: bytes`"
            )
        if self.unit == "bytes" and self.tokenizer is not None:
            raise ValueError("a tokenizer is for `unit: tokens`; write that, or leave `tokenizer` out")
        return self

    def load(self, read: ReadFiles) -> Self:
        """Return the stage with its tokenizer in memory.

        Raises:
            ValueError: it is several files, or none that spells texts.
        """
        if self.tokenizer is None:
            return self
        files = list(read(self.tokenizer).values())
        if len(files) != 1:
            raise ValueError(f"`tokenizer` names {len(files)} files; a tokenizer is one")
        loaded = self.model_copy()
        loaded._speller = Speller(files[0])  # noqa: SLF001 - a copy of itself
        return loaded

    def __call__(self, batch: Batch) -> Outcome:
        """Return an outcome that says nothing: what is cut is decided among all documents."""
        return run_stage(self, batch)

    @property
    def rule(self) -> str:
        """What the ledger says of a document that falls: `no_text_left` or `repeated_substrings`."""
        return "no_text_left" if self.apply == "cut" else "repeated_substrings"

    @property
    def ranges(self) -> int:
        """A range of keys for each bucket of documents; 0 where documents of a scope share one key."""
        return self._buckets if isinstance(self.scope, BucketSize) else 0

    def measure(self, batch: Batch) -> Columns:
        """Return nothing: what is compared are the texts themselves."""
        del batch
        return {}

    def for_documents(self, count: int) -> Self:
        """Return the stage as it decides about `count` documents."""
        told = self.model_copy()
        told._buckets = bucket_count(self.scope, count)  # noqa: SLF001 - another object of this class
        return told

    def emit(self, documents: Documents, standing: Standing) -> Rows:
        """Return a row per document that can hold a stretch, with its text as payload.

        Its key is what the buckets are cut by, or stands for its scope.
        """
        places = np.flatnonzero(pc.binary_length(documents.text).to_numpy() >= self.min_length)
        return Rows.build(
            self.layout,
            key=self._keys(documents)[places],
            row=documents["row"][places],
            payloads=documents.text.take(pa.array(places)).cast(pa.large_binary()),
            uid=documents["uid"][places],
            position=np.full(len(places), standing.position, np.uint32),
            exempt=np.full(len(places), standing.exempt, np.uint8),
        )

    def _keys(self, documents: Documents) -> U64:
        if isinstance(self.scope, BucketSize):
            return draw("scope", 0, documents["uid"].astype(np.uint64))
        return document_scopes(self.scope, documents.signals, len(documents.text))

    def reduce(self, rows: Rows) -> Rows:
        """Return a row home for every document that loses something.

        Raises:
            BuildError: the texts of a scope are too many to be compared.
        """
        counted = isinstance(self.scope, BucketSize)
        scope = row_buckets(self.scope, self._buckets, rows) if counted else rows["key"]
        order = np.lexsort((addresses(rows), rows["position"], scope))
        bounds = bounds_of(scope[order]).tolist()
        decided = [self._decide(rows, order[start:end]) for start, end in pairwise(bounds)]
        return Rows.concat([Rows.empty(HOME.dtype), *decided])

    def _decide(self, rows: Rows, members: I64) -> Rows:
        """Decide about the documents of one scope, best rank first."""
        units = self._units(rows, members)
        may_lose = np.flatnonzero(rows["exempt"][members] == 0)
        found = repeats_in(units.joined, self.min_length, may_lose, first_stays=self.first_stays)
        lost = lost_by(rows, members, units, found)
        about = {"key": addresses(rows)[lost.rows], "row": rows["row"][lost.rows]}
        about["kept_uid"] = rows["uid"][lost.origin] * np.uint64(self.first_stays)
        return cuts_home(lost.union, about, self.apply, self.drop_share)

    def admit(self, size: int) -> None:
        """Refuse a range of keys that is one scope, and has more bytes than can be sorted.

        Raises:
            BuildError: there are too many.
        """
        if not isinstance(self.scope, list):
            _refuse_too_many(size)

    def _units(self, rows: Rows, members: I64) -> TextUnits:
        """Return what is compared.

        Raises:
            BuildError: it is too much, or no text is spelt by its tokens.
            ValueError: the tokenizer was not loaded.
        """
        _refuse_too_many(int(rows["length"][members].sum(dtype=np.int64)) + len(members) - 1)
        units = bytes_of(rows, members) if self.unit == "bytes" else self._tokens(rows, members)
        _refuse_too_many(units.joined.units.nbytes)
        return units

    def _tokens(self, rows: Rows, members: I64) -> TextUnits:
        if self._speller is None:
            raise ValueError("the tokenizer is not in memory; call load() first")
        try:
            return tokens_of(rows, members, self._speller)
        except ValueError as error:
            remedy = "name another tokenizer, or write `unit: bytes`"
            raise BuildError(f"stages.dedup_substrings.tokenizer: {error}; {remedy}") from error


def _refuse_too_many(size: int) -> None:
    """Refuse to compare more bytes at once than can be sorted."""
    if size > MOST_BYTES:
        raise BuildError(
            f"stages.dedup_substrings.scope: {size:,} bytes are to be compared at once, and at most "
            f"{MOST_BYTES:,} can be: write `scope: {{documents: N}}` with a smaller N"
        )
