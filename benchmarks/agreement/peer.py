"""datatrove's own filters, asked one document at a time.

In:  a filter of datatrove's and texts; a way to split words and sentences, its own or ours.
Out: whether it keeps a text, its reason where it does not, and the text that it leaves.
Guaranteed: its code runs as it is installed; what is put in its place (a splitter, a constant) is put back.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

KEPT = "kept"
RAISED = "raises "

Patches = dict[str, Any]
"""Name in a filter's module, or among its options -> what stands there instead."""


@dataclass(frozen=True)
class Answer:
    """What a filter says of a text.

    Args:
        reason: `KEPT`, its reason to drop, or `RAISED` and the name of the exception.
        text: the text that it leaves.
    """

    reason: str
    text: str


@contextmanager
def patched(filter_: Any, patches: Patches) -> Iterator[None]:  # noqa: ANN401 - datatrove is not annotated
    """Put other things in place of names in a filter's module, or of the filter's own options, and back again."""
    module = import_module(type(filter_).__module__)
    places = {name: module if hasattr(module, name) else filter_ for name in patches}
    kept = {name: getattr(place, name) for name, place in places.items()}
    try:
        for name, place in places.items():
            setattr(place, name, patches[name])
        yield
    finally:
        for name, place in places.items():
            setattr(place, name, kept[name])


def ask(filter_: Any, text: str) -> Answer:  # noqa: ANN401 - datatrove is not annotated
    """Return what a filter says of a text."""
    from datatrove.data import Document

    document = Document(text=text, id="")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy's mean of no words
        try:
            said = filter_.filter(document)
        except Exception as error:  # noqa: BLE001 - that it raises is its answer
            return Answer(f"{RAISED}{type(error).__name__}", text)
    return Answer(KEPT if said is True else said[1], document.text)


def splitter(split: Callable[[str], list[str]]) -> Callable[[str, str], list[str]]:
    """Return a splitter of ours in the shape of datatrove's, which remembers the last text as datatrove's does."""
    last: dict[str, list[str]] = {}

    def split_once(text: str, _language: str = "") -> list[str]:
        if text not in last:
            last.clear()
            last[text] = split(text)
        return last[text]

    return split_once


def quiet() -> None:
    """Silence datatrove's log."""
    with suppress(ImportError):
        from loguru import logger

        logger.disable("datatrove")
