"""Any filter of datatrove as a stage, at datatrove's own speed.

In:  documents, and a filter's name with the options of its `__init__`.
Out: per document the reason for which the filter drops it; the text as the filter leaves it.
Guaranteed: the decisions and texts of the installed version, one `Document` at a time. A filter that raises on a
     document does not end a build: the document is dropped, and the rule says what was raised.

    - "datatrove:GopherQualityFilter": {min_doc_words: 10}

A name without dots is one of `datatrove.pipeline.filters`; a dotted one leads to a class anywhere inside datatrove.
Classes are made from signatures, so that a misspelt option is refused before any work. datatrove is imported only here,
and only where a manifest asks for it. Its version is a measuring option, and so part of identity.
"""

import inspect
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any, ClassVar, Self, get_args

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BeforeValidator, PrivateAttr, create_model, model_validator

from filters.batch import Batch, Columns, Outcome, ReadFiles, Stage, Verdicts, measuring, run_stage
from filters.signals.datatrove import reason_of
from filters.signals.signal import Signal

PREFIX = "datatrove:"
"""What the names of these stages begin with in a manifest."""

ROOM = "datatrove.pipeline.filters"
"""Where a name without dots is looked for."""

EDITORS = ("C4QualityFilter",)
"""Filters of that room that give documents a new text; a class from elsewhere may always do so."""

REFUSED = {
    "C4BadWordsFilter": "it downloads its lists; use word_list with lists in files",
    "FastTextClassifierFilter": "it downloads its model; use classifier",
    "LambdaFilter": "it takes a Python function; write a stage (docs/adding-a-filter.md)",
    "LanguageFilter": "it downloads its model; use language",
    "SamplerFilter": "it draws by the order of documents; give the source `sample: {fraction: ...}`",
    "URLFilter": "it downloads the list of public suffixes; use url_filter, with word_style: datatrove",
    "UnigramLogProbFilter": "it downloads its word frequencies",
}
"""Filters that cannot be stages: they need a network, give other answers in another order, or take no plain options."""

LEFT_OUT = {"self", "exclusion_writer"}
"""Parameters that are no options: the ledger holds what was dropped."""

UNABLE = (ArithmeticError, AssertionError, ValueError, IndexError, KeyError)
"""What filters raise for documents that they cannot judge: empty ones, ones without what they look for. What says that
something is not installed or not found (ImportError, nltk's LookupError, OSError) ends the build."""

SCALARS = {int, float, str, bool, type(None)}


class DatatroveStage(Stage):
    """Drops the documents that a filter of datatrove drops; the rule is the filter's reason, without a number."""

    version: ClassVar[int] = 1
    called: ClassVar[str] = ""
    """Name of the filter, as the manifest writes it behind the prefix."""

    datatrove_version: str = measuring("", "version of datatrove; by default the one that is installed")
    _filter: Any = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _can_be_made(self) -> Self:
        try:
            self._make()
        except Exception as error:
            raise ValueError(f"datatrove says: {str(error).strip()}") from error
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the filter's name instead of a class that only this process has."""
        return _restored, (self.called, self.model_dump())

    def __call__(self, batch: Batch) -> Outcome:
        """Measure, judge, and edit where the filter does."""
        return run_stage(self, batch)

    @property
    def signal(self) -> str:
        """Name of the reason."""
        return f"datatrove_{type(self).__name__}"

    @property
    def signals(self) -> Mapping[str, Signal]:
        """The one signal that it measures."""
        return {self.signal: reason_of(type(self).__name__)}

    def load(self, read: ReadFiles) -> Self:
        """Return the stage with a filter of its own.

        Raises:
            ValueError: another version of datatrove is installed than the manifest asks for.
        """
        del read
        if self.datatrove_version != version("datatrove"):
            raise ValueError(
                f"the manifest asks for datatrove {self.datatrove_version}; {version('datatrove')} is here"
            )
        copy = self.model_copy()
        copy._filter = self._make()  # noqa: SLF001 - a copy of itself
        return copy

    def measure(self, batch: Batch) -> Columns:
        """Return the reason for which each document is dropped; "" where it is kept."""
        return {self.signal: pa.array([reason for reason, _ in self._run(batch)], pa.string())}

    def judge(self, signals: Columns) -> Verdicts:
        """Return the reasons as rules."""
        reasons = signals[self.signal]
        rule = pc.if_else(pc.equal(pc.fill_null(reasons, ""), ""), pa.scalar(None, pa.string()), reasons)
        return Verdicts(rule, pa.nulls(len(reasons), pa.float64()))

    def _make(self) -> Any:  # noqa: ANN401 - datatrove has no types
        options = {name: value for name, value in self if name != "datatrove_version"}
        return filter_class(self.called)(**options)

    def _run(self, batch: Batch) -> list[tuple[str, str]]:
        """Return each document's reason and the text that the filter leaves."""
        made = self._filter if self._filter is not None else self._make()
        return [_filtered(made, row) for row in batch.documents.to_pylist()]


class DatatroveEditor(DatatroveStage):
    """A filter of datatrove that also gives documents a new text."""

    def edit(self, batch: Batch) -> pa.LargeStringArray:
        """Return the texts as the filter leaves them; it runs a second time for this."""
        return pa.array([text for _, text in self._run(batch)], pa.large_string())


def _filtered(made: Any, row: dict[str, Any]) -> tuple[str, str]:  # noqa: ANN401 - datatrove has no types
    """Return what a filter says of one document, and the text that it leaves."""
    from datatrove.data import Document  # noqa: PLC0415 - imported only where a manifest asks for it

    metadata = {
        name: value for name, value in row.items() if name not in {"text", "address", "uid"} and value is not None
    }
    document = Document(row["text"], row["id"], metadata=metadata)
    try:
        kept = made.filter(document)
    except UNABLE as error:
        return f"raises {type(error).__name__}", row["text"]
    kept, reason = kept if isinstance(kept, tuple) else (kept, None)
    return "" if kept else str(reason or "dropped"), document.text


def installed_filters() -> tuple[str, ...]:
    """Return the filters that can be stages by their name alone, sorted.

    Raises:
        ImportError: datatrove is not installed.
    """
    room = _imported(ROOM)
    return tuple(sorted(name for name, each in vars(room).items() if _is_filter(each) and name not in REFUSED))


def filter_class(name: str) -> Any:  # noqa: ANN401 - datatrove has no types
    """Return a filter's class.

    Args:
        name: a class of `datatrove.pipeline.filters`, or a dotted path inside datatrove.

    Raises:
        ImportError: datatrove, or what the filter needs, is not installed.
        LookupError: no filter is called so.
        ValueError: the filter cannot be a stage.
    """
    path, _, called = name.rpartition(".")
    if path and path.partition(".")[0] != "datatrove":
        raise ValueError("only classes inside datatrove can be named by a path")
    if called in REFUSED:
        raise ValueError(f"{called} cannot be a stage: {REFUSED[called]}")
    found = getattr(_imported(path or ROOM), called, None)
    if not _is_filter(found):
        raise LookupError(f"no filter is called {name!r}")
    return found


def _imported(path: str) -> Any:  # noqa: ANN401 - a module
    try:
        version("datatrove")
    except PackageNotFoundError as error:
        raise ImportError("install datatrove for this stage: pip install datatrove") from error
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        if str(error.name).startswith("datatrove"):
            raise LookupError(f"no module is called {path!r}") from error
        raise ImportError(f"install {error.name}, which {path} needs: pip install {error.name}") from error


def _is_filter(each: object) -> bool:
    from datatrove.pipeline.filters.base_filter import BaseFilter  # noqa: PLC0415 - likewise

    return isinstance(each, type) and issubclass(each, BaseFilter) and not inspect.isabstract(each)


@cache
def stage_class(name: str) -> type[DatatroveStage]:
    """Return the stage of a filter: its options are the parameters of the filter's `__init__`.

    Args:
        name: as for `filter_class`.

    Raises:
        ImportError: datatrove, or what the filter needs, is not installed.
        LookupError: no filter is called so.
        ValueError: the filter cannot be a stage.
    """
    found = filter_class(name)
    parameters = inspect.signature(found.__init__).parameters.values()
    fields: dict[str, Any] = {each.name: _option(each) for each in parameters if each.name not in LEFT_OUT}
    installed = measuring(version("datatrove"), "version of datatrove that filters")
    base: type[DatatroveStage] = DatatroveEditor if "." in name or name in EDITORS else DatatroveStage
    model: type[DatatroveStage] = create_model(
        found.__name__, __base__=base, datatrove_version=(str, installed), **fields
    )
    model.__doc__ = f"datatrove's {name}."
    model.called = name
    return model


def _option(parameter: inspect.Parameter) -> tuple[Any, Any]:
    """Return the type and the field of an option; types that are not plain are left to the filter."""
    default = ... if parameter.default is inspect.Parameter.empty else parameter.default
    field = measuring(default, f"`{parameter.name}` of the filter's __init__")
    kinds = set(get_args(parameter.annotation) or (parameter.annotation,))
    if not kinds <= SCALARS:
        return Annotated[Any, BeforeValidator(_frozen)], field
    number = float if int in kinds else None
    kind: Any = parameter.annotation | number if number is not None else parameter.annotation
    return (kind | None if default is None else kind), field


def _frozen(value: object) -> object:
    """Return lists as tuples, at every depth."""
    return tuple(_frozen(each) for each in value) if isinstance(value, list | tuple) else value


def _restored(name: str, options: dict[str, Any]) -> DatatroveStage:
    return stage_class(name)(**options)
