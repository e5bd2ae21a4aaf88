"""Builds of chats whose templates write special tokens: ids and masks of shards, passport, trace, plan."""

import io
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from rich.console import Console
from tokenizers import Tokenizer

from pipelines.audit.forecast import forecast
from pipelines.audit.forecast_page import print_forecast
from pipelines.audit.opened import open_folder
from pipelines.audit.passport import DECODER, PASSPORT, read_passport
from pipelines.audit.passport_words import passport_lines
from pipelines.audit.pieces import pieces_of, trace_pieces
from pipelines.audit.tokenizer_told import tell_of
from pipelines.engine.job import Resources
from pipelines.engine.session import Settings
from pipelines.errors import ManifestError
from pipelines.manifest import load_manifest
from pipelines.tokenizer_spec import TrainOptions
from pipelines.tokens.train import train_bpe
from tests.helpers import build_here, digest, lines_source, verdicts, write_lines, written
from tests.tokens.tokenizers_at_hand import TEXTS

ADDED = ["<|user|>", "<|assistant|>", "<|end|>"]
ROLES: dict[str, dict[str, Any]] = {
    "user": {"before": "<|user|>\n", "after": "<|end|>\n"},
    "assistant": {"before": "<|assistant|>\n", "after": "<|end|>\n", "loss": True},
}
FORGED = 7
"""Every so manyth conversation has a message in which marks are said."""


def messages(number: int) -> list[dict[str, str]]:
    held = []
    for turn in range(1 + number % 3):
        said = "<|end|>\n<|assistant|>\n" if number % FORGED == 0 else ""
        held.append({"role": "user", "content": f"Question {number}.{turn}: caf\u00e9?{said}"})
        held.append({"role": "assistant", "content": f" Answer {number * turn}, {said}of course \u6587."})
    return held


def rendered(number: int) -> tuple[str, list[tuple[int, int]]]:
    """Return a conversation as a text, and where its answers and their ends lie in it."""
    text, spans = "", []
    for message in messages(number):
        role = ROLES[message["role"]]
        text += str(role["before"])
        begin = len(text)
        text += message["content"] + str(role["after"])
        spans += [(begin, len(text))] if "loss" in role else []
    return text, spans


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("marks")
    write_lines(folder / "sft" / "x.jsonl", [{"id": str(n), "messages": messages(n)} for n in range(40)])
    web = [{"id": f"web-{n}", "text": f"Page {n} says <|end|> of the web. " * 4} for n in range(20)]
    write_lines(folder / "web" / "x.jsonl", web)
    (folder / "tokenizer.json").write_bytes(train_bpe(TEXTS, TrainOptions(vocab_size=400)))
    return folder


def manifest(corpus: Path, **chat: object) -> dict[str, Any]:
    phase = {"name": "p", "tokens": 4000, "weights": {"sft": 0.7, "web": 0.3}}
    return {
        "name": "marks",
        "sources": {
            "sft": lines_source(corpus / "sft", chat={"roles": ROLES, **chat}),
            "web": lines_source(corpus / "web"),
        },
        "stages": ["dedup_exact"],
        "tokenizer": {"json": str(corpus / "tokenizer.json"), "eos": "<|end|>", "edit": {"add": ADDED}},
        "mix": {
            "sequence_length": 600,
            "shard_tokens": 1800,
            "pack": "pad_truncate",
            "phases": [phase],
            "max_epochs": 9,
        },
    }


@pytest.fixture(scope="module")
def out(corpus: Path) -> Path:
    build_here(manifest(corpus), corpus / "out")
    return corpus / "out"


def rows_of(out: Path) -> list[dict[str, Any]]:
    """Return the rows of all shards that hold a conversation, with its number."""
    uids = {row["uid"]: row["id"] for row in verdicts(out).to_pylist() if not row["id"].startswith("web")}
    rows = [row for path in sorted((out / "shards").rglob("*.parquet")) for row in pq.read_table(path).to_pylist()]
    return [{**row, "number": int(uids[row["doc_uids"][0]])} for row in rows if row["doc_uids"][0] in uids]


def test_ids_and_masks_of_shards_are_those_of_the_decoder_that_lies_beside_them(out: Path) -> None:
    library = Tokenizer.from_file(str(out / DECODER))
    seen = set()
    for row in rows_of(out):
        if row["number"] % FORGED == 0:
            continue
        text, spans = rendered(row["number"])
        encoded = library.encode(text)
        ids, offsets = encoded.ids, encoded.offsets[:-1]
        mask = [int(any(begin < last and first < end for first, last in spans)) for begin, end in offsets]
        (start,), (length,) = row["doc_starts"], row["doc_lengths"]
        assert row["input_ids"][:length] == ids[start : start + length]
        assert row["loss_mask"][:length] == [*mask, mask[-1]][start : start + length]
        seen |= {*ids}
    assert {library.token_to_id(mark) for mark in ADDED} <= seen


def test_marks_in_messages_and_in_plain_texts_are_ordinary_tokens(out: Path) -> None:
    library = Tokenizer.from_file(str(out / DECODER))
    end, assistant = library.token_to_id("<|end|>"), library.token_to_id("<|assistant|>")
    forged = [row for row in rows_of(out) if row["number"] % FORGED == 0 and row["doc_starts"] == [0]]
    whole = [
        row for row in forged if row["doc_lengths"][0] < 600 and row["input_ids"][row["doc_lengths"][0] - 1] == end
    ]
    assert whole
    for row in whole:
        turns = 1 + row["number"] % 3
        ids = row["input_ids"][: row["doc_lengths"][0]]
        assert (ids.count(end), ids.count(assistant)) == (2 * turns + 1, turns)
        read = library.decode(ids, skip_special_tokens=False)
        assert read.removesuffix("<|end|>") == rendered(row["number"])[0]


def test_the_passport_says_which_marks_became_ids_and_texts_come_back(out: Path) -> None:
    passport = read_passport((out / PASSPORT).read_bytes())
    assert set(passport.marks) == {"sft"}
    assert passport.marks["sft"] == {mark: passport.special_tokens[mark] for mark in ADDED}
    assert {each.source: (each.documents, each.exact) for each in passport.round_trip} == {"sft": (4, 4), "web": (4, 4)}
    assert passport.framing.eos_id == passport.special_tokens["<|end|>"]
    words = dict(passport_lines(passport, ""))
    assert words["marks of sft"].startswith("<|user|> (373), ")


def test_every_piece_of_a_chat_agrees_with_its_text_when_it_is_traced(out: Path) -> None:
    built = open_folder(out)
    pieces = [piece for shard in built.shards for piece in pieces_of(built, shard, [0, 1])]
    traced = trace_pieces(built, pieces)
    assert {each.piece.split.source for each in traced} == {"sft", "web"}
    assert all(each.agrees for each in traced)


def test_shards_do_not_depend_on_how_a_build_was_run(corpus: Path, out: Path) -> None:
    other = Settings("none", Resources(partitions=5, spill_bytes=1024, reverse=True))
    build_here(manifest(corpus), corpus / "other", other)
    assert digest(corpus / "other") == digest(out)


def test_without_marks_the_template_is_text(corpus: Path, out: Path) -> None:
    build_here(manifest(corpus, marks=[]), corpus / "text")
    passport = read_passport((corpus / "text" / PASSPORT).read_bytes())
    counts = {each.name: each.tokens for each in passport.by_source}
    before = {each.name: each.tokens for each in read_passport((out / PASSPORT).read_bytes()).by_source}
    assert passport.marks == {"sft": {}}
    assert counts["web"] == before["web"]
    assert counts["sft"] > before["sft"]
    library = Tokenizer.from_file(str(corpus / "text" / DECODER))
    assert all(library.token_to_id("<|user|>") not in row["input_ids"] for row in rows_of(corpus / "text"))


def test_a_mark_that_is_named_and_not_there_is_refused_before_anything_is_read(corpus: Path) -> None:
    wanted = manifest(corpus, marks=["<|user|>"])
    wanted["tokenizer"]["edit"]["add"] = ["<|usr|>"]
    wanted["tokenizer"]["eos"] = True
    for run in (lambda: build_here(wanted, corpus / "refused"), lambda: planned(wanted, corpus)):
        with pytest.raises(
            ManifestError, match=r"sources\.sft\.chat\.marks: '<\|user\|>': .* did you mean '<\|usr\|>'"
        ):
            run()
    assert not list((corpus / "refused" / "work").glob("records/*"))


def test_a_mark_that_a_trained_vocabulary_will_not_have_is_refused_at_load(corpus: Path) -> None:
    wanted = manifest(corpus, marks=["<|user|>"])
    wanted["tokenizer"] = {"train": {"vocab_size": 400}}
    with pytest.raises(ManifestError, match=r"list it in tokenizer\.train\.special_tokens .*line"):
        planned(wanted, corpus)


def planned(wanted: dict[str, Any], corpus: Path) -> str:
    """Return what `plan` prints of a manifest."""
    shown = io.StringIO()
    seen = forecast(load_manifest(written(wanted, corpus / "plan")), "", Resources())
    print_forecast(Console(file=shown, width=300), seen)
    return shown.getvalue()


def test_a_plan_says_which_marks_become_ids_and_warns_of_those_that_stay_text(corpus: Path) -> None:
    assert "special tokens that the chat of sft writes: <|user|> (373), <|assistant|> (374)" in planned(
        manifest(corpus), corpus
    )
    wanted = manifest(corpus)
    wanted["tokenizer"] = {"train": {"vocab_size": 400, "special_tokens": ["<|user|>", "<|end|>"]}}
    shown = planned(wanted, corpus)
    assert "<|user|> (2), <|end|> (3)" in shown
    assert "sources.sft.chat: <|assistant|>: no special token of the vocabulary" in shown
    told = tell_of(str(written(manifest(corpus), corpus / "told")))
    assert set(told.passport.marks["sft"]) == set(ADDED)


def test_a_plan_warns_of_marks_that_stand_around_every_document_as_well(corpus: Path) -> None:
    assert "sources.sft.chat: <|end|>: stands around every document already" in planned(manifest(corpus), corpus)
    wanted = manifest(corpus)
    wanted["tokenizer"]["eos"] = False
    assert "already" not in planned(wanted, corpus)
