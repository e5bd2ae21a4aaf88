"""Where commands print: tables and words to standard output, what is said beside them to standard error.

In:  values and pages.
Out: text on the screen, or a file that is named.
Guaranteed: with JSON, nothing else is on standard output.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from rich.console import Console

console = Console()
errors = Console(stderr=True)

Value = TypeVar("Value")


def show(value: Value, printed: Callable[[Console, Value], None], *, as_json: bool) -> None:
    """Print dataclasses as JSON, or as people read them."""
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
    else:
        printed(console, value)


def write_page(path: Path, page: str) -> None:
    """Write a page for a browser, and say so."""
    from pipelines.engine.storage import open_storage

    open_storage(path.parent).put(path.name, page.encode())
    errors.print(f"Written: {path}", highlight=False, markup=False, soft_wrap=True)
