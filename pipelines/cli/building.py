"""Commands about a manifest: build it, or say before what it will do.

In:  a manifest, and settings.
Out: a build folder; or, but for `build`, words alone.
Guaranteed: `plan` and `preview` run nothing over a whole corpus, and only `build` writes into its folder.
"""

from typing import Annotated

import typer

from pipelines.amounts import MIB
from pipelines.cli.options import AddressOrNone, AsJson, ManifestPath, Overrides, Page, Partitions, Spill, Workers
from pipelines.cli.output import console, errors, show, write_page
from pipelines.errors import RequestError


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
    workers: Workers = None,
    spill: Spill = 256 * MIB,
    partitions: Partitions = None,
    reverse: Annotated[bool, typer.Option(help="Start the last tasks first; changes no byte of the result.")] = False,
) -> None:
    """Build a manifest; run it again after a stop, and it goes on where it stopped.

    Example: `gristmill build manifests/quickstart.yaml --out runs/quickstart`

    In this process, without Ray: `gristmill build web.yaml --out runs/web --address none`

    With another number: `gristmill build web.yaml --out runs/web --set mix.phases.0.tokens=1M`
    """
    from pipelines.audit.report import print_summary
    from pipelines.engine.job import Resources
    from pipelines.engine.progress import reporter_for
    from pipelines.engine.session import Settings
    from pipelines.engine.session import build as build_manifest
    from pipelines.manifest import load_manifest

    resources = Resources(workers=workers, spill_bytes=spill, partitions=partitions, reverse=reverse)
    loaded = load_manifest(manifest, settings or [])
    console.print(f"Building [bold]{loaded.name}[/] into {out}", highlight=False)
    summary = build_manifest(loaded, out, Settings(address, resources, reporter_for(console)))
    print_summary(console, summary, out)


def plan(
    manifest: ManifestPath,
    out: Annotated[
        str, typer.Option("--out", help="A build folder: says what is done in it already.", metavar="DIR")
    ] = "",
    settings: Overrides = None,
    workers: Workers = None,
    spill: Spill = 256 * MIB,
    partitions: Partitions = None,
    sampled: Annotated[
        str,
        typer.Option(
            "--pilot",
            help="Run this much of each source, and say what each pool will hold: a share, `1%` or `0.01`, or a number "
            "of documents.",
            metavar="SHARE",
        ),
    ] = "",
    address: Annotated[
        str, typer.Option(help="Where a pilot runs: `none` (in this process), `auto` (all cores), `ray://host:port`.")
    ] = "none",
    as_json: Annotated[bool, typer.Option("--json", help="Print the pilot alone, as JSON, for programs.")] = False,
) -> None:
    """Say what a build will do, and how much of it is done; runs nothing and writes nothing, but for `--pilot`.

    Example: `gristmill plan manifests/quickstart.yaml`

    What a change would cost: `gristmill plan web.yaml --out runs/web --set stages.0.gopher_quality.min_word_count=40`

    What each pool will hold, by a run on one document in a hundred: `gristmill plan web.yaml --pilot 1%`

    A pilot runs all passes on records from 32 places of each source, in a temporary folder (`TMPDIR`; on several
    machines it must be one that all share), and writes nothing to a build. Each number has a 95 % interval. Copies are
    the exception: a sample sees fewer than there are, so where sources repeat, pools will hold less.
    """
    from pipelines.audit.forecast import forecast
    from pipelines.audit.forecast_page import print_forecast
    from pipelines.audit.pilot import pilot
    from pipelines.audit.pilot_page import print_pilot
    from pipelines.engine.job import Resources
    from pipelines.engine.progress import reporter_for
    from pipelines.engine.session import Settings
    from pipelines.manifest import load_manifest

    resources = Resources(workers=workers, spill_bytes=spill, partitions=partitions)
    loaded = load_manifest(manifest, settings or [])
    run = Settings(address, resources, reporter_for(errors))
    if as_json and not sampled:
        raise RequestError("--json prints a pilot: write how much it reads, such as --pilot 1%")
    if not as_json:
        print_forecast(console, forecast(loaded, out, resources))
    if sampled:
        seen = pilot(loaded, sampled, run)
        show(seen, print_pilot, as_json=as_json)


def preview(
    manifest: ManifestPath,
    documents: Annotated[int, typer.Option(help="Documents of each source.", min=1, max=1000)] = 5,
    source: Annotated[str | None, typer.Option(help="Only this source.", metavar="NAME")] = None,
    name: Annotated[
        str, typer.Option("--id", help="Only this document, with every number and every rule.", metavar="ID")
    ] = "",
    number: Annotated[
        int, typer.Option("--document", help="The same, for each source's document of this number, from 1.", min=0)
    ] = 0,
    settings: Overrides = None,
) -> None:
    """Take a few documents of each source through the stages and show which stay, which go, and why; writes nothing.

    Example: `gristmill preview manifests/quickstart.yaml`

    Twenty of one source: `gristmill preview web.yaml --source refinedweb --documents 20`

    All that is known of one document: `gristmill preview web.yaml --id sherlock-0`, or the third of each source:
    `gristmill preview web.yaml --document 3`. Rules behind the one by which it falls are shown too.
    """
    from pipelines.audit.preview import preview as preview_manifest
    from pipelines.audit.preview_one import Wanted, preview_one
    from pipelines.audit.preview_one_page import print_one
    from pipelines.audit.preview_page import print_preview
    from pipelines.manifest import load_manifest

    loaded = load_manifest(manifest, settings or [])
    if name or number:
        print_one(console, preview_one(loaded, Wanted(name, number), source))
    else:
        print_preview(console, preview_manifest(loaded, documents, source))


def dedup_bench(
    manifest: ManifestPath,
    documents: Annotated[int, typer.Option(help="Records of each source that are read.", min=1)] = 20_000,
    everything: Annotated[bool, typer.Option("--all", help="Read all of every source.")] = False,
    stage: Annotated[str, typer.Option(help="Which of several dedup_minhash: 1 is the first.", metavar="NUMBER")] = "",
    pairs: Annotated[int, typer.Option(help="Pairs shown of either kind.", min=0, max=100)] = 10,
    html: Page = None,
    settings: Overrides = None,
    address: AddressOrNone = "none",
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Try the near-duplicate stage of a manifest on a sample, before anything is dropped: what would fall, and why.

    Example: `gristmill dedup-bench web.yaml`

    As a page to look at: `gristmill dedup-bench web.yaml --html bench.html`

    With another threshold: `gristmill dedup-bench web.yaml --set stages.2.dedup_minhash.jaccard=0.7`

    It runs the stages before as a build would, and shows the S-curve of the bands beside the similarities that were
    measured, how many documents belong together before and behind verification, what each source would lose, with
    verification and without, and pairs of either kind side by side: words in [-...-] stand on the left only, those in
    {+...+} on the right only.

    `--documents` are read from up to 16 places of each source, beside each other. Similarities are exact; losses are
    those within the sample, and nearly always more in the whole. With `--all` they are those of a build. All of it
    happens in a temporary folder (`TMPDIR`; on several machines it must be one that all share).
    """
    from pipelines.audit.bench import Asked, bench
    from pipelines.audit.bench_html import page as bench_as_html
    from pipelines.audit.bench_page import print_bench
    from pipelines.engine.job import Resources
    from pipelines.engine.progress import reporter_for
    from pipelines.engine.session import Settings
    from pipelines.manifest import load_manifest

    asked = Asked(None if everything else documents, stage, pairs)
    run = Settings(address, Resources(workers=workers), reporter_for(errors))
    seen = bench(load_manifest(manifest, settings or []), asked, run)
    show(seen, print_bench, as_json=as_json)
    if html is not None:
        write_page(html, bench_as_html(seen))
