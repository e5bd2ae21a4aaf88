"""Quality classifiers: fastText models that say how much a text looks like good ones.

In:  documents; a model that is given, or trained on documents of the build.
Out: one score per document, `<name>_score`, and a bound on it.
Guaranteed: a new bound neither trains nor scores again.

Two kinds of training examples, as published:

    sources against sources   DCLM: instruction data and ELI5 against RefinedWeb; LLaMA: pages that Wikipedia cites
                              against random ones
    labelled documents        a field of the source's metadata holds the label, as a person or a model gave it
"""

from collections.abc import Mapping
from typing import ClassVar, Self

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from filters.batch import Batch, Columns, InputFile, Outcome, ReadFiles, Stage, Verdicts, judging, measuring, run_stage
from filters.fasttext_models import POSITIVE, Model, Options
from filters.signals.classifier import score_of
from filters.signals.signal import Signal
from filters.verdicts import Rule, judge_by

MODEL_FILE = "model.bin"
"""What a trained model is called among the files of its fit."""


class Training(BaseModel):
    """What a classifier is trained on, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: str | None = Field(None, description="Field that holds each document's label; without it sources are.")
    positive: tuple[str | int | float | bool, ...] = Field(
        min_length=1, description="Sources or tags of good documents; with `labels`, the values that mean good."
    )
    negative: tuple[str | int | float | bool, ...] = Field(
        (), description="Sources or tags of other documents; with `labels`, their values, by default all others."
    )
    on: tuple[str, ...] = Field((), description="With `labels`: sources or tags that are labelled; by default all.")
    sample_documents: int = Field(200_000, ge=1, description="Documents of each class, held-out ones included.")
    held_out: float = Field(0.1, ge=0, lt=1, description="Share of them that only tests the model.")
    dim: int = Field(100, ge=1, description="Numbers per word.")
    epochs: int = Field(5, ge=1, description="How often each document is read.")
    lr: float = Field(0.1, gt=0, description="Learning rate at the beginning.")
    word_ngrams: int = Field(2, ge=1, description="Longest run of words that is a feature.")
    min_count: int = Field(1, ge=1, description="Words that are rarer are none.")
    buckets: int = Field(2_000_000, ge=1, description="Rows shared by runs of words; each takes 4 x `dim` bytes.")

    @model_validator(mode="after")
    def _classes(self) -> Self:
        if self.labels is None and not self.negative:
            raise ValueError("name `negative` sources too, or the field that holds the `labels`")
        if self.labels is None and self.on:
            raise ValueError("`on` belongs to `labels`; without it `positive` and `negative` name the sources")
        if shared := sorted(str(each) for each in set(self.positive) & set(self.negative)):
            raise ValueError(f"{shared[0]!r} cannot be both positive and negative")
        return self

    @property
    def options(self) -> Options:
        """How fastText trains."""
        return Options(self.dim, self.epochs, self.lr, self.word_ngrams, self.min_count, self.buckets)


class Classifier(Stage):
    """Scores documents with a fastText model, and drops those that score low where `min_score` is given."""

    version: ClassVar[int] = 1

    name: str = measuring("quality", "name of the classifier: its signal is <name>_score", pattern="^[a-z][a-z0-9_]*$")
    train: Training | None = measuring(None, "train the model on documents of this build")
    model: InputFile | None = measuring(None, "a fastText model that exists, such as DCLM's")
    label: str | None = measuring(POSITIVE, "label of `model` whose probability is the score; null is its first")
    min_score: float | None = judging(None, "least score", allow_inf_nan=False)
    _at_work: Model | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        if (self.train is None) == (self.model is None):
            raise ValueError("write exactly one of `train` and `model`")
        if self.train is not None and self.label != POSITIVE:
            raise ValueError("`label` belongs to `model`; the score of a trained one is that of the positive class")
        return self

    def __call__(self, batch: Batch) -> Outcome:
        """Score and judge."""
        return run_stage(self, batch)

    @property
    def waits(self) -> bool:
        """Whether the model is trained on documents of the build."""
        return self.train is not None

    @property
    def signal(self) -> str:
        """Name of the score."""
        return f"{self.name}_score"

    @property
    def signals(self) -> Mapping[str, Signal]:
        """The one signal that it measures."""
        return {self.signal: score_of(self.name)}

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The bound on the score."""
        return (Rule("min_score", self.signal, "min", self.min_score),)

    def load(self, read: ReadFiles) -> Self:
        """Return the classifier with its model, where that is a file.

        Raises:
            ValueError: it is not one file, no supervised fastText model, or one without the label.
        """
        if self.model is None:
            return self
        files = read(self.model)
        if len(files) != 1:
            raise ValueError(f"{self.model.path} names {len(files)} files; a model is one")
        return self._with(next(iter(files.values())))

    def fitted(self, files: Mapping[str, bytes]) -> Self:
        """Return the classifier with the model that was trained."""
        return self._with(files[MODEL_FILE])

    def _with(self, data: bytes) -> Self:
        copy = self.model_copy()
        copy._at_work = Model(data, self.label)  # noqa: SLF001 - a copy of our own
        return copy

    def measure(self, batch: Batch) -> Columns:
        """Return the scores, float32, one per document, none of them null.

        Raises:
            ValueError: the model is neither loaded nor trained yet.
        """
        model = self._at_work
        if model is None:
            raise ValueError("the classifier has no model: call `load`, or `fitted` with what was trained")
        return {self.signal: pa.array([model.score(text) for text in batch.text.to_pylist()], pa.float32())}

    def judge(self, signals: Columns) -> Verdicts:
        """Return the documents whose score is below `min_score`."""
        return judge_by(self.rules, signals)
