"""What a valid manifest means once it is loaded."""

import json
import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.gopher import GopherQuality
from filters.normalize import Normalize
from pipelines.amounts import parse_bytes, parse_count
from pipelines.engine.keys import key_of
from pipelines.errors import ManifestError
from pipelines.expressions import parse
from pipelines.manifest import Manifest, Pool, load_manifest
from pipelines.where import Where
from pipelines.yaml_keys import parse_document
from tests.manifest_samples import GONE, SAMPLE, changed, way_to, write_files, write_manifest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(folder: Path, *overrides: str, tree: Any = SAMPLE) -> Manifest:  # noqa: ANN401 - any YAML
    return load_manifest(write_manifest(folder, tree), overrides)


# --- names, pools, phases


def test_a_name_stands_for_its_source_and_a_tag_for_all_that_have_it(folder: Path) -> None:
    manifest = loaded(folder)
    assert manifest.sources_of("books") == ("books",)
    assert manifest.sources_of("prose") == ("dolma", "web")


def test_pools_are_those_declared_and_the_sources_drawn_from_in_order_of_name(folder: Path) -> None:
    long = parse("word_count@normalize > 1000")
    assert loaded(folder).pools == (
        Pool("all_late", ("dolma",)),
        Pool("books", ("books",)),
        Pool("holdout", ("dolma", "pile")),
        Pool("long", ("books", "dolma", "web"), long),
        Pool("pile", ("pile",)),
        Pool("web", ("web",)),
    )


MAIN = SAMPLE["mix"]["phases"][0]


def test_a_group_draws_from_its_members_and_from_those_of_the_groups_in_it(folder: Path) -> None:
    weights = {"by_weight": 0.9, "long": 0.1}
    manifest = loaded(folder, tree=changed(SAMPLE, way_to("mix.phases"), [{**MAIN, "weights": weights}]))
    assert manifest.mix is not None
    assert manifest.mix.pools_of(manifest.phases[0]) == ["books", "pile", "web", "long"]
    assert [pool.name for pool in manifest.pools] == ["all_late", "books", "holdout", "long", "pile", "web"]


def test_what_is_held_out_is_said_by_source_by_tag_or_for_all(folder: Path) -> None:
    manifest = loaded(folder)
    assert [manifest.holdout_of(name) for name in ("books", "dolma", "pile", "web")] == [0, 0.02, 0.01, 0]
    everywhere = loaded(folder, tree=changed(SAMPLE, way_to("mix.holdout"), 0.25))
    assert [everywhere.holdout_of(name) for name in everywhere.sources] == [0.25] * 4
    both = changed(SAMPLE, way_to("mix.holdout"), {"prose": 0.5, "web": 0.1})
    assert [loaded(folder, tree=both).holdout_of(name) for name in ("dolma", "web")] == [0.5, 0.1]
    assert loaded(folder, tree=changed(SAMPLE, way_to("mix.holdout"), GONE)).holdout_of("pile") == 0


def test_phases_have_whole_tokens_and_weights_that_sum_to_one(folder: Path) -> None:
    main, anneal = loaded(folder).phases
    assert (main.name, main.tokens, main.start, main.short) == ("main", 8_000_000, "continue", "error")
    assert main.weights == {"long": 0.1, "pile": 0.2, "web": 0.7}
    assert (anneal.name, anneal.tokens, anneal.short) == ("anneal", 1_500_000, "scale")
    assert anneal.weights == {"books": 2 / 3, "long": 1 / 3}


def test_weights_that_sum_to_one_but_for_rounding_are_taken(folder: Path) -> None:
    tree = changed(SAMPLE, way_to("mix.phases.0.weights"), {"web": 0.1 + 1e-10, "pile": 0.2, "long": 0.7})
    assert loaded(folder, tree=tree).phases[0].weights["web"] == 0.1 + 1e-10


@pytest.mark.parametrize(
    ("limits", "books", "pile"), [({"books": 4, "long": 1.5}, 4.0, 1.0), (2.5, 2.5, 2.5), (255, 255.0, 255.0)]
)
def test_epochs_are_one_number_for_all_or_one_by_pool(folder: Path, limits: object, books: float, pile: float) -> None:
    manifest = loaded(folder, tree=changed(SAMPLE, way_to("mix.max_epochs"), limits))
    assert (manifest.max_epochs_of("books"), manifest.max_epochs_of("pile")) == (books, pile)


def test_a_pool_is_read_once_where_nothing_is_said(folder: Path) -> None:
    assert loaded(folder, tree=changed(SAMPLE, way_to("mix.max_epochs"), GONE)).max_epochs_of("books") == 1.0


def test_without_a_mix_there_are_no_pools_and_no_phases(folder: Path) -> None:
    manifest = loaded(folder, "mix=null", "tokenizer=null")
    assert (manifest.pools, manifest.phases, manifest.max_epochs_of("web")) == ((), (), 1.0)


def test_a_manifest_needs_no_more_than_a_name_and_a_source(folder: Path) -> None:
    tree = {"name": "least", "sources": {"books": {"format": "text", "path": "data/books.jsonl"}}}
    manifest = loaded(folder, tree=tree)
    assert (manifest.seed, manifest.split_bytes, manifest.stages, manifest.tokenizer) == (0, 128_000_000, (), None)


# --- stages


def test_stages_are_in_order_with_their_options(folder: Path) -> None:
    stages = loaded(folder).stages
    assert [entry.name for entry in stages] == ["gopher_quality", "where", "normalize", "where", "dedup_exact"]
    assert stages[0].on == ("prose",)
    assert stages[0].stage == GopherQuality(min_word_count=20)
    assert stages[1].stage == Where(expression="word_count >= 5 and chars < 100_000")
    assert (stages[2].on, stages[2].stage) == (None, Normalize())


def test_a_stage_may_be_a_bare_name_or_have_no_options(folder: Path) -> None:
    forms: list[object] = ["normalize", {"normalize": None}, {"normalize": {}}]
    for written in forms:
        entry = loaded(folder, tree=changed(SAMPLE, way_to("stages.2"), written)).stages[2]
        assert (entry.name, entry.stage) == ("normalize", Normalize())


def test_a_stage_applies_to_the_sources_and_tags_it_names(folder: Path) -> None:
    manifest = loaded(folder)
    gopher, where = manifest.stages[:2]
    assert [name for name in sorted(manifest.sources) if manifest.applies(gopher, name)] == ["dolma", "web"]
    assert all(manifest.applies(where, name) for name in manifest.sources)


def test_a_stage_for_some_sources_may_name_fields_that_only_these_declare(folder: Path) -> None:
    tree = changed(SAMPLE, way_to("stages.3.where.on"), ["web"])
    with pytest.raises(ManifestError, match="source 'web' has no column"):
        loaded(folder, tree=tree)


def test_an_editor_for_other_sources_does_not_change_the_names_of_signals(folder: Path) -> None:
    tree = changed(SAMPLE, way_to("stages.2"), {"normalize": {"on": ["pile"]}})
    with pytest.raises(ManifestError, match="another text than the one here, which is as the source gives it"):
        loaded(folder, tree=tree)
    pool = {"sources": ["pile"], "where": "word_count@normalize > 1000"}
    assert loaded(folder, tree=changed(tree, way_to("mix.pools.long"), pool)).pools


# --- the tokenizer


@pytest.mark.parametrize(
    ("written", "kind", "path"),
    [
        ("data/tokenizer.json", "file", "data/tokenizer.json"),
        ({"file": "data/tokenizer.json"}, "file", "data/tokenizer.json"),
        ({"json": "data/tokenizer.json", "bos": False}, "json", "data/tokenizer.json"),
        ({"sentencepiece": "data/books.jsonl"}, "sentencepiece", "data/books.jsonl"),
        ({"tiktoken": "data/books.jsonl", "pattern": "llama3"}, "tiktoken", "data/books.jsonl"),
        ({"tiktoken": "data/books.jsonl", "pattern": r"\p{L}+|\s", "special_tokens": {"<s>": 9}}, "tiktoken", None),
        ({"train": {"vocab_size": "32K"}}, "train", None),
    ],
)
def test_a_tokenizer_is_trained_or_a_file(folder: Path, written: object, kind: str, path: str | None) -> None:
    spec = loaded(folder, tree=changed(SAMPLE, ["tokenizer"], written)).tokenizer
    assert spec is not None
    assert spec.kind == kind
    assert path is None or spec.path == path


def test_training_has_defaults(folder: Path) -> None:
    spec = loaded(folder, "tokenizer={train: {vocab_size: 32K}}").tokenizer
    assert spec is not None
    assert spec.train is not None
    assert (spec.train.vocab_size, spec.train.sample_bytes, spec.train.min_frequency) == (32_000, 64_000_000, 2)
    assert (spec.train.pattern, spec.bos, spec.eos, spec.path) == ("gpt2", None, None, None)


# --- identity


def test_the_canonical_form_is_the_same_in_another_folder(folder: Path) -> None:
    elsewhere = folder / "elsewhere"
    write_files(elsewhere)
    tree = json.loads(json.dumps(SAMPLE).replace("data/", f"{elsewhere}/data/"))
    assert loaded(folder, tree=tree).canonical() == loaded(folder).canonical()
    tokenizer = [
        loaded(folder, f"tokenizer={path}/tokenizer.json").canonical() for path in ("data", f"{elsewhere}/data")
    ]
    assert tokenizer[0] == tokenizer[1]


def test_the_canonical_form_has_no_path_in_it(folder: Path) -> None:
    shown = json.dumps(loaded(folder, "tokenizer=data/tokenizer.json").canonical())
    assert "data/" not in shown
    assert "pile_set_name" in shown


def test_the_canonical_form_can_be_hashed_and_does_not_depend_on_the_order_of_keys(folder: Path) -> None:
    backwards = dict(reversed(SAMPLE.items())) | {"sources": dict(reversed(SAMPLE["sources"].items()))}
    assert key_of(loaded(folder, tree=backwards).canonical()) == key_of(loaded(folder).canonical())


def test_writing_a_default_out_changes_nothing(folder: Path) -> None:
    assert loaded(folder, "mix.phases.0.start=continue").canonical() == loaded(folder).canonical()
    assert loaded(folder, "mix.phases.0.tokens=8_000_000").canonical() == loaded(folder).canonical()


CHANGES = [
    "seed=18",
    "split_bytes=1MB",
    "sources.dolma.sample.fraction=0.6",
    "sources.books.text_field=text",
    "stages.0.gopher_quality.min_word_count=21",
    "stages.0.gopher_quality.on=[web]",
    "stages.1.where=word_count >= 6",
    "tokenizer.train.vocab_size=31999",
    "tokenizer.eos=false",
    "mix.phases.0.weights={web: 0.6, pile: 0.3, long: 0.1}",
    "mix.phases.1.start=restart",
    "mix.max_epochs.books=5",
    "mix.groups.by_size.alpha=0.5",
    "mix.groups.by_weight.of.books=2",
    "mix.holdout.pile=0.02",
    "mix.max_share.late=0.5",
    "mix.pools.all_late.subset_of=dolma",
]


@pytest.mark.parametrize("setting", CHANGES)
def test_whatever_decides_a_byte_is_in_the_canonical_form(folder: Path, setting: str) -> None:
    assert key_of(loaded(folder, setting).canonical()) != key_of(loaded(folder).canonical())


def test_a_manifest_can_be_sent_to_a_task(folder: Path) -> None:
    manifest = loaded(folder)
    copy = pickle.loads(pickle.dumps(manifest))  # noqa: S301 - our own bytes
    assert copy == manifest
    assert (copy.pools, copy.canonical()) == (manifest.pools, manifest.canonical())


def test_a_manifest_cannot_be_changed(folder: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        loaded(folder).seed = 5  # type: ignore[misc]


# --- overrides


def test_a_setting_is_read_as_yaml_and_put_in_its_place(folder: Path) -> None:
    manifest = loaded(folder, "mix.phases.0.tokens=1M", "seed=3", "sources.web.tags=[prose, new]", "name=other")
    assert (manifest.phases[0].tokens, manifest.seed, manifest.name) == (1_000_000, 3, "other")
    assert manifest.sources["web"].tags == ["prose", "new"]


def test_later_settings_see_earlier_ones(folder: Path) -> None:
    manifest = loaded(
        folder, "stages.5=gopher_quality", "stages.5.gopher_quality.on=[web]", "stages.6={where: chars > 3}"
    )
    assert (manifest.stages[5].on, manifest.stages[6].name) == (("web",), "where")


def test_a_setting_can_open_the_options_of_a_bare_stage(folder: Path) -> None:
    assert loaded(folder, "stages.2.normalize.on=[web, dolma, books]").stages[2].on == ("web", "dolma", "books")


def test_names_with_dots_are_found_in_settings(folder: Path) -> None:
    tree = changed(SAMPLE, ["sources", "v1.7"], {"format": "text", "path": "data/books.jsonl"})
    manifest = loaded(folder, "sources.v1.7.tags=[late]", tree=tree)
    assert manifest.sources["v1.7"].tags == ["late"]
    tree = changed(tree, way_to("mix.max_epochs"), {"v1.7": 3})
    assert loaded(folder, "mix.max_epochs.v1.7=2", tree=tree).max_epochs_of("v1.7") == 2.0


def test_a_value_may_hold_equals_signs(folder: Path) -> None:
    assert loaded(folder, "stages.1.where=source == 'web'").stages[1].stage == Where(expression="source == 'web'")


# --- YAML


def test_words_that_older_yaml_takes_for_truth_stay_words(folder: Path) -> None:
    tree = parse_document("on: [no, yes, off, y]\ndate: 2020-01-01\ntime: 12:30:45\nnull_: ~\nt: true", "x").tree
    assert tree == {"on": ["no", "yes", "off", "y"], "date": "2020-01-01", "time": "12:30:45", "null_": None, "t": True}
    assert loaded(folder, "sources.no={format: text, path: data}", "stages.5={normalize: {on: [no]}}").stages[5].on == (
        "no",
    )


def test_numbers_are_decimal_and_may_have_underscores() -> None:
    tree = parse_document("[017, 1_000, -5, +5, 0x1F, 1e6, .5, 1., -1.5e-3, 0o17, 1-2, .inf, .nan]", "x").tree
    assert tree == [17, 1000, -5, 5, 31, 1e6, 0.5, 1.0, -0.0015, "0o17", "1-2", ".inf", ".nan"]


def test_keys_are_always_text() -> None:
    assert parse_document("{1: a, true: b, 2.5: c, ~: d}", "x").tree == {"1": "a", "true": "b", "2.5": "c", "~": "d"}


def test_aliases_and_merges_repeat_what_they_name() -> None:
    text = "base: &base {a: 1, b: 2}\nother: &other {b: 3}\nuse: {<<: [*other, *base], c: 4}\nagain: *base\n"
    tree = parse_document(text, "x").tree
    assert tree["use"] == {"a": 1, "b": 3, "c": 4}
    assert tree["again"] == tree["base"]


def test_a_manifest_may_begin_with_a_byte_order_mark(folder: Path) -> None:
    path = write_manifest(folder, SAMPLE)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_manifest(path).name == "sample"


def test_a_refusal_says_in_which_line(folder: Path) -> None:
    text = write_manifest(folder, SAMPLE).read_text()
    line = next(at for at, line in enumerate(text.splitlines(), 1) if "split_bytes" in line)
    with pytest.raises(ManifestError, match=rf"\(manifest.yaml, line {line}, column 14\)"):
        loaded(folder, tree=text.replace("64MB", "64XB"))


# --- amounts


@pytest.mark.parametrize(
    ("written", "count"),
    [
        ("8M", 8_000_000),
        (2_000_000, 2_000_000),
        ("2_000_000", 2_000_000),
        ("1.5B", 1_500_000_000),
        ("0.1M", 100_000),
        ("1.1B", 1_100_000_000),
        (8e6, 8_000_000),
        ("8e6", 8_000_000),
        (1e18, 10**18),
        ("15T", 15 * 10**12),
        ("32 K", 32_000),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_counts_are_exact(written: object, count: int) -> None:
    assert parse_count(written) == count


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("128MB", 128_000_000),
        ("64MiB", 1 << 26),
        ("1.5GB", 1_500_000_000),
        ("5B", 5),
        ("2K", 2000),
        (7, 7),
        ("1kB", 1000),
    ],
)
def test_sizes_are_exact(written: object, size: int) -> None:
    assert parse_bytes(written) == size


@pytest.mark.parametrize(
    "written",
    [0, -1, "", "M", "8m", "8 millions", "1.5", 1.5, "1e-3", "0x10", "8MB", "++8M", "8M\n", "8__M8", None, True, [], {},
     float("nan"), float("inf"), "1e99", "9223372036854775808", "99999999999999999999T", "\u0668M"],
)  # fmt: skip
def test_what_is_no_whole_number_above_zero_is_no_count(written: object) -> None:
    with pytest.raises(ValueError, match="write a whole number above zero"):
        parse_count(written)


@given(st.decimals(min_value=0, max_value=10**6, places=6), st.sampled_from("KMBT"))
def test_a_decimal_fraction_is_a_count_exactly_where_it_is_whole(number: Decimal, unit: str) -> None:
    whole = number * {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}[unit]
    try:
        count = parse_count(f"{number:f}{unit}")
    except ValueError:
        count = None
    assert count == (whole if whole == whole.to_integral_value() and 0 < whole < 2**63 else None)


# --- the schema for editors


def test_the_schema_takes_the_sample_and_the_quickstart(folder: Path) -> None:
    schema = Manifest.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for tree in (SAMPLE, SAMPLE | {"tokenizer": "data/tokenizer.json"}, SAMPLE | {"mix": None}):
        jsonschema.validate(tree, schema)
    quickstart = (REPOSITORY / "manifests" / "quickstart.yaml").read_text("utf-8")
    jsonschema.validate(parse_document(quickstart, "quickstart.yaml").tree, schema)
    assert folder


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("sede", 1),
        ("seed", -1),
        ("sources.web.format", "refined_web"),
        ("sources.web.pth", "x"),
        ("stages.2", "normalise"),
        ("stages.0.gopher_quality.min_words", 5),
        ("tokenizer", 5),
        ("tokenizer.train.vocab_size", "32 thousand"),
        ("mix.pack", "first_fit"),
        ("mix.next_token", "maybe"),
        ("mix.phases.0.tokens", "8 million"),
        ("mix.max_epochs", 256),
    ],
)
def test_the_schema_refuses_what_the_manifest_refuses(place: str, value: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed(SAMPLE, way_to(place), value), Manifest.json_schema())


def test_the_schema_describes_every_option(folder: Path) -> None:
    schema = Manifest.json_schema()
    assert schema["properties"]["seed"]["description"]
    names = [item["properties"] for item in schema["properties"]["stages"]["items"]["oneOf"][1:]]
    gopher = next(item["gopher_quality"]["anyOf"][0] for item in names if "gopher_quality" in item)
    assert gopher["properties"]["min_word_count"]["default"] == 50
    assert gopher["properties"]["min_word_count"]["description"]
    assert "on" in gopher["properties"]
    assert folder
