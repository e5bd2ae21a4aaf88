"""Texts as units: the texts of one scope as they are compared, and the way back from units to bytes.

In:  rows whose payloads are texts, and which of them, best rank first.
Out: their bytes, or their tokens, one text behind the other.
Guaranteed: the separator stands in no text: no UTF-8 has the byte FF, and no tokenizer the id behind its last.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.kernels.copying import joined
from filters.kernels.suffixes import joined_ids
from pipelines.dedup.repeats import Joined
from pipelines.dedup.token_units import Speller
from pipelines.engine.exchange import Rows
from pipelines.engine.rows import offsets_of

I64 = npt.NDArray[np.int64]

NO_BYTE = 0xFF


@dataclass(frozen=True)
class TextUnits:
    """Texts in units.

    Args:
        joined: the units.
        begins: uint32, of tokens: the byte at which each begins, and the end, all texts one behind the other without
            separators; None where units are bytes.
    """

    joined: Joined
    begins: npt.NDArray[np.uint32] | None = None

    def byte_of(self, text: I64, unit: I64) -> I64:
        """Return the byte of its text at which a unit begins; the end of the text for the one behind its last."""
        if self.begins is None:
            return unit
        first = offsets_of(self.joined.lengths)[text]
        return np.asarray(self.begins[first + unit] - self.begins[first], np.int64)


def bytes_of(rows: Rows, members: I64) -> TextUnits:
    """Return the bytes of texts.

    Args:
        rows: their payloads are texts.
        members: which of them, in order.
    """
    start, end = rows.offsets[members], rows.offsets[members + 1]
    kept = np.ones(len(members), np.uint8)
    data, _ = joined(rows.payload, np.array([0, len(members)]), (start, end, kept), NO_BYTE)
    return TextUnits(Joined(data, end - start, NO_BYTE))


def tokens_of(rows: Rows, members: I64, speller: Speller) -> TextUnits:
    """Return the tokens of texts; the arguments are those of `bytes_of`, and the tokenizer.

    Raises:
        ValueError: the tokens of a text do not spell it.
    """
    spelling = speller.spell(rows.payloads().take(pa.array(members)).cast(pa.large_string()))
    runs = spelling.runs
    ids = joined_ids(runs.ids, runs.offsets, speller.separator)
    return TextUnits(Joined(ids, runs.lengths, speller.separator), spelling.begins)
