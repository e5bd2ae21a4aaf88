"""Ids of two tokenizers never mix: token runs and shards that are not the build's are refused, by name."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.audit.opened import open_folder
from pipelines.audit.pieces import pieces_of
from pipelines.engine.remixing import mix_again
from pipelines.engine.session import Settings
from pipelines.engine.stamps import check_stamps
from pipelines.engine.storage import open_storage
from pipelines.errors import OtherTokenizer, RequestError
from pipelines.exports.export import export
from pipelines.exports.wanted import Wanted
from pipelines.loader import load_sequences
from pipelines.tokenizer_spec import TrainOptions
from pipelines.tokens.stamp import stamped, tokenizer_of
from pipelines.tokens.train import train_bpe
from tests.helpers import build_here, digest, lines_source, write_lines

HERE = Settings(address="none")
SHARD = "shards/main/part-00000.parquet"


def manifest(folder: Path, tokenizer: dict[str, Any]) -> dict[str, Any]:
    phase = {"name": "main", "tokens": 200, "weights": {"a": 1}}
    return {
        "name": "mixed",
        "sources": {"a": lines_source(folder / "a")},
        "tokenizer": {"train": {"vocab_size": 300}, **tokenizer},
        "mix": {"sequence_length": 16, "shard_tokens": 100, "phases": [phase]},
    }


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two builds of one corpus: `own` ends documents with EOS, `other` does not."""
    folder = tmp_path_factory.mktemp("two")
    write_lines(folder / "a" / "x.jsonl", [{"text": f"It is number {number} of those here."} for number in range(40)])
    build_here(manifest(folder, {}), folder / "own")
    build_here(manifest(folder, {"eos": False}), folder / "other")
    return folder


@pytest.fixture
def own(two: Path, tmp_path: Path) -> Path:
    """A copy of the build, to which things can happen."""
    shutil.copytree(two / "own", tmp_path / "own")
    return tmp_path / "own"


def hashes(two: Path) -> tuple[str, str]:
    return open_folder(two / "other").lock.tokenizer_hash, open_folder(two / "own").lock.tokenizer_hash


def runs_in(out: Path) -> Path:
    return next((out / "tokens").glob("*.parquet"))


def refusal(two: Path, path: str) -> str:
    """What a refusal says, as a regular expression."""
    found, expected = hashes(two)
    return rf"{path} holds ids of the tokenizer {found}, but .* is {expected}"


def test_token_runs_and_shards_name_the_tokenizer_of_their_build(two: Path) -> None:
    for name, expected in zip(("other", "own"), hashes(two), strict=True):
        for file in (runs_in(two / name), two / name / SHARD):
            assert tokenizer_of(pq.read_schema(file)) == expected


def test_the_loader_refuses_a_shard_of_another_tokenizer(two: Path, own: Path) -> None:
    shutil.copy(two / "other" / SHARD, own / SHARD)
    with pytest.raises(RequestError, match=refusal(two, SHARD)):
        load_sequences(own)


def test_an_export_refuses_a_shard_of_another_tokenizer(two: Path, own: Path, tmp_path: Path) -> None:
    shutil.copy(two / "other" / SHARD, own / SHARD)
    with pytest.raises(RequestError, match=refusal(two, SHARD)):
        export(open_folder(own), Wanted("olmo"), str(tmp_path / "exported"))


def test_a_trace_refuses_a_shard_of_another_tokenizer(two: Path, own: Path) -> None:
    shutil.copy(two / "other" / SHARD, own / SHARD)
    with pytest.raises(RequestError, match=refusal(two, SHARD)):
        pieces_of(open_folder(own), SHARD, [0])


def test_nothing_is_spelt_or_exported_by_a_tokenizer_that_took_the_place_of_the_build_s(
    own: Path, tmp_path: Path
) -> None:
    build = open_folder(own)
    place = own / build.lock.tokenizer
    place.write_bytes(train_bpe(["other words than those"] * 9, TrainOptions(vocab_size=270)))
    match = rf"{place} is the tokenizer \w{{32}}, but the ids are those of {build.lock.tokenizer_hash}"
    with pytest.raises(RequestError, match=match):
        pieces_of(build, SHARD, [0])
    with pytest.raises(RequestError, match=match):
        export(build, Wanted("olmo"), str(tmp_path / "exported"))
    place.unlink()
    again = shutil.copytree(own, tmp_path / "again")
    with pytest.raises(RequestError, match=f"{again / build.lock.tokenizer} is gone"):
        pieces_of(open_folder(again), SHARD, [0])


def test_a_resumed_build_refuses_a_shard_of_another_tokenizer(two: Path, own: Path) -> None:
    shutil.copy(two / "other" / SHARD, own / SHARD)
    with pytest.raises(OtherTokenizer, match=refusal(two, SHARD)):
        build_here(manifest(two, {}), own)


def test_a_resumed_build_refuses_token_runs_of_another_tokenizer(two: Path, own: Path) -> None:
    shutil.copy(runs_in(two / "other"), runs_in(own))
    with pytest.raises(OtherTokenizer, match=refusal(two, f"tokens/{runs_in(own).name}")):
        build_here(manifest(two, {}), own)


def test_mixing_again_refuses_token_runs_of_another_tokenizer_and_changes_nothing(two: Path, own: Path) -> None:
    shutil.copy(runs_in(two / "other"), runs_in(own))
    before, lock = digest(own), (own / "lock.json").read_bytes()
    with pytest.raises(OtherTokenizer, match=refusal(two, f"tokens/{runs_in(own).name}")):
        mix_again(open_folder(own), ["mix.phases.0.tokens=100"], HERE)
    assert (digest(own), (own / "lock.json").read_bytes()) == (before, lock)


def test_a_build_with_another_tokenizer_replaces_the_shards_that_are_there(two: Path, own: Path) -> None:
    build_here(manifest(two, {"eos": False}), own)
    assert tokenizer_of(pq.read_schema(own / SHARD)) == hashes(two)[0]
    load_sequences(own)


def test_a_file_that_names_no_tokenizer_is_refused_and_one_that_is_gone_is_left_to_others(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("tokens", pa.large_binary())])
    for name, held in (
        ("mine", stamped(schema, "a" * 32)),
        ("none", schema),
        ("odd", schema.with_metadata({"gristmill": "x"})),
    ):
        pq.write_table(pa.table({"tokens": [b""]}, held), tmp_path / name)
    (tmp_path / "damaged").write_bytes(b"PAR1")
    storage = open_storage(tmp_path)
    check_stamps(storage, ["mine", "gone", "damaged"], "a" * 32)
    for name in ("none", "odd"):
        with pytest.raises(OtherTokenizer, match=rf"{name} holds ids of the tokenizer \(it does not say which\)"):
            check_stamps(storage, ["mine", name], "a" * 32)
