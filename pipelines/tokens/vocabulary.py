"""What encoders of all kinds have in common: a table of bytes, a policy, and what turns texts into ids.

In:  what a tokenizer's file says.
Out: a `TableEncoder`.
Guaranteed: BOS and EOS stand where the policy says and nowhere else; the hash names everything that decides an id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from pipelines.engine.keys import key_of_large
from pipelines.errors import ManifestError
from pipelines.refusals import nearest
from pipelines.tokenizer_spec import ROLES, Specials, TokenizerSpec
from pipelines.tokens.about import About
from pipelines.tokens.backends import NO_FRAME, Backend, Frame, interleaved
from pipelines.tokens.marks import Cut, joined
from pipelines.tokens.runs import I64, Ids, Runs
from pipelines.tokens.spelling import Spelling, spelling_of

BOS_TOKENS = ("<|begin_of_text|>", "<s>", "<bos>", "<|startoftext|>", "[BOS]")
EOS_TOKENS = ("<|end_of_text|>", "<|endoftext|>", "</s>", "<eos>", "[EOS]")
PAD_TOKENS = ("<|pad|>", "<pad>", "[PAD]", "<|padding|>", "<|finetune_right_pad_id|>")
"""Special tokens by which published vocabularies call the three; the first that is there is meant, if none is named."""


@dataclass(frozen=True)
class Policy:
    """The special tokens that frame documents.

    Args:
        bos_id: begins a text, where the vocabulary has such a token.
        eos_id: ends a text.
        pad_id: fills up a sequence.
        adds_bos: whether each document begins with `bos_id`.
        adds_eos: whether each document ends with `eos_id`.
    """

    bos_id: int | None
    eos_id: int | None
    pad_id: int | None
    adds_bos: bool
    adds_eos: bool

    @property
    def head(self) -> tuple[int, ...]:
        """Ids before each document."""
        return (self.bos_id,) if self.adds_bos and self.bos_id is not None else ()

    @property
    def tail(self) -> tuple[int, ...]:
        """Ids behind each document."""
        return (self.eos_id,) if self.adds_eos and self.eos_id is not None else ()


def first_of(names: Sequence[str], specials: Mapping[str, int]) -> int | None:
    """Return the id of the first of `names` that is a special token."""
    return next((specials[name] for name in names if name in specials), None)


def policy_of(specials: Mapping[str, int], spec: TokenizerSpec) -> Policy:
    """Return the policy for a vocabulary whose special tokens have well-known names, or those it was trained with.

    See `policy_for`.
    """
    own = Specials() if spec.train is None else spec.train.specials
    known = ((own.bos, BOS_TOKENS), (own.eos, EOS_TOKENS), (own.pad, PAD_TOKENS))
    return policy_for([first_of(names if name is None else (name,), specials) for name, names in known], specials, spec)


def policy_for(found: Sequence[int | None], specials: Mapping[str, int], spec: TokenizerSpec) -> Policy:
    """Return the policy: what the manifest says, and where it says nothing, every token that the vocabulary has.

    Args:
        found: ids of BOS, EOS and padding where the manifest names none.
        specials: special token -> id.
        spec: the manifest's `tokenizer`.

    Raises:
        ManifestError: the manifest asks for a token that the vocabulary lacks.
    """
    ids = [_chosen(role, getattr(spec, role), number, specials) for role, number in zip(ROLES, found, strict=True)]
    pairs = zip((spec.bos, spec.eos), ids[:2], strict=True)
    adds = [number is not None if asked is None else asked is not False for asked, number in pairs]
    bos_id, eos_id, pad_id = ids
    return Policy(bos_id, eos_id, pad_id, *adds)


def _chosen(role: str, asked: bool | str | None, found: int | None, specials: Mapping[str, int]) -> int | None:
    """Return the id of the token that has a role."""
    if isinstance(asked, str):
        if asked not in specials:
            remedy = f"the vocabulary has no such special token; {nearest(asked, specials)}"
            raise ManifestError(f"tokenizer.{role}", asked, remedy)
        return specials[asked]
    if asked and found is None:
        remedy = f"the vocabulary has no {role.upper()} token; write false"
        raise ManifestError(f"tokenizer.{role}", asked, remedy)
    return found


@dataclass(frozen=True)
class TableEncoder:
    """An encoder whose every id stands for fixed bytes.

    Args:
        name: kind of the tokenizer's file.
        hash: 32 hex digits of all that decides an id; see `hash_of`.
        table: the bytes of each id; b"" for special tokens.
        policy: what frames documents.
        backend: gives the ids of texts.
        library: the library that says what they should be; it may be the back-end itself.
        about: what else the file says of its vocabulary.
        inside: gives the ids of what stands behind a special token in a text, where that is not what `backend` gives.
    """

    name: str
    hash: str
    table: tuple[bytes, ...]
    policy: Policy
    backend: Backend
    library: Backend
    about: About
    inside: Backend | None = None

    @property
    def vocab_size(self) -> int:
        """Number of ids: the greatest and one."""
        return len(self.table)

    @property
    def dtype(self) -> str:
        """Type of the ids: uint16 where they fit."""
        return "uint16" if self.vocab_size <= 1 << 16 else "uint32"

    @property
    def bos_id(self) -> int | None:
        """Id that begins a text; None where there is none."""
        return self.policy.bos_id

    @property
    def eos_id(self) -> int | None:
        """Id that ends a text; None where there is none."""
        return self.policy.eos_id

    @property
    def pad_id(self) -> int | None:
        """Id that fills up a sequence; None where there is none."""
        return self.policy.pad_id

    @property
    def frame(self) -> tuple[int, int]:
        """How many ids stand before and behind the tokens of each document."""
        return len(self.policy.head), len(self.policy.tail)

    @cached_property
    def spelling(self) -> Spelling:
        """The bytes of every id, as arrays."""
        return spelling_of(self.table)

    def encode(self, texts: pa.LargeStringArray) -> Runs:
        """Return the tokens of each text, framed by BOS and EOS as the policy says.

        Args:
            texts: large_string, no nulls.
        """
        runs = self.backend.encode(texts, self._frame)
        return Runs(runs.ids.astype(self.dtype, copy=False), runs.offsets)

    def encode_cut(self, cut: Cut) -> tuple[Runs, I64]:
        """Return the tokens of texts that are cut at special tokens, framed likewise, and where the latter stand.

        Each part is encoded as a text of its own, as `tokenizers` does, and the original code of Llama 2.
        """
        runs, places = joined(cut, self._parts(cut), self._frame)
        return Runs(runs.ids.astype(self.dtype, copy=False), runs.offsets), places

    def _parts(self, cut: Cut) -> Runs:
        if self.inside is None:
            return self.backend.encode(cut.parts, NO_FRAME)
        first = np.zeros(len(cut.parts), np.bool_)
        first[cut.firsts[:-1]] = True
        held, others = (
            backend.encode(cut.parts.filter(pa.array(mask)), NO_FRAME)
            for backend, mask in ((self.inside, ~first), (self.backend, first))
        )
        return interleaved(first.tolist(), held, others)

    @property
    def _frame(self) -> Frame:
        return np.array(self.policy.head, np.uint32), np.array(self.policy.tail, np.uint32)

    def first_difference(self, texts: pa.LargeStringArray) -> int | None:
        """Return which of some texts the back-end and the library encode otherwise, the first one; None: none."""
        if self.backend is self.library:
            return None
        ours, theirs = (backend.encode(texts, NO_FRAME) for backend in (self.backend, self.library))
        pairs = zip((ours[at] for at in range(len(texts))), (theirs[at] for at in range(len(texts))), strict=True)
        return next((at for at, (own, other) in enumerate(pairs) if not np.array_equal(own, other)), None)

    def token_bytes(self, ids: Ids) -> bytes:
        """Return the exact bytes that `ids` stand for; special tokens stand for none."""
        return b"".join(self.table[token] for token in ids.tolist())


def hash_of(content: object, policy: Policy) -> str:
    """Return 32 hex digits of a tokenizer's content (plain lists, dictionaries, strings, numbers) and its policy."""
    return key_of_large([content, asdict(policy)])


def table_of(pieces: Mapping[int, bytes]) -> tuple[bytes, ...]:
    """Return the table for ids that may have gaps; an id in a gap stands for no bytes."""
    return tuple(pieces.get(token, b"") for token in range(max(pieces, default=-1) + 1))
