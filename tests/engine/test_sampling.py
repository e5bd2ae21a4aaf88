"""What a tokenizer is trained on where sources have weights: shares, whatever the splits, the workers and the order."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import xxhash

from pipelines.audit.summary import Summary
from pipelines.engine.fit import fitting_shares
from pipelines.engine.job import Resources
from pipelines.engine.session import Settings
from pipelines.errors import ShortSample
from pipelines.manifest import TrainOptions
from pipelines.tokens.train import train_bpe
from tests.helpers import build_here, lines_source, tasks_run, verdicts, write_lines
from tests.torture.running import run_well

SEED = 11
LONGEST = 400
TEXTS = {
    "a": [f"Of {number} things, {number * 7} are here. " * (1 + number % 9) for number in range(120)],
    "b": [f"Straße {number}, zweiter Stock: {number}é " * (1 + number % 9) for number in range(90)],
    "c": [f"never seen {number}" for number in range(20)],
}


def manifest(folder: Path, **train: object) -> dict[str, Any]:
    options = {"vocab_size": 320, "sample_bytes": 8000, "weights": {"a": 0.75, "b": 0.25}, **train}
    sources = {name: lines_source(folder / name) for name in TEXTS}
    return {"name": "n", "seed": SEED, "sources": sources, "tokenizer": {"train": options}}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for name, texts in TEXTS.items():
        half = len(texts) // 2
        for file, part in (("x", texts[:half]), ("y", texts[half:])):
            write_lines(folder / name / f"{file}.jsonl", [{"text": text} for text in part])
    return folder


def artifact(out: Path) -> bytes:
    (path,) = (out / "work" / "fits").glob("tokenizer-*.json")
    return path.read_bytes()


def numbers(summary: Summary) -> dict[str, int | float | None]:
    (report,) = [report for report in summary.fits if report.kind == "tokenizer"]
    return report.numbers


def drawn(out: Path, source: str, size: int) -> list[str]:
    """The documents of a source with the smallest draws, up to the one that fills its share."""
    rows = [row for row in verdicts(out).to_pylist() if row["source"] == source]
    prefix = b"fit" + SEED.to_bytes(8, "little")
    pairs = zip((row["uid"] for row in rows), TEXTS[source], strict=True)
    order = sorted(pairs, key=lambda pair: xxhash.xxh3_64_intdigest(prefix + pair[0].to_bytes(8, "little")))
    sample: list[str] = []
    for _, text in order:
        if sum(len(each.encode()) for each in sample) < size:
            sample.append(text)
    return sample


def test_each_source_gives_its_share_and_no_more_than_a_document_above_it(corpus: Path, tmp_path: Path) -> None:
    summary = build_here(manifest(corpus), tmp_path / "out")
    sample = [text for source, size in (("a", 6000), ("b", 2000)) for text in drawn(tmp_path / "out", source, size)]
    assert artifact(tmp_path / "out") == train_bpe(sample, TrainOptions(vocab_size=320))
    found = numbers(summary)
    assert found["documents"] == len(sample)
    assert found["bytes"] == sum(len(text.encode()) for text in sample)
    for source, size in (("a", 6000), ("b", 2000)):
        taken = found[f"bytes of {source}"]
        assert taken is not None
        assert size <= taken < size + LONGEST
    assert "bytes of c" not in found


def test_neither_splits_nor_order_change_a_byte(corpus: Path, tmp_path: Path) -> None:
    build_here(manifest(corpus), tmp_path / "whole")
    build_here({**manifest(corpus), "split_bytes": "1KB"}, tmp_path / "cut", Settings("none", Resources(reverse=True)))
    assert len(tasks_run(tmp_path / "cut", "tokenizer: sample")) > 4
    assert artifact(tmp_path / "cut") == artifact(tmp_path / "whole")


@pytest.mark.ray
def test_nor_do_another_process_and_workers_on_ray(corpus: Path, tmp_path: Path) -> None:
    build_here(manifest(corpus), tmp_path / "here")
    run_well(manifest(corpus), tmp_path / "ray", "--workers", "2", "--reverse")
    assert artifact(tmp_path / "ray") == artifact(tmp_path / "here")


def test_a_source_that_is_short_stops_the_build_by_name(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(ShortSample, match=r"tokenizer\.train\.weights\.c: its share of the sample is 4,000 bytes"):
        build_here(manifest(corpus, weights={"a": 0.5, "c": 0.5}), tmp_path / "out")


def test_or_all_give_less_in_proportion(corpus: Path, tmp_path: Path) -> None:
    held = sum(map(len, TEXTS["c"]))
    found = numbers(build_here(manifest(corpus, weights={"a": 0.5, "c": 0.5}, short="scale"), tmp_path / "out"))
    assert found["bytes of c"] == held
    assert found["bytes of a"] == sum(len(text) for text in drawn(tmp_path / "out", "a", held))


def test_or_it_gives_what_it_has(corpus: Path, tmp_path: Path) -> None:
    found = numbers(build_here(manifest(corpus, weights={"a": 0.5, "c": 0.5}, short="less"), tmp_path / "out"))
    assert found["bytes of c"] == sum(map(len, TEXTS["c"]))
    assert found["bytes of a"] == sum(len(text) for text in drawn(tmp_path / "out", "a", 4000))


def test_nothing_is_taken_in_proportion_to_nothing() -> None:
    options = TrainOptions(vocab_size=300, sample_bytes=100, weights={"a": 0.5, "b": 0.5}, short="scale")
    assert fitting_shares(options, {"a": 50, "b": 25}) == {"a": 25, "b": 25}
    with pytest.raises(ShortSample, match=r"weights\.b: .* holds 0"):
        fitting_shares(options, {"a": 50, "b": 0})


def test_a_long_document_gives_only_its_beginning(tmp_path: Path) -> None:
    texts = ["é" * 5000 + "zz" * 5000, *(f"short {number}" for number in range(30))]
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": text} for text in texts])
    train = {"vocab_size": 300, "sample_bytes": "1MB", "max_document_chars": 10}
    sources = {"a": lines_source(tmp_path / "a")}
    build_here({"name": "n", "seed": SEED, "sources": sources, "tokenizer": {"train": train}}, tmp_path / "out")
    sample = [text[:10] for text in texts]
    assert artifact(tmp_path / "out") == train_bpe(sample, TrainOptions(vocab_size=300))


def test_little_more_is_copied_than_a_small_sample_of_many_documents_needs(tmp_path: Path) -> None:
    texts = [f"{number:020}" for number in range(40_000)]  # about ten in a bucket of the draw
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": text} for text in texts])
    base = {"name": "n", "seed": SEED, "sources": {"a": lines_source(tmp_path / "a")}}
    train = {"vocab_size": 260, "sample_bytes": 1000}
    build_here({**base, "tokenizer": {"train": train}}, tmp_path / "out")
    (part,) = tasks_run(tmp_path / "out", "tokenizer: sample")
    assert pq.read_table(tmp_path / "out" / part).num_rows == 50
