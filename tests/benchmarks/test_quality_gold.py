"""Precision and recall against people's labels: counted right, and never by a model that has seen the text."""

import json
import random
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import quality_gold as gold
from benchmarks.quality_gold import Score, Text
from benchmarks.recipes import RECIPES
from filters.fasttext_models import Options
from tests.helpers import CORPUS

SMALL = Options(dim=8, epochs=25, lr=0.5, buckets=1000)

needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no real corpus at {CORPUS}")


def texts(count: int = 60) -> list[Text]:
    """Return texts of two kinds of words, of which people keep one."""
    rng = random.Random(1)
    kinds = {True: ("harbour", "ferry", "island", "winter"), False: ("cheap", "click", "offer", "deal")}
    return [
        Text(" ".join(rng.choices(kinds[number % 2 == 0], k=30)), number % 2 == 0, unanimous=number % 3 == 0)
        for number in range(count)
    ]


def test_precision_is_of_what_is_kept_and_recall_of_what_people_keep() -> None:
    labelled = [Text(str(number), keep=number < 4, unanimous=number % 2 == 0) for number in range(8)]
    score = gold.score_of(labelled, [True, True, False, False, True, False, False, False])
    assert score == Score(kept=3, wanted=4, both=2)
    assert [score.precision[0], score.recall[0]] == pytest.approx([2 / 3, 1 / 2])
    assert gold.score_of(labelled, [True] * 8, unanimous=True) == Score(kept=4, wanted=2, both=2)


@given(st.integers(0, 500), st.integers(0, 500))
def test_an_interval_holds_its_share_and_lies_between_0_and_1(hits: int, misses: int) -> None:
    share, low, high = gold.wilson(hits, hits + misses)
    assert 0 <= low <= share <= high <= 1


def test_an_interval_is_wilsons_and_narrows_with_more_tries() -> None:
    assert gold.wilson(8, 10) == pytest.approx((0.8, 0.4901625, 0.9433178), abs=1e-6)
    assert gold.wilson(0, 0) == (0, 0, 1)
    widths = [high - low for _, low, high in (gold.wilson(8 * n, 10 * n) for n in (1, 10, 100))]
    assert widths == sorted(widths, reverse=True)


def test_the_area_is_the_chance_that_a_kept_text_scores_higher() -> None:
    labelled = [Text("a", keep=True, unanimous=True), Text("b", keep=False, unanimous=True)] * 2
    assert gold.ranking_area(labelled, [0.9, 0.1, 0.8, 0.2]) == 1
    assert gold.ranking_area(labelled, [0.5, 0.5, 0.5, 0.5]) == 0.5
    assert gold.ranking_area(labelled, [0.1, 0.9, 0.6, 0.5]) == 0.25


def test_no_model_has_seen_the_text_that_it_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    labelled = texts()
    models: list[frozenset[str]] = []

    class Scorer:
        def __init__(self, learnt: frozenset[str], _label: str) -> None:
            self.learnt = learnt

        def score(self, text: str) -> float:
            assert text not in self.learnt
            return float(len(self.learnt))

    def trained(examples: Iterable[tuple[str, bool]], _options: Options) -> frozenset[str]:
        models.append(frozenset(text for text, _ in examples))
        return models[-1]

    monkeypatch.setattr(gold, "train", trained)
    monkeypatch.setattr(gold, "Model", Scorer)
    scores = gold.classifier_scores(labelled, 4, SMALL)
    assert len(models) == 4
    assert all(scores)
    assert frozenset().union(*models) == {text.text for text in labelled}


def test_the_classifier_learns_what_people_keep() -> None:
    labelled = texts()
    assert gold.ranking_area(labelled, gold.classifier_scores(labelled, 3, SMALL)) > 0.95


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_drops_an_empty_text_and_one_of_a_single_word_again_and_again(name: str) -> None:
    stages = RECIPES[name]()
    assert not gold.keeps(stages, "")
    assert not gold.keeps(stages, "buy now " * 500)


@needs_corpus
def test_the_command_scores_every_recipe_and_the_classifier(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    everyone = gold.labelled()
    monkeypatch.setattr(gold, "labelled", lambda: everyone[:40])
    monkeypatch.setattr(gold, "OPTIONS", SMALL)
    monkeypatch.setattr(sys, "argv", ["x", "--folds", "2", "--json"])
    assert gold.main() == 0
    printed = capsys.readouterr().out
    rows = json.loads(printed.splitlines()[-1])["rows"]
    assert [row["name"] for row in rows][1:-1] == list(RECIPES)
    assert rows[0]["recall"][0] == 1
    assert "Wilson" in printed
    assert len(everyone) == 292


def test_the_command_says_so_where_there_are_no_labels(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gold, "GOLD", tmp_path / "none.jsonl")
    monkeypatch.setattr(sys, "argv", ["x"])
    assert gold.main() == 2
    assert "no labels" in capsys.readouterr().out
