"""Fits of stages: classifiers trained on the documents of a build, and quantiles of any number."""

import json
from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import xxhash

from filters.fasttext_models import Options, train
from pipelines.audit.forecast import forecast
from pipelines.audit.opened import open_folder
from pipelines.audit.preview import Check, preview
from pipelines.engine.job import Job, Resources
from pipelines.engine.receipts import Receipt
from pipelines.engine.session import Settings
from pipelines.engine.workers import InProcess, Run, T
from pipelines.errors import BuildError, ManifestError
from pipelines.manifest import load_manifest
from tests.helpers import (
    build_by_command,
    build_here,
    digest,
    final_texts,
    lines_source,
    tasks_run,
    verdicts,
    write_lines,
    written,
)

GOOD = ("The committee has considered the evidence and its conclusions follow from it.", "Water boils when heated.")
BAD = ("BUY cheap pills now!!! click here to win", "click click best casino bonus free free")
SMALL = {"dim": 4, "epochs": 20, "buckets": 1000}
FIELDS = {
    "n": {"path": "n", "type": "int64"},
    "kind": {"path": "kind", "type": "string"},
    "f": {"path": "f", "type": "float64"},
}


def documents(kind: str, count: int) -> list[dict[str, Any]]:
    sentences = {"good": GOOD, "bad": BAD}
    texts = [
        f"{(sentences.get(kind) or (GOOD, BAD)[number % 2])[number % 2]} number {number}" for number in range(count)
    ]
    return [{"text": text, "n": number % 17, "kind": kind, "f": number / 7} for number, text in enumerate(texts)]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    write_lines(tmp_path / "good" / "x.jsonl", documents("good", 30))
    write_lines(tmp_path / "bad" / "x.jsonl", documents("bad", 40))
    write_lines(tmp_path / "web" / "x.jsonl", documents("web", 50))
    write_lines(tmp_path / "web" / "y.jsonl", documents("web", 31))
    return tmp_path


def manifest(folder: Path, *stages: object, **changes: object) -> dict[str, Any]:
    sources = {name: lines_source(folder / name, fields=FIELDS, tags=["any"]) for name in ("good", "bad", "web")}
    return {"name": "n", "seed": 5, "sources": sources, "stages": list(stages), **changes}


def classifier(**changes: object) -> dict[str, Any]:
    return {"classifier": {"train": {"positive": ["good"], "negative": ["bad"], **SMALL}, **changes}}


def signals(out: Path, source: str) -> list[dict[str, Any]]:
    files = sorted((out / "ledger" / "signals" / source).rglob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def report(out: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((out / "audit" / "fits" / f"{name}.json").read_text()))


def test_a_classifier_is_trained_on_one_source_against_another_and_scores_all(corpus: Path) -> None:
    summary = build_here(manifest(corpus, classifier(min_score=0.5, on=["web"])), corpus / "out")
    rows = [row for row in verdicts(corpus / "out").to_pylist() if row["source"] == "web"]
    dropped = [row["fate"] == "dropped" for row in rows]
    assert dropped == [number % 2 == 1 for number in [*range(50), *range(31)]]
    assert {row["rule"] for row in rows} == {"min_score", None}
    assert [row["value"] for row in rows if row["value"]] == [
        pytest.approx(row["quality_score"]) for row in signals(corpus / "out", "web") if row["quality_score"] < 0.5
    ]
    assert {row["fate"] for row in verdicts(corpus / "out").to_pylist() if row["source"] != "web"} == {"unused"}
    (fit,) = summary.fits
    assert fit.numbers["positive"] == 30
    assert fit.numbers["negative"] == 40
    assert fit.numbers["auc"] == 1.0
    found = report(corpus / "out", "classifier-quality")
    assert (found["numbers"], found["kind"]) == (fit.numbers, "classifier")


def examples(out: Path, sample_documents: int, held_out: float) -> tuple[list[tuple[str, bool]], list[str]]:
    """Return the training examples and the held-out ids that the definition asks for, from the ledger."""
    rows = [row for row in verdicts(out).to_pylist() if row["source"] != "web"]
    texts = {
        f"{kind}/{n}": each["text"]
        for kind, count in (("good", 30), ("bad", 40))
        for n, each in enumerate(documents(kind, count))
    }
    numbers = {"good": 0, "bad": 0}
    known = []
    for row in rows:
        draws = [
            xxhash.xxh3_64_intdigest(label.encode() + (5).to_bytes(8, "little") + row["uid"].to_bytes(8, "little"))
            for label in ("fit:classifier-quality", "held_out:classifier-quality")
        ]
        known.append((draws[0], row["source"] == "good", texts[f"{row['source']}/{numbers[row['source']]}"], draws[1]))
        numbers[row["source"]] += 1
    known.sort()
    sample = [
        each for wanted in (True, False) for each in [row for row in known if row[1] == wanted][:sample_documents]
    ]
    sample.sort()
    limit = int(held_out * 2**64)
    return [(text, good) for _, good, text, held in sample if held >= limit], [
        t for _, _, t, held in sample if held < limit
    ]


@pytest.mark.parametrize(("sample_documents", "held_out"), [(10**6, 0.1), (11, 0.3), (5, 0)])
def test_examples_are_the_smallest_draws_of_each_class_but_for_those_held_out(
    corpus: Path, sample_documents: int, held_out: float
) -> None:
    stage = classifier()
    stage["classifier"]["train"] |= {"sample_documents": sample_documents, "held_out": held_out}
    build_here(manifest(corpus, stage, split_bytes="1KB"), corpus / "out")
    wanted, held = examples(corpus / "out", sample_documents, held_out)
    found = report(corpus / "out", "classifier-quality")
    model = corpus / "out" / "work" / "inputs" / found["content"] / "model.bin"
    assert model.read_bytes() == train(wanted, Options(dim=4, epochs=20, buckets=1000))
    numbers = found["numbers"]
    assert numbers["held_out_positive"] + numbers["held_out_negative"] == len(held)


def test_a_field_may_hold_the_labels(corpus: Path) -> None:
    write_lines(corpus / "web" / "z.jsonl", [*documents("good", 20), *documents("bad", 25), *documents("none", 9)])
    training = {"labels": "kind", "positive": ["good"], "negative": ["bad"], "on": ["web"], **SMALL}
    build_here(manifest(corpus, {"classifier": {"train": training}}), corpus / "out")
    numbers = report(corpus / "out", "classifier-quality")["numbers"]
    assert (numbers["positive"], numbers["negative"]) == (20, 25)
    training |= {"negative": []}
    build_here(manifest(corpus, {"classifier": {"train": training}}), corpus / "out")
    numbers = report(corpus / "out", "classifier-quality")["numbers"]
    assert (numbers["positive"], numbers["negative"]) == (20, 25 + 9 + 81)


def test_only_the_living_are_examples(corpus: Path) -> None:
    build_here(manifest(corpus, {"where": "n < 10"}, "dedup_exact", classifier()), corpus / "out")
    numbers = report(corpus / "out", "classifier-quality")["numbers"]
    assert (numbers["positive"], numbers["negative"]) == (20, 26)


def test_a_new_threshold_neither_trains_nor_scores_again(corpus: Path) -> None:
    for least in (0.5, 0.6, None):
        build_here(manifest(corpus, classifier(min_score=least)), corpus / "out")
    for step, tasks in (("weigh", 2), ("sample", 2), ("train", 1)):
        assert len(tasks_run(corpus / "out", f"classifier-quality: {step}")) == tasks
    assert len(tasks_run(corpus / "out", "pass 1 of 2")) == 4
    assert len(tasks_run(corpus / "out", "pass 2 of 2")) == 12
    build_here(manifest(corpus, classifier()), corpus / "fresh")
    assert digest(corpus / "out") == digest(corpus / "fresh")


def test_several_classifiers_have_names_of_their_own(corpus: Path) -> None:
    other = classifier(name="other")
    other["classifier"]["train"]["positive"], other["classifier"]["train"]["negative"] = ["bad"], ["good"]
    build_here(
        manifest(corpus, classifier(), other, "dedup_exact", {"where": "quality_score > other_score"}), corpus / "out"
    )
    rows = signals(corpus / "out", "web")
    fates = [row["fate"] for row in verdicts(corpus / "out").to_pylist() if row["source"] == "web"]
    judged = [fate for fate in fates if fate != "duplicate"]
    kept = [
        row["quality_score"] > row["other_score"] for row, fate in zip(rows, fates, strict=True) if fate != "duplicate"
    ]
    assert [fate == "unused" for fate in judged] == kept
    assert set(judged) == {"unused", "dropped"}


def test_a_class_without_documents_stops_the_build(corpus: Path) -> None:
    with pytest.raises(BuildError, match="no positive document is left to train on"):
        build_here(manifest(corpus, {"where": "kind != 'good'"}, classifier()), corpus / "out")


SHARES = [("n", 0.1, True), ("f", 0.25, False), ("chars", 0.5, True), ("mean_word_length", 1e-9, False)]
SHARES += [("word_count", 1.0, True)]


@pytest.mark.parametrize(("name", "share", "highest"), SHARES)
def test_a_share_is_that_of_a_sort(corpus: Path, name: str, share: float, highest: bool) -> None:
    stage = {"top_share": {"signal": name, "share": share, "highest": highest, "on": ["web", "good"]}}
    build_here(manifest(corpus, {"where": "n != 3"}, stage, split_bytes="2KB"), corpus / "out")
    rows = [row for row in verdicts(corpus / "out").to_pylist() if row["source"] != "bad"]
    numbers = report(corpus / "out", f"top_share-{name}")["numbers"]
    alive = [row for row in rows if row["stage"] != "where"]
    bound = numbers["threshold"]
    kept = [row for row in alive if row["fate"] == "unused"]
    values = [row["value"] for row in alive if row["fate"] == "dropped"]
    assert numbers["documents"] == len(alive)
    assert numbers["kept"] == len(kept) >= ceil(share * len(alive))
    assert all(value < bound if highest else value > bound for value in values)
    known = {"n": "n", "f": "f"}.get(name)
    if known:
        every = [
            each
            for kind, counts in (("good", (30,)), ("web", (50, 31)))
            for count in counts
            for each in documents(kind, count)
        ]
        ordered = sorted((each[known] for each in every if each["n"] != 3), reverse=highest)
        assert bound == ordered[ceil(share * len(ordered)) - 1]


def test_a_share_by_a_classifier(corpus: Path) -> None:
    share = {"top_share": {"signal": "quality_score", "share": 0.5, "on": ["web"]}}
    build_here(manifest(corpus, classifier(), share), corpus / "out")
    rows = signals(corpus / "out", "web")
    scores = np.array([row["quality_score"] for row in rows], np.float32)
    fates = [row["fate"] for row in verdicts(corpus / "out").to_pylist() if row["source"] == "web"]
    bound = np.sort(scores)[::-1][ceil(0.5 * len(scores)) - 1]
    assert [fate == "unused" for fate in fates] == (scores >= bound).tolist()
    assert report(corpus / "out", "top_share-quality_score")["numbers"]["threshold"] == bound


def test_a_share_of_no_document_drops_none(corpus: Path) -> None:
    stages = [{"where": "n > 100"}, {"top_share": {"signal": "n", "share": 0.1}}]
    build_here(manifest(corpus, *stages), corpus / "out")
    assert report(corpus / "out", "top_share-n")["numbers"]["threshold"] is None
    assert set(verdicts(corpus / "out").column("stage").to_pylist()) == {"where"}


def test_a_number_counts_on_the_text_at_its_place(corpus: Path) -> None:
    write_lines(corpus / "web" / "x.jsonl", [{"text": "a\r\n" * n, "n": n, "kind": "", "f": 0} for n in range(1, 11)])
    stages = ["normalize", {"top_share": {"signal": "chars", "share": 0.3, "on": ["web"]}}]
    build_here(manifest(corpus, *stages), corpus / "out")
    assert report(corpus / "out", "top_share-chars")["numbers"]["threshold"] > 20


def whole(folder: Path) -> dict[str, Any]:
    """Return a manifest with a classifier, a share, an exchange and a mix."""
    stages = [
        {"where": "n != 5"},
        classifier(),
        "dedup_exact",
        {"top_share": {"signal": "quality_score", "share": 0.6, "on": ["web"]}},
    ]
    phase = {"name": "p", "tokens": 2000, "weights": {"web": 1.0}, "short": "scale"}
    mix = {"sequence_length": 32, "shard_tokens": 300, "phases": [phase]}
    return manifest(folder, *stages, tokenizer={"train": {"vocab_size": 300}}, mix=mix)


def test_order_and_partitions_change_no_byte(corpus: Path) -> None:
    build_here(whole(corpus), corpus / "out")
    build_here(
        whole(corpus), corpus / "other", Settings("none", Resources(partitions=3, spill_bytes=1024, reverse=True))
    )
    assert digest(corpus / "out") == digest(corpus / "other")
    for name in ("classifier-quality", "top_share-quality_score"):
        assert report(corpus / "out", name) == report(corpus / "other", name)


@pytest.mark.ray
def test_workers_elsewhere_change_no_byte(corpus: Path) -> None:
    build_here(whole(corpus), corpus / "out")
    build_here(whole(corpus), corpus / "other", Settings("auto", Resources(workers=2)))
    assert digest(corpus / "out") == digest(corpus / "other")


class Killed(BaseException):
    """A build that ends in the middle."""


def run_two_tasks(_: InProcess, function: Run[T], job: Job, tasks: Sequence[T]) -> Iterator[tuple[T, Receipt]]:
    """Run tasks as a build in this process does, and die behind the second."""
    for number, task in enumerate(tasks):
        if number == 2:
            raise Killed
        yield task, function(job, task)
    if tasks:
        raise Killed


def test_a_build_that_is_killed_again_and_again_ends_the_same(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_here(whole(corpus), corpus / "undisturbed")
    kills = 0
    with monkeypatch.context() as patch:
        patch.setattr(InProcess, "run", run_two_tasks)
        while kills < 100:
            try:
                build_here(whole(corpus), corpus / "out")
                break
            except Killed:
                kills += 1
    assert 15 < kills < 100
    assert digest(corpus / "out") == digest(corpus / "undisturbed")
    for name in ("classifier-quality", "top_share-quality_score"):
        assert report(corpus / "out", name) == report(corpus / "undisturbed", name)


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"classifier": {}}, "classifier", "exactly one of `train` and `model`"),
    ({"classifier": {"model": "gone.bin"}}, "classifier.model", "no such file"),
    ({"classifier": {"train": {"positive": ["good"]}}}, "classifier.train", "`negative`"),
    ({"classifier": {"train": {"positive": ["god"], "negative": ["bad"]}}}, "classifier.train.positive.0", "'good'"),
    (
        {"classifier": {"train": {"positive": ["good"], "negative": ["any"]}}},
        "classifier.train.negative",
        "positive already",
    ),
    ({"classifier": {"train": {"labels": "kin", "positive": ["a"]}}}, "classifier.train.labels", "'kind'"),
    ({"classifier": {"train": {"labels": "n", "positive": ["a"]}}}, "classifier.train.labels", "n"),
    (
        {"classifier": {"train": {"positive": ["good"], "negative": ["bad"], "epoch": 1}}},
        "classifier.train.epoch",
        "'epochs'",
    ),
    ({"top_share": {"signal": "kind", "share": 0.1}}, "top_share.signal", "number"),
    ({"top_share": {"signal": "quality_score", "share": 0.1}}, "top_share.signal", "no column"),
    ({"top_share": {"signal": "n", "share": 0}}, "top_share.share", "greater than 0"),
]


@pytest.mark.parametrize(("stage", "key", "remedy"), REFUSED)
def test_what_cannot_be_fitted_is_refused_before_any_work(
    corpus: Path, stage: dict[str, Any], key: str, remedy: str
) -> None:
    with pytest.raises(ManifestError) as error:
        build_here(manifest(corpus, stage), corpus / "out")
    assert error.value.key == f"stages.0.{key}"
    assert remedy in error.value.remedy
    assert not (corpus / "out").exists()


def test_a_second_classifier_of_one_name_is_refused(corpus: Path) -> None:
    with pytest.raises(ManifestError, match="is there already; choose another name"):
        build_here(manifest(corpus, classifier(), classifier(min_score=0.1)), corpus / "out")


def test_a_plan_knows_what_is_fitted_and_what_is_done(corpus: Path) -> None:
    manifest_path = written(whole(corpus), corpus / "out")
    names = ["pass 1", "classifier", "pass 2", "exchange", "pass 3", "quantile", "pass 4", "tokenizer", "pass 5"]
    fresh = forecast(load_manifest(manifest_path), str(corpus / "out"), Resources())
    assert [step.name for step in fresh.steps][: len(names)] == names
    build_here(whole(corpus), corpus / "out")
    done = forecast(load_manifest(manifest_path), str(corpus / "out"), Resources())
    assert done.standing.finished
    (corpus / "bad" / "y.jsonl").write_text('{"text": "more pills"}\n')
    grown = forecast(load_manifest(manifest_path), str(corpus / "out"), Resources())
    assert not grown.standing.finished
    assert [step.step for step in grown.standing.steps][-1] == "pass 1 of 5"


def test_a_preview_passes_over_what_only_a_build_can_know(corpus: Path) -> None:
    stages = [classifier(min_score=0.5), {"where": "quality_score > 0.1 or quality_score is null"}]
    share = {"top_share": {"signal": "quality_score", "share": 0.1}}
    path = written(manifest(corpus, *stages, share, "normalize"), corpus / "out")
    for source in preview(load_manifest(path), 2):
        for document in source.documents:
            assert document.fate == "kept"
            assert {"classifier-quality", "top_share-quality_score"} <= {
                note.rule for note in document.notes if isinstance(note, Check)
            }


def test_texts_behind_a_fit_are_made_again(corpus: Path) -> None:
    stages = [classifier(min_score=0.5, on=["web"]), "normalize"]
    build_here(manifest(corpus, *stages, tokenizer={"train": {"vocab_size": 300}}), corpus / "out")
    opened = open_folder(corpus / "out")
    assert sorted(opened.lock.fits) == ["classifier-quality"]
    split = next(split for split in opened.splits if (split.source, split.file.path) == ("web", "y.jsonl"))
    texts = final_texts(opened, split, set(range(31)))
    assert texts == {n: each["text"] for n, each in enumerate(documents("web", 31)) if n % 2 == 0}


def test_reports_of_another_manifest_do_not_stay(corpus: Path) -> None:
    build_here(manifest(corpus, classifier()), corpus / "out")
    build_here(manifest(corpus, {"top_share": {"signal": "n", "share": 0.5}}), corpus / "out")
    assert [path.name for path in (corpus / "out" / "audit" / "fits").iterdir()] == ["top_share-n.json"]


def test_the_end_of_a_build_shows_what_was_fitted(corpus: Path) -> None:
    ended = build_by_command(manifest(corpus, classifier()), corpus / "out", "--address", "none")
    assert ended.returncode == 0, ended.stderr
    shown = " ".join(ended.stdout.split())
    assert "What was fitted" in shown
    assert "auc 1" in shown


def test_a_file_that_is_no_model_stops_the_build_by_its_stage(corpus: Path) -> None:
    (corpus / "m.bin").write_bytes(b"no model")
    with pytest.raises(BuildError, match=r"stages\.classifier: its files are not what it can work with"):
        build_here(manifest(corpus, {"classifier": {"model": str(corpus / "m.bin")}}), corpus / "out")


def test_a_model_of_one_build_serves_another(corpus: Path) -> None:
    build_here(manifest(corpus, classifier(min_score=0.5)), corpus / "out")
    model = corpus / "out" / "work" / "inputs" / report(corpus / "out", "classifier-quality")["content"] / "model.bin"
    build_here(manifest(corpus, {"classifier": {"model": str(model), "min_score": 0.5}}), corpus / "other")
    for source in ("web", "good", "bad"):
        assert signals(corpus / "other", source) == signals(corpus / "out", source)
