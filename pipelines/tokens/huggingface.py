"""Encoders from a tokenizer.json, the file of Hugging Face `tokenizers`.

In:  its bytes and the manifest's `tokenizer`.
Out: a `TableEncoder`.
Guaranteed: ids equal those of `tokenizers`; the special tokens of the file are not found in text, other added tokens
     are, since they are vocabulary; its own template for BOS and EOS is not used: the policy frames documents.
"""

import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from operator import add
from typing import Any, TypeAlias

import numpy as np
from tokenizers import AddedToken, Tokenizer

from filters.kernels.bpe import Pairs, pairs_of
from filters.kernels.encoding import Model
from pipelines.errors import RequestError
from pipelines.tokenizer_spec import TokenizerSpec
from pipelines.tokens.about import About, as_it_is, gaps
from pipelines.tokens.backends import Library
from pipelines.tokens.bytepairs import MACHINES, MOST_TOKENS, BytePairs, byte_level
from pipelines.tokens.patterns import CL100K, GPT2
from pipelines.tokens.vocabulary import TableEncoder, hash_of, policy_of, table_of

Document: TypeAlias = dict[str, Any]

SPACE_MARK = "\u2581"
_BYTE = re.compile("<0x([0-9A-F]{2})>")


def stay_on_one_core() -> None:
    """Keep `tokenizers` from starting threads in this process; to be called before it does any work."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["RAYON_NUM_THREADS"] = "1"


def load_json(artifact: bytes, spec: TokenizerSpec) -> TableEncoder:
    """Return the encoder that a tokenizer.json describes.

    Raises:
        RequestError: it cannot be read, its tokens do not stand for fixed bytes (WordPiece, WordLevel), some byte has
            no token, or it merges by chance.
        ManifestError: the manifest asks for BOS or EOS where it has none.
    """
    stay_on_one_core()
    tokenizer, document = _parse(artifact)
    library = Library("tokenizers", _encode_with(tokenizer))
    added = tokenizer.get_added_tokens_decoder()
    policy = policy_of({token.content: number for number, token in added.items() if token.special}, spec)
    content = _content(document)
    return TableEncoder(
        name="json",
        hash=hash_of([content, sorted(map(_described, added, added.values()))], policy),
        table=table_of(dict(_pieces(document, added))),
        policy=policy,
        backend=(None if spec.library else _byte_pairs(document, added, content["model"])) or library,
        library=library,
        about=_about(tokenizer, document, added),
        inside=_inside(document),
    )


def _inside(document: Document) -> Library | None:
    """Return what encodes what stands behind a special token, where a space is put before the first words alone."""
    part = document.get("pre_tokenizer")
    words = json.dumps(part)
    never = words.replace('"prepend_scheme": "first"', '"prepend_scheme": "never"')
    if words == never:
        return None
    tokenizer, _ = _parse(json.dumps({**document, "pre_tokenizer": json.loads(never)}).encode())
    return Library("tokenizers", _encode_with(tokenizer))


def _about(tokenizer: Tokenizer, document: Document, added: Mapping[int, AddedToken]) -> About:
    normalizer = tokenizer.normalizer
    return About(
        specials={token.content: number for number, token in added.items() if token.special},
        normalizer=_words(document.get("normalizer")),
        words=_word_rule(document),
        obstacle=_obstacle(document, added),
        normalized=as_it_is if normalizer is None else lambda text: _spaced(normalizer.normalize_str(text)),
        dead=lambda: dead_ids(document, added),
        lstrip=frozenset(token.content for token in added.values() if token.special and token.lstrip),
        rstrip=frozenset(token.content for token in added.values() if token.special and token.rstrip),
    )


def _spaced(text: str) -> str:
    return text.replace(SPACE_MARK, " ")


def _words(part: Document | None) -> str:
    """Return the kinds of a part, and of the parts in it, in a row; "none" where there is no part."""
    if not part:
        return "none"
    inner = [*part.get("normalizers", ()), *part.get("pretokenizers", ())]
    return ", ".join(map(_words, inner)) if inner else str(part["type"])


def _word_rule(document: Document) -> str:
    names = {GPT2: "gpt2", CL100K: "cl100k"}
    pattern = _pattern(document)
    return f"the pattern {names[pattern]}" if pattern in names else _words(document.get("pre_tokenizer"))


def dead_ids(document: Document, added: Mapping[int, AddedToken]) -> frozenset[int]:
    """Return the ids that no text becomes: gaps, special tokens, and of a BPE what its own merges do not give.

    Merging is the same within a word as alone (no pair across the border of a token was merged, or it would be no
    token), so what its own characters do not become, no text becomes. Bytes stay, and all of a vocabulary in which
    words are looked up before merging, or which is no BPE.
    """
    held = {number: token for token, number in _vocabulary(document["model"])}
    outside = {number for number, token in added.items() if token.special and number not in held}
    others = gaps(max([*held, *added], default=-1) + 1, {**held, **added})
    plain = {number for number, token in added.items() if not token.special}
    return others | outside | (_unmerged(document, held) - plain)


def _unmerged(document: Document, held: Mapping[int, str]) -> set[int]:
    """Return the tokens of a BPE that its merges do not make of their own characters."""
    model = document["model"]
    options = ("ignore_merges", "continuing_subword_prefix", "end_of_word_suffix", "dropout")
    if model.get("type", "BPE") != "BPE" or any(model.get(option) for option in options):
        return set()
    known = _holds(document, "ByteLevel") or model.get("byte_fallback")
    asked = {number: token for number, token in held.items() if len(token) > 1 and not _BYTE.fullmatch(token)}
    asked = {number: token for number, token in asked.items() if known or token != model.get("unk_token")}
    bare = Tokenizer.from_str(json.dumps({"version": "1.0", "added_tokens": [], "model": model}))
    found = bare.encode_batch_fast(list(asked.values()), add_special_tokens=False)
    return {number for number, each in zip(asked, found, strict=True) if each.ids != [number]}


def _parse(artifact: bytes) -> tuple[Tokenizer, Document]:
    try:
        document: Document = json.loads(artifact)
        tokenizer = Tokenizer.from_str(artifact.decode())
    except Exception as error:  # `tokenizers` raises plain Exception
        raise RequestError(f"this tokenizer.json cannot be read: {error}") from error
    _check(document)
    tokenizer.encode_special_tokens = True
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer, document


def _check(document: Document) -> None:
    """Refuse a tokenizer that would lose text, or that encodes one text in several ways."""
    model = document["model"]
    if model.get("type", "BPE") not in {"BPE", "Unigram"}:
        raise RequestError(f"a {model['type']} tokenizer loses text; give a BPE or a Unigram tokenizer.json")
    if model.get("dropout"):
        raise RequestError("this tokenizer merges by chance; set the dropout of its model to null")
    if _holds(document, "ByteLevel") and not _BYTE_OF.keys() <= {token for token, _ in _vocabulary(model)}:
        raise RequestError("this tokenizer loses text: some byte has no token; train it with the full byte alphabet")


def _encode_with(tokenizer: Tokenizer) -> Callable[[str], list[int]]:
    def encode_text(text: str) -> list[int]:
        ids: list[int] = tokenizer.encode_batch_fast([text], add_special_tokens=False)[0].ids
        return ids

    return encode_text


def _byte_pairs(document: Document, added: Mapping[int, AddedToken], model: Document) -> BytePairs | None:
    """Return our own back-end, where the file describes a byte-level BPE with one of the patterns that it knows.

    Args:
        document: the file.
        added: its added tokens.
        model: as `_content` has it.
    """
    if _obstacle(document, added):
        return None
    return BytePairs(MACHINES[_pattern(document) or ""], lambda: _model(model))


def _obstacle(document: Document, added: Mapping[int, AddedToken]) -> str:
    """Return why our own back-end cannot serve; "" where it can."""
    model = document["model"]
    obstacles = {
        f"its model is {model.get('type')}, no BPE": model.get("type", "BPE") != "BPE",
        f"a normalizer changes texts first ({_words(document.get('normalizer'))})": document.get("normalizer"),
        "its merges have options that byte-level ones do without": _is_special(model),
        "its words are neither GPT-2's nor cl100k's": _pattern(document) not in MACHINES,
        "texts become some of its added tokens": not all(token.special for token in added.values()),
        f"it has {MOST_TOKENS:,} ids or more": max((at for _, at in _vocabulary(model)), default=0) >= MOST_TOKENS,
    }
    return next((words for words, found in obstacles.items() if found), "")


def _model(model: Document) -> Model:
    numbers = dict(_vocabulary(model))
    pairs = _pairs(model["merges"], numbers)
    whole = {_byte_level(token): number for token, number in numbers.items()} if model.get("ignore_merges") else {}
    of_bytes = {byte: numbers[char] for char, byte in _BYTE_OF.items()}
    return byte_level([of_bytes[byte] for byte in range(256)], pairs, whole)


def _pairs(merged: list[list[str]], numbers: Mapping[str, int]) -> Pairs:
    """Return the table of pairs, given the two tokens of each merge."""
    lefts, rights = ([pair[side] for pair in merged] for side in (0, 1))
    columns = (map(numbers.__getitem__, tokens) for tokens in (lefts, rights, map(add, lefts, rights)))
    left, right, token = (np.fromiter(column, np.uint64, len(merged)) for column in columns)
    return pairs_of(left, right, np.arange(len(merged), dtype=np.uint64), token)


def _is_special(model: Document) -> bool:
    """Return whether merging has options that byte-level vocabularies do without."""
    return any(model.get(option) for option in ("continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"))


def _pattern(document: Document) -> str | None:
    """Return the regular expression by which text is cut into words whose bytes are merged, if that is all."""
    part = document.get("pre_tokenizer") or {}
    if part.get("type") == "ByteLevel" and not part.get("add_prefix_space"):
        return GPT2 if part.get("use_regex", True) else None
    if part.get("type") != "Sequence" or len(part["pretokenizers"]) != 2:
        return None
    split, level = part["pretokenizers"]
    expected = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
    isolated = split.get("behavior") == "Isolated" and not split.get("invert")
    if split.get("type") != "Split" or not isolated or any(level.get(key) != value for key, value in expected.items()):
        return None
    regex: str | None = split["pattern"].get("Regex")
    return regex


def _content(document: Document) -> Document:
    """Return what decides ids, in one form: merges as pairs, the model's options only where they are set."""
    model = document["model"]
    options = {name: value for name, value in model.items() if value is not None and value is not False and value != ""}
    if "merges" in model:
        options["merges"] = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
    parts = ("normalizer", "pre_tokenizer", "decoder")
    return {"model": options | {"type": model.get("type", "BPE")}, **{part: document.get(part) for part in parts}}


def _described(number: int, token: AddedToken) -> list[object]:
    """Return an added token as plain values; its id is the library's, which may not be the file's."""
    return [number, token.content, token.special, token.normalized, token.single_word, token.lstrip, token.rstrip]


def _pieces(document: Document, added: Mapping[int, AddedToken]) -> Iterator[tuple[int, bytes]]:
    """Yield each id and its bytes; added tokens come last, for they may stand in the vocabulary too."""
    to_bytes = _all_byte_level if _holds(document, "ByteLevel") else _all_marked
    vocabulary = _vocabulary(document["model"])
    yield from zip((number for _, number in vocabulary), to_bytes([token for token, _ in vocabulary]), strict=True)
    for number, extra in added.items():
        yield number, b"" if extra.special else extra.content.encode()


def _vocabulary(model: Document) -> Collection[tuple[str, int]]:
    vocab = model["vocab"]
    if isinstance(vocab, Mapping):
        return vocab.items()
    return [(token, number) for number, (token, _score) in enumerate(vocab)]


def _holds(document: Document, kind: str) -> bool:
    """Return whether the pre-tokenizer or the decoder has a part of this kind."""
    parts = [document.get("pre_tokenizer"), document.get("decoder")]
    while parts:
        part = parts.pop()
        if isinstance(part, Mapping):
            if part.get("type") == kind:
                return True
            parts += [*part.get("pretokenizers", ()), *part.get("decoders", ())]
    return False


def byte_alphabet() -> dict[str, int]:
    """Return GPT-2's alphabet: the printable character that stands for each byte (openai/gpt-2, encoder.py)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + place): byte for place, byte in enumerate(hidden)}


_BYTE_OF = byte_alphabet()


_AS_LATIN = dict.fromkeys(range(256), "\uffff") | {ord(char): chr(byte) for char, byte in _BYTE_OF.items()}
"""Characters of the alphabet as those of Latin-1, byte for byte; and those of Latin-1 that are not in it as none."""


def _byte_level(token: str) -> bytes:
    try:
        return token.translate(_AS_LATIN).encode("latin-1")
    except UnicodeEncodeError:
        return token.encode()


def _all_byte_level(tokens: list[str]) -> Iterable[bytes]:
    """Return the bytes of all tokens; NUL, which is not in the alphabet, parts them while all are made at once."""
    spelt = "\0".join(tokens).translate(_AS_LATIN).split("\uffff")
    try:
        return [token.encode("latin-1") for token in spelt] if len(spelt) == len(tokens) else map(_byte_level, tokens)
    except UnicodeEncodeError:
        return map(_byte_level, tokens)


def _all_marked(tokens: list[str]) -> Iterable[bytes]:
    return map(_marked, tokens)


def _marked(token: str) -> bytes:
    byte = _BYTE.fullmatch(token)
    return bytes([int(byte[1], 16)]) if byte else token.replace(SPACE_MARK, " ").encode()
