"""datatrove's filters as stages: what a manifest says of them; the verdicts and texts of datatrove run alone."""

import pickle
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters import datatrove
from filters.batch import Edits, batch_of, measuring_options
from filters.datatrove import REFUSED, DatatroveStage, installed_filters, stage_class
from pipelines.errors import ManifestError
from pipelines.manifest import Manifest, load_manifest
from tests.helpers import build_here, lines_source, verdicts, write_lines, written

documents: Any = pytest.importorskip("datatrove.data")
room: Any = pytest.importorskip("datatrove.pipeline.filters")
pytest.importorskip("spacy")

SENTENCE = "The people of that town have a river and they live with it every day."
GOOD = "\n".join([SENTENCE] * 8)
TEXTS = {
    "good": GOOD,
    "short": "Too short.",
    "braces": "{" + GOOD,
    "menu": f"Home | Contact\n{GOOD}\nRead more",
    "empty": "",
    "blank": " \n ",
    "symbols": " ".join(["#"] * 60),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "GopherQualityFilter": {"min_doc_words": 10, "min_avg_word_length": 2},
    "C4QualityFilter": {"min_num_sentences": 3},
}


def stage_of(name: str, **options: object) -> DatatroveStage:
    """Return the stage of a filter with some options."""
    return stage_class(name).model_validate(options)


def answer(made: Any, text: str) -> tuple[str | None, str]:  # noqa: ANN401 - an untyped library
    """Return the reason of datatrove's own filter, None where it keeps the document, and the text that it leaves."""
    document = documents.Document(text=text, id="0")
    kept = made.filter(document)
    return (None if kept is True else kept[1] if isinstance(kept, tuple) else "dropped"), document.text


def run_directly(text: str) -> tuple[str | None, str | None, str]:
    """Return stage, rule and text of a document that goes through both filters of `OPTIONS`."""
    for name, options in OPTIONS.items():
        reason, text = answer(getattr(room, name)(**options), text)
        if reason is not None:
            return f"datatrove:{name}", reason, text
    return None, None, text


def manifest(folder: Path, *stages: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a manifest may hold
    return {"name": "n", "sources": {"pages": lines_source(folder / "pages")}, "stages": list(stages)}


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    write_lines(tmp_path / "pages" / "x.jsonl", [{"id": name, "text": text} for name, text in TEXTS.items()])
    return tmp_path


def test_a_build_says_of_each_document_what_datatrove_says(pages: Path) -> None:
    stages = [{f"datatrove:{name}": options} for name, options in OPTIONS.items()]
    build_here(manifest(pages, *stages, {"where": "word_count >= 0"}), pages / "out")
    rows = verdicts(pages / "out").sort_by("ordinal").to_pylist()
    direct = [run_directly(text) for text in TEXTS.values()]
    assert [(row["stage"], row["rule"], row["value"]) for row in rows] == [(*each[:2], None) for each in direct]
    (file,) = (pages / "out" / "ledger" / "signals").rglob("*.parquet")
    counts = pq.read_table(file).sort_by("ordinal").column("word_count@datatrove:C4QualityFilter").to_pylist()
    assert [count for count in counts if count is not None] == [
        len(text.split()) for _, rule, text in direct if rule is None
    ]


@pytest.mark.parametrize(
    "name", ["GopherQualityFilter", "GopherRepetitionFilter", "FineWebQualityFilter", "C4ParagraphFilter"]
)
def test_a_filter_with_its_defaults_gives_its_own_reasons(name: str) -> None:
    texts = [text for text in TEXTS.values() if text.strip()]
    rule = stage_class(name)()(batch_of(texts)).rule
    assert rule is not None
    assert rule.to_pylist() == [answer(getattr(room, name)(), text)[0] for text in texts]


def test_a_filter_that_gives_no_reason_drops_all_the_same() -> None:
    outcome = stage_of("RegexFilter", regex_exp="town")(batch_of([GOOD, "x"]))
    assert outcome.rule is not None
    assert outcome.rule.to_pylist() == ["dropped", None]
    assert outcome.value is not None
    assert outcome.value.to_pylist() == [None, None]


def test_only_a_filter_that_changes_texts_is_an_editor() -> None:
    assert isinstance(stage_class("C4QualityFilter")(), Edits)
    assert not isinstance(stage_class("GopherQualityFilter")(), Edits)
    assert isinstance(stage_of("datatrove.pipeline.filters.regex_filter.RegexFilter", regex_exp="x"), Edits)
    edited = stage_class("C4QualityFilter")()(batch_of([TEXTS["menu"]])).text
    assert edited is not None
    assert edited.to_pylist() == [answer(room.C4QualityFilter(), TEXTS["menu"])[1]] == [GOOD]


@pytest.mark.filterwarnings("ignore:Mean of empty slice:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_a_document_on_which_a_filter_raises_is_dropped_and_the_rule_says_so() -> None:
    with pytest.raises(ZeroDivisionError):
        answer(room.GopherQualityFilter(min_doc_words=None), "")
    rule = stage_of("GopherQualityFilter", min_doc_words=None)(batch_of(["", GOOD])).rule
    assert rule is not None
    assert rule.to_pylist() == ["raises ZeroDivisionError", None]


@settings(max_examples=20)
@given(st.lists(st.text(), max_size=3))
def test_no_filter_ends_a_build_whatever_the_texts_are(texts: list[str]) -> None:
    for name in installed_filters():
        options = {"regex_exp": "a"} if name == "RegexFilter" else {}
        stage = stage_of(name, **options)
        outcome = stage(batch_of(texts))
        assert stage.judge(outcome.columns).rule == outcome.rule
        assert outcome == stage(batch_of(texts))


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        ("datatrove:GopherQualityFiltr", "unknown filter; did you mean 'GopherQualityFilter'"),
        ({"datatrove:GopherQualityFilter": {"min_doc_wrds": 1}}, "unknown key; did you mean 'min_doc_words'"),
        ({"datatrove:GopherQualityFilter": {"exclusion_writer": None}}, "unknown key"),
        ({"datatrove:GopherQualityFilter": {"min_doc_words": "x"}}, "write a whole number"),
        ("datatrove:RegexFilter", "this key is needed"),
        ({"datatrove:RegexFilter": {"regex_exp": "("}}, "datatrove says: missing )"),
        ("datatrove:os.path.PathLike", "only classes inside datatrove"),
        ("datatrove:datatrove.pipeline.nothing.Filter", "unknown filter"),
        ("datatrove:datatrove.data.Document", "unknown filter"),
        ("datatrov:GopherQualityFilter", "unknown stage"),
        *((f"datatrove:{name}", f"{name} cannot be a stage") for name in REFUSED),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(pages: Path, stage: Any, says: str) -> None:  # noqa: ANN401 - as above
    with pytest.raises(ManifestError) as refused:
        load_manifest(written(manifest(pages, stage), pages / "out"))
    assert says in str(refused.value)


def test_without_datatrove_a_manifest_says_what_to_install(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    stage_class.cache_clear()
    monkeypatch.setattr(datatrove, "version", absent)
    with pytest.raises(ManifestError, match="pip install datatrove"):
        load_manifest(written(manifest(pages, "datatrove:GopherQualityFilter"), pages / "out"))


def test_the_version_of_datatrove_is_part_of_what_is_measured_and_is_checked_where_the_stage_works() -> None:
    stage = stage_class("GopherQualityFilter")()
    assert measuring_options(stage)["datatrove_version"] == version("datatrove")
    older = stage_class("GopherQualityFilter")(datatrove_version="0.1")
    with pytest.raises(ValueError, match=r"asks for datatrove 0\.1"):
        older.load(lambda _: {})


def test_a_stage_reaches_another_process_with_its_options() -> None:
    stage = stage_of("GopherRepetitionFilter", dup_line_frac=0.5, top_n_grams=[[2, 0.1]])
    again = pickle.loads(pickle.dumps(stage))  # noqa: S301 - our own bytes
    assert type(again) is type(stage)
    assert again == stage
    assert again.model_dump()["top_n_grams"] == ((2, 0.1),)


def test_two_filters_keep_their_reasons_apart() -> None:
    stages: list[DatatroveStage] = [stage_class("GopherQualityFilter")(), stage_class("C4ParagraphFilter")()]
    assert [list(stage.signals) for stage in stages] == [
        ["datatrove_GopherQualityFilter"],
        ["datatrove_C4ParagraphFilter"],
    ]
    assert all(list(stage.measure(batch_of(["x"]))) == list(stage.signals) for stage in stages)


def test_datatrove_is_imported_only_where_a_manifest_asks_for_it() -> None:
    code = "import sys, pipelines.manifest; sys.exit('datatrove' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2]).returncode == 0


@pytest.mark.parametrize("stage", ["datatrove:C4ParagraphFilter", {"datatrove:RegexFilter": {"regex_exp": "x"}}])
def test_an_editor_takes_these_stages_too(pages: Path, stage: Any) -> None:  # noqa: ANN401 - as above
    jsonschema.validate(manifest(pages, stage, "normalize"), Manifest.json_schema())
