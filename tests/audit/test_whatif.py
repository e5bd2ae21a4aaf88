"""What a what-if calls exact is what a new build keeps; what it cannot know it says."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.audit.opened import Opened, open_folder
from pipelines.audit.whatif import Answer, what_if
from pipelines.errors import RequestError
from tests.audit.conftest import manifest
from tests.helpers import CORPUS, build_here, lines_source, verdicts, write_lines

Stages = list[dict[str, Any]]
KEPT = {"used", "unused"}

WORDS = [
    "the",
    "be",
    "to",
    "of",
    "and",
    "that",
    "have",
    "with",
    "mill",
    "grain",
    "stone",
    "1234",
    "77",
    "#",
    "...",
    "-",
    "water",
]

THRESHOLDS: dict[str, tuple[float | None, ...]] = {
    "min_word_count": (None, 0, 5, 20, 50),
    "max_mean_word_length": (None, 3.0, 3.2, 4.0),
    "max_frac_bullet_lines": (None, 0, 0.1, 0.2),
    "max_frac_ellipsis_lines": (None, 0.0, 0.2, 0.5),
    "min_frac_words_with_alpha": (None, 0.5, 0.8, 0.9),
    "min_stop_word_count": (0, 2, 5),
}

EXPRESSIONS = (
    "chars > 50",
    "chars between 20 and 300",
    "word_count > 12",
    "word_count > 5 and mean_word_length < 3.4",
    "not (word_count < 10) or chars < 30",
    "word_count is null or word_count > 3",
)


def text_of(chance: random.Random) -> str:
    lines = [" ".join(chance.choices(WORDS, k=chance.randint(0, 12))) for _ in range(chance.randint(0, 12))]
    marked = [chance.choice(["- ", "", ""]) + line + chance.choice(["...", "", ""]) for line in lines]
    return chance.choice(["\n", "\r\n"]).join(marked)


def write_corpus(folder: Path, chance: random.Random) -> dict[str, Any]:
    """Write two sources with copies within and across; return their entries in a manifest."""
    texts = [text_of(chance) for _ in range(80)]
    texts += chance.choices(texts, k=30)
    chance.shuffle(texts)
    for name, part in (("a/1", texts[:40]), ("a/2", texts[40:65]), ("b/1", texts[65:])):
        write_lines(folder / f"{name}.jsonl", [{"text": text} for text in part])
    return {name: lines_source(folder / name) for name in ("a", "b")}


def some_stage(chance: random.Random) -> dict[str, Any]:
    on = chance.choice([{}, {}, {"on": ["a"]}, {"on": ["b"]}])
    match chance.choice(["quality", "quality", "where", "where", "normalize", "dedup", "dedup", "share"]):
        case "quality":
            return {"gopher_quality": {name: chance.choice(values) for name, values in THRESHOLDS.items()} | on}
        case "where":
            return {"where": {"expression": chance.choice(EXPRESSIONS), **on}}
        case "share":
            signal = chance.choice(["word_count", "chars", "mean_word_length"])
            return {"top_share": {"signal": signal, "share": chance.choice([0.3, 0.8]), **on}}
        case "dedup":
            return {"dedup_exact": {"max_loss": 1.0, "exempt": chance.choice([[], [], ["b"]])}}
        case _:
            return {"normalize": {}}


def change(stages: Stages, chance: random.Random) -> list[str]:
    """Change one or two stages; return the same as settings."""
    judging = [at for at, stage in enumerate(stages) if {"gopher_quality", "where", "top_share"} & stage.keys()]
    return [_change(stages[at], at, chance) for at in chance.sample(judging, min(len(judging), chance.randint(1, 2)))]


def _change(stage: dict[str, Any], at: int, chance: random.Random) -> str:
    ((name, options),) = stage.items()
    choices: dict[str, tuple[Any, ...]] = {
        "gopher_quality": tuple(THRESHOLDS),
        "where": ("expression",),
        "top_share": ("share",),
    }
    option = chance.choice(choices[name])
    values = {**THRESHOLDS, "expression": EXPRESSIONS, "share": (0.2, 0.5, 0.9)}
    options[option] = chance.choice(values[option])
    return f"stages.{at}.{name}.{option}={'null' if options[option] is None else options[option]}"


def kept(out: Path) -> Counter[str]:
    """Return the documents that a build kept, by source."""
    table = verdicts(out)
    pairs = zip(table["source"].to_pylist(), table["fate"].to_pylist(), strict=True)
    return Counter(source for source, fate in pairs if fate in KEPT)


def falls(out: Path) -> Counter[tuple[str, str]]:
    """Return the documents that fell in a build, by stage and rule."""
    rows = verdicts(out).select(["fate", "stage", "rule"]).to_pylist()
    return Counter((row["stage"], row["rule"]) for row in rows if row["fate"] in {"dropped", "duplicate"})


def told_falls(answer: Answer, when: str) -> Counter[tuple[str, str]]:
    told: Counter[tuple[str, str]] = Counter()
    for rule in answer.rules:
        told[rule.stage.partition("#")[0], rule.rule] += getattr(rule, when)
    return +told


def told_kept(answer: Answer, when: str) -> Counter[str]:
    return Counter({each.source: getattr(each, when) for each in answer.sources if getattr(each, when)})


@pytest.mark.parametrize("seed", range(12))
def test_what_is_called_exact_is_what_a_new_build_keeps(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    sources = write_corpus(tmp_path, chance)
    stages = [{"gopher_quality": {"min_word_count": 5}}, *(some_stage(chance) for _ in range(chance.randint(0, 4)))]
    chance.shuffle(stages)
    whole = {"name": "n", "split_bytes": 4000, "sources": sources, "stages": stages}
    build_here(whole, tmp_path / "out")
    before, before_falls = kept(tmp_path / "out"), falls(tmp_path / "out")
    settings = change(stages, chance)
    answer = what_if(open_folder(tmp_path / "out"), settings)
    build_here(whole, tmp_path / "fresh")
    assert told_kept(answer, "kept_before") == before
    assert told_falls(answer, "before") == before_falls
    after = kept(tmp_path / "fresh")
    if answer.exact:
        assert told_kept(answer, "kept_after") == after
        assert told_falls(answer, "after") == falls(tmp_path / "fresh")
    else:
        assert all(told_kept(answer, "kept_after")[source] >= count for source, count in after.items())
        assert answer.open


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a build of real web pages by Gopher's rules, in one pass."""
    if not CORPUS.exists():
        pytest.skip("the real corpus is not here")
    folder = tmp_path_factory.mktemp("pages")
    build_here(real_manifest({}), folder / "out")
    return folder


def real_manifest(options: dict[str, Any]) -> dict[str, Any]:
    paths = sorted((CORPUS / "refinedweb").rglob("*.parquet"))[:1]
    sources = {"web": {"format": "refinedweb", "path": str(paths[0])}}
    return {"name": "real", "sources": sources, "stages": [{"gopher_quality": options}, {"where": "chars < 30000"}]}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("min_word_count", 200),
        ("min_word_count", 0),
        ("max_mean_word_length", 4.5),
        ("min_frac_words_with_alpha", None),
        ("max_frac_ellipsis_lines", 0.0),
    ],
)
def test_a_threshold_on_real_pages_is_answered_exactly(
    pages: Path, tmp_path: Path, option: str, value: float | None
) -> None:
    written = "null" if value is None else value
    answer = what_if(open_folder(pages / "out"), [f"gopher_quality.{option}={written}"])
    build_here(real_manifest({option: value}), tmp_path / "out")
    assert answer.exact
    assert told_kept(answer, "kept_after") == kept(tmp_path / "out")
    assert told_falls(answer, "after") == falls(tmp_path / "out")


def test_tokens_lost_are_counted_and_tokens_gained_are_estimated(built: Opened) -> None:
    rows = verdicts(Path(built.storage.url)).to_pylist()
    signals = {"kept-7": 46}
    lost = what_if(built, ["gopher_quality#1.min_word_count=60"], samples=100)
    (main,) = (each for each in lost.sources if each.source == "main")
    ids = {each.id for each in lost.lost}
    assert signals.keys() <= ids
    assert main.lost == len(ids)
    assert main.tokens_lost == sum(row["tokens"] for row in rows if row["id"] in ids)
    gained = what_if(built, ["where=chars < 2000"])
    (main,) = (each for each in gained.sources if each.source == "main")
    mine = [row for row in rows if row["source"] == "main" and row["fate"] in KEPT]
    per_char = sum(row["tokens"] for row in mine) / sum(row["chars_out"] for row in mine)
    assert (main.gained, main.tokens_gained) == (1, round(1133 * per_char))


def test_samples_say_by_which_number_a_document_changes_sides(built: Opened) -> None:
    answer = what_if(built, ["gopher_quality#1.min_word_count=60"], samples=2)
    assert len(answer.lost) == 2
    assert not answer.gained
    for each in answer.lost:
        assert (each.stage, each.rule, each.value) == ("gopher_quality#1", "min_word_count", 46)
        assert each.words == "word_count is 46, at least 60 is asked"
        assert each.text is not None
        assert each.text.startswith("Number ")
    (gained,) = what_if(built, ["where=chars < 2000"]).gained
    assert (gained.id, gained.rule, gained.value) == ("middling", "chars < 1000", 1133)


def test_a_source_that_is_gone_only_costs_the_texts_of_the_samples(built: Opened, corpus: Path) -> None:
    file = corpus / "main" / "one.jsonl"
    hidden = file.rename(file.with_suffix(".hidden"))
    answer = what_if(built, ["gopher_quality#1.min_word_count=60"], samples=100)
    hidden.rename(file)
    texts = {each.text for each in answer.lost if "one.jsonl" in each.place}
    assert texts == {None}
    assert all(each.text for each in answer.lost if "two.jsonl" in each.place)


def test_only_the_source_that_is_asked_for_is_told_of(built: Opened) -> None:
    answer = what_if(built, ["gopher_quality#1.min_word_count=60"], source="half")
    assert [(each.source, each.lost) for each in answer.sources] == [("half", 0)]
    assert not answer.lost
    with pytest.raises(RequestError, match="did you mean 'main'"):
        what_if(built, ["gopher_quality#1.min_word_count=60"], source="mian")


def test_newcomers_to_an_exchange_are_counted_as_kept_and_called_open(built: Opened) -> None:
    answer = what_if(built, ["gopher_quality#1.min_word_count=0", "gopher_quality#1.min_stop_word_count=0"])
    assert not answer.exact
    (main,) = (each for each in answer.sources if each.source == "main")
    assert (main.kept_after - main.kept_before, main.undecided) == (1, 1)
    assert [(each.stage, each.number, each.documents) for each in answer.open] == [
        ("dedup_exact", "", 1),
        ("where", "chars", 1),
    ]
    assert "may find copies" in answer.open[0].words


def test_a_copy_whose_original_leaves_is_counted_as_kept_and_called_open(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"id": "a", "text": "one two"}, {"id": "d", "text": "far away"}])
    write_lines(tmp_path / "b" / "x.jsonl", [{"id": name, "text": "one two"} for name in "bc"])
    stages = [{"where": {"expression": "chars > 1", "on": ["a"]}}, {"dedup_exact": {"keep": ["a"], "max_loss": 1.0}}]
    sources = {name: lines_source(tmp_path / name) for name in "ab"}
    build_here({"name": "n", "sources": sources, "stages": stages}, tmp_path / "out")
    answer = what_if(open_folder(tmp_path / "out"), ["where=chars > 100"])
    assert {each.source: (each.kept_before, each.kept_after) for each in answer.sources} == {"a": (2, 0), "b": (0, 1)}
    (gap,) = answer.open
    assert gap.words == "dedup_exact dropped 1 document as copies of one that would leave; one of each group would stay"


def test_a_number_that_was_never_measured_leaves_all_open_that_hang_on_it(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "one two"}, {"text": "one two three"}, {"text": "x" * 99}])
    sources = {"a": lines_source(tmp_path / "a")}
    build_here({"name": "n", "sources": sources, "stages": [{"where": "chars < 50"}]}, tmp_path / "out")
    opened = open_folder(tmp_path / "out")
    answer = what_if(opened, ["where=word_count > 2 and chars < 50"])
    assert [(each.kept_after, each.undecided) for each in answer.sources] == [(2, 2)]
    assert [(each.number, each.documents) for each in answer.open] == [("word_count", 2)]
    assert what_if(opened, ["where=word_count > 2 or chars < 100"]).exact


def test_numbers_of_earlier_builds_in_the_folder_count(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "one two"}, {"text": "one two three"}])
    whole: dict[str, Any] = {"name": "n", "sources": {"a": lines_source(tmp_path / "a")}}
    build_here({**whole, "stages": [{"where": "word_count > 0"}]}, tmp_path / "out")
    build_here({**whole, "stages": [{"where": "chars > 0"}]}, tmp_path / "out")
    answer = what_if(open_folder(tmp_path / "out"), ["where=word_count > 2"])
    assert answer.exact
    assert [each.kept_after for each in answer.sources] == [1]


def shares(folder: Path, stages: list[Any]) -> Path:
    """Build documents of 1 to 20 words."""
    write_lines(folder / "a" / "x.jsonl", [{"id": f"d{n}", "text": "word " * n} for n in range(1, 21)])
    whole = {"name": "n", "sources": {"a": lines_source(folder / "a")}, "stages": stages}
    build_here(whole, folder / "out")
    return folder / "out"


def test_a_bound_that_follows_from_all_documents_is_found_again(tmp_path: Path) -> None:
    stages = [{"where": "word_count > 10"}, {"top_share": {"signal": "word_count", "share": 0.5}}]
    opened = open_folder(shares(tmp_path, stages))
    (kept_,) = what_if(opened, ["where=word_count > 10"]).sources
    assert (kept_.kept_before, kept_.kept_after) == (5, 5)
    answer = what_if(opened, ["where=word_count > 0"])
    assert answer.exact
    assert [(each.kept_after, each.gained, each.lost) for each in answer.sources] == [(10, 5, 0)]
    answer = what_if(opened, ["top_share.share=0.2"], samples=20)
    assert answer.exact
    assert {each.id for each in answer.lost} == {"d16", "d17", "d18"}
    assert {each.words for each in answer.lost} == {f"word_count is {number}" for number in (16, 17, 18)}


def test_a_bound_that_hangs_on_numbers_never_measured_is_an_estimate(tmp_path: Path) -> None:
    stages = [{"where": "chars > 50"}, "normalize", {"top_share": {"signal": "word_count", "share": 0.5}}]
    answer = what_if(open_folder(shares(tmp_path, stages)), ["where=chars > 0"])
    assert not answer.exact
    assert ("top_share", "word_count") in {(each.stage, each.number) for each in answer.open}
    assert any(each.words.startswith("top_share works with what is fitted") for each in answer.open)


def test_a_build_with_a_stage_that_judges_and_edits_is_asked(tmp_path: Path) -> None:
    texts = ["This is a sentence that ends. " * n + "\nno end\n" for n in range(1, 9)]
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": text} for text in texts])
    whole: dict[str, Any] = {"name": "n", "sources": {"a": lines_source(tmp_path / "a")}, "stages": ["c4_quality"]}
    build_here(whole, tmp_path / "out")
    answer = what_if(open_folder(tmp_path / "out"), ["c4_quality.min_num_sentences=3"])
    build_here({**whole, "stages": [{"c4_quality": {"min_num_sentences": 3}}]}, tmp_path / "fresh")
    assert answer.exact
    assert told_kept(answer, "kept_after") == kept(tmp_path / "fresh") != kept(tmp_path / "out")


def test_what_would_change_besides_is_said(built: Opened) -> None:
    assert any("tokenizer" in each for each in what_if(built, ["gopher_quality#1.min_word_count=60"]).remarks)
    assert not what_if(built, ["gopher_quality#1.min_word_count=10"]).remarks


def refused() -> Iterator[tuple[str, str]]:
    """Yield settings, and words of their refusals."""
    yield "min_word_count", "write --set stage.option=value"
    yield "=3", "write --set stage.option=value"
    yield (
        "gopher_quality.min_word_count=3",
        r"2 stages.*write gopher_quality#1 \(on main\) or gopher_quality#2 \(on half",
    )
    yield "gopher_quality#3.min_word_count=3", "no stage 'gopher_quality#3'; did you mean 'gopher_quality#"
    yield "gopher_quality#1.min_words=3", "no such option; did you mean 'min_word_count'"
    yield "gopher_quality#1=3", "name one of its options; known: max_"
    yield "gopher_quality#1.stop_words=[a]", "changes what is measured.*build again into"
    yield "gopher_quality#1.on=[half]", "which documents a stage sees"
    yield "gopher_quality#1.min_word_count=many", "write a whole number"
    yield "gopher_quality#1.min_word_count=-1", "write a number of at least 0"
    yield "normalize.x=1", "no such option"
    yield "dedup_exact.max_loss=0.5", "compares documents"
    yield "where=chars <", "expected a column"
    yield "where=charz < 3", "no column 'charz'.*did you mean 'chars'"
    yield "stages.9.where=chars < 3", "did you mean 'stages.4.where'"
    yield "stages.x=chars < 3", "known: stages.0.gopher_quality"


@pytest.mark.parametrize(("setting", "words"), list(refused()))
def test_what_cannot_be_answered_is_refused_with_what_to_do(built: Opened, setting: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        what_if(built, [setting])


def test_a_setting_is_required(built: Opened) -> None:
    with pytest.raises(RequestError, match="name at least one change"):
        what_if(built, [])


def test_what_the_build_no_longer_has_is_refused(building: Callable[[dict[str, Any]], Opened], corpus: Path) -> None:
    opened = building(manifest(corpus, stages=[{"where": "chars > 0"}], tokenizer=None, mix=None))
    for file in Path(opened.storage.url, "work", "deltas").rglob("*.parquet"):
        file.unlink()
    with pytest.raises(RequestError, match=r"is gone.*build again"):
        what_if(opened, ["where=chars > 9"])


def test_nothing_is_written(built: Opened) -> None:
    files = {path: path.stat().st_mtime_ns for path in Path(built.storage.url).rglob("*")}
    what_if(built, ["gopher_quality#1.min_word_count=60"])
    assert {path: path.stat().st_mtime_ns for path in Path(built.storage.url).rglob("*")} == files
