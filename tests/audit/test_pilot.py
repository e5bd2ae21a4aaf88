"""A pilot foresees what the pools of a build hold."""

import gzip
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from pipelines.audit.opened import open_folder
from pipelines.audit.pilot import Pilot, pilot
from pipelines.audit.pilot_page import print_pilot
from pipelines.audit.pilot_sample import LEAST_BYTES, PLACES, Wanted, strata_of, wanted_of
from pipelines.engine.session import Settings
from pipelines.errors import RequestError
from pipelines.manifest import Manifest, load_manifest
from tests.helpers import build_here, lines_source, verdicts, write_lines, written

HERE = Settings(address="none")

WORDS = [f"{first}{second}" for first in "abcdefghijklmnop" for second in ("an", "el", "ir", "od", "um", "yth")]


def texts(seed: int, count: int) -> list[str]:
    chance = Random(seed)
    lengths = [chance.choice((20, 60, 200, 400)) for _ in range(count)]
    return [" ".join(chance.choice(WORDS) for _ in range(length)) for length in lengths]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sources of 1.5 MB and 180 KB; each fifth document of the small one is a copy."""
    folder = tmp_path_factory.mktemp("pilot")
    for seed, (name, count) in enumerate({"big": 2_000, "small": 200}.items()):
        every = texts(seed, count)
        rows = [{"id": f"{name}-{at}", "text": text} for at, text in enumerate(every)]
        rows += [{"id": f"copy-{at}", "text": every[at]} for at in range(0, count, 5)] if name == "small" else []
        write_lines(folder / name / "x.jsonl", rows)
    return folder


def manifest(folder: Path, **mix: object) -> dict[str, Any]:
    usual = {
        "sequence_length": 64,
        "pools": {"long": {"sources": ["big"], "where": "chars > 1000"}},
        "phases": [
            {"name": "main", "tokens": 100_000, "weights": {"big": 0.9, "small": 0.1}},
            {"name": "anneal", "tokens": 50_000, "weights": {"long": 1}},
        ],
        "holdout": {"big": 0.1},
    }
    return {
        "name": "piloted",
        "seed": 3,
        "sources": {"big": lines_source(folder / "big"), "small": lines_source(folder / "small")},
        "stages": [{"where": "chars >= 200"}, "dedup_exact"],
        "tokenizer": {"train": {"vocab_size": 300}, "eos": True},
        "mix": {**usual, **mix},
    }


def foreseen(folder: Path, wanted: str, tmp_path: Path, **mix: object) -> Pilot:
    return pilot(load_manifest(written(manifest(folder, **mix), tmp_path / "asked")), wanted, HERE)


@pytest.fixture(scope="module")
def held(corpus: Path) -> dict[str, int]:
    """What the pools of a build hold, in tokens."""
    build_here(manifest(corpus), corpus / "out")
    built = open_folder(corpus / "out")
    counts = Counter[str]()
    for part in built.parts("pools"):
        table = pq.read_table(corpus / "out" / part)
        for name in (name for name in table.schema.names if name.startswith("pool:")):
            counts[name.removeprefix("pool:")] += pa.compute.sum(table.filter(table[name])["tokens"]).as_py() or 0
    return dict(counts)


def test_a_pilot_on_everything_is_what_the_build_holds(corpus: Path, held: dict[str, int], tmp_path: Path) -> None:
    """Cutting a source finer changes no uid, so what a pilot holds out is held out in the build."""
    seen = foreseen(corpus, "100%", tmp_path)
    fates = Counter(verdicts(corpus / "out").column("fate").to_pylist())
    assert next(each.seen for each in seen.pools if each.pool == "holdout") == fates["held_out"]
    assert {each.pool: each.tokens.likely for each in seen.pools} == held
    assert all(each.tokens.low == each.tokens.likely == each.tokens.high for each in seen.pools)
    assert all(each.documents.likely == each.seen for each in seen.pools)
    assert [each.verdict for each in seen.phases] == ["yes", "yes"]
    assert (seen.stops, seen.notes) == ("", [])


@pytest.fixture(scope="module")
def tenth(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Pilot:
    """A pilot on a tenth."""
    return foreseen(corpus, "10%", tmp_path_factory.mktemp("tenth"))


def test_what_the_build_holds_lies_in_the_intervals_of_a_sample(tenth: Pilot, held: dict[str, int]) -> None:
    (big, small) = tenth.sources
    assert (big.places, big.whole, small.whole) == (PLACES, False, False)
    assert big.records == pytest.approx(200, rel=0.15)
    for each in tenth.pools:
        if each.pool in {"big", "long", "holdout"}:  # the others lose copies, and a sample sees few of them
            assert each.tokens.low is not None
            assert each.tokens.high is not None
            assert each.tokens.low <= held[each.pool] <= each.tokens.high
            assert each.tokens.high - each.tokens.low < 2 * held[each.pool]
    assert any(note.startswith("duplicates: a sample sees fewer copies") for note in tenth.notes)
    assert any("was so on the sample" in note for note in tenth.notes)


def test_a_sample_loses_fewer_copies_than_the_whole(tenth: Pilot, held: dict[str, int]) -> None:
    small = next(each for each in tenth.pools if each.pool == "small")
    assert small.tokens.likely > held["small"]


def test_a_number_of_documents_may_be_asked_for(corpus: Path, tmp_path: Path) -> None:
    seen = foreseen(corpus, "500", tmp_path)
    assert [each.records for each in seen.sources] == pytest.approx([500, 240], rel=0.2)
    assert [each.whole for each in seen.sources] == [False, True]


@pytest.mark.parametrize(("tokens", "verdict", "stops"), [(100_000, "yes", False), (10**9, "no", True)])
def test_a_phase_is_met_or_not(corpus: Path, tmp_path: Path, tokens: int, verdict: str, stops: bool) -> None:
    phases = [{"name": "main", "tokens": tokens, "weights": {"big": 1}}]
    seen = foreseen(corpus, "10%", tmp_path, phases=phases)
    (met,) = seen.phases
    assert met.verdict == verdict
    assert ("pool 'big' is short" in seen.stops) == stops
    assert met.could.likely == min(tokens, next(each for each in seen.pools if each.pool == "big").tokens.likely)


def test_what_the_interval_alone_decides_is_met_perhaps(corpus: Path, tenth: Pilot, tmp_path: Path) -> None:
    big = next(each for each in tenth.pools if each.pool == "big").tokens
    assert big.high is not None
    phases = [{"name": "main", "tokens": (big.likely + big.high) // 2, "weights": {"big": 1}, "short": "scale"}]
    (met,) = foreseen(corpus, "10%", tmp_path, phases=phases, pools={}).phases
    assert (met.verdict, met.could.high) == ("perhaps", met.asked)


def test_an_empty_pool_is_said_to_be_unseen(corpus: Path, tmp_path: Path) -> None:
    pools = {"none": {"sources": ["big"], "where": "chars > 1000000"}}
    phases = [{"name": "main", "tokens": 10, "weights": {"none": 0.5, "big": 0.5}}]
    seen = foreseen(corpus, "5%", tmp_path, pools=pools, phases=phases)
    assert "pool none: no document of it in the sample" in "".join(seen.notes)
    assert seen.phases[0].could.likely == 0
    assert "pool 'none' is empty" in seen.stops


def test_a_pool_that_is_no_subset_is_told_before_the_build(corpus: Path, tmp_path: Path) -> None:
    pools = {
        "loose": {"sources": ["big"], "where": "chars > 1000"},
        "strict": {"sources": ["big"], "where": "chars > 500", "subset_of": "loose"},
    }
    phases = [{"name": "main", "tokens": 10, "weights": {"strict": 1}}]
    seen = foreseen(corpus, "10%", tmp_path, pools=pools, phases=phases)
    outside = next(each.outside for each in seen.pools if each.pool == "strict")
    assert (outside > 0) == any("pool strict is no subset of loose" in note for note in seen.notes)
    assert outside > 0


def test_a_source_that_is_one_compressed_file_has_no_interval(tmp_path: Path) -> None:
    lines = "".join(f'{{"text": "{text}"}}\n' for text in texts(5, 300))
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    wanted = manifest(
        tmp_path, pools={}, phases=[{"name": "main", "tokens": 10, "weights": {"zipped": 1}}], holdout=None
    )
    wanted["sources"] = {"zipped": {"format": "jsonl", "path": f"{tmp_path}/x.jsonl.gz"}}
    seen = pilot(load_manifest(written(wanted, tmp_path / "out")), "10%", HERE)
    (pool,) = seen.pools
    assert (seen.sources[0].records, pool.tokens.low, pool.tokens.high) == (30, None, None)
    assert "one file that cannot be cut" in "".join(seen.notes)
    assert seen.phases[0].verdict == "perhaps"
    assert "no interval" in page(seen)


def test_the_same_pilot_says_the_same_and_leaves_nothing(corpus: Path, tenth: Pilot, tmp_path: Path) -> None:
    assert foreseen(corpus, "10%", tmp_path) == tenth
    assert [path.name for path in tmp_path.iterdir()] == ["asked.yaml"]


def test_a_manifest_without_a_mix_has_no_pools_to_foresee(corpus: Path, tmp_path: Path) -> None:
    wanted = load_manifest(written({**manifest(corpus), "mix": None}, tmp_path / "asked"))
    with pytest.raises(RequestError, match="piloted has no mix"):
        pilot(wanted, "1%", HERE)


def page(seen: Pilot) -> str:
    console = Console(width=100, record=True, file=None)
    with console.capture() as capture:
        print_pilot(console, seen)
    return capture.get()


def test_the_page_has_a_line_for_each_pool_and_phase(tenth: Pilot) -> None:
    text = page(tenth)
    for word in ("Pilot on 10%", "big", "small", "long", "holdout", "main", "anneal", "95 % intervals", "Caution:"):
        assert word in text


# --- what is read


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1%", Wanted(share=0.01)),
        ("0.5 %", Wanted(share=0.005)),
        ("0.25", Wanted(share=0.25)),
        ("100%", Wanted(share=1.0)),
        ("20000", Wanted(documents=20_000)),
        ("20_000", Wanted(documents=20_000)),
    ],
)
def test_a_pilot_is_asked_for_by_share_or_by_documents(text: str, wanted: Wanted) -> None:
    assert wanted_of(text) == wanted


@pytest.mark.parametrize("text", ["1", "0", "0%", "101%", "-5", "some", "1.5", "%", "nan", "inf", "1e3"])
def test_any_other_amount_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="write a share, such as 1%"):
        wanted_of(text)


Loaded = Callable[..., Manifest]


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 1.0])
def test_places_lie_evenly_and_hold_about_the_share_that_is_wanted(corpus: Path, tmp_path: Path, share: float) -> None:
    wanted = load_manifest(written(manifest(corpus), tmp_path / "asked"))
    plan, strata = strata_of(wanted, Wanted(share=share))
    assert [split.number for split in plan.splits] == sorted({split.number for split in plan.splits})
    big = strata["big"]
    assert big.whole == (share == 1)
    assert len(big.places) >= min(PLACES, big.splits)
    least = PLACES * LEAST_BYTES / big.size
    assert sum(place.size for place in big.places) / big.size == pytest.approx(max(share, least), rel=0.3)
    assert max(place.split.start for place in big.places) >= (1 - 2 / PLACES) * big.size


def test_a_place_of_plain_lines_has_the_bytes_of_the_lines_that_begin_in_it(tmp_path: Path) -> None:
    chance = Random(1)
    lines = [f'{{"text": "{"x" * chance.choice((1, 500, 5_000))}"}}\n' for _ in range(300)]
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines" / "x.jsonl").write_text("".join(lines))
    wanted = {**manifest(tmp_path), "mix": None, "sources": {"lines": lines_source(tmp_path / "lines")}}
    loaded = load_manifest(written(wanted, tmp_path / "out"))
    _, whole = strata_of(loaded, Wanted(share=1.0))
    assert sum(place.size for place in whole["lines"].places) == sum(map(len, lines)) == whole["lines"].size
    starts = [sum(map(len, lines[:at])) for at in range(len(lines))]
    _, tenth = strata_of(loaded, Wanted(share=0.1))
    for place in tenth["lines"].places:
        begun = [at for at, start in enumerate(starts) if place.split.start <= start < place.split.end]
        assert place.size == sum(len(lines[at]) for at in begun)
        assert place.split.end - place.split.start <= max(LEAST_BYTES, whole["lines"].size / 10 / PLACES)
