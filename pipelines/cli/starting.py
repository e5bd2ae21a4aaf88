"""Commands for a beginning: a corpus to try things on, and what an editor needs to know of manifests.

In:  a folder, or nothing.
Out: source files, or a JSON Schema.
Guaranteed: nothing is downloaded.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.output import console


def schema() -> None:
    """Print the JSON Schema of a manifest, for editors.

    Example: `gristmill schema > manifest.schema.json`, and begin a manifest with
    `# yaml-language-server: $schema=manifest.schema.json`.
    """
    from pipelines.manifest import Manifest

    sys.stdout.write(json.dumps(Manifest.json_schema(), indent=2) + "\n")


def sample(
    folder: Annotated[Path, typer.Argument(help="Where to write it.", metavar="DIR")],
    megabytes: Annotated[int, typer.Option(help="About how much text.", min=1, max=200)] = 30,
) -> None:
    """Write a first corpus from the text that the installed Python packages carry, in four published layouts.

    Example: `gristmill sample data/sample`
    """
    from pipelines.audit.report import print_sample
    from pipelines.sample import write_sample

    print_sample(console, write_sample(folder, megabytes))
