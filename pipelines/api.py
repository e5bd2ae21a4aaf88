"""What Python programs use: load a manifest, build it, and look into a build.

In:  manifests and build folders.
Out: `Manifest`, `Built`.
Guaranteed: the same behaviour as the command line; errors are those of `pipelines.errors`.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from pipelines.audit.opened import Opened, open_folder
from pipelines.audit.passport import Passport
from pipelines.audit.pieces import Traced, pieces_of, trace_pieces
from pipelines.audit.stories import Story, stories_of
from pipelines.audit.summary import PART, Summary, read_summary
from pipelines.audit.tokenizer_told import passport_in
from pipelines.audit.whatif import Answer, what_if
from pipelines.engine.job import Resources
from pipelines.engine.session import Settings
from pipelines.engine.session import build as build_manifest
from pipelines.errors import RequestError
from pipelines.exports.account import Export
from pipelines.exports.export import export as export_shards
from pipelines.exports.wanted import Wanted
from pipelines.loader.sequences import Sequences, load_sequences
from pipelines.manifest import Manifest, load_manifest
from pipelines.refusals import nearest


def load(path: str | Path, overrides: Sequence[str] = ()) -> Manifest:
    """Load and check a manifest.

    Args:
        path: a YAML file.
        overrides: changes, each `key.path=value`.

    Raises:
        ManifestError: it is refused; the error names key, value and remedy.
    """
    return load_manifest(path, overrides)


def build(
    manifest: Manifest | str | Path,
    out: str | Path,
    address: str = "auto",
    resources: Resources | None = None,
) -> "Built":
    """Build a manifest into a folder; called again after a stop, it goes on where it stopped.

    Args:
        manifest: a manifest, or the path of one.
        out: the build folder: local, or `s3://bucket/prefix`.
        address: `auto` (this machine's cores, or its Ray cluster), `ray://host:port`, or `none` (this process).
        resources: how many tasks at a time, and the like; no value changes a byte of the result.

    Raises:
        RequestError: something is wrong with what was asked; nothing was done.
        BuildError: the build stopped.
    """
    loaded = manifest if isinstance(manifest, Manifest) else load_manifest(manifest)
    build_manifest(loaded, out, Settings(address, resources or Resources()))
    return open_build(out)


def open_build(folder: str | Path) -> "Built":
    """Open the folder of a finished build.

    Raises:
        RequestError: there is none, or it is not finished.
    """
    return Built(open_folder(folder))


class Built:
    """A finished build.

    Args:
        opened: its folder.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    @property
    def folder(self) -> str:
        """The URL of its folder."""
        return self._opened.storage.url

    @property
    def manifest(self) -> Manifest:
        """What was asked for, with all defaults filled in."""
        return self._opened.manifest

    @cached_property
    def summary(self) -> Summary:
        """What it read, dropped and made."""
        return read_summary(self._opened.storage.read(PART))

    @cached_property
    def passport(self) -> Passport:
        """What its tokenizer is, and what it made of the texts.

        Raises:
            RequestError: it has none.
        """
        return passport_in(self._opened)

    def shards(self, phase: str | None = None) -> list[str]:
        """Return the paths or URLs of the shards of a phase, or of all, in the order in which a trainer reads them.

        What is held out is in none of them; ask for it by name: `shards("holdout")`.

        Raises:
            RequestError: there is no such phase.
        """
        phases = [each.name for each in self.manifest.phases]
        folders = [] if self.manifest.mix is None else self.manifest.mix.folders
        if phase is not None and phase not in folders:
            raise RequestError(f"{self.folder} has no phase {phase!r}; {nearest(phase, folders)}")
        wanted = phases if phase is None else [phase]
        return [f"{self.folder}/{path}" for name in wanted for path in self._shards_of(name)]

    def _shards_of(self, phase: str) -> list[str]:
        return [path for path in self._opened.shards if path.split("/")[1] == phase]

    def sequences(self, phases: str | Sequence[str] | None = None) -> Sequences:
        """Return the training sequences of a phase, of several in the order given, or of all, for a trainer.

        What is held out is in none of them; ask for it by name: `sequences("holdout")`.

        Raises:
            RequestError: there is no such phase.
        """
        return load_sequences(self.folder, phases)

    def why(self, name: str) -> list[Story]:
        """Return what became of the records of that name, and why: an id, a uid in decimal, or source/path:ordinal.

        Raises:
            RequestError: there is no such record.
        """
        return stories_of(self._opened, name)

    def trace(self, shard: str, row: int) -> list[Traced]:
        """Return the pieces of documents that a row of a shard (`phase/part-00000.parquet`) is made of.

        Raises:
            RequestError: there is no such shard or row, or a text cannot be made again.
        """
        return trace_pieces(self._opened, pieces_of(self._opened, shard, [row]))

    def what_if(self, settings: Mapping[str, object], source: str | None = None, samples: int = 3) -> Answer:
        """Return what the build would keep with other thresholds, from the numbers that it measured.

        Args:
            settings: option -> value, such as `{"gopher_quality.min_word_count": 40}`; None turns a rule off. Of
                several stages of one name, the second is called `gopher_quality#2`.
            source: only what becomes of this source's documents.
            samples: how many documents that change sides are shown, of either kind.

        Raises:
            RequestError: a setting names nothing, or something that kept numbers cannot answer.
        """
        written = [f"{name}={json.dumps(value)}" for name, value in settings.items()]
        return what_if(self._opened, written, source, samples)

    def export(self, to: str, out: str | Path, phases: Sequence[str] = (), unit: str = "") -> Export:
        """Write the shards again in the format that another trainer reads, and return the account of it.

        Args:
            to: `megatron`, `datatrove`, `olmo` or `mds`.
            out: an empty folder, or one that is not there yet: local, or `s3://bucket/prefix`.
            phases: names of phases; none means all.
            unit: for `megatron`: `documents` (the default) or `sequences`.

        Raises:
            RequestError: something is wrong with what was asked; nothing was written.
            Unbalanced: the tokens written are not those of the shards.
        """
        return export_shards(self._opened, Wanted(to, tuple(phases), unit), str(out))
