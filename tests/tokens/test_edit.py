"""Vocabulary edits: which ids go, who has which number then, and that texts get the tokens of their library."""

import base64
import json
import random
from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor
from tokenizers import Tokenizer

from pipelines.errors import BuildError, ManifestError
from pipelines.tokenizer_spec import TokenizerSpec, TrainOptions
from pipelines.tokens.backends import NO_FRAME, Library
from pipelines.tokens.edited_json import edited_json
from pipelines.tokens.encode import Encoder, load_encoder
from pipelines.tokens.huggingface import dead_ids
from pipelines.tokens.patterns import CL100K
from pipelines.tokens.renumbered import GONE, Renumbered
from pipelines.tokens.train import train_bpe
from tests.filters.real_texts import needs_corpus, real_texts
from tests.tokens.tokenizers_at_hand import PUBLISHED, TEXTS, bytes_of, ids_of, published

CHAT = ("<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>")

BYTES = b"".join(base64.b64encode(bytes([byte])) + b" %d\n" % byte for byte in range(256))
RANKS = BYTES + b"".join(
    base64.b64encode(token) + b" %d\n" % (256 + at) for at, token in enumerate([b"in", b"th", b"the"])
)

any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def trained_json() -> bytes:
    """A trained tokenizer.json whose special tokens are 0 (end of text), 1 (pad) and 2; 5 letters of merges beyond."""
    return train_bpe(TEXTS, TrainOptions(vocab_size=400, special_tokens=("<s>",)))


ARTIFACT = trained_json()


def json_spec(edit: dict[str, Any], **options: Any) -> TokenizerSpec:  # noqa: ANN401 - whatever a manifest holds
    return TokenizerSpec(tokenizer_json=__file__, edit=edit, **options)


def changed(edit: dict[str, Any], **options: Any) -> Encoder:  # noqa: ANN401 - likewise
    return load_encoder(ARTIFACT, json_spec(edit, **options))


def ranks_with(edit: dict[str, Any], specials: dict[str, int]) -> Encoder:
    return load_encoder(RANKS, TokenizerSpec(tiktoken=__file__, special_tokens=specials, edit=edit))


def renumbered(ids: Sequence[int], removed: Sequence[int]) -> list[int]:
    """The documented rule: the old id less the removed ids below it."""
    assert not set(ids) & set(removed)
    return [number - sum(gone < number for gone in removed) for number in ids]


# --- numbers


def test_added_tokens_follow_and_the_size_is_a_multiple() -> None:
    encoder = changed({"add": ["<|user|>", "<|end|>"], "multiple_of": 64})
    plain = load_encoder(ARTIFACT, TokenizerSpec(tokenizer_json=__file__))
    assert (encoder.vocab_size, encoder.vocab_size % 64) == (-(-(plain.vocab_size + 2) // 64) * 64, 0)
    assert encoder.about.edits is not None
    assert encoder.about.edits.added == {"<|user|>": plain.vocab_size, "<|end|>": plain.vocab_size + 1}
    assert encoder.about.edits.padding == encoder.vocab_size - plain.vocab_size - 2
    assert ids_of(encoder, TEXTS[0]) == ids_of(plain, TEXTS[0])


def test_ids_that_stay_close_up_in_their_order() -> None:
    plain = load_encoder(ARTIFACT, TokenizerSpec(tokenizer_json=__file__))
    encoder = changed({"remove": ["<s>", 1]})
    assert encoder.vocab_size == plain.vocab_size - 2
    assert (encoder.bos_id, encoder.eos_id, encoder.pad_id) == (None, 0, None)
    for text in TEXTS[:3]:
        assert ids_of(encoder, text) == renumbered(ids_of(plain, text)[1:], [1, 2])
        assert bytes_of(encoder, text) == text.encode()


@cache
def beside_its_library() -> tuple[Encoder, Tokenizer]:
    reference = Tokenizer.from_str(ARTIFACT.decode())
    reference.encode_special_tokens = True
    return changed({"add": ["<|user|>"], "remove": ["<|pad|>", "<s>"], "multiple_of": 64}, eos=False), reference


@given(text=any_text)
def test_any_text_gets_the_tokens_of_its_library_under_the_rule(text: str) -> None:
    encoder, reference = beside_its_library()
    assert ids_of(encoder, text) == renumbered(reference.encode(text, add_special_tokens=False).ids, [1, 2])
    assert encoder.first_difference(pa.array([text], pa.large_string())) is None


def test_gaps_and_special_tokens_go_as_unused_and_what_frames_documents_stays() -> None:
    specials = {"<|endoftext|>": 300, "<|fim|>": 305}
    encoder = ranks_with({"remove": "unused", "add": ["<|pad|>"], "multiple_of": 8}, specials)
    assert encoder.about.specials == {"<|endoftext|>": 259, "<|pad|>": 260}
    assert (encoder.vocab_size, encoder.eos_id, encoder.pad_id) == (264, 259, 260)
    assert ids_of(encoder, "the") == [258, 259]
    assert encoder.about.edits is not None
    assert encoder.about.edits.removed == (*range(259, 300), *range(301, 306))
    assert encoder.about.edits.names[-1] == "<|fim|>"


def test_a_token_that_its_own_merges_do_not_give_goes_as_unused_and_may_be_named() -> None:
    document = json.loads(ARTIFACT)
    size = len(document["model"]["vocab"])
    document["model"]["vocab"] |= {"zqzqzq": size}
    artifact = json.dumps(document).encode()
    plain = load_encoder(artifact, TokenizerSpec(tokenizer_json=__file__))
    assert size in plain.about.dead()
    for remove in ("unused", ["zqzqzq"], [size]):
        encoder = load_encoder(artifact, json_spec({"remove": remove}))
        assert encoder.about.edits is not None
        assert size in encoder.about.edits.removed
        assert bytes_of(encoder, "zqzqzq after") == b"zqzqzq after"


def test_every_token_of_a_trained_vocabulary_that_texts_become_is_alive() -> None:
    encoder = load_encoder(ARTIFACT, TokenizerSpec(tokenizer_json=__file__, bos=False, eos=False))
    assert encoder.about.dead() == {0, 1, 2}
    assert not set(encoder.encode(pa.array(TEXTS, pa.large_string())).ids.tolist()) & encoder.about.dead()


LETTERS = "abc"
STRINGS = ["".join(letters) for length in range(1, 8) for letters in product(LETTERS, repeat=length)]
"""All texts of up to 7 letters: longer than any token below."""


@given(seed=st.integers(0, 10**6), merges=st.integers(1, 12))
def test_no_text_at_all_becomes_what_is_called_dead(seed: int, merges: int) -> None:
    document = random_bpe(random.Random(seed), merges)
    dead = dead_ids(document, {})
    bare = Tokenizer.from_str(json.dumps(document))
    found = {number for each in bare.encode_batch_fast(STRINGS) for number in each.ids}
    assert not found & dead
    assert found | dead == set(document["model"]["vocab"].values())


def random_bpe(rng: random.Random, merges: int) -> dict[str, Any]:
    """A BPE over three letters whose merges are pairs of tokens that there were, in any order; and a stray token."""
    tokens, pairs = list(LETTERS), []
    for _ in range(merges):
        left, right = rng.choice(tokens), rng.choice(tokens)
        if len(left + right) <= 5 and [left, right] not in pairs:
            pairs.append([left, right])
            tokens.append(left + right)
    rng.shuffle(pairs)
    names = list(dict.fromkeys([*tokens, "".join(rng.choices(LETTERS, k=5))]))
    vocab = {token: number for number, token in enumerate(names)}
    return {"version": "1.0", "added_tokens": [], "model": {"type": "BPE", "vocab": vocab, "merges": pairs}}


# --- BOS, EOS, padding


def test_an_added_token_takes_a_role_that_is_free() -> None:
    assert changed({"add": ["<|eot|>"]}).eos_id == 0
    replaced = changed({"remove": ["<|endoftext|>"], "add": ["</s>"]}, eos=True)
    assert replaced.eos_id == replaced.about.specials["</s>"] == replaced.vocab_size - 1
    assert ids_of(replaced, "")[-1] == replaced.eos_id


def test_a_role_whose_token_is_gone_is_refused_where_it_is_asked_for() -> None:
    assert changed({"remove": ["<|endoftext|>"]}).policy.tail == ()
    with pytest.raises(ManifestError, match=r"tokenizer\.eos: True: the vocabulary has no EOS token"):
        changed({"remove": ["<|endoftext|>"]}, eos=True)


def test_of_several_tokens_the_one_that_is_named_ends_documents() -> None:
    chat = {"add": ["</s>", "<|end|>"], "multiple_of": 64}
    assert changed(chat).eos_id == 0
    named = changed(chat, eos="</s>", pad="<|end|>", bos="<s>")
    assert (named.bos_id, named.eos_id, named.pad_id) == (2, *map(named.about.specials.get, ("</s>", "<|end|>")))
    assert ids_of(named, "") == [2, named.eos_id]
    assert changed(chat, eos="<|endoftext|>").hash == changed(chat).hash != named.hash
    read = Tokenizer.from_str(edited_json(ARTIFACT, named).decode())
    assert read.encode("the people").ids == ids_of(named, "the people")


def test_a_token_that_is_named_is_in_use_and_the_usual_one_is_not() -> None:
    encoder = changed({"remove": "unused", "add": ["</s>"]}, eos="</s>", bos=False)
    assert encoder.about.specials == {"<|pad|>": 0, "</s>": encoder.vocab_size - 1}
    assert changed({"remove": "unused"}, eos="<s>", bos=False).about.specials == {"<|pad|>": 0, "<s>": 1}


@pytest.mark.parametrize(
    ("edit", "options", "said"),
    [
        ({}, {"eos": "<|endoftxt|>"}, r"tokenizer\.eos: '<\|endoftxt\|>': .* did you mean '<\|endoftext\|>'\?"),
        ({}, {"pad": "the"}, r"tokenizer\.pad: 'the': the vocabulary has no such special token"),
        ({"add": ["<|a|>"]}, {"bos": "<|b|>"}, r"tokenizer\.bos: '<\|b\|>': .* known: .*<\|a\|>"),
        ({"remove": ["<s>"]}, {"bos": "<s>"}, r"tokenizer\.bos: '<s>': `edit` removes it"),
    ],
)
def test_a_name_that_is_no_special_token_is_refused(edit: dict[str, Any], options: dict[str, Any], said: str) -> None:
    with pytest.raises(ManifestError, match=said):
        changed(edit, **options)


# --- refusals


@pytest.mark.parametrize(
    ("edit", "key", "said"),
    [
        ({"remove": ["he"]}, "tokenizer.edit.remove", "'he': texts become it"),
        ({"remove": [70]}, "tokenizer.edit.remove", "token 70"),
        ({"remove": ["<unk>"]}, "tokenizer.edit.remove", "no such token"),
        ({"remove": [10**6]}, "tokenizer.edit.remove", "ids end at"),
        ({"remove": [-1]}, "tokenizer.edit.remove", "ids end at"),
        ({"add": ["<s>"]}, "tokenizer.edit.add", "has it already, with the id 2"),
        ({"add": ["he"]}, "tokenizer.edit.add", "has it already"),
    ],
)
def test_what_cannot_be_changed_is_refused_by_name(edit: dict[str, Any], key: str, said: str) -> None:
    with pytest.raises(ManifestError, match=said) as refused:
        changed(edit)
    assert refused.value.key == key


@pytest.mark.parametrize(
    "options",
    [
        {"train": {"vocab_size": 400}, "edit": {"add": ["<a>"]}},
        {"file": "x", "edit": {"add": ["<a>", "<a>"]}},
        {"file": "x", "edit": {"add": [""]}},
        {"file": "x", "edit": {"multiple_of": 0}},
        {"file": "x", "edit": {"remove": "all"}},
    ],
)
def test_edits_that_make_no_sense_are_no_options(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"edit|add|greater|unused"):
        TokenizerSpec(**options)


def test_an_id_that_was_removed_and_comes_all_the_same_stops_the_build() -> None:
    letters = Library("letters", lambda text: [ord(letter) - ord("a") for letter in text])
    renumbering = Renumbered(letters, np.array([0, GONE, 1], np.uint32))
    frame = (np.array([1], np.uint32), np.array([0], np.uint32))
    assert renumbering.encode(pa.array(["ac"], pa.large_string()), frame).ids.tolist() == [1, 0, 1, 0]
    with pytest.raises(BuildError, match=r"became token 1, which `tokenizer\.edit` removed"):
        renumbering.encode(pa.array(["abc"], pa.large_string()), NO_FRAME)


# --- identity


def test_the_hash_knows_every_edit_and_nothing_else() -> None:
    edits: list[dict[str, Any]] = [
        {"add": ["<a>"]},
        {"add": ["<a>", "<b>"]},
        {"add": ["<b>", "<a>"]},
        {"add": ["<a>"], "multiple_of": 64},
        {"remove": ["<s>"]},
        {"remove": ["<s>", "<|pad|>"]},
    ]
    hashes = {changed(edit).hash for edit in edits}
    assert len(hashes) == len(edits)
    assert load_encoder(ARTIFACT, TokenizerSpec(tokenizer_json=__file__)).hash not in hashes
    assert changed({"remove": ["<s>", 1]}).hash == changed({"remove": [1, 2]}).hash
    assert changed({"add": ["<a>"]}).hash != changed({"add": ["<a>"]}, eos=False).hash


# --- the file that decodes


@cache
def beside_its_file() -> tuple[Encoder, Tokenizer]:
    encoder = changed({"add": ["<|user|>", "<bos>"], "remove": ["<s>", "<|pad|>"], "multiple_of": 32})
    read = Tokenizer.from_str(edited_json(ARTIFACT, encoder).decode())
    read.encode_special_tokens = True
    return encoder, read


@given(text=any_text)
def test_the_edited_tokenizer_json_gives_the_ids_of_the_build_in_its_library(text: str) -> None:
    encoder, read = beside_its_file()
    assert read.encode(text).ids == ids_of(encoder, text)
    assert read.decode(ids_of(encoder, text)) == text
    assert {name: read.token_to_id(name) for name in encoder.about.specials} == encoder.about.specials


def test_a_tokenizer_json_that_is_not_changed_is_kept_byte_for_byte() -> None:
    assert edited_json(ARTIFACT, load_encoder(ARTIFACT, TokenizerSpec(tokenizer_json=__file__))) == ARTIFACT


def test_a_tokenizer_json_that_would_skip_ids_is_refused_with_the_way_out() -> None:
    document = json.loads(ARTIFACT)
    document["model"]["vocab"]["zqzqzq"] = 500
    artifact = json.dumps(document).encode()
    with pytest.raises(ManifestError, match=r"skips some; write `remove: unused`"):
        edited_json(artifact, load_encoder(artifact, json_spec({"add": ["<a>"]})))
    encoder = load_encoder(artifact, json_spec({"add": ["<a>"], "remove": "unused"}))
    assert Tokenizer.from_str(edited_json(artifact, encoder).decode()).token_to_id("<a>") == encoder.vocab_size - 1


# --- published vocabularies, on real documents


@needs_corpus
def test_phi_3_mini_is_llama_2_without_bos_with_chat_tokens_and_32064_ids() -> None:
    chat = [*CHAT, *(f"<|placeholder{number}|>" for number in range(1, 7))]
    names = {"bos": False, "eos": "<|endoftext|>", "pad": "<|endoftext|>"}
    spec = TokenizerSpec(sentencepiece=__file__, edit={"add": chat, "multiple_of": 64}, **names)
    encoder = load_encoder(PUBLISHED["llama2"].read_bytes(), spec)
    assert (encoder.vocab_size, encoder.dtype) == (32_064, "uint16")
    assert encoder.about.specials["<|endoftext|>"] == encoder.eos_id == encoder.pad_id == 32_000
    assert encoder.backend.name == "gristmill"
    reference = SentencePieceProcessor(model_file=str(PUBLISHED["llama2"]))
    for text in (*real_texts(60), "<|user|> is no token in a text <s>"):
        assert ids_of(encoder, text) == [*reference.encode(text), 32_000]


@needs_corpus
def test_llama_2_without_its_control_pieces_has_its_ids_less_three() -> None:
    options = {"bos": False, "eos": False, "edit": {"remove": "unused", "add": ["<|endoftext|>"], "multiple_of": 64}}
    encoder = load_encoder(PUBLISHED["llama2"].read_bytes(), TokenizerSpec(sentencepiece=__file__, **options))
    assert encoder.about.edits is not None
    assert encoder.about.edits.names == ("<unk>", "<s>", "</s>")
    reference = SentencePieceProcessor(model_file=str(PUBLISHED["llama2"]))
    for text in real_texts(60):
        assert ids_of(encoder, text) == [number - 3 for number in reference.encode(text)]
        assert encoder.first_difference(pa.array([text[:4000]], pa.large_string())) is None


@needs_corpus
def test_llama_3_without_unused_ids_is_a_phi_3_small_of_its_kind() -> None:
    edit = {"remove": "unused", "add": ["<|user|>", "<|assistant|>", "<|end|>"], "multiple_of": 64}
    encoder = load_encoder(PUBLISHED["llama3"].read_bytes(), TokenizerSpec(tiktoken=__file__, bos=False, edit=edit))
    assert (encoder.vocab_size, encoder.eos_id, encoder.pad_id) == (128_064, 128_000, 128_001)
    lines = (line.split() for line in PUBLISHED["llama3"].read_bytes().splitlines())
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    reference = tiktoken.Encoding("llama3", pat_str=CL100K, mergeable_ranks=ranks, special_tokens={})
    for text in real_texts(60):
        assert ids_of(encoder, text) == [*reference.encode_ordinary(text), 128_000]


@needs_corpus
def test_gpt_2_with_chat_tokens_reads_back_in_its_own_library() -> None:
    artifact = PUBLISHED["gpt2"].read_bytes()
    edit = {"add": ["<|user|>", "<|pad|>"], "multiple_of": 128}
    encoder = load_encoder(artifact, TokenizerSpec(tokenizer_json=__file__, edit=edit))
    assert (encoder.vocab_size, encoder.pad_id) == (50_304, 50_258)
    read = Tokenizer.from_str(edited_json(artifact, encoder).decode())
    for text in real_texts(60):
        assert ids_of(encoder, text) == ids_of(published("gpt2"), text) == read.encode(text).ids
