"""fastText models as bytes: trained from labelled texts, opened, and asked for the probability of one label.

In:  texts.
Out: the bytes of a model (`.bin`), probabilities.
Guaranteed: the same texts in the same order give the same bytes in every process: one thread, a fixed seed, and a
matrix that begins with zeros.

The last needs care. fastText fills a tenth of its input matrix with random numbers for each of its threads, up to ten
(`DenseMatrix::uniformThread`); with one thread nine tenths are whatever the memory held before, and models come out
different each time, or as NaN. So while it trains, the C library is told to clear what it hands out.

fastText reads and writes its models by file name alone, so the bytes pass through a scratch file that is gone when the
call returns.
"""

import ctypes
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import NamedTemporaryFile
from typing import Any

import fasttext

POSITIVE, NEGATIVE = "__label__hq", "__label__cc"
"""The labels of DCLM's classifiers (baselines/README.md of mlfoundations/dclm)."""

_LABEL = re.compile(r"__label__\S*")
"""Words that fastText would take for labels; when it scores a text it passes over them."""

SEED = 0


@dataclass(frozen=True)
class Options:
    """How fastText trains; the names are ours, the defaults are DCLM's (baselines/train_fasttext_classifier.py).

    Args:
        dim: numbers per word.
        epochs: how often each text is read.
        lr: learning rate at the beginning; it falls to 0.
        word_ngrams: longest run of words that is a feature.
        min_count: a word that is rarer is none.
        buckets: rows for runs of two words and more, which share them by hash. A row takes 4 `dim` bytes.
    """

    dim: int = 100
    epochs: int = 5
    lr: float = 0.1
    word_ngrams: int = 2
    min_count: int = 1
    buckets: int = 2_000_000


def one_line(text: str) -> str:
    """Return a text as fastText is given it: stripped, its lines joined by spaces, as DCLM does."""
    return " ".join(text.strip().splitlines())


def train(examples: Iterable[tuple[str, bool]], options: Options) -> bytes:
    """Train a classifier.

    Args:
        examples: text, and whether it is of the positive class, in the order in which they are learnt.
        options: how.

    Raises:
        ValueError: no text holds a word.
    """
    with NamedTemporaryFile(suffix=".txt") as texts, NamedTemporaryFile(suffix=".bin") as model:
        for text, positive in examples:
            words = _LABEL.sub(" ", one_line(text)).replace("\n", " ")
            texts.write(f"{POSITIVE if positive else NEGATIVE} {words}\n".encode())
        texts.flush()
        _train(texts.name, options).save_model(model.name)
        return model.read()


_M_PERTURB = -6
"""glibc's number for the byte whose complement fills memory as it is handed out (malloc.h)."""


@contextmanager
def _cleared_memory() -> Iterator[None]:
    """Have the C library hand out zeros.

    Raises:
        ValueError: it is not glibc, and cannot.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or not mallopt(_M_PERTURB, 255):
        raise ValueError("training needs glibc, without which two trainings differ; train on Linux, or give a `model`")
    try:
        yield
    finally:
        mallopt(_M_PERTURB, 0)


def _train(path: str, options: Options) -> Any:  # noqa: ANN401 - fastText has no types
    with _cleared_memory():
        return fasttext.train_supervised(
            path,
            dim=options.dim,
            epoch=options.epochs,
            lr=options.lr,
            wordNgrams=options.word_ngrams,
            minCount=options.min_count,
            bucket=options.buckets,
            thread=1,
            seed=SEED,
            verbose=0,
        )


class Model:
    """A model at work.

    Args:
        data: the bytes of a supervised model, `.bin` or `.ftz`.
        label: the label whose probability is asked for; None is the model's first.

    Raises:
        ValueError: this is no such model, or it does not know the label.
    """

    def __init__(self, data: bytes, label: str | None) -> None:
        with NamedTemporaryFile(suffix=".bin") as file:
            file.write(data)
            file.flush()
            self._model: Any = fasttext.load_model(file.name)
        labels: list[str] = self._model.labels
        if not labels or (label is not None and label not in labels):
            raise ValueError(f"the model has no label {label!r}; it knows {', '.join(labels[:20]) or 'none'}")
        self._label = labels[0] if label is None else label
        self._count = len(labels)

    def score(self, text: str) -> float:
        """Return the probability that a text has the label; 0 where the model gives none."""
        found = self._model.f.predict(f"{one_line(text)}\n", self._count, 0.0, "strict")
        return next((probability for probability, label in found if label == self._label), 0.0)
