"""The S-curve is that of the published figures, and a plan shows it and warns of numbers the wrong way round."""

import json
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pipelines.audit.forecast import forecast
from pipelines.audit.forecast_page import print_forecast
from pipelines.dedup.curve import BAR, SIMILARITIES, Curve, curve_cautions, curve_page
from pipelines.engine.job import Resources
from pipelines.manifest import load_manifest
from tests.helpers import CORPUS, lines_source, write_lines, written

COUNTS = st.integers(1, 1024)
SHARES = st.floats(0, 1)


@dataclass(frozen=True)
class Chosen:
    """The options of a stage that matter here."""

    bands: int = 14
    rows: int = 8
    jaccard: float = 0.8


@pytest.mark.parametrize(
    ("bands", "rows", "expected"),
    [
        (450, 20, [0.016, 0.302, 0.761, 0.995, 1, 1]),  # RefinedWeb, Lee et al.
        (14, 8, [0.211, 0.565, 0.772, 0.924, 0.988, 1.0]),  # FineWeb
        (93, 15, [0.043, 0.358, 0.714, 0.964, 1, 1]),  # DCLM
        (26, 11, [0.090, 0.405, 0.674, 0.903, 0.991, 1.0]),  # Dolma 3
        (9, 13, [0.012, 0.084, 0.195, 0.399, 0.686, 0.929]),  # RedPajama v2 at 0.8
    ],
)
def test_the_curves_of_published_recipes_are_as_computed_by_others(
    bands: int, rows: int, expected: list[float]
) -> None:
    curve = Curve(bands, rows)
    chances = [curve.chance(similarity) for similarity in (0.6, 0.7, 0.75, 0.8, 0.85, 0.9)]
    assert chances == pytest.approx(expected, abs=6e-4)


def test_where_refinedweb_s_curve_turns_depends_on_which_number_is_which() -> None:
    assert Curve(450, 20).threshold == pytest.approx(0.737, abs=5e-4)
    assert Curve(450, 20).swapped.threshold == pytest.approx(0.993, abs=5e-4)
    assert Curve(450, 20).midpoint == pytest.approx(0.723, abs=5e-4)
    assert Curve(20, 450).chance(0.98) < 0.003


@given(COUNTS, COUNTS, SHARES)
def test_a_chance_is_that_of_the_formula(bands: int, rows: int, similarity: float) -> None:
    chance = Curve(bands, rows).chance(similarity)
    assert 0 <= chance <= 1
    assert chance == pytest.approx(1 - (1 - similarity**rows) ** bands, abs=1e-12)


@given(COUNTS, COUNTS, SHARES, SHARES)
def test_a_curve_never_falls(bands: int, rows: int, one: float, other: float) -> None:
    curve = Curve(bands, rows)
    low, high = sorted([one, other])
    assert curve.chance(low) <= curve.chance(high) * (1 + 1e-12)


@given(st.integers(2, 1024), COUNTS)
def test_the_midpoint_lies_a_little_below_the_usual_threshold(bands: int, rows: int) -> None:
    curve = Curve(bands, rows)
    assert curve.midpoint < curve.threshold <= 1
    assert 0.63 < curve.chance(curve.threshold) <= 0.7501


@given(COUNTS, COUNTS)
def test_at_the_midpoint_every_other_pair_is_found(bands: int, rows: int) -> None:
    curve = Curve(bands, rows)
    assert curve.chance(curve.midpoint) == pytest.approx(0.5, rel=1e-9)


@pytest.mark.parametrize("similarity", [-0.1, 1.1, float("nan")])
def test_what_is_no_similarity_has_no_chance(similarity: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        Curve(14, 8).chance(similarity)


def test_the_recall_is_the_mean_of_the_chances() -> None:
    curve = Curve(14, 8)
    assert curve.recall([0.8, 1.0]) == pytest.approx((curve.chance(0.8) + 1) / 2)
    assert curve.recall([]) == 1


@given(st.integers(1, 6), st.integers(1, 4), st.floats(0.2, 0.95))
def test_random_signatures_share_a_band_as_often_as_the_curve_says(bands: int, rows: int, similarity: float) -> None:
    trials = 4000
    agree: npt.NDArray[np.bool_] = np.random.default_rng(7).random((trials, bands, rows)) < similarity
    found = float(np.logical_or.reduce(np.logical_and.reduce(agree, axis=2), axis=1).mean())
    assert found == pytest.approx(Curve(bands, rows).chance(similarity), abs=5 * 0.5 / trials**0.5)


def test_the_table_has_a_bar_for_each_similarity() -> None:
    lines = Curve(14, 8).table().split("\n")
    assert [float(line.split()[0]) for line in lines] == list(SIMILARITIES)
    bars = [line.count("#") for line in lines]
    assert all(one <= other for one, other in pairwise(bars))
    assert (bars[0], bars[-1]) == (2, BAR)
    assert lines[-1] == f"1.00  100.0%  {'#' * BAR}"


def test_the_page_says_what_was_chosen() -> None:
    page = curve_page("dedup_minhash", Chosen())
    assert page.startswith("Pairs compared by dedup_minhash, 14 bands of 8 rows (half of them at 0.685):\n")
    assert "0.80   92.4%" in page


def test_numbers_the_wrong_way_round_are_cautioned_against() -> None:
    (caution,) = curve_cautions("near", Chosen(20, 450))
    assert "near: 20 bands of 450 rows find 0.0% of the pairs at `jaccard: 0.8`" in caution
    assert "450 bands of 20 rows would find 99.5%: are the two swapped?" in caution


def test_numbers_that_find_little_either_way_are_cautioned_against_too() -> None:
    (little,) = curve_cautions("near", Chosen(20, 20, jaccard=0.5))
    assert little.endswith("give more `bands`, or fewer `rows`")


@pytest.mark.parametrize("chosen", [Chosen(), Chosen(450, 20), Chosen(93, 15), Chosen(26, 11), Chosen(14, 9)])
def test_numbers_that_find_what_they_should_are_not_cautioned_against(chosen: Chosen) -> None:
    assert list(curve_cautions("near", chosen)) == []


def test_a_plan_shows_the_curve_and_warns_of_swapped_numbers(tmp_path: Path) -> None:
    write_lines(tmp_path / "in" / "x.jsonl", [{"text": "x"}])
    stage = {"dedup_minhash": {"bands": 20, "rows": 450}}
    asked = {"name": "n", "sources": {"a": lines_source(tmp_path / "in")}, "stages": [stage]}
    console = Console(width=200, record=True, file=StringIO())
    print_forecast(console, forecast(load_manifest(written(asked, tmp_path / "asked")), "", Resources()))
    page = console.export_text()
    assert "Pairs compared by dedup_minhash, 20 bands of 450 rows (half of them at 0.993):\n0.50    0.0%\n" in page
    assert page.count("are the two swapped?") == 1


def test_the_curve_foretells_how_many_real_pairs_are_found() -> None:
    pairs = gold_pairs()
    similar = [pair["jaccard_word5"] for pair in pairs if pair["jaccard_word5"] >= 0.8]
    assert len(pairs) == 612
    assert Curve(14, 8).recall(similar) > 0.98


def gold_pairs() -> list[dict[str, Any]]:
    path = CORPUS / "neardup_gold" / "peps.pairs.jsonl"
    if not path.exists():
        pytest.skip(f"needs the real pairs in {path}")
    return [json.loads(line) for line in path.read_text().splitlines()]
