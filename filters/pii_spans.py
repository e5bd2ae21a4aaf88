r"""Where personal data stands in texts, by the definitions of Dolma and of FineWeb.

In:  scans of texts, and which of the texts are searched.
Out: spans: text, bytes, kind.
Guaranteed: the spans of the published expressions and checks, which `tests/filters/pii_reference.py` writes out.

    dolma      `pii_regex_with_counts_fast_v2`, whose spans Dolma v1.5 to v1.7 mask: line by line; a text with more than
               10,000 question marks is passed over
    dolma_v1   `pii_regex_v1`: over the whole text; phone numbers and addresses near "isbn", "doi" or "#" are left out
    fineweb    datatrove's `PIIFormatter`: addresses are looked for in what e-mail addresses leave; only public ones

Dolma's second check, that no URL stands near a phone number, never fires: its expression asks for the control character
U+0008, since `\b` stands in a string that is not raw. We leave it out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from filters.kernels.emails import dolma_emails, fineweb_emails
from filters.kernels.numbers import addresses, counted, outside_books, phones, public
from filters.kernels.scans import Scans
from filters.kernels.unicode import CLASSES

I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Stretches = tuple[I64, I64]

Kind: TypeAlias = Literal["email", "phone_number", "ip_address"]
Style: TypeAlias = Literal["dolma", "dolma_v1", "fineweb"]

KINDS: tuple[Kind, ...] = ("email", "phone_number", "ip_address")
"""In the order in which Dolma's configurations mask them: of spans that begin together the first is masked."""

QUESTION_MARKS = 10_000
"""A text with more of them is passed over (`FastPiiRegex.predict`)."""

WINDOW = 100
"""Characters on either side that `pii_regex_v1` looks at (`BasePiiFilter.WINDOW`)."""


@dataclass(frozen=True)
class Spans:
    """Spans of texts in order of their starts.

    Args:
        text: int64, number of the text.
        start: int64, the byte at which each begins.
        end: int64, the byte behind each.
        kind: int64, place in `KINDS`.
    """

    text: I64
    start: I64
    end: I64
    kind: I64

    def where(self, chosen: Bools) -> "Spans":
        """Return the spans that are chosen."""
        return Spans(self.text[chosen], self.start[chosen], self.end[chosen], self.kind[chosen])


def find_spans(scans: Scans, style: Style, kinds: Iterable[Kind], *, public_only: bool, among: Bools) -> Spans:
    """Return the spans of some kinds in the texts of `among` (bool, one per text)."""
    searched = _passed_over(scans, among) if style == "dolma" else among
    stretches = scans.offsets[:-1][searched], scans.offsets[1:][searched]
    find = _find_fineweb if style == "fineweb" else _find_dolma
    found = {kind: find(scans, style, kind, stretches) for kind in KINDS if kind in set(kinds)}
    if public_only and "ip_address" in found:
        start, end = found["ip_address"]
        reachable = public(scans.data, start, end)
        found["ip_address"] = start[reachable], end[reachable]
    return _in_order(scans, found)


def _passed_over(scans: Scans, among: Bools) -> Bools:
    """Return `among` without the texts that the fast tagger skips."""
    long = np.flatnonzero(among & (scans.sizes > QUESTION_MARKS))
    counts = counted(scans.data, scans.offsets[long], scans.offsets[long + 1], ord("?"))
    searched = among.copy()
    searched[long[counts > QUESTION_MARKS]] = False
    return searched


def _in_order(scans: Scans, found: dict[Kind, Stretches]) -> Spans:
    start = np.concatenate([np.empty(0, np.int64), *(start for start, _ in found.values())])
    end = np.concatenate([np.empty(0, np.int64), *(end for _, end in found.values())])
    kind = np.repeat([KINDS.index(kind) for kind in found], [len(start) for start, _ in found.values()]).astype(
        np.int64
    )
    order = np.lexsort((kind, start))
    text = np.searchsorted(scans.offsets, start[order], side="right") - 1
    return Spans(text, start[order], end[order], kind[order])


def _find_dolma(scans: Scans, style: Style, kind: Kind, stretches: Stretches) -> Stretches:
    by_line = style == "dolma"
    if kind == "email":
        return _matches(lambda most: dolma_emails(scans.data, stretches, CLASSES, by_line, most), stretches)
    if kind == "phone_number":
        found = _matches(lambda most: phones(scans.data, stretches, CLASSES, by_line, most), stretches)
    else:
        found = _matches(lambda most: addresses(scans.data, stretches, most), stretches)
    return found if by_line else _without_books(scans, found)


def _without_books(scans: Scans, found: Stretches) -> Stretches:
    start, end = found
    plain = outside_books(scans.data, found, scans.offsets, WINDOW)
    return start[plain], end[plain]


def _find_fineweb(scans: Scans, style: Style, kind: Kind, stretches: Stretches) -> Stretches:
    del style
    if kind == "phone_number":
        return np.empty(0, np.int64), np.empty(0, np.int64)
    emails = _matches(lambda most: fineweb_emails(scans.data, stretches, CLASSES, most), stretches)
    if kind == "email":
        return emails
    left = np.sort(np.concatenate([stretches[0], emails[1]])), np.sort(np.concatenate([emails[0], stretches[1]]))
    start, end = _matches(lambda most: addresses(scans.data, left, most), left)
    reachable = public(scans.data, start, end)
    return start[reachable], end[reachable]


def _matches(search: Callable[[int], tuple[int, I64, I64]], stretches: Stretches) -> Stretches:
    """Search with room for a match in every 256 bytes, and again where there were more."""
    most = 64 + int((stretches[1] - stretches[0]).sum()) // 256
    count, start, end = search(most)
    if count > most:
        _, start, end = search(count)
    return start, end
