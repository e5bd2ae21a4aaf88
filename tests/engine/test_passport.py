"""The passport of a build: what it says is counted again from texts and ledger, and it is the same however built."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from pipelines.audit.opened import open_folder
from pipelines.audit.passport import DECODER, PASSPORT, Edited, Passport, read_passport
from pipelines.audit.pieces import pieces_of, trace_pieces
from pipelines.engine.job import Resources
from pipelines.engine.remixing import mix_again
from pipelines.engine.session import Settings
from pipelines.loader import load_sequences
from pipelines.tokens.checking import CHECKED
from tests.filters.real_texts import needs_corpus
from tests.helpers import build_here, lines_source, verdicts, write_lines
from tests.tokens.tokenizers_at_hand import PUBLISHED

HERE = Settings(address="none")
SHARD = "main/part-00000.parquet"

TEXTS = {
    "a": [f"It is said that number {number} of the mills grinds slowly, and well." for number in range(30)],
    "b": [f"Der Hund läuft heute {number} mal über die Straße, und die Katze schläft." for number in range(20)],
}


def manifest(folder: Path, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a manifest holds
    phase = {"name": "main", "tokens": 300, "weights": {"a": 0.5, "b": 0.5}}
    given: dict[str, Any] = {
        "name": "passport",
        "split_bytes": 1000,
        "sources": {name: lines_source(folder / name) for name in TEXTS},
        "stages": [{"language": {}}, {"gopher_quality": {"min_word_count": 5, "on": ["a"]}}, "dedup_exact"],
        "tokenizer": {"train": {"vocab_size": 320, "special_tokens": ["<s>"]}},
        "mix": {"sequence_length": 16, "shard_tokens": 100, "phases": [phase]},
    }
    return {**given, **options}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for name, texts in TEXTS.items():
        write_lines(folder / name / "x.jsonl", [{"id": f"{name}{at}", "text": text} for at, text in enumerate(texts)])
    build_here(manifest(folder), folder / "out")
    return folder


def passport_in(out: Path) -> Passport:
    return read_passport((out / PASSPORT).read_bytes())


def test_it_says_what_the_tokenizer_is(corpus: Path) -> None:
    passport = passport_in(corpus / "out")
    assert passport.hash == open_folder(corpus / "out").lock.tokenizer_hash
    assert (passport.kind, passport.vocab_size, passport.id_type) == ("train", 320, "uint16")
    assert passport.special_tokens == {"<|endoftext|>": 0, "<|pad|>": 1, "<s>": 2}
    framing = passport.framing
    assert (framing.bos_id, framing.eos_id, framing.pad_id, framing.adds_bos, framing.adds_eos) == (2, 0, 1, True, True)
    assert (passport.normalizer, passport.pre_tokenizer, passport.edits) == ("none", "the pattern gpt2", None)


def test_fertility_by_source_is_what_texts_and_ledger_say(corpus: Path) -> None:
    tokens: Counter[str] = Counter()
    for row in verdicts(corpus / "out").to_pylist():
        tokens[row["source"]] += row["tokens"] - 2
    found = {each.name: each for each in passport_in(corpus / "out").by_source}
    assert found.keys() == TEXTS.keys()
    for name, texts in TEXTS.items():
        chars, size = sum(map(len, texts)), sum(len(text.encode()) for text in texts)
        each = found[name]
        assert (each.documents, each.characters, each.bytes, each.tokens) == (len(texts), chars, size, tokens[name])
        assert (each.per_character, each.per_byte) == (round(tokens[name] / chars, 6), round(tokens[name] / size, 6))
    words = sum(len(text.split()) for text in TEXTS["a"])
    assert (found["a"].words, found["a"].per_word) == (words, round(tokens["a"] / words, 6))
    assert (found["b"].words, found["b"].per_word) == (0, None)


def test_fertility_by_language_adds_up_to_that_by_source(corpus: Path) -> None:
    passport = passport_in(corpus / "out")
    languages = {each.name: each for each in passport.by_language}
    assert {"en", "de"} <= languages.keys()
    for name in ("documents", "characters", "bytes", "tokens", "words"):
        sums = [sum(getattr(each, name) for each in group) for group in (passport.by_language, passport.by_source)]
        assert sums[0] == sums[1]
    assert languages["en"].tokens > 0


def test_without_a_stage_that_measures_languages_there_are_none(corpus: Path, tmp_path: Path) -> None:
    build_here(manifest(corpus, stages=[]), tmp_path / "out")
    passport = passport_in(tmp_path / "out")
    assert passport.by_language == []
    assert sum(each.documents for each in passport.by_source) == 50


def test_the_first_documents_of_every_split_come_back(corpus: Path) -> None:
    looked_at: Counter[str] = Counter()
    files = sorted((corpus / "out" / "ledger" / "verdicts").rglob("*.parquet"))
    for file in files:
        looked_at[file.parent.name] += min(CHECKED, pq.read_metadata(file).num_rows)
    assert len(files) > len(TEXTS)
    for each in passport_in(corpus / "out").round_trip:
        assert each.documents == each.exact == looked_at[each.source]


def test_texts_that_a_normalizer_changes_are_counted_with_the_reason(corpus: Path, tmp_path: Path) -> None:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.UnigramTrainer(
        vocab_size=300,
        show_progress=False,
        special_tokens=["<unk>"],
        unk_token="<unk>",  # noqa: S106 - no password
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(TEXTS["a"], trainer)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    build_here(manifest(corpus, tokenizer=str(tmp_path / "tokenizer.json"), mix=None), tmp_path / "out")
    passport = passport_in(tmp_path / "out")
    assert (passport.kind, passport.normalizer) == ("json", "Lowercase")
    for each in passport.round_trip:
        assert (each.exact, each.normalizer, each.other) == (0, each.documents, 0)


@needs_corpus
def test_a_build_with_the_vocabulary_of_phi_3_mini_says_so(corpus: Path, tmp_path: Path) -> None:
    chat = ["<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>"]
    spec = {"sentencepiece": str(PUBLISHED["llama2"]), "bos": False, "edit": {"add": chat, "multiple_of": 64}}
    build_here(manifest(corpus, tokenizer=spec), tmp_path / "out")
    passport = passport_in(tmp_path / "out")
    assert (passport.kind, passport.vocab_size, passport.id_type) == ("sentencepiece", 32_064, "uint16")
    assert (passport.framing.bos_id, passport.framing.adds_bos, passport.framing.eos_id) == (1, False, 2)
    assert passport.edits == Edited({}, 0, {token: 32_000 + at for at, token in enumerate(chat)}, 59)
    assert all(each.exact == each.documents for each in passport.round_trip)
    assert not (tmp_path / "out" / DECODER).exists()
    traced = trace_pieces(open_folder(tmp_path / "out"), pieces_of(open_folder(tmp_path / "out"), SHARD, [0]))
    assert all(each.agrees for each in traced)
    assert load_sequences(tmp_path / "out").read(0, 1).input_ids.max() < 32_000


@pytest.mark.parametrize(
    ("options", "resources"),
    [
        ({}, Resources(reverse=True, spill_bytes=200, partitions=3)),
        ({"tokenizer": {"train": {"vocab_size": 320, "special_tokens": ["<s>"]}, "library": True}}, Resources()),
    ],
    ids=["another order and other buffers", "the library encodes"],
)
def test_it_is_the_same_however_it_was_built(
    corpus: Path, tmp_path: Path, options: dict[str, Any], resources: Resources
) -> None:
    build_here(manifest(corpus, **options), tmp_path / "out", Settings("none", resources))
    for path in (PASSPORT, DECODER):
        assert (tmp_path / "out" / path).read_bytes() == (corpus / "out" / path).read_bytes()


def test_each_run_notes_whose_code_encodes(corpus: Path, tmp_path: Path) -> None:
    spec = {"train": {"vocab_size": 320, "special_tokens": ["<s>"]}, "library": True}
    build_here(manifest(corpus, tokenizer=spec), tmp_path / "out")
    for out, backend in ((corpus / "out", "gristmill"), (tmp_path / "out", "tokenizers")):
        events = map(json.loads, (out / "runs.jsonl").read_text().splitlines())
        assert [each["backend"] for each in events if each["event"] == "tokenizer"] == [backend]


def test_mixing_again_leaves_it_and_building_without_a_tokenizer_takes_it_away(corpus: Path, tmp_path: Path) -> None:
    build_here(manifest(corpus), tmp_path / "out")
    before = (tmp_path / "out" / PASSPORT).read_bytes()
    mix_again(open_folder(tmp_path / "out"), ["mix.phases.0.tokens=100"], HERE)
    assert (tmp_path / "out" / PASSPORT).read_bytes() == before == (corpus / "out" / PASSPORT).read_bytes()
    build_here(manifest(corpus, tokenizer=None, mix=None), tmp_path / "out")
    assert not (tmp_path / "out" / PASSPORT).exists()
    assert not (tmp_path / "out" / DECODER).exists()


def test_edits_are_in_the_passport_and_in_the_tokenizer_json_beside_it(corpus: Path, tmp_path: Path) -> None:
    path = str(corpus / "out" / DECODER)
    edit = {"add": ["<|user|>", "<|end|>"], "remove": ["<s>"], "multiple_of": 64}
    build_here(manifest(corpus, tokenizer={"json": path, "edit": edit}), tmp_path / "out")
    passport = passport_in(tmp_path / "out")
    assert passport.vocab_size == 384
    assert passport.edits is not None
    assert (passport.edits.removed, passport.edits.padding) == ({"<s>": 2}, 384 - 321)
    assert passport.edits.added == {"<|user|>": 319, "<|end|>": 320}
    read = Tokenizer.from_file(str(tmp_path / "out" / DECODER))
    assert read.token_to_id("<|user|>") == 319
    assert passport.round_trip == passport_in(corpus / "out").round_trip
    assert [each.tokens for each in passport.by_source] == [
        each.tokens for each in passport_in(corpus / "out").by_source
    ]
