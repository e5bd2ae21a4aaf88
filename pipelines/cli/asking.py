"""Commands that answer questions: of documents, sequences, thresholds, tokenizers and signals.

In:  a finished build; or a name.
Out: words, JSON, or a page for a browser.
Guaranteed: a build is read and never changed.
"""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AsJson, Folder, Page
from pipelines.cli.output import console, show, write_page
from pipelines.errors import RequestError


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
    from pipelines.audit.opened import open_folder
    from pipelines.audit.stories import stories_of
    from pipelines.audit.stories_page import print_stories

    print_stories(console, stories_of(open_folder(folder), name))


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
    from pipelines.audit.opened import open_folder
    from pipelines.audit.pieces import packing_of, trace_pieces
    from pipelines.audit.pieces_page import print_sequences
    from pipelines.audit.steps import Place, Step, pieces_at, place_in, places_of

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
    from pipelines.audit.opened import open_folder
    from pipelines.audit.whatif import what_if as judge_again
    from pipelines.audit.whatif_page import print_answer

    answer = judge_again(open_folder(folder), settings, source, samples)
    show(answer, print_answer, as_json=as_json)


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
    from pipelines.audit.passport_html import passport_as_html
    from pipelines.audit.passport_page import print_told
    from pipelines.audit.tokenizer_told import tell_of

    told = tell_of(where, texts or [])
    show(told, print_told, as_json=as_json)
    if html is not None:
        write_page(html, passport_as_html(told))


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
    from pipelines.audit.signals_list import find_signals
    from pipelines.audit.signals_page import print_signals

    found = find_signals(pattern)
    show(found, print_signals, as_json=as_json)
