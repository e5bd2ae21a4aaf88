"""Encoders from tiktoken ranks (Llama 3's tokenizer.model): lines of a base64 token and its rank.

In:  the file's bytes and the manifest's `tokenizer`, which gives the pattern and the special tokens.
Out: a `TableEncoder`.
Guaranteed: ids equal those of `tiktoken` with the same pattern and ranks, and special tokens are not found in text.

tiktoken's regular expressions run out of stack on about a million white-space characters in a row. A text with half
that many is cut into words by `tokenizers` instead, whose table of letters is a little younger.
"""

import base64
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from tiktoken import Encoding
from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

from pipelines.errors import ManifestError, RequestError
from pipelines.tokenizer_spec import TokenizerSpec
from pipelines.tokens.about import About, as_it_is, gaps
from pipelines.tokens.backends import Library
from pipelines.tokens.bytepairs import MACHINES, MOST_TOKENS, BytePairs, byte_level, merges, splits
from pipelines.tokens.huggingface import stay_on_one_core
from pipelines.tokens.patterns import PATTERNS, pattern_of
from pipelines.tokens.vocabulary import TableEncoder, hash_of, policy_of, table_of

LLAMA3_SPECIAL_TOKENS = (
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|reserved_special_token_0|>",
    "<|reserved_special_token_1|>",
    "<|finetune_right_pad_id|>",
    "<|step_id|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eom_id|>",
    "<|eot_id|>",
    "<|python_tag|>",
    "<|image|>",
    *(f"<|reserved_special_token_{number}|>" for number in range(2, 246)),
)
"""The 256 special tokens of Llama 3.1 and later (meta-llama/llama-models, tokenizer.py)."""

SPECIAL_TOKENS: dict[str, tuple[str, ...]] = {
    "gpt2": ("<|endoftext|>",),
    "cl100k": ("<|endoftext|>",),
    "llama3": LLAMA3_SPECIAL_TOKENS,
}
"""Special tokens behind the ranks, by name of the pattern, where the manifest gives none."""

LONGEST_BLANK = 500_000
"""White-space characters in a row from which on tiktoken is not trusted with a text."""

_BLANK = re.compile(r"\s+")


def load_tiktoken(artifact: bytes, spec: TokenizerSpec) -> TableEncoder:
    """Return the encoder that tiktoken ranks describe; without `pattern` in the manifest they are Llama 3's.

    Raises:
        RequestError: a line is not a base64 token and its rank, or a byte or a rank is missing.
        ManifestError: the pattern is no regular expression, a special token has the id of another token, or BOS or EOS
            is asked for where there is none.
    """
    stay_on_one_core()
    ranks = _parse(artifact)
    name = spec.pattern or "llama3"
    specials = _special_tokens(spec, name, max(ranks.values()) + 1)
    _refuse_taken_ids(specials, set(ranks.values()))
    _refuse_gaps(ranks, specials)
    encoding = _encoding(name, ranks, specials)
    library = Library("tiktoken", _encode_with(encoding, pattern_of(name)))
    policy = policy_of(specials, spec)
    table = table_of({rank: token for token, rank in ranks.items()} | dict.fromkeys(specials.values(), b""))
    listed = sorted((rank, token.hex()) for token, rank in ranks.items())
    return TableEncoder(
        name="tiktoken",
        hash=hash_of([listed, pattern_of(name), dict(specials)], policy),
        table=table,
        policy=policy,
        backend=(None if spec.library else _byte_pairs(ranks, pattern_of(name))) or library,
        library=library,
        about=_about(ranks, specials, name),
    )


def _about(ranks: Mapping[bytes, int], specials: Mapping[str, int], pattern: str) -> About:
    """Return what is known of the ranks; a word that is a token is never merged, so every rank counts as in use."""
    taken = {**dict.fromkeys(ranks.values()), **dict.fromkeys(specials.values())}
    return About(
        specials=specials,
        normalizer="none",
        words=f"the pattern {pattern}",
        obstacle=_obstacle(ranks, pattern_of(pattern)),
        normalized=as_it_is,
        dead=lambda: gaps(max(taken) + 1, taken) | set(specials.values()),
    )


def _parse(artifact: bytes) -> dict[bytes, int]:
    try:
        lines = [line.split() for line in artifact.splitlines() if line]
        ranks = {base64.b64decode(token, validate=True): int(rank) for token, rank in lines}
    except ValueError as error:
        raise RequestError(f"these tiktoken ranks cannot be read: {error}") from error
    if not all(bytes([byte]) in ranks for byte in range(256)):
        raise RequestError("these tiktoken ranks are damaged: a byte has no token")
    if len(ranks) < len(lines) or len(set(ranks.values())) < len(ranks):
        raise RequestError("these tiktoken ranks are damaged: a token has two lines, or two tokens share a rank")
    return ranks


def _special_tokens(spec: TokenizerSpec, pattern: str, first: int) -> Mapping[str, int]:
    """Return the special tokens with their ids; without ids in the manifest they follow the ranks."""
    given = SPECIAL_TOKENS.get(pattern, ()) if spec.special_tokens is None else spec.special_tokens
    if isinstance(given, Mapping):
        return given
    return {token: first + place for place, token in enumerate(given)}


def _refuse_taken_ids(specials: Mapping[str, int], taken: set[int]) -> None:
    for token, number in specials.items():
        if number in taken or number < 0:
            remedy = f"{number} is not free; the first free id is {max(taken) + 1}"
            raise ManifestError("tokenizer.special_tokens", token, remedy)
        taken.add(number)


def _refuse_gaps(ranks: Mapping[bytes, int], specials: Mapping[str, int]) -> None:
    """Refuse ranks between which some are missing: a line is lost, and other tokens would take its place.

    Only special tokens may lie between them, as in OpenAI's p50k_base.
    """
    missing = gaps(max(ranks.values()) + 1, {**dict.fromkeys(ranks.values()), **dict.fromkeys(specials.values())})
    if missing:
        raise RequestError(
            f"these tiktoken ranks are damaged: rank {min(missing)} is missing ({len(missing):,} in all), and no "
            "special token has that id"
        )


def _encoding(name: str, ranks: dict[bytes, int], specials: Mapping[str, int]) -> Encoding:
    try:
        return Encoding(name, pat_str=pattern_of(name), mergeable_ranks=ranks, special_tokens=dict(specials))
    except ValueError as error:
        known = ", ".join(sorted(PATTERNS))
        raise ManifestError("tokenizer.pattern", name, f"{error}; write a regular expression or {known}") from error


def _byte_pairs(ranks: dict[bytes, int], pattern: str) -> BytePairs | None:
    """Return our own back-end, where the pattern is one that it knows: two tokens merge where their bytes are one."""
    if _obstacle(ranks, pattern):
        return None
    of_bytes = [ranks[bytes([byte])] for byte in range(256)]
    return BytePairs(MACHINES[pattern], lambda: byte_level(of_bytes, merges(splits(ranks, ranks)), ranks))


def _obstacle(ranks: Mapping[bytes, int], pattern: str) -> str:
    """Return why our own back-end cannot serve; "" where it can."""
    if pattern not in MACHINES:
        return "its pattern is neither GPT-2's nor cl100k's"
    return "" if max(ranks.values()) < MOST_TOKENS else f"it has {MOST_TOKENS:,} ids or more"


def _encode_with(encoding: Encoding, pattern: str) -> Callable[[str], Sequence[int] | npt.NDArray[np.uint32]]:
    splitter = Split(Regex(pattern), "isolated")

    def encode_text(text: str) -> Sequence[int] | npt.NDArray[np.uint32]:
        if not _has_long_blank(text):
            return encoding.encode_to_numpy(text, allowed_special=set(), disallowed_special=())
        merge = encoding._encode_single_piece  # noqa: SLF001 - the one way past the regular expression
        return [token for word, _ in splitter.pre_tokenize_str(text) for token in merge(word)]

    return encode_text


def _has_long_blank(text: str) -> bool:
    if len(text) < LONGEST_BLANK:
        return False
    return any(blank.end() - blank.start() >= LONGEST_BLANK for blank in _BLANK.finditer(text))
