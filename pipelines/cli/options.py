"""Options that several commands have.

In:  what a person types.
Out: the types of commands' parameters.
Guaranteed: an option of one name means the same everywhere.
"""

from pathlib import Path
from typing import Annotated

import typer

ManifestPath = Annotated[Path, typer.Argument(help="A manifest: a YAML file.", metavar="MANIFEST")]
Folder = Annotated[str, typer.Argument(help="The folder of a finished build: local, or s3://...", metavar="DIR")]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="Change a key, e.g. `--set mix.phases.0.tokens=1M`; may be repeated.", metavar="KEY=VALUE"
    ),
]
AddressOrNone = Annotated[
    str, typer.Option(help="Where to run: `none` (in this process), `auto` (all cores), `ray://host:port`.")
]
Page = Annotated[
    Path | None, typer.Option("--html", help="Write the same as a page for a browser, too.", metavar="FILE")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Workers = Annotated[int | None, typer.Option(help="Tasks at a time; one per core by default.", min=1)]
Spill = Annotated[int, typer.Option("--spill-bytes", help="Rows a task buffers before it writes them.", min=1)]
Partitions = Annotated[int | None, typer.Option(help="Reduce tasks of an exchange; chosen by size by default.", min=1)]
