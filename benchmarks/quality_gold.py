"""Published filters and a trained classifier, scored against people: which texts would they keep?

In:  `../shared/corpus/quality_gold`: 292 texts of Common Crawl with the majority's label, keep or drop (published with
     DCLM, mlfoundations/dclm, data/majority_data.jsonl).
Out: precision and recall of "keep" for each published set of rules and for a fastText classifier, with 95 % intervals.
Guaranteed: no threshold and no option was chosen by these labels. The classifier is cross-validated: the fold of a text
     is a hash of it, and a text is scored by a model that has not seen it.

Run it: python -m benchmarks.quality_gold [--folds 10] [--json]
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import sqrt
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.corpus import SHARED, read_rows
from benchmarks.recipes import RECIPES
from filters.batch import Stage, batch_of, run_stage
from filters.fasttext_models import POSITIVE, Model, Options, train

GOLD = SHARED / "quality_gold" / "dclm_human.jsonl"

OPTIONS = Options(dim=50, epochs=25, lr=0.5, word_ngrams=2, min_count=1, buckets=100_000)
"""fastText's own advice for few examples (more epochs, a higher rate), and few buckets; the rest is DCLM's."""

Z = 1.959964
"""Standard normal quantile of 95 %."""

REMARKS = """\
How to read this. {count} texts are few: an interval is Wilson's, for one share; rows whose intervals overlap are not
shown to differ, and of {rows} rows one looks best by chance alone. Keeping everything is the first row: rules say
something only where their precision is above it. How the texts were drawn, and by which instructions people labelled
them, is not published with them; that people keep a text does not say that a model learns from it. The classifier
learns from about {trained} texts, where DCLM's learnt from 400,000: its row says that the machinery works and
generalises from few examples of this very kind, which the rules have never seen; it is no contest between the two.
"agreed" counts only the {unanimous} texts on which all annotators said the same."""


@dataclass(frozen=True)
class Text:
    """A text that people labelled; `unanimous` where all of them said the same."""

    text: str
    keep: bool
    unanimous: bool


@dataclass(frozen=True)
class Score:
    """How often a filter keeps what people keep.

    Args:
        kept: texts that it keeps.
        wanted: texts that people keep.
        both: texts that both keep.
    """

    kept: int
    wanted: int
    both: int

    @property
    def precision(self) -> tuple[float, float, float]:
        """Share of what it keeps that people keep, and its interval."""
        return wilson(self.both, self.kept)

    @property
    def recall(self) -> tuple[float, float, float]:
        """Share of what people keep that it keeps, and its interval."""
        return wilson(self.both, self.wanted)


def main() -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality_gold", description=__doc__.splitlines()[0])
    parser.add_argument("--folds", type=int, default=10, help="parts of the cross-validation (default 10)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON on the last line")
    given = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 140)
    if not GOLD.is_file():
        console.print(f"There are no labels at {GOLD}.")
        return 2
    texts = labelled()
    scores = classifier_scores(texts, given.folds, OPTIONS)
    rows = [_row(name, texts, kept) for name, kept in decisions(texts, scores)]
    area = ranking_area(texts, scores)
    console.print(_table(rows))
    console.print(f"Area under the classifier's ROC curve: {area:.3f}\n", highlight=False)
    console.print(_remarks(texts, len(rows), given.folds), highlight=False, soft_wrap=True)
    if given.json:
        print(json.dumps({"rows": rows, "classifier_auc": area}))
    return 0


def labelled() -> list[Text]:
    """Return the labelled texts."""
    return [Text(row["text"], row["label"] == 1, row["unanimous"]) for row in read_rows(GOLD)]


def decisions(texts: Sequence[Text], scores: Sequence[float]) -> Iterator[tuple[str, list[bool]]]:
    """Yield each contender and which texts it keeps."""
    yield "keep everything", [True] * len(texts)
    for name, stages in RECIPES.items():
        yield name, [keeps(stages(), text.text) for text in texts]
    yield "fastText classifier, cross-validated, >= 0.5", [score >= 0.5 for score in scores]


def keeps(stages: Sequence[Stage], text: str) -> bool:
    """Return whether a text passes all stages, each of which sees what the one before it left."""
    for stage in stages:
        outcome = run_stage(stage, batch_of([text]))
        if outcome.rule is not None and outcome.rule[0].is_valid:
            return False
        text = text if outcome.text is None else outcome.text[0].as_py()
    return True


def fold_of(text: str, folds: int) -> int:
    """Return the fold of a text: a hash of it."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") % folds


def classifier_scores(texts: Sequence[Text], folds: int, options: Options) -> list[float]:
    """Return for each text the probability that it is kept, by a model trained on the other folds."""
    scores = [0.0] * len(texts)
    for fold in range(folds):
        held_out = [place for place, text in enumerate(texts) if fold_of(text.text, folds) == fold]
        learnt = [(text.text, text.keep) for text in texts if fold_of(text.text, folds) != fold]
        model = Model(train(learnt, options), POSITIVE)
        for place in held_out:
            scores[place] = model.score(texts[place].text)
    return scores


def wilson(hits: int, tries: int) -> tuple[float, float, float]:
    """Return a share and its 95 % interval (Wilson 1927); (0, 0, 1) where nothing was tried.

    >>> [round(number, 3) for number in wilson(8, 10)]
    [0.8, 0.49, 0.943]
    """
    if tries == 0:
        return 0.0, 0.0, 1.0
    share, weight = hits / tries, Z * Z / tries
    middle = (share + weight / 2) / (1 + weight)
    half = Z * sqrt(share * (1 - share) / tries + weight / (4 * tries)) / (1 + weight)
    return share, min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))


def ranking_area(texts: Sequence[Text], scores: Sequence[float]) -> float:
    """Return the chance that a kept text scores above a dropped one, ties counting half."""
    kept = [score for text, score in zip(texts, scores, strict=True) if text.keep]
    dropped = [score for text, score in zip(texts, scores, strict=True) if not text.keep]
    wins = sum((good > bad) + (good == bad) / 2 for good in kept for bad in dropped)
    return wins / max(len(kept) * len(dropped), 1)


def score_of(texts: Sequence[Text], kept: Sequence[bool], *, unanimous: bool = False) -> Score:
    """Count what a filter and people keep, over all texts or those on which all annotators agreed."""
    seen = [(text.keep, said) for text, said in zip(texts, kept, strict=True) if text.unanimous or not unanimous]
    return Score(
        sum(said for _, said in seen), sum(keep for keep, _ in seen), sum(keep and said for keep, said in seen)
    )


def _row(name: str, texts: Sequence[Text], kept: Sequence[bool]) -> dict[str, Any]:
    everything, agreed = score_of(texts, kept), score_of(texts, kept, unanimous=True)
    return {
        "name": name,
        "kept": everything.kept,
        "precision": everything.precision,
        "recall": everything.recall,
        "agreed_precision": agreed.precision,
        "agreed_recall": agreed.recall,
    }


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(title="What people would keep, and what filters keep", title_justify="left")
    table.add_column("filter")
    table.add_column("kept", justify="right")
    for heading in ("precision", "recall", "agreed: precision", "agreed: recall"):
        table.add_column(heading, justify="right")
    for row in rows:
        shares = (row[name] for name in ("precision", "recall", "agreed_precision", "agreed_recall"))
        table.add_row(row["name"], str(row["kept"]), *map(_percent, shares))
    return table


def _percent(share: tuple[float, float, float]) -> str:
    """Return a share with its interval, in percent.

    >>> _percent((0.8, 0.49, 0.943))
    '80 (49 to 94)'
    """
    value, low, high = (round(100 * number) for number in share)
    return f"{value} ({low} to {high})"


def _remarks(texts: Sequence[Text], rows: int, folds: int) -> str:
    unanimous = sum(text.unanimous for text in texts)
    trained = len(texts) * (folds - 1) // folds
    return REMARKS.format(count=len(texts), rows=rows, trained=trained, unanimous=unanimous)


if __name__ == "__main__":
    sys.exit(main())
