"""The peer that we are run beside: what it is called, with its version.

In:  the packages of this Python.
Out: its name; or, where it or its word splitter is missing, a message that says how to get them, and exit code 2.
Guaranteed: nothing is imported.
"""

import importlib.metadata
import sys

from rich.console import Console


def installed_peer(console: Console) -> str:
    """Return datatrove's name and version, or end the program where it cannot be run.

    Raises:
        SystemExit: datatrove, or spaCy, by which it splits words, is not installed; the code is 2.
    """
    try:
        importlib.metadata.version("spacy")
        return f"datatrove {importlib.metadata.version('datatrove')}"
    except importlib.metadata.PackageNotFoundError as missing:
        console.print(f"{missing.name} is not installed; the peers come with: pip install -e '.[peers]'", markup=False)
        sys.exit(2)
