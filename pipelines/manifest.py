"""The manifest: what goes into a build, what is done to it, and how much of it comes out.

In:  a YAML file, and `key=value` overrides.
Out: a frozen `Manifest`, every name in it resolved and every check made that needs no document.
Guaranteed: a manifest that loads names sources, stages, pools, columns and files that exist; every other one is
    refused by a ManifestError with the key, the value, the remedy and the line.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny

from pipelines.amounts import Bytes
from pipelines.entries import StageEntry, read_sources, read_stages
from pipelines.manifest_checks import check_manifest
from pipelines.manifest_files import check_files, sealed_stages
from pipelines.manifest_schema import schema_of
from pipelines.mixture import ItemName, Mix, Phase, Pool
from pipelines.overrides import override
from pipelines.refusals import fit
from pipelines.sources.options import SourceOptions
from pipelines.tokenizer_spec import TokenizerSpec, TrainOptions
from pipelines.yaml_keys import Document, parse_document, read_document

__all__ = ["Manifest", "Mix", "Phase", "Pool", "StageEntry", "TokenizerSpec", "TrainOptions", "load_manifest"]


class _Head(BaseModel):
    """The keys of a manifest whose values need no catalogue."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ItemName = Field(description="Name of the build.")
    seed: int = Field(0, ge=0, lt=2**64, description="Every use of chance follows from it.")
    split_bytes: Bytes = Field(128_000_000, description="Bytes of input that one task reads, where a file can be cut.")
    tokenizer: TokenizerSpec | None = Field(None, description="How text becomes tokens; without one, none are made.")
    mix: Mix | None = Field(None, description="What training reads; without one there are no shards.")


class _File(_Head):
    """A manifest as it is written: entries of the catalogue are not looked at yet."""

    sources: dict[ItemName, Any] = Field(min_length=1, description="What is read, by name.")
    stages: list[Any] = Field([], description="What is done to each document, in order.")


class Manifest(_Head):
    """A whole manifest, checked.

    Args:
        sources: by name, each with the options of its format.
        stages: in order, each with its options.
    """

    sources: dict[str, SerializeAsAny[SourceOptions]]
    stages: tuple[StageEntry, ...] = ()

    @cached_property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Each name of a source or a tag -> the sources that it stands for, sorted."""
        tags = {tag for source in self.sources.values() for tag in source.tags}
        tagged = {
            tag: tuple(sorted(name for name, source in self.sources.items() if tag in source.tags)) for tag in tags
        }
        return {**tagged, **{name: (name,) for name in self.sources}}

    def sources_of(self, name: str) -> tuple[str, ...]:
        """Return the sources that a source's name or a tag stands for, sorted."""
        return self.names[name]

    def applies(self, entry: StageEntry, source: str) -> bool:
        """Tell whether a stage sees the documents of a source; one of prose sees no code unless `on` names it."""
        if entry.on is None:
            return not (type(entry.stage).prose_only and "code" in self.sources[source].tags)
        return any(source in self.sources_of(name) for name in entry.on)

    @cached_property
    def pools(self) -> tuple[Pool, ...]:
        """The pools that are declared or drawn from, sorted by name; none without a mix."""
        return () if self.mix is None else self.mix.all_pools(self.names)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases in order: whole numbers of tokens, weights that sum to 1; none without a mix."""
        return () if self.mix is None else self.mix.phases

    def max_epochs_of(self, pool: str) -> float:
        """Return how often a pool may be read over all phases."""
        return 1.0 if self.mix is None else self.mix.max_epochs_of(pool)

    def holdout_of(self, source: str) -> float:
        """Return the share of a source's documents that no phase reads; 0 without a mix."""
        return 0.0 if self.mix is None else self.mix.holdout_of(source, self.names)

    def canonical(self) -> dict[str, Any]:
        """Return what the manifest asks for, defaults filled in, as plain values for its hash.

        Paths are left out, so it is the same on every machine; a tokenizer file counts by the hash of its content, and
        not by whose code encodes.
        """
        whole = self.model_dump(mode="json", by_alias=True)
        whole["sources"] = {name: _without(source, "path", "folders") for name, source in whole["sources"].items()}
        if self.tokenizer is not None:
            kind = self.tokenizer.kind
            whole["tokenizer"] = _without(whole["tokenizer"], "library", *([] if kind == "train" else [kind]))
        return whole

    @staticmethod
    def json_schema() -> dict[str, Any]:
        """Return the JSON Schema of a manifest file, for editors."""
        return schema_of(_File)


def _without(values: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in keys}


def load_manifest(path: str | Path, overrides: Sequence[str] = ()) -> Manifest:
    """Read and check a manifest.

    Args:
        path: a YAML file. Paths in it are relative to the current folder, as on a command line.
        overrides: `key=value` settings, such as `mix.phases.0.tokens=1M`, put in before anything is checked.

    Raises:
        ManifestError: something in it cannot be; the message says what, where, and what to write instead.
    """
    document = read_document(path)
    for setting in overrides:
        document = override(document, setting)
    return manifest_of(document)


def manifest_of(document: Document) -> Manifest:
    """Return the checked manifest of a document that was read."""
    manifest = _without_files(document)
    check_files(document, manifest)
    return manifest.model_copy(update={"stages": sealed_stages(document, manifest)})


def stored_manifest(text: str, name: str) -> Manifest:
    """Return the manifest that a build folder holds; the files that it names may be gone by now.

    Args:
        text: YAML.
        name: what messages call it.
    """
    return _without_files(parse_document(text, name))


def _without_files(document: Document) -> Manifest:
    """Return the manifest of a document; whether its files are there is not looked at."""
    file = fit(document, (), _File, document.tree)
    head = {name: getattr(file, name) for name in _Head.model_fields}
    manifest = Manifest(**head, sources=read_sources(document), stages=read_stages(document))
    check_manifest(document, manifest)
    return manifest
