"""Every format, read back by a reader of its own and compared with the shards, token by token."""

import tempfile
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.catalog import EXPORTERS
from pipelines.exports.datatrove import DATATROVE
from pipelines.exports.mds import MDS
from pipelines.exports.megatron import MEGATRON
from pipelines.exports.olmo import OLMO
from pipelines.mix.shards import Packing
from tests.exports.readers import read_datatrove, read_ids, read_mds, read_megatron, read_olmo
from tests.exports.shard_makers import PAD, SOURCES, Form, Made, make, written

FRAGMENTS = [[3, 4, 9, 1, 1, 12], [], [30, 2]]
METHODS = ("concat", "best_fit", "pad_truncate")


@dataclass(frozen=True)
class Phase:
    """Fragments of the shards of a phase, by their lengths, and how shards are written."""

    fragments: list[list[int]]
    form: Form


@st.composite
def phases(draw: st.DrawFn) -> Phase:
    """Shards of any fragments, empty ones and whole empty phases among them, in row groups of any size."""
    method: Any = draw(st.sampled_from(METHODS))
    columns = [name for name in ("loss_mask", "ref_loss") if draw(st.booleans())]
    form = Form(
        Packing(method, draw(st.integers(1, 16)), PAD, draw(st.booleans())),
        draw(st.sampled_from(["uint16", "uint32"])),
        draw(st.sampled_from([40, 1 << 22])),
        tuple(columns),
    )
    return Phase(draw(st.lists(st.lists(st.integers(0, 40), max_size=12), max_size=3)), form)


def in_files(items: list[list[int]], tokens: int) -> list[list[list[int]]]:
    """Return items by files of so many tokens; one that a file's end cuts is two."""
    files: list[list[list[int]]] = []
    room = 0
    for item in items:
        rest = item
        while rest:
            if room == 0:
                files.append([])
                room = tokens
            files[-1].append(rest[:room])
            room, rest = room - len(rest[:room]), rest[room:]
    return files


def tokens_in_file(file_bytes: int, width: int, window: int) -> int:
    return max(file_bytes // width // window, 1) * window


def files_of(out: Path, suffix: str) -> list[Path]:
    return sorted((out / "web").glob(f"*{suffix}"))


@settings(max_examples=60)
@given(phases(), st.sampled_from(["documents", "sequences"]), st.sampled_from([1, 90, 1 << 34]))
def test_megatron_holds_every_document_or_sequence_in_order(phase: Phase, unit: str, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made, out = make(Path(folder), phase.fragments, phase.form), Path(folder, "out")
        done = written(made, out, MEGATRON, unit, size)
        items = made.documents if unit == "documents" else made.sequences
        width = 2 if made.dtype == np.uint16 else 4
        expected = in_files(items, tokens_in_file(size, width, made.packing.sequence_length))
        read = [read_megatron(path) for path in files_of(out, ".bin")]
        assert [sequences for sequences, _ in read] == expected
        assert all(bounds == list(range(len(sequences) + 1)) for sequences, bounds in read)
        assert (done.items, done.tokens, done.padding) == (sum(map(len, expected)), len(made.tokens), 0)


@settings(max_examples=60)
@given(phases(), st.sampled_from([1, 90, 1 << 34]))
def test_datatrove_holds_every_document_in_whole_windows(phase: Phase, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made, out = make(Path(folder), phase.fragments, phase.form), Path(folder, "out")
        done = written(made, out, DATATROVE, file_bytes=size)
        window = made.packing.sequence_length + 1
        expected = in_files(made.documents, tokens_in_file(size, made.dtype.itemsize, window))
        read = [read_datatrove(path) for path in files_of(out, ".ds")]
        assert [documents for documents, _ in read] == expected
        counts = [str(sum(map(len, documents))) for documents in expected]
        assert [about[:2] for _, about in read] == [[f"some/tokenizer|{made.dtype.itemsize}", each] for each in counts]
        assert all(int(each) % window == 0 for each in counts[:-1])
        assert masks_of(out, ".ds.loss") == masks_in_shards(made, counts)
        assert (done.items, done.tokens, done.padding) == (sum(map(len, expected)), len(made.tokens), 0)


@settings(max_examples=60)
@given(phases(), st.sampled_from([1, 90, 1 << 34]))
def test_olmo_holds_every_document_and_where_it_comes_from(phase: Phase, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made, out = make(Path(folder), phase.fragments, phase.form), Path(folder, "out")
        done = written(made, out, OLMO, file_bytes=size)
        expected = in_files(made.documents, tokens_in_file(size, made.dtype.itemsize, made.packing.sequence_length))
        read = [read_olmo(path, made.dtype.itemsize) for path in files_of(out, ".npy")]
        assert [[ids for ids, _ in documents] for documents in read] == expected
        assert (done.items, done.tokens, done.padding) == (sum(map(len, expected)), len(made.tokens), 0)
        assert places(read) == places_in_shards(made)
        counts = [str(sum(map(len, documents))) for documents in expected]
        assert masks_of(out, ".label_mask") == masks_in_shards(made, counts)


def masks_of(out: Path, suffix: str) -> list[list[int]]:
    """Return the bytes of each file of masks."""
    return [list(path.read_bytes()) for path in files_of(out, suffix)]


def masks_in_shards(made: Made, counts: list[str]) -> list[list[int]]:
    """Return the loss mask of the shards, cut into files of so many tokens; nothing where they have none."""
    if "loss_mask" not in made.form.columns:
        return []
    mask = iter(made.column("loss_mask"))
    return [[next(mask) for _ in range(int(count))] for count in counts]


def places(read: list[list[tuple[list[int], list[str]]]]) -> list[tuple[int, str, int, int]]:
    """Return for every token its document's uid and source, its place in the document's run, and itself."""
    return [
        (int(uid), source, int(start) + place, token)
        for ids, (uid, source, start) in chain.from_iterable(read)
        for place, token in enumerate(ids)
    ]


def places_in_shards(made: Made) -> list[tuple[int, str, int, int]]:
    return [
        (each.uid, SOURCES[each.source], each.start + place, token)
        for each in made.stretches
        for place, token in enumerate(each.numbers["input_ids"])
    ]


@settings(max_examples=60)
@given(phases(), st.sampled_from([1, 400, 1 << 26]))
def test_mds_holds_every_sequence_as_it_is(phase: Phase, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made, out = make(Path(folder), phase.fragments, phase.form), Path(folder, "out")
        done = written(made, out, MDS, file_bytes=size)
        columns = ("doc_lengths", "doc_uids", *made.form.columns)
        expected = [{"tokens": row["input_ids"], **{name: row[name] for name in columns}} for row in made.rows]
        assert (list(map(comparable, read_mds(out / "web"))) if expected else []) == list(map(comparable, expected))
        ids = sum(len(row["input_ids"]) for row in made.rows)
        tokens = sum(sum(row["doc_lengths"]) for row in made.rows)
        assert (done.items, done.tokens, done.padding) == (len(expected), tokens, ids - tokens)
        assert tokens - len(made.tokens) >= 0 if made.packing.next_token else tokens == len(made.tokens)


def comparable(sample: dict[str, Any]) -> dict[str, list[float | None]]:
    """Return a sample whose NaNs equal one another."""
    return {name: [None if number != number else number for number in held] for name, held in sample.items()}  # noqa: PLR0124


def test_a_shard_of_mds_is_as_long_as_its_limit_and_no_longer(tmp_path: Path) -> None:
    made = make(tmp_path, FRAGMENTS, Form(Packing("concat", 8, PAD), "uint16"))
    (whole,) = shards_by(made, tmp_path / "whole", 999)
    assert whole > 99, "the limit is written into each shard, so its digits must stay as many"
    assert shards_by(made, tmp_path / "full", whole) == [whole]
    assert len(shards_by(made, tmp_path / "short", whole - 1)) == 2


def shards_by(made: Made, out: Path, limit: int) -> list[int]:
    """Return the sizes of shards by a limit of bytes."""
    written(made, out, MDS, file_bytes=limit)
    return [path.stat().st_size for path in files_of(out, ".mds")]


def test_a_sequence_of_many_documents_tells_its_number_in_more_bytes(tmp_path: Path) -> None:
    made = make(tmp_path, [[1] * 70_000, [1] * 300], Form(Packing("concat", 70_000, PAD), "uint16"))
    written(made, tmp_path / "out", MDS)
    assert [len(sample["doc_lengths"]) for sample in read_mds(tmp_path / "out" / "web")] == [70_000, 300]


@pytest.mark.parametrize("name", EXPORTERS)
@pytest.mark.parametrize("fragments", [[], [[]], [[0, 0], []]])
def test_a_phase_without_tokens_has_no_files(name: str, fragments: list[list[int]], tmp_path: Path) -> None:
    made = make(tmp_path, fragments, Form(Packing("concat", 8, PAD), "uint16"))
    done = written(made, tmp_path / "out", EXPORTERS[name])
    assert (done.files, done.items, done.tokens, done.padding) == ({}, 0, 0, 0)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", EXPORTERS)
def test_the_same_shards_give_the_same_bytes_and_each_file_is_noted(name: str, tmp_path: Path) -> None:
    made = make(tmp_path, FRAGMENTS, Form(Packing("concat", 8, PAD), "uint32", group=16))
    first, second = (written(made, tmp_path / out, EXPORTERS[name], file_bytes=100) for out in ("one", "two"))
    assert first == second
    held = {path.relative_to(tmp_path / "one").as_posix(): path for path in (tmp_path / "one" / "web").iterdir()}
    assert {path: note.bytes for path, note in first.files.items()} == {
        path: file.stat().st_size for path, file in held.items()
    }
    assert all((tmp_path / "two" / path).read_bytes() == file.read_bytes() for path, file in held.items())
    assert len(held) > 3


@pytest.mark.parametrize("name", EXPORTERS)
@settings(max_examples=20)
@given(group=st.integers(1, 80), next_token=st.booleans())
def test_row_groups_change_no_byte(name: str, group: int, *, next_token: bool) -> None:
    packing = Packing("concat", 8, PAD, next_token)
    with tempfile.TemporaryDirectory() as folder:
        one = make(Path(folder, "a"), FRAGMENTS, Form(packing, "uint16"))
        other = make(Path(folder, "b"), FRAGMENTS, Form(packing, "uint16", group))
        assert written(one, Path(folder, "c"), EXPORTERS[name]) == written(other, Path(folder, "d"), EXPORTERS[name])


def test_a_document_that_packing_cut_is_whole_again_and_two_that_adjoin_are_two(tmp_path: Path) -> None:
    made = make(tmp_path, FRAGMENTS, Form(Packing("concat", 8, PAD), "uint16"))
    written(made, tmp_path / "out", OLMO)
    assert max(map(len, made.documents)) == 30
    assert len(made.documents) < sum(len(row["doc_lengths"]) for row in made.rows)
    assert read_ids(tmp_path / "out" / "web" / "part-00000.npy", 2) == made.tokens
