"""Trace: what a sequence is made of, and that its tokens are its documents' texts."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from rich.cells import cell_len
from rich.console import Console

from pipelines import catalog
from pipelines.audit.opened import Opened, open_folder
from pipelines.audit.pieces import Piece, Traced, packing_of, pieces_of, trace_piece, trace_pieces
from pipelines.audit.pieces_page import print_sequence
from pipelines.audit.summary import PART, read_summary
from pipelines.errors import RequestError, SourceChanged
from pipelines.mix.shards import Packing
from tests.audit.conftest import manifest
from tests.helpers import CORPUS, build_here, lines_source, verdicts, write_lines
from tests.stages import CutSecondLines

CONCAT = Packing("concat", 32, 0)


def all_pieces(built: Opened) -> list[Piece]:
    """Return the pieces of every sequence of a build."""
    sizes = {shard: pq.read_metadata(f"{built.storage.url}/{shard}").num_rows for shard in built.shards}
    return [piece for shard, rows in sizes.items() for piece in pieces_of(built, shard, range(rows))]


def test_the_pieces_cover_the_real_tokens_of_every_sequence_in_order(built: Opened) -> None:
    pieces = all_pieces(built)
    for shard in built.shards:
        for number, row in enumerate(pq.read_table(f"{built.storage.url}/{shard}").to_pylist()):
            here = [piece for piece in pieces if (piece.shard, piece.sequence) == (shard, number)]
            assert [token for piece in here for token in piece.ids] == row["input_ids"][: sum(row["doc_lengths"])]
            assert [piece.first for piece in here] == [0, *(piece.end for piece in here[:-1])]


def test_the_pieces_of_a_document_add_up_to_what_the_ledger_says_was_used(built: Opened) -> None:
    used: dict[int, int] = {}
    for piece in all_pieces(built):
        used[piece.uid] = used.get(piece.uid, 0) + len(piece.ids)
    rows = verdicts(Path(built.storage.url)).to_pylist()
    assert used == {row["uid"]: row["tokens_used"] for row in rows if row["fate"] == "used"}
    ids = {row["uid"]: (row["id"], row["ordinal"], row["source"]) for row in rows}
    assert all(ids[piece.uid] == (piece.id, piece.ordinal, piece.split.source) for piece in all_pieces(built))


def test_every_piece_is_its_documents_final_text(built: Opened) -> None:
    traced = trace_pieces(built, all_pieces(built))
    assert traced
    assert all(each.agrees for each in traced)


def test_a_piece_is_the_text_that_a_person_finds_in_the_source(corpus: Path, built: Opened) -> None:
    lines = [line for file in (corpus / "main").glob("*.jsonl") for line in file.read_text().splitlines()]
    texts = {record.get("id"): record["text"] for record in map(json.loads, lines)}
    first = next(piece for piece in all_pieces(built) if piece.id.startswith("kept-") and piece.start == 0)
    assert texts[first.id].startswith(first.text)
    assert trace_piece(built, first).offset == 0


def test_other_tokens_or_another_place_are_told_apart_from_the_text(built: Opened) -> None:
    piece = next(piece for piece in all_pieces(built) if piece.start > 0)
    swapped = np.roll(piece.ids, 1)
    assert not trace_piece(built, replace(piece, ids=swapped)).agrees
    assert not trace_piece(built, replace(piece, start=piece.start - 1)).agrees
    assert not trace_piece(built, replace(piece, data=b"?" + piece.data[1:])).agrees


def given_tokenizer(folder: Path, tokenizer: object, **changes: object) -> dict[str, Any]:
    """Return a manifest in which edits and tokens are of one pass, since nothing is trained."""
    mix = {
        "sequence_length": 24,
        "phases": [{"name": "p", "tokens": 1200, "weights": {"a": 1.0}}],
        "max_epochs": 9,
    }
    sources = {"a": lines_source(folder / "a")}
    return {"name": "n", "sources": sources, "stages": ["normalize"], "tokenizer": tokenizer, "mix": mix, **changes}


TEXTS = [
    "Cafe\u0301 one\r\n two \u6587\u5b57 three.",
    "Stra\u00dfe\nmit  zwei Zeilen\n\nund noch einer\n",
    " blank first",
]


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the tokenizers of ../shared/corpus are not here")
@pytest.mark.parametrize("file", ["gpt2/tokenizer.json", "llama2/tokenizer.model", "llama3/tokenizer.model"])
def test_edited_texts_are_traced_through_published_tokenizers(
    tmp_path: Path, building: Callable[[dict[str, Any]], Opened], file: str
) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": text * number} for number in range(1, 9) for text in TEXTS])
    built = building(given_tokenizer(tmp_path, str(CORPUS / "tokenizers" / file)))
    traced = trace_pieces(built, all_pieces(built))
    assert all(each.agrees for each in traced)
    assert any("Café one\n".encode() in each.text for each in traced)


def test_texts_that_an_exchange_cut_are_traced(
    tmp_path: Path, building: Callable[[dict[str, Any]], Opened], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(catalog.STAGES, "cut_second_lines", CutSecondLines)
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": f"keep {number}\ncut\r\nkeep too\n"} for number in range(40)])
    wanted = given_tokenizer(tmp_path, {"train": {"vocab_size": 300}}, stages=["normalize", "cut_second_lines"])
    wanted["mix"]["phases"][0]["tokens"] = 300
    built = building(wanted)
    traced = trace_pieces(built, all_pieces(built))
    assert all(each.agrees for each in traced)
    assert b"cut" not in b"".join(each.text for each in traced)
    assert b"keep too" in b"".join(each.text for each in traced)


@pytest.mark.parametrize(
    ("shard", "row", "said"),
    [
        ("second/part-00000.parquet", 10_000, "has rows 0 to"),
        ("third/part-00000.parquet", 0, "first/part-00000.parquet"),
        ("", 0, "first/part-00000.parquet"),
    ],
)
def test_a_sequence_that_there_is_not_is_refused_with_those_that_there_are(
    built: Opened, shard: str, row: int, said: str
) -> None:
    with pytest.raises(RequestError, match=said):
        pieces_of(built, shard, [row])


def test_a_shard_may_be_named_as_the_ledger_of_a_trainer_names_it(built: Opened) -> None:
    named = pieces_of(built, "shards/second/part-00000.parquet", [0])
    assert [piece.uid for piece in named] == [piece.uid for piece in pieces_of(built, "second/part-00000.parquet", [0])]


@pytest.fixture
def movable(corpus: Path, tmp_path: Path) -> Opened:
    """Return a build over a copy of the corpus, whose files can be changed."""
    for name in ("main", "half"):
        shutil.copytree(corpus / name, tmp_path / name)
    build_here(manifest(tmp_path, stages=["dedup_exact"]), tmp_path / "out")
    return open_folder(tmp_path / "out")


def test_a_source_that_changed_since_is_refused_by_name(movable: Opened, tmp_path: Path) -> None:
    pieces = pieces_of(movable, "first/part-00000.parquet", range(20))
    for file in (tmp_path / "main").glob("*.jsonl"):
        file.write_text(file.read_text().replace("mill", "till"))
    with pytest.raises(SourceChanged, match=r"main.*changed"):
        trace_pieces(movable, pieces)


def test_a_source_that_is_gone_is_named_with_what_to_do(movable: Opened, tmp_path: Path) -> None:
    pieces = pieces_of(movable, "first/part-00000.parquet", range(20))
    shutil.rmtree(tmp_path / "main")
    shutil.rmtree(tmp_path / "half")
    with pytest.raises(RequestError, match=r"is gone.*bring it back"):
        trace_pieces(movable, pieces)


def test_nothing_is_written_while_tracing(movable: Opened) -> None:
    folder = Path(movable.storage.url)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    trace_pieces(movable, pieces_of(movable, "first/part-00000.parquet", range(5)))
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def page(traced: list[Traced], width: int, *, whole: bool, packing: Packing = CONCAT) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        print_sequence(console, traced, packing, whole=whole)
    return captured.get()


@pytest.mark.parametrize("width", [80, 120])
def test_every_sequence_has_a_page_that_fits(built: Opened, width: int) -> None:
    for row in range(10):
        traced = trace_pieces(built, pieces_of(built, "first/part-00000.parquet", [row]))
        shown = page(traced, width, whole=False)
        assert max(cell_len(line) for line in shown.splitlines()) <= width
        assert all(f"{each.piece.first}..{each.piece.end}" in shown for each in traced)
        assert "Checked: " in shown


def test_the_whole_text_of_a_piece_is_printed_where_it_is_asked_for(built: Opened) -> None:
    traced = trace_pieces(built, pieces_of(built, "first/part-00000.parquet", [0]))
    shown = page(traced, 80, whole=True)
    assert all(each.piece.text.rstrip("\n") in shown for each in traced)


def test_a_piece_that_is_not_its_text_is_shown_with_both(built: Opened) -> None:
    (traced, *_) = trace_pieces(built, pieces_of(built, "first/part-00000.parquet", [0]))
    shown = page([replace(traced, text=b"something else")], 80, whole=False)
    assert "something else" in shown
    assert "1 of 1 piece differ from the text." in shown


@pytest.mark.parametrize("pack", ["concat", "best_fit", "pad_truncate"])
def test_sequences_of_every_packing_are_traced_with_their_next_tokens(
    corpus: Path, building: Callable[[dict[str, Any]], Opened], pack: str
) -> None:
    wanted = manifest(corpus)
    wanted["mix"] |= {"pack": pack, "next_token": True}
    built = building(wanted)
    pieces = all_pieces(built)
    assert all(each.agrees for each in trace_pieces(built, pieces))
    assert max(piece.end for piece in pieces) == 33
    _one_token_over(built, pieces, pack)


def _one_token_over(built: Opened, pieces: list[Piece], pack: str) -> None:
    """Tokens in shards, each counted once, are those that the ledger calls used; unless packing loses some."""
    places = [(piece, piece.start + at) for piece in pieces for at in range(len(piece.ids))]
    tokens = {(piece.shard, piece.uid, piece.epoch, piece.pool, token) for piece, token in places}
    ids = sum(len(piece.ids) for piece in pieces)
    summary = read_summary(built.storage.read(PART))
    assert (summary.real, summary.repeated) == (len(tokens), ids - len(tokens))
    assert summary.real + summary.lost == sum(each.tokens for each in summary.phases)
    assert (summary.repeated == 0, summary.lost > 0) == (pack == "pad_truncate", pack == "pad_truncate")


def test_the_page_says_how_a_sequence_was_packed(built: Opened) -> None:
    shard = "first/part-00000.parquet"
    assert packing_of(built, shard) == Packing("concat", 32, packing_of(built, shard).pad_id)
    traced = trace_pieces(built, pieces_of(built, shard, [0]))
    assert "packed by concat" in page(traced, 120, whole=False)
    assert "next_token" not in page(traced, 120, whole=False)
    overlapping = Packing("best_fit", 32, 0, next_token=True)
    assert "With next_token, what goes on in another sequence begins there" in page(
        traced, 120, whole=False, packing=overlapping
    )
