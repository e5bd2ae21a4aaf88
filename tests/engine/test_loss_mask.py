"""Builds with spans that count for the loss: the mask of every shard is the one of its documents."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.audit.opened import Opened, open_folder
from pipelines.audit.summary import PART, read_summary
from pipelines.engine.fit import load_fitted_encoder
from pipelines.engine.job import Resources
from pipelines.engine.session import Settings
from pipelines.errors import ManifestError
from tests.helpers import build_here, digest, lines_source, verdicts, write_lines


def chat(number: int) -> dict[str, Any]:
    """Return a conversation whose answers count; of every fifth all does, for it says nothing."""
    text, spans = "", []
    for turn in range(1 + number % 4):
        text += f"Question {number}.{turn}: caf\u00e9 \u6587?\n"
        spans.append([len(text), len(text) + len(answer := f"Answer {number * turn}, \u00e9 of course.\n")])
        text += answer
    return {"id": f"chat-{number}", "text": text, **({} if number % 5 == 0 else {"turns": {"loss": spans}})}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loss")
    broken = {"id": "broken", "text": "never seen", "turns": {"loss": [[5, 2]]}}
    write_lines(folder / "sft" / "x.jsonl", [*map(chat, range(60)), broken])
    write_lines(
        folder / "web" / "x.jsonl", [{"id": f"web-{n}", "text": f"Page {n} of the web. " * 4} for n in range(40)]
    )
    return folder


def manifest(corpus: Path, **mix: object) -> dict[str, Any]:
    phase = {"name": "p", "tokens": 4000, "weights": {"sft": 0.5, "web": 0.5}}
    return {
        "name": "loss",
        "sources": {
            "sft": lines_source(corpus / "sft", loss_spans="turns.loss"),
            "web": lines_source(corpus / "web"),
        },
        "stages": [{"normalize": {"on": ["web"]}}, "dedup_exact"],
        "tokenizer": {"train": {"vocab_size": 320}, "eos": True},
        "mix": {"sequence_length": 24, "shard_tokens": 1500, "phases": [phase], "max_epochs": 9, **mix},
    }


def wanted_masks(built: Opened) -> dict[int, list[int]]:
    """Return per document, by uid, which of its tokens count: by the texts and spans, without the project's mask."""
    encoder = load_fitted_encoder(built.job, built.lock.tokenizer)
    texts = {chat(number)["id"]: chat(number) for number in range(60)}
    masks: dict[int, list[int]] = {}
    for row in verdicts(Path(built.storage.url)).to_pylist():
        document = texts.get(row["id"])
        text = document["text"] if document else f"Page {row['id'].removeprefix('web-')} of the web. " * 4
        spans = document["turns"]["loss"] if document and "turns" in document else [[0, len(text)]]
        ids = encoder.encode(pa.array([text], pa.large_string())).ids
        masks[row["uid"]] = list(_mask(text, spans, [encoder.token_bytes(ids[at : at + 1]) for at in range(len(ids))]))
    return masks


def _mask(text: str, spans: list[list[int]], tokens: list[bytes]) -> list[int]:
    inside = [any(start <= at < end for start, end in spans) for at, letter in enumerate(text) for _ in letter.encode()]
    mask: list[int] = []
    at = 0
    for token in tokens:
        mask.append(int(any(inside[at : at + len(token)])) if token else mask[-1])
        at += len(token)
    return mask


@pytest.mark.parametrize("next_token", [False, True])
@pytest.mark.parametrize("pack", ["concat", "best_fit", "pad_truncate"])
def test_the_mask_of_a_sequence_is_that_of_its_documents(corpus: Path, pack: str, *, next_token: bool) -> None:
    out = corpus / f"out-{pack}-{next_token}"
    build_here(manifest(corpus, pack=pack, next_token=next_token), out)
    wanted = wanted_masks(open_folder(out))
    seen: set[int] = set()
    for path in (out / "shards").rglob("*.parquet"):
        for row in pq.read_table(path).to_pylist():
            stretches = zip(row["doc_uids"], row["doc_starts"], row["doc_lengths"], strict=True)
            mask = [each for uid, start, length in stretches for each in wanted[uid][start : start + length]]
            assert row["loss_mask"] == mask + [0] * (24 + next_token - len(mask))
            seen |= set(mask)
    assert seen == {0, 1}


def test_spans_that_are_none_make_a_record_unreadable(corpus: Path) -> None:
    build_here(manifest(corpus), corpus / "broken")
    (row,) = (row for row in verdicts(corpus / "broken").to_pylist() if row["fate"] == "unreadable")
    assert row["rule"] == "type: 'loss:spans' is no list of [start, end]"
    assert read_summary((corpus / "broken" / PART).read_bytes()).unplaced == 0


def test_masks_do_not_depend_on_how_a_build_was_run(corpus: Path) -> None:
    build_here(manifest(corpus), corpus / "one")
    other = Settings("none", Resources(partitions=5, spill_bytes=1024, reverse=True))
    build_here(manifest(corpus), corpus / "other", other)
    assert digest(corpus / "one") == digest(corpus / "other")


def answered(number: int) -> tuple[list[dict[str, str]], str, list[list[int]]]:
    """Return a conversation as messages, as a text, and where its answers and their ends lie in it."""
    messages, text, spans = [], "", []
    for turn in range(1 + number % 3):
        question, answer = f"Question {number}.{turn}: caf\u00e9?", f"Answer {number * turn}, of course \u6587."
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        text += f"Q: {question}\nA: "
        spans.append([len(text), len(text) + len(answer) + 2])
        text += f"{answer}\n\n"
    return messages, text, spans


def test_of_chats_the_answers_count_and_their_ends(tmp_path: Path) -> None:
    write_lines(tmp_path / "sft" / "x.jsonl", [{"id": str(n), "messages": answered(n)[0]} for n in range(40)])
    roles = {
        "user": {"before": "Q: ", "after": "\n"},
        "assistant": {"before": "A: ", "after": "\n\n", "loss": True},
    }
    wanted = manifest(tmp_path, pack="pad_truncate", sequence_length=400)
    wanted["sources"] = {"sft": lines_source(tmp_path / "sft", chat={"roles": roles})}
    wanted["stages"] = ["dedup_exact"]
    wanted["mix"]["phases"] = [{"name": "p", "tokens": 1500, "weights": {"sft": 1}}]
    build_here(wanted, tmp_path / "out")
    built = open_folder(tmp_path / "out")
    encoder = load_fitted_encoder(built.job, built.lock.tokenizer)
    numbers = {row["uid"]: int(row["id"]) for row in verdicts(tmp_path / "out").to_pylist()}
    for path in (tmp_path / "out" / "shards").rglob("*.parquet"):
        for row in pq.read_table(path).to_pylist():
            (uid,), (start,), (length,) = row["doc_uids"], row["doc_starts"], row["doc_lengths"]
            _, text, spans = answered(numbers[uid])
            ids = encoder.encode(pa.array([text], pa.large_string())).ids
            assert row["input_ids"][:length] == ids[start : start + length].tolist()
            mask = list(_mask(text, spans, [encoder.token_bytes(ids[at : at + 1]) for at in range(len(ids))]))
            assert row["loss_mask"][:length] == mask[start : start + length]
            assert {*mask} == {0, 1}


def test_a_stage_may_not_edit_a_chat(tmp_path: Path) -> None:
    wanted = manifest(tmp_path)
    wanted["sources"]["web"] = lines_source(tmp_path / "web", chat={"roles": {"assistant": {"loss": True}}})
    with pytest.raises(ManifestError, match=r"sources\.web\.chat.*'normalize' changes it"):
        build_here(wanted, tmp_path / "out")


def test_without_spans_a_shard_has_no_mask(corpus: Path) -> None:
    wanted = manifest(corpus)
    del wanted["sources"]["sft"]["loss_spans"]
    build_here(wanted, corpus / "plain")
    build_here(manifest(corpus), corpus / "masked")
    for path in (corpus / "plain" / "shards").rglob("*.parquet"):
        plain = pq.read_table(path)
        assert "loss_mask" not in plain.schema.names
        assert json.loads(plain.schema.metadata[b"gristmill"])["packing"]["method"] == "concat"
        assert np.array(plain["input_ids"].to_pylist()).shape[1] == 24
