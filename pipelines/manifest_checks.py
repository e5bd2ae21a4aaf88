"""Checks across a manifest: every name in it names something, and every expression can be evaluated.

In:  a manifest whose parts are each well formed, and the document that it was read from.
Out: nothing, or a ManifestError.
Guaranteed: no file is looked for (`manifest_files` does that).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from tokenizers import Regex

from filters.classifier import Classifier
from filters.signals import SIGNALS
from filters.signals.classifier import CLASSIFIER
from pipelines.dedup.scope import scope_fields
from pipelines.entries import option_key, options_naming
from pipelines.errors import ManifestError
from pipelines.expressions import ExpressionError, check, one_of, parse
from pipelines.labels import labels_of, sources_of
from pipelines.manifest_columns import document_types, record_types, remedy_without
from pipelines.manifest_companions import check_companions
from pipelines.manifest_mix import check_mix
from pipelines.manifest_tokens import check_beside_tokens
from pipelines.refusals import nearest
from pipelines.tokenizer_spec import ROLES
from pipelines.tokens.patterns import NUMBERS, PATTERNS, pattern_of
from pipelines.tokens.vocabulary import policy_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from filters.classifier import Training
    from pipelines.entries import StageEntry
    from pipelines.manifest import Manifest
    from pipelines.mixture import Mix
    from pipelines.sources.options import Scalar, SourceOptions
    from pipelines.tokenizer_spec import TokenizerSpec, TrainOptions
    from pipelines.yaml_keys import Document, Key


def check_manifest(document: Document, manifest: Manifest) -> None:
    """Refuse a manifest that names what is not there.

    Raises:
        ManifestError: the first thing that is wrong, in the order sources, stages, tokenizer, mix.
    """
    checks = _Checks(document, manifest)
    for name, source in manifest.sources.items():
        checks.source(name, source)
    for at, entry in enumerate(manifest.stages):
        checks.stage(at, entry)
    check_companions(document, manifest)
    check_beside_tokens(document, manifest)
    if manifest.tokenizer is not None:
        checks.tokenizer(manifest.tokenizer)
    if manifest.mix is not None:
        checks.mix(manifest.mix)


def _unknown_column(source: str, name: str, columns: set[str]) -> str:
    """Return what to do about a column that a source's documents do not have at some place."""
    signal, _, text = name.partition("@")
    missing = f"source {source!r} has no column {name!r}"
    if signal in SIGNALS and not SIGNALS.keys() & columns:
        return f"{missing} where it is read; stages measure signals: write a stage, `- where: ...`"
    if (remedy := remedy_without(signal)) is not None and signal not in columns:
        return f"{missing} here, since no stage before measures it; {remedy}"
    if text:
        made = sorted({column.partition("@")[2] for column in columns} - {""})
        now = f"behind {made[0]!r}" if made else "as the source gives it"
        return f"{name!r} is measured on another text than the one here, which is {now}"
    plain = [column for column in columns if "@" not in column]
    return f"{missing}; declare it in its `fields`, or name another; {nearest(name, plain)}"


class _Checks:
    """The checks of one manifest."""

    def __init__(self, document: Document, manifest: Manifest) -> None:
        self._document = document
        self._manifest = manifest

    def source(self, name: str, source: SourceOptions) -> None:
        key: Key = ("sources", name)
        if not source.path:
            self._document.refuse((*key, "path"), "write a path, or several")
        for at, tag in enumerate(source.tags):
            if tag in self._manifest.sources:
                self._document.refuse((*key, "tags", at), "a tag cannot be called like a source; choose another word")
        types = {column: kind for column, kind in record_types(self._manifest, name).items() if column != "source"}
        for column, asked in source.select.items():
            self.selected((*key, "select", column), column, asked if isinstance(asked, list) else [asked], types)
        if source.where is not None:
            self.expression((*key, "where"), source.where, {name: types})

    def selected(self, key: Key, column: str, values: Sequence[Scalar], types: Mapping[str, pa.DataType]) -> None:
        """Check that a column can have these values."""
        if column not in types:
            self._document.refuse(key, f"not declared in `fields`; {nearest(column, types)}")
        if not values:
            self._document.refuse(key, "write at least one value")
        try:
            check(one_of(column, values), types)
        except ExpressionError as error:
            self._document.refuse(key, error.problem)

    def stage(self, at: int, entry: StageEntry) -> None:
        key: Key = ("stages", at, entry.name)
        self.known_sources((*key, "on"), entry.on or ())
        for option in options_naming(type(entry.stage), "sources"):
            self.known_sources((*key, option), getattr(entry.stage, option))
        if isinstance(entry.stage, Classifier):
            self.classifier(key, at, entry.stage)
        for option in options_naming(type(entry.stage), "number"):
            self.number((*key, option), getattr(entry.stage, option), self.types_on(entry, at))
        for option in options_naming(type(entry.stage), "columns"):
            self.fields((*key, option), scope_fields(getattr(entry.stage, option)), self.types_on(entry, at))
        for option in options_naming(type(entry.stage), "signals"):
            place = option_key(self._document, key, option)
            self.expression(place, getattr(entry.stage, option), self.types_on(entry, at))

    def fields(self, key: Key, names: Iterable[str], types: Mapping[str, Mapping[str, pa.DataType]]) -> None:
        """Check that the records of all sources that a stage sees carry these columns; signals are none of them."""
        for source in types:
            columns = record_types(self._manifest, source)
            self.known_columns(key, source, names, columns)
            for name in (name for name in names if pa.types.is_list(columns[name])):
                self._document.refuse(key, f"{name!r} is a list of numbers; name a column with one value")

    def number(self, key: Key, name: str, types: Mapping[str, Mapping[str, pa.DataType]]) -> None:
        """Check that a name is that of a number, of one type for all sources that the stage sees."""
        for source, columns in types.items():
            self.known_columns(key, source, [name], columns)
            if not (pa.types.is_integer(columns[name]) or pa.types.is_floating(columns[name])):
                self._document.refuse(key, f"{name!r} is {columns[name]}; name a number")
        if len({columns[name] for columns in types.values()}) > 1:
            self._document.refuse(key, f"the sources declare {name!r} with different types; declare one")

    def classifier(self, key: Key, at: int, stage: Classifier) -> None:
        """Check that a classifier's score has a name of its own, and that there is something to train it on."""
        others = (entry.stage for entry in self._manifest.stages[:at] if isinstance(entry.stage, Classifier))
        declared = (name for source in self._manifest.sources for name in record_types(self._manifest, source))
        measured = SIGNALS.keys() - CLASSIFIER.keys()
        if stage.signal in {*measured, *declared, *(other.signal for other in others)}:
            self._document.refuse((*key, "name"), f"{stage.signal!r} is there already; choose another name", stage.name)
        if stage.train is not None:
            self.training((*key, "train"), stage.train)

    def training(self, key: Key, training: Training) -> None:
        """Check the sources, or the labels, of a classifier's examples."""
        self.known_sources((*key, "on"), training.on)
        for option in ("positive", "negative") if training.labels is None else ():
            self.known_sources((*key, option), [str(name) for name in getattr(training, option)])
        if training.labels is None:
            both = (sources_of(self._manifest, names) for names in (training.positive, training.negative))
            for source in sorted(set.intersection(*both)):
                self._document.refuse((*key, "negative"), f"source {source!r} is positive already; name others")
            return
        for source, labels in labels_of(self._manifest, training).items():
            values = [*labels.positive, *labels.negative]
            self.selected((*key, "labels"), labels.field, values, record_types(self._manifest, source))

    def types_on(self, entry: StageEntry, stages: int) -> dict[str, dict[str, pa.DataType]]:
        """Return per source that a stage sees the columns that it may name."""
        seen = [source for source in self._manifest.sources if self._manifest.applies(entry, source)]
        return {source: document_types(self._manifest, source, stages) for source in seen}

    def known_sources(self, key: Key, names: Iterable[str]) -> None:
        for at, name in enumerate(names):
            if name not in self._manifest.names:
                self._document.refuse((*key, at), f"no source and no tag; {nearest(name, self._manifest.names)}")

    def expression(self, key: Key, text: str, types: Mapping[str, Mapping[str, pa.DataType]]) -> None:
        """Check an expression on the columns of each source that it is evaluated on."""
        try:
            names = parse(text).names
            for source, columns in types.items():
                self.known_columns(key, source, names, columns)
                check(parse(text), columns)
        except ExpressionError as error:
            self._document.refuse(key, str(error))

    def known_columns(self, key: Key, source: str, names: Iterable[str], columns: Iterable[str]) -> None:
        for name in names:
            if name not in columns:
                self._document.refuse(key, _unknown_column(source, name, set(columns)))

    def tokenizer(self, spec: TokenizerSpec) -> None:
        if spec.train is not None:
            key: Key = ("tokenizer", "train")
            least = 256 + len(spec.train.all_specials)
            if spec.train.vocab_size < least:
                self._document.refuse((*key, "vocab_size"), f"write at least {least}: the bytes and special tokens")
            for name in spec.train.weights or ():
                if name not in self._manifest.sources:
                    remedy = f"no source; {nearest(name, self._manifest.sources)}"
                    self._document.refuse((*key, "weights", name), remedy)
            self.pattern((*key, "pattern"), spec.train.pattern)
            if spec.train.digits is not None and pattern_of(spec.train.pattern) not in NUMBERS:
                named = ", ".join(PATTERNS)
                self._document.refuse((*key, "digits"), f"write them into the expression, or name a pattern: {named}")
            self.framing(spec, spec.train)
        if spec.pattern is not None:
            self.pattern(("tokenizer", "pattern"), spec.pattern)

    def framing(self, spec: TokenizerSpec, train: TrainOptions) -> None:
        """Refuse BOS, EOS and padding that a trained vocabulary will not have, or has by another name."""
        for role in ROLES:
            asked, own = getattr(spec, role), getattr(train.specials, role)
            if isinstance(asked, str) and own not in {None, asked}:
                remedy = f"`train.specials.{role}` names another, {own!r}; leave one of them out"
                self._document.refuse(("tokenizer", role), remedy)
        try:
            policy_of({name: number for number, name in enumerate(train.all_specials)}, spec)
        except ManifestError as error:
            remedy = f"{error.remedy}, or name it, as in tokenizer: {{train: {{specials: {{{error.key[10:]}: <s>}}}}}}"
            self._document.refuse(tuple(error.key.split(".")), remedy)

    def pattern(self, key: Key, pattern: str) -> None:
        if pattern not in PATTERNS and pattern.replace("-", "_").isidentifier():
            self._document.refuse(key, f"no pattern is called so; {nearest(pattern, PATTERNS)}")
        try:
            Regex(pattern_of(pattern))
        except Exception as error:  # noqa: BLE001 - `tokenizers` raises plain Exception
            self._document.refuse(key, f"no regular expression ({error}); {nearest(pattern, PATTERNS)}")

    def mix(self, mix: Mix) -> None:
        if self._manifest.tokenizer is None:
            self._document.refuse(("tokenizer",), "a mix counts tokens; write tokenizer: {train: {vocab_size: 32000}}")
        if mix.shard_tokens < mix.sequence_length:
            self._document.refuse(("mix", "shard_tokens"), "a shard holds at least one sequence", mix.shard_tokens)
        self.pools(mix)
        known = {*self._manifest.sources, *mix.pools}
        for name, options in mix.groups.items():
            self.known_pools(("mix", "groups", name, "of"), options.of, {*known, *mix.groups})
        for at, phase in enumerate(mix.phases):
            self.known_pools(("mix", "phases", at, "weights"), phase.weights, {*known, *mix.groups})
            if phase.name in [other.name for other in mix.phases[:at]]:
                self._document.refuse(("mix", "phases", at, "name"), "an earlier phase has this name; choose another")
        if isinstance(mix.max_epochs, dict):
            self.known_pools(("mix", "max_epochs"), mix.max_epochs, known)
        check_mix(self._document, self._manifest, mix)

    def pools(self, mix: Mix) -> None:
        for name, options in mix.pools.items():
            key: Key = ("mix", "pools", name)
            if name in self._manifest.names:
                self._document.refuse(key, "a source or a tag has this name; call the pool otherwise")
            self.known_sources((*key, "sources"), options.sources)
        stages = len(self._manifest.stages)
        for pool in mix.declared_pools(self._manifest.names):
            if pool.where is not None:
                types = {source: document_types(self._manifest, source, stages) for source in pool.sources}
                self.expression(("mix", "pools", pool.name, "where"), pool.where.text, types)

    def known_pools(self, key: Key, names: Iterable[str], known: set[str]) -> None:
        for name in names:
            if name in self._manifest.names and name not in known:
                remedy = f"a tag is no pool; declare one, such as pools: {{all_{name}: {{sources: [{name}]}}}}"
                self._document.refuse((*key, name), remedy)
            if name not in known:
                self._document.refuse((*key, name), f"no pool and no source; {nearest(name, known)}")
