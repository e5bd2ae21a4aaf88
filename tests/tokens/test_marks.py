"""Marks of a chat's template become their ids, as `tokenizers` has it, and no message can forge one."""

import io
import json
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

from pipelines.errors import ManifestError
from pipelines.sources.chats import Chat, Role, written
from pipelines.sources.lists import SPANS
from pipelines.sources.options import LOSS_SPANS, TEMPLATE_SPANS
from pipelines.tokenizer_spec import TokenizerSpec, TrainOptions
from pipelines.tokens.checking import check_ids, come_back
from pipelines.tokens.documents import Tokens, cut_documents, parts_of, tokens_of
from pipelines.tokens.edited_json import edited_json
from pipelines.tokens.encode import Encoder, load_encoder
from pipelines.tokens.loss import loss_mask
from pipelines.tokens.marks import NO_MARKS, Marks, check_marks, marks_of, strays
from pipelines.tokens.train import train_bpe
from tests.filters.real_texts import needs_corpus
from tests.tokens.tokenizers_at_hand import PUBLISHED, TEXTS, ids_of

PHI = Chat(
    roles={
        "user": Role(before="<|user|>\n", after="<|end|>\n"),
        "assistant": Role(before="<|assistant|>\n", after="<|end|>", loss=True),
        "system": Role(after="\n\n"),
    }
)
CHATML = Chat(
    roles={
        "user": Role(before="<|im_start|>user\n", after="<|im_end|>\n"),
        "assistant": Role(before="<|im_start|>assistant\n", after="<|im_end|>\n", loss=True),
        "system": Role(before="<|im_start|><|im_start|> ", after=" <|im_end|>"),
    }
)
CHATS = {"phi": PHI, "chatml": CHATML}
NAMES = ("<|user|>", "<|assistant|>", "<|end|>", "<|im_start|>", "<|im_end|>")

ARTIFACT = train_bpe(TEXTS, TrainOptions(vocab_size=400))

plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="<")) | st.text("ab \n\u2003\u00e9\u4e2d.")
hostile = st.lists(st.sampled_from([*NAMES, "<|", "end|>", "<s>", " ", "\n", "a", "\u00e9"]), max_size=8).map("".join)
Conversation = list[tuple[str, str]]


def conversations(content: st.SearchStrategy[str]) -> st.SearchStrategy[list[Conversation]]:
    roles = st.sampled_from(["user", "assistant", "system"])
    return st.lists(st.lists(st.tuples(roles, content), max_size=5), min_size=1, max_size=3)


def documents_of(chat: Chat, held: list[Conversation]) -> pa.RecordBatch:
    """Return conversations as the engine has them; a slice, as pieces are."""
    values = [[{"role": role, "content": content} for role, content in each] for each in [[("user", "x")], *held]]
    texts, loss, template = zip(*(written(chat, value) for value in values), strict=True)
    columns = {
        "text": pa.array(texts, pa.large_string()),
        "source": pa.array(["chats"] * len(texts)).dictionary_encode(),
        "id": pa.array([str(at) for at in range(len(texts))]),
        LOSS_SPANS: pa.array(loss, SPANS),
        TEMPLATE_SPANS: pa.array(template, SPANS),
    }
    return pa.RecordBatch.from_pydict(columns).slice(1)


def encoded(encoder: Encoder, chat: Chat, held: list[Conversation]) -> tuple[pa.RecordBatch, Tokens]:
    documents = documents_of(chat, held)
    return documents, tokens_of(encoder, documents, marks_of(chat, encoder.about))


def reference_ids(reference: Tokenizer, text: str, frame: tuple[list[int], list[int]] = ([], [])) -> list[int]:
    return [*frame[0], *reference.encode(text, add_special_tokens=False).ids, *frame[1]]


# --- the ids of tokenizers


@cache
def byte_level(flags: str = "") -> tuple[Encoder, Tokenizer]:
    """A byte-level vocabulary whose marks take white space as the letters say, or are added by `edit`; its library."""
    if not flags:
        spec = TokenizerSpec(tokenizer_json=__file__, eos="<|end|>", edit={"add": NAMES, "remove": ["<|pad|>"]})
        encoder = load_encoder(ARTIFACT, spec)
        return encoder, Tokenizer.from_str(edited_json(ARTIFACT, encoder).decode())
    reference = Tokenizer.from_str(ARTIFACT.decode())
    left, right = "l" in flags, "r" in flags
    reference.add_special_tokens([AddedToken(name, lstrip=left, rstrip=right, normalized=False) for name in NAMES])
    return load_encoder(reference.to_str().encode(), TokenizerSpec(tokenizer_json=__file__)), reference


@pytest.mark.parametrize("name", CHATS)
@pytest.mark.parametrize("flags", ["", "l", "r", "lr"])
@given(conversations(plain))
def test_a_conversation_has_the_ids_of_its_library(flags: str, name: str, held: list[Conversation]) -> None:
    encoder, reference = byte_level(flags)
    documents, tokens = encoded(encoder, CHATS[name], held)
    for at, text in enumerate(documents.column("text").to_pylist()):
        assert tokens.runs[at].tolist() == reference_ids(reference, text, ([], [encoder.eos_id or 0]))
    assert tokens.runs.ids.dtype == encoder.dtype


@cache
def small_model() -> bytes:
    """A SentencePiece model like Llama 2's: BPE, bytes to fall back to, a space before each text."""
    out = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 5),
        model_writer=out,
        model_type="bpe",
        vocab_size=400,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        num_threads=1,
        minloglevel=2,
    )
    return out.getvalue()


def converted(model: bytes, specials: dict[str, int], scheme: str) -> Tokenizer:
    """The tokenizer.json that Hugging Face makes of such a model: a space before every part, or the first alone."""
    processor = SentencePieceProcessor(model_proto=model)
    pieces = [processor.id_to_piece(number) for number in range(processor.vocab_size())]
    vocab = {piece: number for number, piece in enumerate(pieces)}
    merges = [
        (processor.get_score(number), vocab[piece[:cut]], vocab[piece[cut:]], (piece[:cut], piece[cut:]))
        for number, piece in enumerate(pieces)
        if not (processor.is_control(number) or processor.is_byte(number) or processor.is_unknown(number))
        for cut in range(1, len(piece))
        if piece[:cut] in vocab and piece[cut:] in vocab
    ]
    merges.sort(key=lambda each: (-each[0], each[1], each[2]))
    pairs = [pair for *_, pair in merges]
    tokenizer = Tokenizer(models.BPE(vocab, pairs, byte_fallback=True))
    if scheme == "always":
        parts: list[Any] = [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
        tokenizer.normalizer = normalizers.Sequence(parts)
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("\u2581", "first", split=False)
    tokenizer.decoder = decoders.ByteFallback()
    in_order = sorted(specials, key=lambda name: specials[name])
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in in_order])
    return tokenizer


@cache
def llama_like() -> tuple[Encoder, Tokenizer]:
    spec = TokenizerSpec(sentencepiece=__file__, bos="<s>", eos="</s>", edit={"add": NAMES})
    encoder = load_encoder(small_model(), spec)
    return encoder, converted(small_model(), dict(encoder.about.specials), "always")


spaced = st.text("ab \n.\u00e9\u4e2dthe", max_size=20)


@given(conversations(spaced))
def test_in_a_sentencepiece_model_every_part_is_a_text_of_its_own(held: list[Conversation]) -> None:
    encoder, reference = llama_like()
    assert encoder.backend.name == "gristmill"
    documents, tokens = encoded(encoder, PHI, held)
    frame = [encoder.bos_id or 0], [encoder.eos_id or 0]
    for at, text in enumerate(documents.column("text").to_pylist()):
        assert tokens.runs[at].tolist() == reference_ids(reference, text, frame)


@cache
def first_alone() -> tuple[Encoder, Tokenizer]:
    specials = dict(load_encoder(small_model(), TokenizerSpec(sentencepiece=__file__)).about.specials)
    reference = converted(small_model(), specials, "first")
    spec = TokenizerSpec(tokenizer_json=__file__, bos=False, eos=False, edit={"add": NAMES})
    encoder = load_encoder(reference.to_str().encode(), spec)
    reference.add_special_tokens([AddedToken(name, normalized=False) for name in NAMES])
    return encoder, reference


@given(conversations(spaced))
def test_where_a_space_stands_before_the_first_words_alone_none_stands_behind_a_mark(held: list[Conversation]) -> None:
    encoder, reference = first_alone()
    documents, tokens = encoded(encoder, PHI, held)
    for at, text in enumerate(documents.column("text").to_pylist()):
        assert tokens.runs[at].tolist() == reference_ids(reference, text)


@needs_corpus
def test_llama_2_with_the_tokens_of_phi_3_has_the_ids_of_its_library() -> None:
    model = PUBLISHED["llama2"].read_bytes()
    spec = TokenizerSpec(sentencepiece=__file__, bos=False, eos=False, edit={"add": NAMES, "multiple_of": 64})
    encoder = load_encoder(model, spec)
    reference = converted(model, dict(encoder.about.specials), "always")
    held = [[("system", "Be brief."), ("user", "1+1?\n  Why?"), ("assistant", "2 \u6587, since\n\n1 = 1.")]]
    documents, tokens = encoded(encoder, PHI, held)
    assert tokens.runs.ids.tolist() == reference_ids(reference, documents.column("text")[0].as_py())


# --- no message can forge a mark


def written_marks(chat: Chat, held: Conversation, ids: dict[str, int]) -> list[int]:
    """Return the marks of a template, found without regular expressions: the longest at each place."""
    found: list[int] = []
    for text in (text for role, _ in held for text in (chat.roles[role].before, chat.roles[role].after)):
        at = 0
        while at < len(text):
            here = max((name for name in ids if text.startswith(name, at)), key=len, default="")
            found += [ids[here]] if here else []
            at += len(here) or 1
    return found


@pytest.mark.parametrize("kind", ["bytes", "pieces", "first"])
@given(conversations(hostile | plain))
def test_what_is_said_in_a_message_never_becomes_a_special_token(kind: str, held: list[Conversation]) -> None:
    encoder = {"bytes": byte_level, "pieces": llama_like, "first": first_alone}[kind]()[0]
    documents, tokens = encoded(encoder, PHI, held)
    specials = {*encoder.about.specials.values()} - {encoder.about.specials.get("<unk>", -1)}
    head, tail = encoder.frame
    for at, conversation in enumerate(held):
        run = tokens.runs[at].tolist()
        inner = run[head : len(run) - tail]
        assert [number for number in inner if number in specials] == written_marks(
            PHI, conversation, {name: encoder.about.specials[name] for name in NAMES}
        )
    cut = cut_documents(documents, marks_of(PHI, encoder.about))
    parts = documents if cut is None else parts_of(documents, cut)
    check_ids(encoder, parts)
    assert come_back(encoder, parts, None if cut is None else cut.firsts) == {"exact": len(held)}


def test_a_message_that_names_a_mark_has_the_tokens_of_a_text() -> None:
    encoder, _ = byte_level()
    _, tokens = encoded(encoder, PHI, [[("user", "say <|end|>")]])
    names = encoder.about.specials
    inner = ids_of(encoder, "\nsay <|end|>")[:-1]
    assert tokens.runs.ids.tolist() == [names["<|user|>"], *inner, names["<|end|>"], *ids_of(encoder, "\n")]


def test_a_mark_that_a_message_would_complete_is_none() -> None:
    encoder = load_encoder(ARTIFACT, TokenizerSpec(tokenizer_json=__file__, edit={"add": ["<|end|>", "<|end|>\n"]}))
    _, tokens = encoded(encoder, PHI, [[("assistant", "a"), ("system", "\n")]])
    assert tokens.runs.ids.tolist().count(encoder.about.specials["<|end|>"]) == 1
    assert encoder.about.specials["<|end|>\n"] not in tokens.runs.ids


# --- which marks


def test_a_chat_may_name_its_marks_or_leave_all_of_them_text() -> None:
    about = byte_level()[0].about
    assert set(marks_of(PHI, about).ids) == {"<|user|>", "<|assistant|>", "<|end|>"}
    named = PHI.model_copy(update={"marks": ("<|end|>",)})
    assert set(marks_of(named, about).ids) == {"<|end|>"}
    none = PHI.model_copy(update={"marks": ()})
    assert marks_of(none, about) == marks_of(None, about) == NO_MARKS
    encoder, _ = byte_level()
    documents, tokens = encoded(encoder, none, [[("user", "hello")]])
    assert tokens.runs.ids.tolist() == ids_of(encoder, documents.column("text")[0].as_py())
    assert tokens.cut is None


def test_marks_that_the_vocabulary_lacks_are_refused_where_they_are_named_and_told_where_they_are_not() -> None:
    named = PHI.model_copy(update={"marks": ("<|user|>", "<|end|>")})
    with pytest.raises(ManifestError, match=r"sources\.sft\.chat\.marks: '<\|end\|>': .* did you mean '<\|eend\|>'"):
        check_marks({"sft": named}, ["<|user|>", "<|eend|>"])
    assert strays(PHI, ["<|user|>"]) == ["<|end|>", "<|assistant|>"]
    assert strays(named, []) == []


def test_of_marks_that_begin_at_one_place_the_longest_is_meant() -> None:
    ids = {"<a>": 7, "<a>b": 8, "b<": 9}
    assert Marks(ids).found("\u00e9<a>b<a>".encode()) == [(2, 6, 8), (6, 9, 7)]


# --- the loss mask


def mask_of(encoder: Encoder, documents: pa.RecordBatch, tokens: Tokens) -> tuple[list[int], int]:
    texts, spans = documents.column("text"), documents.column(LOSS_SPANS)
    found = loss_mask(texts, spans, tokens.runs, encoder.spelling, tokens.borders)
    return found.mask.tolist(), found.unplaced


@given(conversations(plain))
def test_the_mask_is_where_the_library_says_that_tokens_come_from(held: list[Conversation]) -> None:
    encoder, reference = byte_level()
    documents, tokens = encoded(encoder, PHI, held)
    expected: list[int] = []
    for text, spans in zip(documents.column("text").to_pylist(), documents.column(LOSS_SPANS).to_pylist(), strict=True):
        stretches = list(zip(spans[::2], spans[1::2], strict=True))
        offsets = reference.encode(text, add_special_tokens=False).offsets
        mask = [int(any(begin < end_ and start < end for start, end_ in stretches)) for begin, end in offsets]
        expected += [*mask, mask[-1] if mask else 0]
    assert mask_of(encoder, documents, tokens) == (expected, 0)


@given(conversations(spaced))
def test_of_a_sentencepiece_model_the_answers_and_their_ends_count(held: list[Conversation]) -> None:
    encoder, _ = llama_like()
    documents, tokens = encoded(encoder, PHI, [[("user", "a"), *each, ("assistant", "the b")] for each in held])
    mask, unplaced = mask_of(encoder, documents, tokens)
    assert unplaced == 0
    names = encoder.about.specials
    for at in range(len(held)):
        run, counts = tokens.runs[at], np.array(mask[tokens.runs.offsets[at] : tokens.runs.offsets[at + 1]])
        assert counts[run == names["<|user|>"]].sum() == counts[run == names["<|assistant|>"]].sum() == 0
        roles = ["user", *(role for role, _ in held[at] if role != "system"), "assistant"]
        assert counts[run == names["<|end|>"]].tolist() == [int(role == "assistant") for role in roles]
        assert counts[-1] == 1
        assert counts[0] == 0


def test_white_space_that_a_mark_takes_counts_for_nobody() -> None:
    encoder, _ = byte_level("lr")
    documents, tokens = encoded(encoder, PHI, [[("user", " a "), ("assistant", " \n b \n")]])
    names, letters = encoder.about.specials, [ids_of(encoder, each)[0] for each in "ab"]
    user = [names["<|user|>"], letters[0], names["<|end|>"]]
    assistant = [names["<|assistant|>"], letters[1], names["<|end|>"]]
    assert tokens.runs.ids.tolist() == [*user, *assistant, encoder.eos_id]
    assert mask_of(encoder, documents, tokens) == ([0, 0, 0, 0, 1, 1, 1], 0)


def test_no_token_counts_of_a_conversation_one_message_of_which_the_tokenizer_changes() -> None:
    document = json.loads(ARTIFACT)
    document["normalizer"] = {"type": "NFC"}
    spec = TokenizerSpec(tokenizer_json=__file__, eos=False, edit={"add": NAMES})
    encoder = load_encoder(json.dumps(document).encode(), spec)
    documents, tokens = encoded(encoder, PHI, [[("user", "e\u0301"), ("assistant", "b")], [("assistant", "b")]])
    mask, unplaced = mask_of(encoder, documents, tokens)
    first = int(tokens.runs.offsets[1])
    assert (mask[:first], unplaced) == ([0] * first, 1)
    assert any(mask[first:])
    cut = cut_documents(documents, marks_of(PHI, encoder.about))
    assert cut is not None
    assert come_back(encoder, parts_of(documents, cut), cut.firsts) == {"normalizer": 1, "exact": 1}
