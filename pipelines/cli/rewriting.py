"""Commands that write a finished build again: in another mix, or in another trainer's format.

In:  a finished build.
Out: its shards and ledger, or files elsewhere.
Guaranteed: no source file is read.
"""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.amounts import MIB, parse_bytes
from pipelines.cli.options import AddressOrNone, Folder, Overrides, Spill, Workers
from pipelines.cli.output import console
from pipelines.errors import RequestError


def mix(
    folder: Folder,
    manifest: Annotated[
        Path | None, typer.Argument(help="A manifest, of which only `mix` is read.", metavar="[MANIFEST]")
    ] = None,
    settings: Overrides = None,
    address: AddressOrNone = "none",
    workers: Workers = None,
    spill: Spill = 256 * MIB,
) -> None:
    """Mix a finished build again: other weights, phases, pools or packing, from its token runs; no source is read.

    Other weights: `gristmill mix runs/web --set "mix.phases.0.weights={refinedweb: 0.6, pile: 0.4}"`

    The mix of another manifest: `gristmill mix runs/web anneal.yaml`

    Shards and ledger are replaced, and are those that `build` would write with that mix. The source files may be gone.
    A pool whose condition names a number that the build did not measure needs `build`, and is refused.
    """
    from pipelines.audit.opened import open_folder
    from pipelines.audit.report import print_summary
    from pipelines.engine.job import Resources
    from pipelines.engine.progress import reporter_for
    from pipelines.engine.remixing import mix_again
    from pipelines.engine.session import Settings
    from pipelines.yaml_keys import read_document

    tree = read_document(manifest).tree.get("mix") if manifest is not None else None
    resources = Resources(workers=workers, spill_bytes=spill)
    run = Settings(address, resources, reporter_for(console))
    summary = mix_again(open_folder(folder), settings or [], run, tree)
    print_summary(console, summary, folder)


def export(
    folder: Folder,
    to: Annotated[str, typer.Option("--to", help="megatron, datatrove, olmo or mds.", metavar="FORMAT")],
    out: Annotated[str, typer.Option("--out", help="An empty folder: local, or s3://bucket/prefix.", metavar="DIR")],
    phases: Annotated[
        list[str] | None, typer.Option("--phase", help="Only this phase; may be repeated.", metavar="NAME")
    ] = None,
    unit: Annotated[
        str, typer.Option(help="What a document of Megatron is: `documents`, or `sequences` as they are packed.")
    ] = "",
    file_bytes: Annotated[
        str, typer.Option("--file-bytes", help="About how many bytes a file holds at most, e.g. 2GiB.", metavar="SIZE")
    ] = "",
    tokenizer: Annotated[
        str, typer.Option(help="What datatrove's metadata call the tokenizer: a name that nanotron can load.")
    ] = "",
) -> None:
    """Write the shards of a finished build again, in the format that another trainer reads.

    For Megatron-LM: `gristmill export runs/quickstart --to megatron --out exports/megatron`

    One phase, for nanotron: `gristmill export runs/quickstart --to datatrove --phase main --out exports/main`

    Formats: `megatron` (.bin and .idx), `datatrove` (.ds, for nanotron), `olmo` (.npy, for OLMo and OLMo-core), `mds`
    (MosaicML Streaming, for LLM Foundry). Sequences keep their order, BOS and EOS stay, and padding is left out where
    the format knows none; `export.json` accounts for every token.
    """
    from pipelines.audit.opened import open_folder
    from pipelines.engine.progress import reporter_for
    from pipelines.exports.export import export as export_shards
    from pipelines.exports.page import print_export
    from pipelines.exports.wanted import Wanted

    wanted = Wanted(to, tuple(phases or ()), unit, _bytes(file_bytes), tokenizer)
    account = export_shards(open_folder(folder), wanted, out, reporter_for(console))
    print_export(console, account, out)


def _bytes(text: str) -> int:
    """Return the bytes that an option says; 0 where it is not given."""
    try:
        return parse_bytes(text) if text else 0
    except ValueError as error:
        raise RequestError(f"--file-bytes {text}: {error}") from None
