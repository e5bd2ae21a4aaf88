"""The command line: `gristmill`.

In:  arguments.
Out: exit code 0 done, 1 the build failed, 2 the request was wrong.
Guaranteed: an error that a user can mend is one message with its remedy, never a traceback.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from pipelines.amounts import parse_bytes
from pipelines.audit.bench import Asked, bench
from pipelines.audit.bench_html import page as bench_as_html
from pipelines.audit.bench_page import print_bench
from pipelines.audit.forecast import forecast
from pipelines.audit.forecast_page import print_forecast
from pipelines.audit.opened import open_folder
from pipelines.audit.passport_html import passport_as_html
from pipelines.audit.passport_page import print_told
from pipelines.audit.pieces import packing_of, trace_pieces
from pipelines.audit.pieces_page import print_sequences
from pipelines.audit.pilot import pilot
from pipelines.audit.pilot_page import print_pilot
from pipelines.audit.preview import preview as preview_manifest
from pipelines.audit.preview_one import Wanted, preview_one
from pipelines.audit.preview_one_page import print_one
from pipelines.audit.preview_page import print_preview
from pipelines.audit.report import print_sample, print_summary
from pipelines.audit.signals_list import find_signals
from pipelines.audit.signals_page import print_signals
from pipelines.audit.steps import Place, Step, pieces_at, place_in, places_of
from pipelines.audit.stories import stories_of
from pipelines.audit.stories_page import print_stories
from pipelines.audit.tokenizer_told import tell_of
from pipelines.audit.whatif import what_if as judge_again
from pipelines.audit.whatif_page import print_answer
from pipelines.engine.job import MIB, Resources
from pipelines.engine.progress import reporter_for
from pipelines.engine.remixing import mix_again
from pipelines.engine.session import Settings
from pipelines.engine.session import build as build_manifest
from pipelines.engine.storage import open_storage
from pipelines.errors import GristmillError, RequestError
from pipelines.exports.export import export as export_shards
from pipelines.exports.page import print_export
from pipelines.exports.wanted import Wanted as WantedExport
from pipelines.manifest import Manifest, load_manifest
from pipelines.sample import write_sample
from pipelines.starting import without_collection, without_pandas
from pipelines.yaml_keys import read_document

app = typer.Typer(
    name="gristmill",
    help="Build language-model training mixtures from raw corpora: every document accounted for.\n\n"
    "A first build: `gristmill sample data/sample`, then "
    "`gristmill build manifests/quickstart.yaml --out runs/quickstart`.\n\n"
    "Before a build: `signals`, `tokenizer`, `plan`, `preview` and `dedup-bench`. After it: `mix` again, `what-if` "
    "with other thresholds, `why` a document is missing, `trace` what a sequence is made of, `export` to other "
    "trainers' formats.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

console = Console()
errors = Console(stderr=True)

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
    resources = Resources(workers=workers, spill_bytes=spill, partitions=partitions, reverse=reverse)
    loaded = load_manifest(manifest, settings or [])
    console.print(f"Building [bold]{loaded.name}[/] into {out}", highlight=False)
    summary = build_manifest(loaded, out, Settings(address, resources, reporter_for(console)))
    print_summary(console, summary, out)


@app.command()
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
    resources = Resources(workers=workers, spill_bytes=spill, partitions=partitions)
    loaded = load_manifest(manifest, settings or [])
    run = Settings(address, resources, reporter_for(errors))
    if as_json and not sampled:
        raise RequestError("--json prints a pilot: write how much it reads, such as --pilot 1%")
    if not as_json:
        print_forecast(console, forecast(loaded, out, resources))
    if sampled:
        seen = pilot(loaded, sampled, run)
        _print_json(seen) if as_json else print_pilot(console, seen)


@app.command()
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
    loaded = load_manifest(manifest, settings or [])
    if name or number:
        print_one(console, preview_one(loaded, Wanted(name, number), source))
    else:
        print_preview(console, preview_manifest(loaded, documents, source))


@app.command("dedup-bench")
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
    asked = Asked(None if everything else documents, stage, pairs)
    run = Settings(address, Resources(workers=workers), reporter_for(errors))
    seen = bench(load_manifest(manifest, settings or []), asked, run)
    if as_json:
        _print_json(seen)
    else:
        print_bench(console, seen)
    if html is not None:
        _write_page(html, bench_as_html(seen))


@app.command()
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
    tree = read_document(manifest).tree.get("mix") if manifest is not None else None
    resources = Resources(workers=workers, spill_bytes=spill)
    run = Settings(address, resources, reporter_for(console))
    summary = mix_again(open_folder(folder), settings or [], run, tree)
    print_summary(console, summary, folder)


@app.command()
def why(
    folder: Folder,
    name: Annotated[
        str, typer.Argument(help="A document: its id, its uid in decimal, or source/path:ordinal.", metavar="ID")
    ],
) -> None:
    """Tell what became of a document, and why.

    By the corpus's own id: `gristmill why runs/quickstart sherlock-0`

    By its place: `gristmill why runs/quickstart refinedweb/part-00000.parquet:17`

    A record without an id of its own is called path:ordinal. The ordinal is the record's number in a Parquet or
    compressed file, and the byte at which its line begins in a plain one.
    """
    print_stories(console, stories_of(open_folder(folder), name))


@app.command()
def trace(
    folder: Folder,
    shard: Annotated[str, typer.Argument(help="A shard below DIR/shards.", metavar="SHARD")] = "",
    row: Annotated[int, typer.Argument(help="A sequence: its row in the shard, from 0.", metavar="ROW", min=0)] = 0,
    step: Annotated[int | None, typer.Option(help="Instead of SHARD and ROW: a step of the loader.", min=0)] = None,
    batch_size: Annotated[int, typer.Option(help="Sequences of a step, all ranks together.", min=1)] = 1,
    only: Annotated[
        int | None, typer.Option("--row", help="Only this sequence of the step, from 0.", metavar="I", min=0)
    ] = None,
    phases: Annotated[
        list[str] | None,
        typer.Option("--phase", help="What the trainer reads; all by default; may be repeated.", metavar="PHASE"),
    ] = None,
    skip: Annotated[int, typer.Option(help="Sequences before step 0, as the loader's `skip`.", min=0)] = 0,
    pieces: Annotated[bool, typer.Option("--pieces", help="Print all of each piece's text.")] = False,
) -> None:
    """Tell what training sequences are made of, and check their tokens against the documents' texts.

    Example: `gristmill trace runs/quickstart main/part-00000.parquet 0`

    The text of each piece, whole: `gristmill trace runs/quickstart main/part-00000.parquet 0 --pieces`

    What a trainer saw in a step: `gristmill trace runs/quickstart --step 100 --batch-size 8 --row 3`

    The texts are made again from the sources, so these must still be where they were, and what they were.
    """
    if (step is None) == (shard == "") or (step is None and (phases or skip or batch_size > 1)):
        raise RequestError("name either SHARD and ROW, or --step with the --batch-size of all ranks together")
    build_ = open_folder(folder)
    places: list[Place] = [(shard, row)]
    if step is not None:
        places = places_of(build_, Step(step, batch_size, tuple(phases or ()), skip))
    traced = trace_pieces(build_, pieces_at(build_, places if only is None else [place_in(places, only)]))
    print_sequences(console, traced, packing_of(build_, places[0][0]), whole=pieces)
    if not all(each.agrees for each in traced):
        raise typer.Exit(1)


@app.command()
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
    wanted = WantedExport(to, tuple(phases or ()), unit, _bytes(file_bytes), tokenizer)
    account = export_shards(open_folder(folder), wanted, out, reporter_for(console))
    print_export(console, account, out)


def _bytes(text: str) -> int:
    """Return the bytes that an option says; 0 where it is not given."""
    try:
        return parse_bytes(text) if text else 0
    except ValueError as error:
        raise RequestError(f"--file-bytes {text}: {error}") from None


@app.command("what-if")
def what_if(
    folder: Folder,
    settings: Annotated[
        list[str],
        typer.Option(
            "--set",
            help="A threshold, e.g. `--set gopher_quality.min_word_count=40`; null turns a rule off. May be repeated.",
            metavar="STAGE.OPTION=VALUE",
        ),
    ],
    source: Annotated[str | None, typer.Option(help="Only this source.", metavar="NAME")] = None,
    samples: Annotated[int, typer.Option(help="Documents shown of those gained, and of those lost.", min=0)] = 3,
    as_json: AsJson = False,
) -> None:
    """Tell what a build would keep with other thresholds, from the numbers that it measured; runs nothing.

    A lower bound: `gristmill what-if runs/quickstart --set gopher_quality.min_word_count=40`

    A rule turned off: `gristmill what-if runs/quickstart --set gopher_quality.min_frac_words_with_alpha=null`

    Another expression: `gristmill what-if runs/quickstart --set "where=chars < 100000"`

    Of several stages of one name, the second is `where#2`, or by its place, as for `build --set`, `stages.4.where`.

    The answer is exact where all it takes was measured; else it is called an estimate and says what is missing. What is
    measured itself (words, models, texts) only a build can change.
    """
    answer = judge_again(open_folder(folder), settings, source, samples)
    if as_json:
        _print_json(answer)
    else:
        print_answer(console, answer)


@app.command()
def tokenizer(
    where: Annotated[
        str,
        typer.Argument(help="A build folder, a manifest, or a tokenizer's file.", metavar="WHERE"),
    ],
    texts: Annotated[
        list[Path] | None,
        typer.Option("--text", help="A UTF-8 text to count tokens of, for a file or a manifest; may be repeated."),
    ] = None,
    html: Page = None,
    as_json: AsJson = False,
) -> None:
    """Tell what a tokenizer is, and how many tokens texts become: the passport of a build, or what is known before one.

    Of a build: `gristmill tokenizer runs/quickstart`

    Of a file, counted on texts of yours: `gristmill tokenizer llama3/tokenizer.model --text README.md`

    A build counts all its texts, by source and, where `language` measured it, by language; of the first documents of
    every split it says how many come back when they are decoded.
    """
    told = tell_of(where, texts or [])
    if as_json:
        _print_json(told)
    else:
        print_told(console, told)
    if html is not None:
        _write_page(html, passport_as_html(told))


@app.command()
def signals(
    pattern: Annotated[str, typer.Argument(help="A word, or a name with `*` in it.", metavar="PATTERN")] = "",
    as_json: AsJson = False,
) -> None:
    """List what can be measured on a document: each number's meaning, unit, source, and the stage that measures it.

    All of them: `gristmill signals`

    Those that speak of bullets: `gristmill signals bullet`

    By name: `gristmill signals 'rps_*'`

    Any of them can stand in an expression of the manifest: `- where: "word_count >= 50 and frac_bullet_lines < 0.5"`.
    """
    found = find_signals(pattern)
    if as_json:
        _print_json(found)
    else:
        print_signals(console, found)


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
    print_sample(console, write_sample(folder, megabytes))


def _print_json(value: object) -> None:
    """Print dataclasses as JSON."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def _write_page(path: Path, page: str) -> None:
    """Write a page for a browser, and say so."""
    open_storage(path.parent).put(path.name, page.encode())
    errors.print(f"Written: {path}", highlight=False, markup=False, soft_wrap=True)


def main() -> None:
    """Run the command line."""
    without_pandas()
    try:
        app(prog_name="gristmill")
    except GristmillError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        _fail(f"{error}", 1)
    finally:
        without_collection()


def _fail(message: str, code: int) -> None:
    """Print what went wrong, and end with an exit code."""
    errors.print(f"gristmill: {message}", style="red", highlight=False, markup=False, soft_wrap=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
