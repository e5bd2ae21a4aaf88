"""The command line: `gristmill`.

In:  arguments.
Out: exit code 0 done, 1 the build failed, 2 the request was wrong.
Guaranteed: an error that a user can mend is one message with its remedy, never a traceback.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipelines.audit.report import print_summary
from pipelines.engine.job import Resources
from pipelines.engine.progress import reporter_for
from pipelines.engine.session import Settings
from pipelines.engine.session import build as build_manifest
from pipelines.errors import GristmillError
from pipelines.manifest import Manifest, load_manifest
from pipelines.sample import write_sample

app = typer.Typer(
    name="gristmill",
    help="Build language-model training mixtures from raw corpora: every document accounted for.\n\n"
    "Start with `gristmill sample data/sample` and `gristmill build manifests/quickstart.yaml --out runs/quickstart`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

console = Console()
errors = Console(stderr=True)

ManifestPath = Annotated[Path, typer.Argument(help="A manifest: a YAML file.", metavar="MANIFEST")]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="Change a key, e.g. `--set mix.phases.0.tokens=1M`; may be repeated.", metavar="KEY=VALUE"
    ),
]


@app.command()
def build(
    manifest: ManifestPath,
    out: Annotated[str, typer.Option("--out", help="The build folder: local, or s3://bucket/prefix.", metavar="DIR")],
    address: Annotated[
        str,
        typer.Option(
            help="Where to run: `auto` (this machine's cores, or its Ray cluster), `ray://host:port`, `none`."
        ),
    ] = "auto",
    settings: Overrides = None,
    workers: Annotated[int | None, typer.Option(help="Tasks at a time; one per core by default.", min=1)] = None,
    spill: Annotated[int, typer.Option("--spill-bytes", help="Rows a task buffers before it writes them.", min=1)] = 256
    << 20,
    partitions: Annotated[
        int | None, typer.Option(help="Reduce tasks of an exchange; chosen by size by default.", min=1)
    ] = None,
    reverse: Annotated[bool, typer.Option(help="Start the last tasks first; changes no byte of the result.")] = False,
) -> None:
    """Build a manifest; run it again after a stop, and it goes on where it stopped.

    Example: `gristmill build manifests/quickstart.yaml --out runs/quickstart`
    """
    resources = Resources(workers=workers, spill_bytes=spill, partitions=partitions, reverse=reverse)
    loaded = load_manifest(manifest, settings or [])
    console.print(f"Building [bold]{loaded.name}[/] into {out}", highlight=False)
    summary = build_manifest(loaded, out, Settings(address, resources, reporter_for(console)))
    print_summary(console, summary, out)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a manifest, for editors.

    Example: `gristmill schema > manifest.schema.json`, and begin a manifest with
    `# yaml-language-server: $schema=manifest.schema.json`.
    """
    sys.stdout.write(json.dumps(Manifest.json_schema(), indent=2) + "\n")


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="Where to write it.", metavar="DIR")],
    megabytes: Annotated[int, typer.Option(help="About how much text.", min=1, max=200)] = 30,
) -> None:
    """Write a first corpus from the text that the installed Python packages carry, in four published layouts.

    Example: `gristmill sample data/sample`
    """
    summary = write_sample(folder, megabytes)
    console.print(summary)


def main() -> None:
    """Run the command line."""
    try:
        app()
    except GristmillError as error:
        errors.print(f"gristmill: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
