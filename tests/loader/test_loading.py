"""Steps and ranks: who gets which sequences, and how one goes on."""

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.storage import open_storage
from pipelines.errors import RequestError
from pipelines.loader import Batch, Batches, Sequences, load_sequences
from pipelines.loader import __all__ as public
from pipelines.loader.share import Share
from tests.loader.made import Form, contents, shard_bytes, whole_table, write_build

PHASES = {"web": [[5, 30, 1, 60, 9], [70, 4], [], [33]], "anneal": [[8, 8, 20], [3]]}
"""14 + 10 + 0 + 5 and 5 + 1 sequences of 8."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    write_build(open_storage(folder), PHASES, Form())
    return folder


@pytest.fixture(scope="module")
def sequences(folder: Path) -> Sequences:
    return load_sequences(folder)


def ids_of(batches: list[Batch]) -> list[list[int]]:
    return [row for batch in batches for row in batch.input_ids.tolist()]


def all_ids(folder: Path) -> list[list[int]]:
    """Return every sequence, as pyarrow reads it."""
    paths = [path for phase in PHASES for path in sorted((folder / "shards" / phase).iterdir())]
    rows: list[list[int]] = whole_table(folder, list(map(str, paths)))["input_ids"].to_pylist()
    return rows


def test_the_stream_is_all_shards_in_the_order_of_phases(folder: Path, sequences: Sequences) -> None:
    assert len(sequences) == 35
    assert sequences.phases == ("web", "anneal")
    assert sequences.read(0, 35).input_ids.tolist() == all_ids(folder)


def test_what_is_held_out_is_read_only_by_name(tmp_path: Path) -> None:
    write_build(open_storage(tmp_path), {**PHASES, "holdout": [[3, 9, 4]]}, Form())
    sequences = load_sequences(tmp_path)
    assert (sequences.phases, len(sequences)) == (("web", "anneal"), 35)
    assert len(load_sequences(tmp_path, "holdout")) == 2
    assert len(load_sequences(tmp_path, ["web", "holdout"])) == 31


@pytest.mark.parametrize(
    ("phases", "first", "count"),
    [("anneal", 29, 6), (["anneal", "web"], 29, 35), (["web"], 0, 29), (["anneal", "anneal"], 29, 12)],
)
def test_phases_are_read_as_they_are_asked_for(folder: Path, phases: str | list[str], first: int, count: int) -> None:
    wanted = load_sequences(folder, phases)
    assert len(wanted) == count
    assert wanted.read(0, 6).input_ids.tolist() == all_ids(folder)[first : first + 6]


@given(first=st.integers(0, 35), count=st.integers(0, 35))
def test_any_stretch_of_the_stream_equals_what_pyarrow_reads(
    folder: Path, sequences: Sequences, first: int, count: int
) -> None:
    last = min(first + count, 35)
    batch = sequences.read(first, last)
    paths = [path for phase in PHASES for path in sorted((folder / "shards" / phase).iterdir())]
    expected = whole_table(folder, list(map(str, paths))).slice(first, last - first)
    assert batch.input_ids.tolist() == expected["input_ids"].to_pylist()
    for name in ("doc_lengths", "doc_uids", "doc_starts", "doc_addresses", "doc_epochs", "source_ids", "doc_pools"):
        told = [batch.documents_of(row)[name].tolist() for row in range(len(batch))]
        assert told == expected[name].to_pylist()


SHARES = st.builds(
    Share,
    sequences=st.just(35),
    batch_size=st.integers(1, 9),
    rank=st.just(0),
    world=st.integers(1, 5),
    skip=st.integers(0, 35),
    incomplete=st.sampled_from(["drop", "short"]),
)


@given(share=SHARES, start=st.integers(0, 40))
def test_ranks_take_every_sequence_once_in_every_division(
    folder: Path, sequences: Sequences, share: Share, start: int
) -> None:
    begin, world, size = min(start, share.steps), share.world, share.global_batch
    ranks = [list(Batches(sequences.index, replace(share, rank=rank), begin)) for rank in range(world)]
    assert [len(each) for each in ranks] == [share.steps - begin] * world
    last = 35 if share.incomplete == "short" else share.skip + (35 - share.skip) // size * size
    together = [row for step in zip(*ranks, strict=True) for row in ids_of(list(step))]
    assert together == all_ids(folder)[share.skip + begin * size : last]
    whole = Batches(sequences.index, replace(share, batch_size=size, world=1), begin)
    for one, step in zip(whole, zip(*ranks, strict=True), strict=True):
        assert one.input_ids.tolist() == ids_of(list(step))
        assert {each.step for each in step} == {one.step}
        assert [each.first for each in step] == (one.first + np.cumsum([0, *map(len, step)])[:-1]).tolist()


@given(world=st.integers(1, 40), batch=st.integers(1, 40))
def test_only_the_last_batch_may_be_short(world: int, batch: int) -> None:
    for rank in range(world):
        share = Share(35, batch, rank, world, 0, "short")
        sizes = [last - first for first, last in map(share.of_step, range(share.steps))]
        assert sizes[:-1] == [batch] * (share.steps - 1)
        assert abs(sizes[-1] - (35 - (share.steps - 1) * batch * world) / world) < 1


@given(step=st.integers(0, 8), batch=st.integers(1, 4), rank=st.integers(0, 1))
def test_a_batch_is_the_same_however_one_comes_to_it(sequences: Sequences, step: int, batch: int, rank: int) -> None:
    batches = sequences.batches(batch, rank=rank, world=2)
    reached = {each.step: each for each in batches}
    if step < batches.steps:
        alone = sequences.batches(batch, rank=rank, world=2).batch(step)
        first = next(iter(sequences.batches(batch, rank=rank, world=2, start_step=step)))
        for one in (alone, first):
            assert one.input_ids.tolist() == reached[step].input_ids.tolist()
            assert one.cu_seqlens.tolist() == reached[step].cu_seqlens.tolist()


def test_the_places_of_a_step_are_where_its_sequences_lie(folder: Path, sequences: Sequences) -> None:
    batches = sequences.batches(3, rank=1, world=2, incomplete="short")
    whole = sequences.batches(6, incomplete="short")
    for step in range(batches.steps):
        rows = [pq.read_table(folder / shard)["input_ids"][row].as_py() for shard, row in batches.places(step)]
        assert rows == whole.batch(step).input_ids.tolist()
    assert sequences.place_of(14) == ("shards/web/part-00001.parquet", 0)
    assert sequences.place_of(34) == ("shards/anneal/part-00001.parquet", 0)


@given(steps=st.integers(0, 5), world=st.sampled_from([1, 2, 3, 6]))
def test_a_state_goes_on_where_it_was_taken_with_any_ranks(
    folder: Path, sequences: Sequences, steps: int, world: int
) -> None:
    before = sequences.batches(3, rank=1, world=2)
    for _, _ in zip(range(steps), before, strict=False):
        pass
    state = json.loads(json.dumps(before.state_dict()))
    assert state["step"] == steps
    ranks = [load_sequences(folder).batches(6 // world, rank=rank, world=world) for rank in range(world)]
    for each in ranks:
        each.load_state_dict(state)
    together = [row for step in zip(*ranks, strict=True) for row in ids_of(list(step))]
    assert together == ids_of(list(sequences.batches(6, start_step=steps)))


def test_a_state_is_of_the_step_that_comes_next(sequences: Sequences) -> None:
    batches = sequences.batches(4)
    seen = [(batch.step, batches.state_dict()["step"], batches.state_dict()["sequence"]) for batch in batches]
    assert seen == [(step, step + 1, 4 * step + 4) for step in range(8)]
    assert list(batches) == []
    assert batches.state_dict(2) == {**batches.state_dict(), "step": 2, "sequence": 8}


def test_iterating_goes_on_where_it_was_left(sequences: Sequences) -> None:
    batches = sequences.batches(4)
    assert next(iter(batches)).step == 0
    assert [batch.step for batch in batches] == list(range(1, 8))


def test_another_batch_size_goes_on_behind_what_was_taken(folder: Path, sequences: Sequences) -> None:
    small = sequences.batches(2)
    taken = [batch for batch, _ in zip(small, range(5), strict=False)]
    state = small.state_dict(5)
    large = sequences.batches(4, skip=state["sequence"])
    assert ids_of(taken) + ids_of(list(large)) == all_ids(folder)[: 10 + 4 * large.steps]


def refusal(batches: Batches, state: dict[str, Any]) -> str:
    with pytest.raises(RequestError) as refused:
        batches.load_state_dict(state)
    return str(refused.value)


def test_a_state_of_other_batches_is_refused_with_what_to_do(sequences: Sequences, folder: Path) -> None:
    batches = sequences.batches(3, world=2, skip=1)
    state = batches.state_dict(2)
    assert "give ranks and a batch size whose product" in refusal(sequences.batches(4, world=2, skip=1), state)
    assert "with `skip=13`" in refusal(sequences.batches(4, world=2, skip=1), state)
    assert "give `skip=1`" in refusal(sequences.batches(3, world=2), state)
    assert "its phases is ['web', 'anneal']" in refusal(load_sequences(folder, "web").batches(6, skip=1), state)
    assert "rank is missing or unknown" in refusal(batches, {**state, "rank": 0})
    assert "step is missing or unknown" in refusal(batches, {key: state[key] for key in state if key != "step"})
    assert "no step 99" in refusal(batches, {**state, "step": 99})
    for step in (1.5, "2", None):
        assert f"its step is {step!r}, and no whole number" in refusal(batches, {**state, "step": step})
    assert batches.step == 0


def test_a_state_of_shards_that_were_made_again_is_refused(tmp_path: Path) -> None:
    write_build(open_storage(tmp_path), PHASES, Form())
    state = load_sequences(tmp_path).batches(2).state_dict(3)
    write_build(open_storage(tmp_path), PHASES, Form())
    load_sequences(tmp_path).batches(2).load_state_dict(state)
    write_build(open_storage(tmp_path), {**PHASES, "anneal": [[8, 8, 19], [3]]}, Form())
    assert "taken from another build" in refusal(load_sequences(tmp_path).batches(2), state)
    web = load_sequences(tmp_path, "web").batches(2)
    assert "open those phases" in refusal(web, state)


@pytest.mark.parametrize("form", [Form(next_token=True), Form(method="pad_truncate"), Form(length=30, group=7)])
def test_other_forms_of_shards_are_read(tmp_path: Path, form: Form) -> None:
    paths = write_build(open_storage(tmp_path), PHASES, form)
    rows = whole_table(tmp_path, paths)["input_ids"].to_pylist()
    sequences = load_sequences(tmp_path)
    assert sequences.length == form.length
    batches = list(sequences.batches(2, incomplete="short"))
    assert ids_of(batches) == [row[: form.length] for row in rows]
    full = [place for place, row in enumerate(rows) if 65_535 not in row]
    targets = [row for batch in batches for row in batch.targets.tolist()]
    assert full
    assert [targets[place] for place in full] == [
        rows[place][1:] if form.next_token else [*rows[place][1:], -100] for place in full
    ]


def test_what_lies_before_a_step_is_not_read(tmp_path: Path) -> None:
    paths = write_build(open_storage(tmp_path), {"web": [[80], [80]]}, Form(group=16))
    expected = all_rows(tmp_path, paths)
    opened = load_sequences(tmp_path)
    first = pq.read_metadata(tmp_path / paths[1]).row_group(0)
    spoilt = bytearray((tmp_path / paths[1]).read_bytes())
    spoilt[4 : first.column(0).total_compressed_size] = b"\xff" * (first.column(0).total_compressed_size - 4)
    (tmp_path / paths[1]).write_bytes(spoilt)
    (tmp_path / paths[0]).unlink()
    assert ids_of(list(opened.batches(2, start_step=6))) == expected[12:]
    with pytest.raises(OSError, match=r"ZSTD|[Dd]eserialize"):
        opened.batches(2).batch(5)
    with pytest.raises(FileNotFoundError, match=r"part-00000\.parquet"):
        opened.batches(2).batch(0)


def all_rows(folder: Path, paths: list[str]) -> list[list[int]]:
    rows: list[list[int]] = whole_table(folder, paths)["input_ids"].to_pylist()
    return rows


def test_shards_that_are_replaced_while_they_are_read_are_told(tmp_path: Path) -> None:
    paths = write_build(open_storage(tmp_path), PHASES, Form())
    batches = load_sequences(tmp_path).batches(2)
    (tmp_path / paths[1]).write_bytes(shard_bytes(contents([70, 5]), Form(), "web", "c" * 32))
    with pytest.raises(RequestError, match=r"part-00001\.parquet was replaced while it was read"):
        list(batches)


def test_shards_of_another_build_than_the_lock_are_refused(tmp_path: Path) -> None:
    paths = write_build(open_storage(tmp_path), PHASES, Form())
    (tmp_path / paths[1]).write_bytes(shard_bytes(contents([70, 4]), Form(), "web", "c" * 32))
    with pytest.raises(RequestError, match=r"part-00001\.parquet is of another build"):
        load_sequences(tmp_path)
    assert len(load_sequences(tmp_path, "anneal")) == 6


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        (None, "holds no build"),
        ("{", "cannot be read"),
        ('{"manifest_hash": "", "tokenizer_hash": "", "parts": {}}', "is not finished"),
        ('{"manifest_hash": "", "tokenizer_hash": "", "parts": {"map": {}}}', "its manifest mixes nothing"),
    ],
)
def test_a_folder_without_shards_to_read_is_refused(tmp_path: Path, lock: str | None, said: str) -> None:
    if lock is not None:
        (tmp_path / "lock.json").write_text(lock)
    with pytest.raises(RequestError, match=said):
        load_sequences(tmp_path)


def test_what_cannot_be_asked_for_is_refused(folder: Path, sequences: Sequences) -> None:
    with pytest.raises(RequestError, match="no phase 'wab'; it has web, anneal"):
        load_sequences(folder, "wab")
    with pytest.raises(RequestError, match="no phase is named"):
        load_sequences(folder, [])
    with pytest.raises(RequestError, match="rank is 2 of 2"):
        sequences.batches(1, rank=2, world=2)
    with pytest.raises(RequestError, match="batch_size is 0"):
        sequences.batches(0)
    with pytest.raises(RequestError, match="skip is 36: there are 35"):
        sequences.batches(1, skip=36)
    with pytest.raises(RequestError, match="incomplete is 'pad'"):
        sequences.batches(1, incomplete="pad")  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="a step takes 36 sequences, and there are 35"):
        sequences.batches(9, world=4)
    assert sequences.batches(9, world=4, incomplete="short").steps == 1
    with pytest.raises(RequestError, match="no step 9: there are 8"):
        sequences.batches(4, start_step=9)
    with pytest.raises(RequestError, match="no step 8: there are 8"):
        sequences.batches(4).batch(8)
    with pytest.raises(RequestError, match="no sequences 34 to 36"):
        sequences.read(34, 36)
    with pytest.raises(RequestError, match="no sequence 35"):
        sequences.place_of(35)
    with pytest.raises(RequestError, match="has no cu_seqlens"):
        sequences.batches(1 << 29, incomplete="short")


def test_a_failure_ahead_is_raised_where_its_batch_is_asked_for(tmp_path: Path) -> None:
    paths = write_build(open_storage(tmp_path), PHASES, Form())
    running = iter(load_sequences(tmp_path).batches(7))
    (tmp_path / paths[1]).unlink()
    assert [next(running).step, next(running).step] == [0, 1]
    with pytest.raises(FileNotFoundError):
        next(running)


def test_batches_travel_to_other_processes(sequences: Sequences) -> None:
    batches = sequences.batches(4, start_step=2)
    again = pickle.loads(pickle.dumps(batches))  # noqa: S301 - our own
    assert ids_of(list(again)) == ids_of(list(batches))


def test_a_rank_imports_neither_the_engine_nor_torch_nor_datasets() -> None:
    code = (
        "import sys; from pipelines.loader import load_sequences; "
        "heavy = {'numba', 'pydantic', 'ray', 'torch', 'datasets'}; "
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}))"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ended.stdout.strip() == "[]"


def test_the_public_names_are_these() -> None:
    assert public == ["Batch", "Batches", "Sequences", "load_sequences", "to_datasets", "torch_dataset"]
