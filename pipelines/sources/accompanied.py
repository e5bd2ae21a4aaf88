"""Options of corpora whose documents have companions.

In:  one entry of `sources:` in the manifest.
Out: what companions it asks for, and where they lie.
Guaranteed: every name of a field is one that a document does not have yet.
"""

import re
from collections.abc import Iterable, Mapping

from pydantic import Field, model_validator

from pipelines.sources.companions import Companion
from pipelines.sources.options import RESERVED, SourceOptions

FieldNames = list[str] | dict[str, str]
"""Fields of a companion: names, or {name: key}."""


class Accompanied(SourceOptions):
    """A source with companions."""

    folders: dict[str, str] = Field(
        default={},
        description="Where companions lie that are not beside the folder `documents`: {minhash: other/folder}.",
    )

    def companion_folder(self, companion: Companion) -> str | None:
        """Return the folder that the manifest names for a companion; None: it lies beside the documents."""
        return self.folders.get(companion.name)

    @model_validator(mode="after")
    def _check_companions(self) -> "Accompanied":
        taken = set(self.declared_fields())
        for companion in self.companions:
            if not companion.fields:
                raise ValueError(f"{'.'.join(companion.option)}: name at least one field, or leave it out")
            for name in companion.fields:
                _check_name(".".join(companion.option), name, taken, hidden=companion.kind == "bands")
                taken.add(name)
        _check_folders(self.folders, [companion.name for companion in self.companions])
        return self


def _check_name(option: str, name: str, taken: Iterable[str], *, hidden: bool) -> None:
    if name in RESERVED:
        raise ValueError(f"{option}: {name!r} is a name every document has; write {{my_{name}: {name}}}")
    if name in taken:
        raise ValueError(f"{option}: another field is called {name!r}; write {{other_name: {name}}}")
    if not hidden and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError(f"{option}: {name!r} is no name; write {{some_name: {name!r}}}, with letters and digits")


def _check_folders(folders: Mapping[str, str], names: list[str]) -> None:
    for name in folders:
        if name not in names:
            known = ", ".join(names) or "none, for no option asks for one"
            raise ValueError(f"folders: no companion is called {name!r}; there are: {known}")


def named(fields: FieldNames) -> dict[str, str]:
    """Return the fields of a companion, by name."""
    return dict(fields) if isinstance(fields, dict) else {name: name for name in fields}
