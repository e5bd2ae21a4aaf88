"""The command line: `gristmill`.

In:  arguments.
Out: exit code 0 done, 1 the build failed, 2 the request was wrong.
Guaranteed: an error that a user can mend is one message with its remedy, never a traceback.
"""

import sys
from collections.abc import Callable, Mapping

import typer

from pipelines.cli.asking import signals, tokenizer, trace, what_if, why
from pipelines.cli.building import build, dedup_bench, plan, preview
from pipelines.cli.output import errors
from pipelines.cli.rewriting import export, mix
from pipelines.cli.starting import sample, schema
from pipelines.errors import GristmillError
from pipelines.process import look_for_garbage_seldom, without_collection, without_pandas

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

COMMANDS: Mapping[str, Callable[..., None]] = {
    "build": build,
    "plan": plan,
    "preview": preview,
    "dedup-bench": dedup_bench,
    "mix": mix,
    "why": why,
    "trace": trace,
    "export": export,
    "what-if": what_if,
    "tokenizer": tokenizer,
    "signals": signals,
    "schema": schema,
    "sample": sample,
}
"""Name -> what it does, in the order in which help lists them."""

for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


def main() -> None:
    """Run the command line."""
    look_for_garbage_seldom()
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
