"""Routes: what every pass does, for which source, on which text."""

from pathlib import Path
from typing import Any

import pytest

from pipelines import catalog
from pipelines.engine.route import SOURCE_TEXT, Pass, route_of
from pipelines.errors import RequestError
from pipelines.manifest import Manifest, load_manifest
from pipelines.where import Where
from tests.helpers import lines_source, write_lines, written
from tests.stages import CutSecondLines

TRAINED = {"train": {"vocab_size": 300}}
PROSE = {"stop_words": ["prose"]}


def load(folder: Path, stages: list[Any], **rest: object) -> Manifest:
    """Load a manifest with the sources `a` and `b`."""
    for name in "ab":
        write_lines(folder / name / "x.jsonl", [{"text": "one"}])
    sources = {name: lines_source(folder / name) for name in "ab"}
    return load_manifest(written({"name": "n", "sources": sources, "stages": stages, **rest}, folder / "out"))


def steps_of(work: Pass) -> list[tuple[str, str]]:
    return [(step.kind, step.label) for step in work.steps]


def mix(**pools: Any) -> dict[str, Any]:  # noqa: ANN401 - a piece of a manifest
    weights = {name: 1 / len(pools) for name in pools} if pools else {"a": 1.0}
    return {"pools": pools, "phases": [{"name": "p", "tokens": 10, "weights": weights}], "sequence_length": 8}


def test_adjacent_map_stages_share_one_pass(tmp_path: Path) -> None:
    (work,) = route_of(load(tmp_path, ["gopher_quality", {"where": "chars > 3"}, "normalize"]), "a")
    assert steps_of(work) == [
        ("measure", "gopher_quality"),
        ("judge", "gopher_quality"),
        ("judge", "where"),
        ("edit", "normalize"),
    ]
    assert work.exchange is None


def test_an_exchange_ends_a_pass_and_measures_its_keys_last(tmp_path: Path) -> None:
    first, second, third = route_of(load(tmp_path, ["normalize", "dedup_exact", {"dedup_exact": {"by": "url"}}]), "a")
    assert steps_of(first) == [("edit", "normalize"), ("measure", "dedup_exact")]
    assert steps_of(second) == [("measure", "dedup_exact")]
    assert steps_of(third) == []
    assert (first.ending.rule, second.ending.rule, third.exchange) == ("same_content", "same_url", None)
    with pytest.raises(ValueError, match="no exchange"):
        _ = third.ending


def test_a_step_behind_an_editor_sees_another_text(tmp_path: Path) -> None:
    (work,) = route_of(load(tmp_path, ["gopher_quality", "normalize", "gopher_quality"]), "a")
    before, after = work.measures
    assert (before.text, before.suffix, after.suffix) == (SOURCE_TEXT, "", "@normalize")
    assert after.text == work.text != before.text
    assert before.signals_key != after.signals_key


def test_editors_in_another_order_make_another_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.STAGES, "again", catalog.STAGES["normalize"])
    texts = [
        route_of(load(tmp_path, stages), "a")[-1].text
        for stages in (["normalize"], ["again"], ["normalize", "again"], ["again", "normalize"])
    ]
    assert len(set(texts)) == 4


def test_a_condition_measures_what_no_stage_has_measured(tmp_path: Path) -> None:
    (work,) = route_of(load(tmp_path, [{"where": "word_count > 3"}, "gopher_quality"]), "a")
    assert steps_of(work) == [("measure", "gopher_quality"), ("judge", "where"), ("judge", "gopher_quality")]


def test_a_condition_takes_the_numbers_at_hand(tmp_path: Path) -> None:
    stages = [{"gopher_quality": PROSE}, {"where": "stop_word_count > 0"}]
    (work,) = route_of(load(tmp_path, stages), "a")
    assert [step.stage.model_dump()["stop_words"] for step in work.measures] == [("prose",)]


def test_a_condition_behind_an_editor_measures_the_new_text_by_either_name(tmp_path: Path) -> None:
    for name in ("word_count", "word_count@normalize"):
        (work,) = route_of(load(tmp_path, ["gopher_quality", "normalize", {"where": f"{name} > 3"}]), "a")
        assert [step.suffix for step in work.measures] == ["", "@normalize"]


def test_a_condition_on_metadata_measures_nothing(tmp_path: Path) -> None:
    (work,) = route_of(load(tmp_path, [{"where": "url is null or chars > 9 or source == 'a'"}]), "a")
    assert work.measures == ()


def test_numbers_of_an_earlier_text_cannot_be_asked_for(tmp_path: Path) -> None:
    manifest = load(tmp_path, ["normalize", {"where": "word_count > 0"}])
    editor, where = manifest.stages
    gone = where.model_copy(update={"stage": Where(expression="word_count@normalize > 0")})
    with pytest.raises(RequestError, match="no longer at hand"):
        route_of(manifest.model_copy(update={"stages": (editor, editor, gone)}), "a")


def test_behind_an_exchange_the_same_number_has_the_same_key(tmp_path: Path) -> None:
    stages = ["gopher_quality", "dedup_exact", {"where": "word_count > 3"}]
    first, second = route_of(load(tmp_path, stages), "a")
    assert second.measures[0].signals_key == first.measures[0].signals_key


def test_a_condition_in_a_later_pass_measures_as_the_stage_before_did(tmp_path: Path) -> None:
    stages = [{"gopher_quality": PROSE}, "dedup_exact", {"where": "stop_word_count > 0"}]
    first, second = route_of(load(tmp_path, stages), "a")
    assert second.measures[0].signals_key == first.measures[0].signals_key


def test_a_condition_on_a_later_text_measures_it_as_the_stage_before_did(tmp_path: Path) -> None:
    stages = [{"gopher_quality": PROSE}, "normalize", {"where": "stop_word_count > 0"}]
    (work,) = route_of(load(tmp_path, stages), "a")
    assert [step.stage.model_dump()["stop_words"] for step in work.measures] == [("prose",), ("prose",)]
    assert [step.suffix for step in work.measures] == ["", "@normalize"]


def test_thresholds_are_no_part_of_what_a_number_is_called(tmp_path: Path) -> None:
    options: list[dict[str, Any]] = [{}, {"min_word_count": 1}, PROSE]
    keys, identities = [], []
    for each in options:
        (work,) = route_of(load(tmp_path, [{"gopher_quality": each}]), "a")
        keys.append(work.measures[0].signals_key)
        identities.append(work.steps[1].identity)
    assert keys[0] == keys[1] != keys[2]
    assert identities[0] != identities[1] != identities[2]


def test_a_new_version_of_a_stage_measures_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = load(tmp_path, ["gopher_quality"])
    old = route_of(manifest, "a")[0].steps[0]
    before = (old.signals_key, old.identity)
    monkeypatch.setattr(catalog.STAGES["gopher_quality"], "version", 99)
    new = route_of(manifest, "a")[0].steps[0]
    assert before[0] != new.signals_key
    assert before[1] != new.identity


def test_a_stage_that_returns_is_judged_by_its_own_numbers_and_measured_once(tmp_path: Path) -> None:
    (work,) = route_of(load(tmp_path, ["gopher_quality", {"gopher_quality": PROSE}, "gopher_quality"]), "a")
    assert [kind for kind, _ in steps_of(work)] == ["measure", "judge"] * 3
    assert work.steps[0] == work.steps[4] != work.steps[2]
    assert work.measures == (work.steps[0], work.steps[2])
    (twice,) = route_of(load(tmp_path, ["gopher_quality", {"gopher_quality": {"min_word_count": 60}}]), "a")
    assert [kind for kind, _ in steps_of(twice)] == ["measure", "judge", "judge"]


def test_a_source_that_a_stage_is_not_on_has_as_many_passes_and_no_steps(tmp_path: Path) -> None:
    manifest = load(tmp_path, [{"normalize": {"on": ["a"]}}, {"dedup_exact": {"on": ["a"]}}, "dedup_exact"])
    ours, others = route_of(manifest, "a"), route_of(manifest, "b")
    assert len(ours) == len(others) == 3
    assert others[0] == Pass()
    assert others[1].text == SOURCE_TEXT != ours[1].text
    assert others[1].exchange == ours[1].exchange


def test_a_tokenizer_file_tokenizes_in_the_last_pass(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    manifest = load(tmp_path, ["dedup_exact", "normalize"], tokenizer={"json": str(tmp_path / "tokenizer.json")})
    first, last = route_of(manifest, "a")
    assert (first.tokenize, last.tokenize, bool(last.fits)) == (False, True, False)
    assert steps_of(last) == [("edit", "normalize")]


def test_a_tokenizer_is_trained_behind_the_last_stage(tmp_path: Path) -> None:
    first, last = route_of(load(tmp_path, ["normalize"], tokenizer=TRAINED), "a")
    assert (bool(first.fits), first.tokenize, bool(last.fits), last.tokenize) == (True, False, False, True)
    assert last.text == first.text != SOURCE_TEXT


def test_training_right_behind_an_exchange_costs_no_pass_of_its_own(tmp_path: Path) -> None:
    first, last = route_of(load(tmp_path, ["dedup_exact"], tokenizer=TRAINED, mix=mix()), "a")
    assert (first.exchange is not None, bool(first.fits), last.tokenize) == (True, True, True)


def test_every_source_has_the_same_passes_where_one_has_more_to_do(tmp_path: Path) -> None:
    pool = {"sources": ["b"], "where": "word_count > 3"}
    for extra in ({"stages": ["dedup_exact", {"normalize": {"on": ["b"]}}]}, {"stages": ["dedup_exact"]}):
        manifest = load(tmp_path, extra["stages"], tokenizer=TRAINED, mix=mix(a0=pool))
        ours, others = route_of(manifest, "a"), route_of(manifest, "b")
        assert [(bool(work.fits), work.tokenize) for work in ours] == [(False, False), (True, False), (False, True)]
        assert [(bool(work.fits), work.tokenize) for work in others] == [
            (bool(work.fits), work.tokenize) for work in ours
        ]
        assert ours[1].measures == ()
        assert len(others[1].measures) == 1


def test_without_a_tokenizer_nothing_is_tokenized(tmp_path: Path) -> None:
    assert [work.tokenize or bool(work.fits) for work in route_of(load(tmp_path, ["dedup_exact"]), "a")] == [
        False,
        False,
    ]
    assert route_of(load(tmp_path, []), "a") == (Pass(),)


def test_what_may_be_lost_does_not_change_what_an_exchange_does(tmp_path: Path) -> None:
    identities = [
        route_of(load(tmp_path, [{"dedup_exact": options}]), "a")[0].exchange_identity
        for options in ({}, {"max_loss": 1}, {"prefer": "longest"})
    ]
    assert identities[0] == identities[1] != identities[2]


def test_an_exchange_that_cuts_begins_a_text_for_those_that_take_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(catalog.STAGES, "cut_second_lines", CutSecondLines)
    manifest = load(tmp_path, [{"cut_second_lines": {"on": ["a"]}}, "gopher_quality"])
    first, second = route_of(manifest, "a")
    assert (first.cuts, first.text) == (True, SOURCE_TEXT)
    assert (second.text != SOURCE_TEXT, second.suffix) == (True, "@cut_second_lines")
    assert (route_of(manifest, "b")[1].text, route_of(manifest, "b")[1].suffix) == (SOURCE_TEXT, "")


def test_what_was_cut_is_part_of_every_later_text(tmp_path: Path) -> None:
    (work,) = route_of(load(tmp_path, ["gopher_quality", "normalize", "gopher_quality"]), "a")
    assert work.behind("") is work
    one, other = work.behind("one"), work.behind("other")
    assert steps_of(one) == steps_of(work)
    keys = [[step.signals_key for step in each.measures] for each in (work, one, other)]
    assert len({key for each in keys for key in each}) == 6
    assert len({work.text, one.text, other.text}) == 3


def test_thresholds_count_only_where_a_step_judges(tmp_path: Path) -> None:
    passes = [route_of(load(tmp_path, [{"gopher_quality": {"min_word_count": least}}]), "a")[0] for least in (1, 2)]
    same = [one.identity == other.identity for one, other in zip(passes[0].steps, passes[1].steps, strict=True)]
    assert [step.kind for step in passes[0].steps] == ["measure", "judge"]
    assert same == [True, False]
