"""Wanted: what is asked of an export, checked before anything is written.

In:  a build, names and numbers as a person gives them, a folder.
Out: the same with all defaults filled in, and the folder as an empty storage.
Guaranteed: what is wrong is refused with what there is instead.
"""

from dataclasses import dataclass, replace

from pipelines.audit.opened import Opened
from pipelines.catalog import EXPORTERS
from pipelines.engine.storage import Storage, open_storage
from pipelines.errors import RequestError
from pipelines.exports.account import EXPORT
from pipelines.exports.formats import Exporter
from pipelines.refusals import nearest


@dataclass(frozen=True)
class Wanted:
    """What is asked of an export.

    Args:
        to: name of a format.
        phases: names of phases; none means all of training, and not what is held out.
        unit: what an item is; "" means the format's default.
        file_bytes: about how many bytes a file holds at most; 0 means the format's default.
        tokenizer: what the files call the tokenizer; "" means by its hash.
    """

    to: str
    phases: tuple[str, ...] = ()
    unit: str = ""
    file_bytes: int = 0
    tokenizer: str = ""

    @property
    def exporter(self) -> Exporter:
        """The format."""
        return EXPORTERS[self.to]


def complete(build: Opened, wanted: Wanted) -> Wanted:
    """Return what is asked with all defaults filled in, and phases in the manifest's order, what is held out last.

    Raises:
        RequestError: there is no such format, phase or unit, or a number is wrong.
    """
    if wanted.to not in EXPORTERS:
        raise RequestError(f"--to {wanted.to}: there is no such format; {nearest(wanted.to, EXPORTERS)}")
    unit = wanted.unit or wanted.exporter.units[0]
    if unit not in wanted.exporter.units:
        raise RequestError(f"--unit {unit}: {wanted.to} has {' or '.join(wanted.exporter.units)}")
    if wanted.file_bytes < 0:
        raise RequestError(f"--file-bytes {wanted.file_bytes}: write a number above zero; 0 is the format's default")
    if wanted.file_bytes > wanted.exporter.largest_file:
        raise RequestError(
            f"--file-bytes {wanted.file_bytes}: a file of {wanted.to} holds at most {wanted.exporter.largest_file}"
        )
    if "|" in wanted.tokenizer or "\n" in wanted.tokenizer:
        raise RequestError(f"--tokenizer {wanted.tokenizer!r}: `|` and line breaks cannot stand in its name")
    return replace(
        wanted,
        phases=_phases(build, wanted.phases),
        unit=unit,
        file_bytes=wanted.file_bytes or wanted.exporter.file_bytes,
        tokenizer=wanted.tokenizer or f"gristmill-{build.lock.tokenizer_hash[:16]}",
    )


def _phases(build: Opened, asked: tuple[str, ...]) -> tuple[str, ...]:
    mix = build.manifest.mix
    known = [] if mix is None else mix.folders
    for name in asked:
        if name not in known:
            raise RequestError(f"--phase {name}: {build.storage.url} has no such phase; {nearest(name, known)}")
    if not build.shards:
        raise RequestError(f"{build.storage.url} has no shards: its manifest mixes nothing")
    held = {path.split("/")[1] for path in build.shards}
    for name in asked:
        if name not in held:
            raise RequestError(f"--phase {name}: {build.storage.url} has no shards of it, for it holds no tokens")
    chosen = asked or [phase.name for phase in build.manifest.phases if phase.name in held]
    return tuple(name for name in known if name in chosen)


def empty_folder(out: str) -> Storage:
    """Return the storage of a folder that holds nothing, or is not there yet.

    Raises:
        RequestError: it holds something.
    """
    storage = open_storage(out)
    held = storage.list()
    if EXPORT in held:
        raise RequestError(f"{storage.url} holds an export already: name another folder, or delete it")
    if held:
        raise RequestError(
            f"{storage.url} is not empty (it holds {held[0]}): name another folder; an export that was stopped has "
            f"no {EXPORT}, and is deleted and begun again"
        )
    storage.sweep()
    return storage
