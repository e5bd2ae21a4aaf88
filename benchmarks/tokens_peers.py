"""The peers of the token benchmark, each from the same published file.

In:  the name of a vocabulary, and its file.
Out: `tokenizers`, and the library that defines the vocabulary: tiktoken, or sentencepiece.
Guaranteed: one thread. Where a file is not of the peer's own kind it is converted as its authors do: every way in which
     a token is two others is a merge, in the order of ranks or scores.
"""

import base64
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tiktoken
from sentencepiece import SentencePieceProcessor
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from pipelines.tokens.huggingface import byte_alphabet
from pipelines.tokens.patterns import CL100K, GPT2
from pipelines.tokens.sentencepiece import SPACE_MARK, ModelProto

LONGEST_BLANK = 300_000
"""White-space characters in a row that tiktoken bears; many more overflow its stack."""

UNKNOWN = "<unk>"

Ids = list[list[int]]


@dataclass
class Peer:
    """One peer.

    Args:
        name: of the library.
        encode: gives the ids of texts.
        seconds: of the rounds so far.
        ids: of the last round.
    """

    name: str
    encode: Callable[[Sequence[str]], Ids]
    seconds: list[float] = field(default_factory=list)
    ids: Ids = field(default_factory=list)

    def time(self, texts: Sequence[str]) -> None:
        """Encode, and note how long it took."""
        begun = time.process_time()
        self.ids = self.encode(texts)
        self.seconds.append(time.process_time() - begun)

    def bears(self, text: str) -> bool:
        """Whether the peer survives a text."""
        return self.name != "tiktoken" or len(text) <= LONGEST_BLANK or not text.isspace()


def peers_of(name: str, path: Path) -> list[Peer]:
    """Return the peers that encode by a vocabulary."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    if name == "gpt2":
        tokenizer = Tokenizer.from_file(str(path))
        return [_tokenizers(tokenizer), _tiktoken(GPT2, _ranks_of_json(path))]
    if name == "llama3":
        ranks = {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, path.read_bytes().splitlines())}
        return [_tokenizers(_byte_level(ranks)), _tiktoken(CL100K, ranks)]
    processor = SentencePieceProcessor(model_file=str(path))
    library = Peer("sentencepiece", lambda texts: [processor.encode(text) for text in texts])
    return [_tokenizers(_marked(path)), library]


def _tokenizers(tokenizer: Tokenizer) -> Peer:
    def encode(texts: Sequence[str]) -> Ids:
        return [found.ids for found in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    return Peer("tokenizers", encode)


def _tiktoken(pattern: str, ranks: dict[bytes, int]) -> Peer:
    encoding = tiktoken.Encoding("peer", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    return Peer("tiktoken", lambda texts: [encoding.encode_ordinary(text) for text in texts])


def _ranks_of_json(path: Path) -> dict[bytes, int]:
    """Return GPT-2's vocabulary as ranks: an id is the rank of its merge."""
    byte_of = byte_alphabet()
    vocabulary: dict[str, int] = json.loads(path.read_text())["model"]["vocab"]
    del vocabulary["<|endoftext|>"]
    return {bytes(byte_of[char] for char in token): rank for token, rank in vocabulary.items()}


def _byte_level(ranks: dict[bytes, int]) -> Tokenizer:
    """Return Llama 3's ranks as `tokenizers` has them."""
    char_of = {byte: char for char, byte in byte_alphabet().items()}
    vocabulary = {"".join(char_of[byte] for byte in token): rank for token, rank in ranks.items()}
    tokenizer = Tokenizer(models.BPE(vocabulary, _merges(vocabulary), ignore_merges=True))
    split = pre_tokenizers.Split(Regex(CL100K), "isolated")
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, level])
    return tokenizer


def _marked(path: Path) -> Tokenizer:
    """Return Llama 2's model as `tokenizers` has it."""
    model: Any = ModelProto()
    model.ParseFromString(path.read_bytes())
    vocabulary = {piece.piece: number for number, piece in enumerate(model.pieces)}
    normal = {piece.piece: -piece.score for piece in model.pieces if piece.type == ModelProto.SentencePiece.NORMAL}
    merges = _merges(normal)
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token=UNKNOWN, byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE_MARK), normalizers.Replace(" ", SPACE_MARK)])
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in (UNKNOWN, "<s>", "</s>")])
    return tokenizer


def _merges(ranks: dict[str, Any]) -> list[tuple[str, str]]:
    """Return every way in which a token is two others, by its rank and theirs."""
    ways = [(token[:cut], token[cut:]) for token in ranks for cut in range(1, len(token))]
    there = [(left, right) for left, right in ways if left in ranks and right in ranks]
    return sorted(there, key=lambda way: (ranks[way[0] + way[1]], ranks[way[0]], ranks[way[1]]))
