"""A plan says what a build will do and what is done of it, and runs nothing."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.cells import cell_len
from rich.console import Console

from pipelines.audit.cautions import LEAST_RUN, Traffic, exchange_cautions
from pipelines.audit.demands import Demand, budget_cautions
from pipelines.audit.estimates import paces_of
from pipelines.audit.forecast import Forecast, Planned, forecast
from pipelines.audit.forecast_page import print_forecast
from pipelines.audit.opened import Opened
from pipelines.engine.job import Resources
from pipelines.engine.storage import open_storage
from pipelines.manifest import Manifest, load_manifest
from tests.audit.conftest import manifest
from tests.helpers import build_here, lines_source, write_lines, written

Overrides = Callable[..., Manifest]


@pytest.fixture
def asked(corpus: Path, tmp_path: Path) -> Overrides:
    """Return what loads the small manifest, changed by overrides."""
    path = written(manifest(corpus), tmp_path / "asked")

    def load(*overrides: str) -> Manifest:
        return load_manifest(path, overrides)

    return load


def foreseen(wanted: Manifest, out: str | Path = "", resources: Resources | None = None) -> Forecast:
    return forecast(wanted, str(out), resources or Resources())


def done(seen: Forecast) -> dict[str, tuple[int, int]]:
    return {step.step: (step.done, step.tasks) for step in seen.standing.steps}


def words(step: Planned) -> list[str]:
    return [line for lines in step.work.values() for line in lines]


def test_the_steps_of_a_plan_are_those_of_the_build(asked: Overrides, built: Opened) -> None:
    names = [name for step in foreseen(asked()).steps for name in step.steps]
    assert names == list(built.lock.parts)


def test_each_pass_says_what_it_does_for_whom(asked: Overrides) -> None:
    first, exchange, second, fit, third, *_ = foreseen(asked()).steps
    assert words(first) == [
        "gopher_quality: measures, judges",
        "normalize: edits",
        "dedup_exact (same_content): takes keys",
    ]
    assert list(first.work) == ["all"]
    assert words(exchange) == ["dedup_exact (same_content): decides over all splits"]
    assert second.work == {
        "half": ("where chars < 1000: judges",),
        "main": ("where chars < 1000: judges", "gopher_quality: measures"),
    }
    assert words(fit) == ["trained on 64 MB of survivors, 400 tokens"]
    assert words(third) == ["tokenize: survivors become token runs"]


def test_without_a_folder_everything_is_estimated(asked: Overrides) -> None:
    seen = foreseen(asked())
    assert (seen.standing.steps, seen.begun) == ((), False)
    assert {each.chars_basis for each in seen.estimates} == {"plain at 0.97 characters a byte"}
    assert {each.tokens_basis for each in seen.estimates} == {"4 characters a token"}
    half, main = seen.estimates
    assert (half.files, half.splits, main.files, main.splits) == (1, 2, 2, 4)
    assert half.kept == pytest.approx(half.chars / 2, abs=1)


def test_a_finished_build_is_done_and_counted(asked: Overrides, built: Opened) -> None:
    seen = foreseen(asked(), built.storage.url)
    assert seen.standing.finished
    assert done(seen) == {step: (len(parts), len(parts)) for step, parts in built.lock.parts.items()}
    for each in seen.estimates:
        assert (each.chars_basis, each.kept_basis, each.tokens_basis) == ("counted", "counted", "counted")
    tables = [pq.read_table(Path(built.storage.url, built.verdicts_file(split))) for split in built.splits]
    ledger = pa.concat_tables(tables).to_pylist()
    for each in seen.estimates:
        rows = [row for row in ledger if row["source"] == each.source]
        assert each.chars == sum(row["chars_in"] or 0 for row in rows)
        assert each.tokens == pytest.approx(sum(row["tokens"] or 0 for row in rows), abs=1)
    assert {demand.pool: demand.held for demand in seen.demands if demand.counted}.keys() == {"half", "long", "main"}


def test_what_a_change_leaves_done_is_said_up_to_the_first_step_with_work(asked: Overrides, built: Opened) -> None:
    seen = foreseen(asked("stages.0.gopher_quality.min_word_count=9"), built.storage.url)
    assert done(seen) == {"pass 1 of 3": (2, 6)}
    seen = foreseen(asked("mix.phases.0.tokens=3000"), built.storage.url)
    assert [step for step, (ready, tasks) in done(seen).items() if ready < tasks] == ["budgets"]
    assert {each.chars_basis for each in seen.estimates} == {"counted"}


def test_a_changed_build_is_estimated_by_what_the_last_one_counted(asked: Overrides, built: Opened) -> None:
    seen = foreseen(asked("stages.0.gopher_quality.min_word_count=9"), built.storage.url)
    assert {each.chars_basis for each in seen.estimates} == {"counted by the last build"}
    assert {each.tokens_basis for each in seen.estimates} == {"as in the last build"}
    assert [each.chars for each in seen.estimates] == [
        each.chars for each in foreseen(asked(), built.storage.url).estimates
    ]


def test_splits_that_were_never_counted_are_estimated_like_the_others(
    asked: Overrides, corpus: Path, tmp_path: Path
) -> None:
    for name in ("main", "half"):
        shutil.copytree(corpus / name, tmp_path / name)
    wanted = manifest(tmp_path)
    build_here(wanted, tmp_path / "out")
    shutil.copy(tmp_path / "half" / "x.jsonl", tmp_path / "half" / "y.jsonl")
    seen = foreseen(load_manifest(tmp_path / "out.yaml"), tmp_path / "out")
    half, main = seen.estimates
    assert half.chars_basis == "2 of 4 splits counted, the rest like them"
    assert main.chars_basis == "counted by the last build"
    assert half.chars == pytest.approx(2 * foreseen(asked(), corpus / "out").estimates[0].chars, rel=0.01)


def test_nothing_is_run_or_written(asked: Overrides, built: Opened, tmp_path: Path) -> None:
    folder = Path(built.storage.url)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    foreseen(asked("stages.0.gopher_quality.min_word_count=9", "mix.phases.0.name=other"), folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    foreseen(asked(), tmp_path / "fresh")
    assert not (tmp_path / "fresh").exists()


def test_a_build_that_would_stop_says_so(asked: Overrides, built: Opened) -> None:
    seen = foreseen(asked("stages.3={dedup_exact: {max_loss: 0}}"), built.storage.url)
    assert "max_loss" in seen.standing.stopped
    assert "It stops there" in page(seen, 80)


def test_times_are_those_of_the_last_run_where_it_has_any(asked: Overrides, built: Opened) -> None:
    paces = paces_of(open_storage(built.storage.url))
    assert paces.keys() == built.lock.parts.keys()
    assert {step: pace.tasks for step, pace in paces.items()} == {
        step: len(parts) for step, parts in built.lock.parts.items()
    }
    seen = foreseen(asked("stages.0.gopher_quality.min_word_count=9"), built.storage.url)
    assert all(step.counted for step in seen.steps)
    assert seen.steps[0].seconds == pytest.approx(paces["pass 1 of 3"].seconds * 4)
    assert all(step.seconds is None for step in foreseen(asked(), built.storage.url).steps)


def test_half_a_line_of_a_log_is_left_out(tmp_path: Path) -> None:
    log = '{"time":1,"event":"step","step":"pools","tasks":2,"seconds":3.0}\n{"time":2,"event":"st'
    (tmp_path / "runs.jsonl").write_text(log)
    paces = paces_of(open_storage(tmp_path))
    assert [(step, pace.seconds, pace.tasks) for step, pace in paces.items()] == [("pools", 1.5, 2)]


def test_an_exchange_of_many_small_reads_is_cautioned_against() -> None:
    assert list(exchange_cautions(Traffic("dedup", 10**9, 1000, 4))) == []
    (many,) = exchange_cautions(Traffic("dedup", 10**12, 20_000, 1000))
    assert "20,000 segments x 1,000 partitions are 20 M reads" in many
    (small,) = exchange_cautions(Traffic("dedup", LEAST_RUN * 39, 10, 4))
    assert "less than 64 KiB" in small
    assert list(exchange_cautions(Traffic("dedup", 100, 10, 1))) == []


def test_resources_decide_what_an_exchange_is_cautioned_against(asked: Overrides) -> None:
    assert foreseen(asked()).cautions == foreseen(asked(), "", Resources(partitions=1)).cautions
    assert any("less than 64 KiB" in caution for caution in foreseen(asked(), "", Resources(partitions=7)).cautions)


def test_a_pool_that_may_be_too_small_is_cautioned_against(asked: Overrides) -> None:
    wanted = asked("mix.phases.1.tokens=900M")
    (short,) = [caution for caution in foreseen(wanted).cautions if "pool long: the phases take 900 M" in caution]
    assert "allow more epochs" in short
    counted = Demand("main", 10, 20, 1, counted=True, narrowed=True)
    assert list(budget_cautions(wanted, [counted])) == []


def test_groups_are_shared_out_by_estimates_and_what_is_held_out_is_in_no_pool(asked: Overrides) -> None:
    changes = ("mix.groups={g: {of: [main, half]}}", "mix.phases.0.weights={g: 1}", "mix.phases.0.tokens=10000")
    plain, held = foreseen(asked(*changes)), foreseen(asked(*changes, "mix.holdout=0.25"))
    before, after = ({each.pool: each for each in seen.demands} for seen in (plain, held))
    assert before["main"].asked + before["half"].asked == 10_000
    ratio = before["main"].held / before["half"].held
    assert before["main"].asked / before["half"].asked == pytest.approx(ratio, rel=1e-3)
    assert after["main"].held == pytest.approx(before["main"].held * 0.75, abs=1)
    assert after["holdout"].held == pytest.approx((before["main"].held + before["half"].held) / 4, abs=1)
    assert "holdout" in page(held, 100)
    assert after.keys() - before.keys() == {"holdout"}


@pytest.mark.parametrize(("scaled", "told"), [((), True), ((0,), True), ((0, 1), False)])
def test_phases_that_scale_are_not_told_to_scale(asked: Overrides, scaled: tuple[int, ...], told: bool) -> None:
    weights = ("mix.phases.1.tokens=900M", "mix.phases.1.weights.long=0.5", "mix.phases.1.weights.main=0.5")
    wanted = asked(*weights, *(f"mix.phases.{number}.short=scale" for number in scaled))
    (main,) = [caution for caution in foreseen(wanted).cautions if "pool main: the phases take 450 M" in caution]
    assert ("write `short: scale`" in main) == told
    assert ("are made shorter" in main) != told


def test_a_manifest_without_a_mix_is_planned_too(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "x"}])
    wanted = load_manifest(written({"name": "n", "sources": {"a": lines_source(tmp_path / "a")}}, tmp_path / "out"))
    seen = foreseen(wanted, tmp_path / "out")
    assert [step.name for step in seen.steps] == ["pass 1", "ledger"]
    assert words(seen.steps[0]) == ["reads the source, no more"]
    assert "There is no build in" in page(seen, 80)


def test_text_in_parquet_is_estimated_from_the_footers(tmp_path: Path) -> None:
    texts = [f"{number} " * 200 for number in range(500)]
    pq.write_table(pa.table({"text": texts, "n": list(range(500))}), tmp_path / "x.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    sources = {"a": {"format": "parquet", "path": f"{tmp_path}/*.parquet"}}
    wanted = load_manifest(written({"name": "n", "sources": sources}, tmp_path / "out"))
    (estimate,) = foreseen(wanted).estimates
    assert estimate.chars == pytest.approx(sum(map(len, texts)), rel=0.05)
    assert "the footers of Parquet" in estimate.chars_basis


def page(seen: Forecast, width: int) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        print_forecast(console, seen)
    return captured.get()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("overrides", [[], ["stages.0.gopher_quality.min_word_count=9"]])
def test_the_page_fits_and_says_what_its_numbers_rest_on(
    asked: Overrides, built: Opened, width: int, overrides: list[str]
) -> None:
    for out in ("", built.storage.url):
        shown = page(foreseen(asked(*overrides), out), width)
        assert max(cell_len(line) for line in shown.splitlines()) <= width
        for expected in ("What goes in", "What will be done", "What comes out", "text (characters):", "tokens:"):
            assert expected in shown
    assert ("All of it is done" in shown) == (not overrides)


def test_the_page_shows_the_sizes_of_a_small_corpus(asked: Overrides, built: Opened, corpus: Path) -> None:
    shown = page(foreseen(asked(), built.storage.url), 100)
    whole = sum(file.stat().st_size for name in ("main", "half") for file in (corpus / name).rglob("*.jsonl"))
    assert f"3 files in 6 splits, {whole / 1000:.3g} KB" in shown


def rows_of_steps(seen: Forecast) -> dict[str, Any]:
    return {step.name: step for step in seen.steps}


def test_workers_divide_the_time(asked: Overrides) -> None:
    one, two = (rows_of_steps(foreseen(asked(), "", Resources(workers=count)))["pass 1"].seconds for count in (1, 2))
    assert two == pytest.approx(one / 2)


def test_a_plan_says_how_sequences_are_made(asked: Overrides) -> None:
    joined, fitted = (
        next(step for step in foreseen(asked(*wanted)).steps if step.name == "shards")
        for wanted in ((), ("mix.pack=best_fit", "mix.next_token=true"))
    )
    assert words(joined) == ["4 shards of 1.5 K tokens, sequences of 32"]
    assert words(fitted) == ["4 shards of 1.5 K tokens, sequences of 32 + 1, best_fit"]
