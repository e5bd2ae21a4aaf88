"""Marks: special tokens that the template of a chat writes, and the texts between them.

In:  texts, which stretches of each a template wrote, and the special tokens of a vocabulary.
Out: the texts, cut at marks; and where each mark stands in what the encoder makes of them.
Guaranteed: a mark is found in what the template wrote before a message or behind it, and nowhere else: no message can
     forge one. Where several begin at one place the longest is meant, as in `tokenizers`; a mark is one wherever it
     stands (`single_word` and `normalized` of a tokenizer.json say nothing of it). White space beside a mark is no
     text where the file says that the mark takes it (`lstrip`, `rstrip`). Texts without marks are not looked at twice.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.kernels.char_places import byte_places
from filters.kernels.copying import bytes_of
from filters.kernels.spelling import Borders
from pipelines.errors import ManifestError
from pipelines.refusals import nearest
from pipelines.sources.chats import Chat
from pipelines.tokens.about import About
from pipelines.tokens.backends import Frame
from pipelines.tokens.runs import I64, Runs

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
Bools = npt.NDArray[np.bool_]

WHITE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
"""Unicode's White_Space, which is what a mark takes."""

_MARKLIKE = re.compile(r"<\|[^<>|\s]+\|>")


@dataclass(frozen=True)
class Marks:
    """The special tokens that a template writes.

    Args:
        ids: mark -> id.
        lstrip: ids of those that take the white space before them.
        rstrip: likewise, behind them.
    """

    ids: Mapping[str, int]
    lstrip: frozenset[int] = frozenset()
    rstrip: frozenset[int] = frozenset()

    def found(self, stretch: bytes) -> list[tuple[int, int, int]]:
        """Return where marks begin and end in what a template wrote, in bytes, and their ids."""
        held = self._pattern.finditer(stretch) if self.ids else ()
        return [(*each.span(), self.ids[each[0].decode()]) for each in held]

    @cached_property
    def _pattern(self) -> re.Pattern[bytes]:
        longest_first = sorted(self.ids, key=len, reverse=True)
        return re.compile(b"|".join(re.escape(mark.encode()) for mark in longest_first))


NO_MARKS = Marks({})


def marks_of(chat: Chat | None, about: About) -> Marks:
    """Return the special tokens of a vocabulary that a chat's template writes; those that it names, where it does."""
    if chat is None:
        return NO_MARKS
    named = about.specials if chat.marks is None else {mark: about.specials[mark] for mark in chat.marks}
    held = {number for text in chat.template for _, _, number in Marks(named).found(text.encode())}
    ids = {mark: number for mark, number in named.items() if number in held}
    left, right = (frozenset(ids[mark] for mark in ids.keys() & names) for names in (about.lstrip, about.rstrip))
    return Marks(ids, left, right)


def check_marks(chats: Mapping[str, Chat], specials: Collection[str]) -> None:
    """Refuse a chat that names a special token which the vocabulary lacks.

    Args:
        chats: by source.
        specials: of the vocabulary.

    Raises:
        ManifestError: the first such token.
    """
    for name, chat in chats.items():
        for mark in chat.marks or ():
            if mark not in specials:
                remedy = f"the vocabulary has no such special token; {nearest(mark, specials)}"
                raise ManifestError(f"sources.{name}.chat.marks", mark, remedy)


def strays(chat: Chat, specials: Collection[str]) -> list[str]:
    """Return what looks like a special token in a chat's template, and is none of the vocabulary."""
    held = (mark for text in chat.template for mark in _MARKLIKE.findall(text))
    return [mark for mark in dict.fromkeys(held) if mark not in specials and chat.marks is None]


@dataclass(frozen=True)
class Cut:
    """Texts, cut at marks.

    Args:
        parts: large_string, what stands between marks: of each text one more than it has marks, some perhaps "".
        firsts: int64, one more than texts; the parts of text t begin at `firsts[t]`.
        ids: uint32, the mark behind each part but the last of a text.
        places: int64[marks, 4]: the bytes of all texts at which the part before a mark ends, the mark begins and ends,
            and the part behind it begins.
    """

    parts: pa.LargeStringArray
    firsts: I64
    ids: U32
    places: I64

    @property
    def before(self) -> I64:
        """Which part stands before each mark."""
        return np.arange(len(self.ids)) + np.repeat(np.arange(len(self.firsts) - 1), np.diff(self.firsts) - 1)


def cut_at_marks(texts: pa.LargeStringArray, template: pa.ListArray, marks: Marks) -> Cut | None:
    """Return texts cut at the marks in them; None where there are none.

    Args:
        texts: large_string, no nulls.
        template: list<uint32>: start, end, start, end ... of what the template wrote, in characters, ascending; null is
            nothing.
        marks: those that are looked for.
    """
    data, offsets = bytes_of(texts)
    owner, begins, ends, ids = _found((data, offsets), template, marks)
    if not len(ids):
        return None
    count = np.bincount(owner, minlength=len(texts))
    until = np.cumsum(count)
    starts, stops = np.insert(ends, until - count, offsets[:-1]), np.insert(begins, until, offsets[1:])
    whole = _stretches(data, np.stack([starts, stops], 1).reshape(-1)).view(pa.large_string())
    parts, skipped = _stripped(whole, _beside(ids, marks.rstrip, until - count), _beside(ids, marks.lstrip, until))
    starts += skipped
    stops = starts + pc.binary_length(parts).to_numpy()
    before = np.arange(len(ids)) + owner
    places = np.stack([stops[before], begins, ends, starts[before + 1]], axis=1)
    firsts = np.arange(len(texts) + 1) + np.concatenate([[0], until])
    return Cut(parts, firsts, ids.astype(np.uint32), places)


def _found(texts: tuple[U8, I64], template: pa.ListArray, marks: Marks) -> tuple[I64, I64, I64, I64]:
    """Return of each mark its text, where it begins and ends in the bytes of all texts, and its id."""
    owner = np.repeat(np.arange(len(template)), template.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))
    places = byte_places(*texts, owner, template.flatten().to_numpy().astype(np.int64))
    kinds = _stretches(texts[0], places).dictionary_encode()
    held = [marks.found(stretch) for stretch in kinds.dictionary.to_pylist()]
    begins, stops, ids = np.array([mark for each in held for mark in each], np.int64).reshape(-1, 3).T
    which, at = _spread(np.array([len(each) for each in held], np.int64), kinds.indices.to_numpy())
    start = places[::2][which]
    return owner[::2][which], start + begins[at], start + stops[at], ids[at]


def _stretches(data: U8, bounds: I64) -> pa.LargeBinaryArray:
    """Return the bytes between the first and the second bound, the third and the fourth, and so on; all ascend."""
    buffers = [None, pa.py_buffer(np.append(bounds, bounds[-1:])), pa.py_buffer(data)]
    every = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(bounds), buffers)
    return every.take(pa.array(np.arange(0, len(bounds), 2)))


def _spread(sizes: I64, kinds: I64) -> tuple[I64, I64]:
    """Return of each mark of some stretches which stretch it is in, and which it is among those of all kinds.

    Args:
        sizes: int64, how many marks a stretch of each kind has.
        kinds: int64, the kind of each stretch.
    """
    counts = sizes[kinds]
    which = np.repeat(np.arange(len(kinds)), counts)
    inside = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    return which, (np.cumsum(sizes) - sizes)[kinds][which] + inside


def _beside(ids: I64, taking: frozenset[int], borders: I64) -> Bools:
    """Return which parts stand beside a mark that takes white space; at the borders of texts there is no mark."""
    return np.insert(np.isin(ids, list(taking)), borders, values=False)


def _stripped(parts: pa.LargeStringArray, left: Bools, right: Bools) -> tuple[pa.LargeStringArray, I64]:
    """Return parts without the white space that marks take, and how many bytes go on the left."""
    cut = pc.if_else(left, pc.utf8_ltrim(parts, WHITE), parts) if left.any() else parts
    skipped = pc.binary_length(parts).to_numpy() - pc.binary_length(cut).to_numpy()
    return pc.if_else(right, pc.utf8_rtrim(cut, WHITE), cut) if right.any() else cut, skipped


def joined(cut: Cut, parts: Runs, frame: Frame) -> tuple[Runs, I64]:
    """Return the tokens of texts from those of their parts, framed, with the marks between; and where marks stand."""
    head, tail = frame
    texts, marks = len(cut.firsts) - 1, len(cut.ids)
    owner = cut.before - np.arange(marks)
    bounds = parts.offsets[cut.firsts]
    at = [np.repeat(bounds[:-1], len(head)), parts.offsets[cut.before + 1], np.repeat(bounds[1:], len(tail))]
    owners = [np.repeat(np.arange(texts), len(head)), owner, np.repeat(np.arange(texts), len(tail))]
    kind = np.repeat([0, 1, 2], [len(each) for each in at])
    order = np.lexsort((kind, np.concatenate(owners)))
    values = np.concatenate([np.tile(head, texts), cut.ids, np.tile(tail, texts)])[order]
    places = np.concatenate(at)[order]
    ids: U32 = np.insert(parts.ids, places, values)
    framed = np.arange(texts + 1) * (len(head) + len(tail)) + cut.firsts - np.arange(texts + 1)
    return Runs(ids, bounds + framed), (places + np.arange(len(places)))[kind[order] == 1]


def borders_of(cut: Cut | None, runs: Runs, tokens: I64) -> Borders:
    """Return where marks stand among tokens and bytes, as kernels take it; of texts that are not cut, nowhere."""
    places = np.zeros((0, 4), np.int64) if cut is None else np.ascontiguousarray(cut.places)
    return tokens, places, np.searchsorted(tokens, runs.offsets)
