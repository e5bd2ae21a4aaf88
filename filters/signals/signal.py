"""What a signal is: one number that is measured on a document's text, and what it means."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Signal:
    """One number that is measured on a document's text.

    Args:
        name: the column; behind an editor it is followed by `@` and the editor's name.
        dtype: Arrow type of the column.
        unit: what one is one of.
        definition: how it is computed, empty cases included.
        source: where it was published.
    """

    name: str
    dtype: pa.DataType
    unit: str
    definition: str
    source: str
