"""Companions: files that lie beside a corpus's documents and say more of them.

In:  the path of a document file.
Out: the path of its companion, and the columns that it adds to the records.
Guaranteed: nothing here opens a file. A column whose name is no identifier is for stages alone; no expression can name
it, as the spans of a score and the keys of bands mean nothing there.
"""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import pyarrow as pa

from filters.spans import spans_name

CompanionKind = Literal["attributes", "bands", "listing"]
"""What a companion holds: scored spans by name, MinHash bands, or the ids of some documents."""

DOCUMENTS = "documents"
"""The folder that companions lie beside, in the layouts of RedPajama v2 and of the Dolma toolkit."""

SCORES = pa.list_(pa.float64())
SPANS = pa.list_(pa.uint32())
BANDS = pa.list_(pa.uint64())


@dataclass(frozen=True)
class Companion:
    """One kind of file beside the documents of a source.

    Args:
        name: what `folders` and the report call it.
        option: where the manifest asks for it, below the source.
        kind: what it holds.
        folder: what stands in the place of `documents`.
        ending: what a file's name ends in behind its first dot; None: it is called like the document file.
        id: key or column of the documents' ids.
        key: of attributes, the key of the object that they stand in.
        fields: name in the manifest -> key or column in the companion; of a listing, the one name.
    """

    name: str
    option: tuple[str, ...]
    kind: CompanionKind
    folder: str
    ending: str | None = None
    id: str = "id"
    key: str = "attributes"
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def schema(self) -> pa.Schema:
        """The columns that it adds to the records."""
        if self.kind == "attributes":
            pairs = [((name, SCORES), (spans_name(name), SPANS)) for name in self.fields]
            return pa.schema([pa.field(*column) for pair in pairs for column in pair])
        kind = BANDS if self.kind == "bands" else pa.bool_()
        return pa.schema([pa.field(name, kind) for name in self.fields])


def place_beside(companion: Companion, root: str, path: str, folder: str | None) -> tuple[str, str] | None:
    """Return root and path of the companion of the document file `root/path`.

    It has the same place below its own folder as the documents below the last folder called `documents`; below `root`
    where there is none.

    Args:
        companion: what is looked for.
        root: URL of a folder.
        path: of the document file below it.
        folder: URL of the companion's folder; None: it stands in the place of `documents`.

    Returns:
        None where there is no folder `documents`, and the manifest names no other.
    """
    parts = f"{root}/{path}".split("/")
    above = max((at for at, part in enumerate(parts[:-1]) if part == DOCUMENTS), default=None)
    below = path if above is None else "/".join(parts[above + 1 :])
    if companion.ending is not None:
        head, name = posixpath.split(below)
        below = posixpath.join(head, name.partition(".")[0] + companion.ending)
    if folder is not None:
        return folder, below
    return None if above is None else ("/".join([*parts[:above], companion.folder]), below)
