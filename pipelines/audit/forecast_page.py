"""The page of a forecast: what `gristmill plan` prints.

In:  a forecast.
Out: tables on a console.
Guaranteed: every estimate is marked as one, and says what it rests on.
"""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.audit.cautions import banded
from pipelines.audit.demands import Demand, phase_shares
from pipelines.audit.estimates import Estimate
from pipelines.audit.forecast import Forecast, Planned
from pipelines.audit.tables import table_of
from pipelines.audit.wording import duration, listed, number, plural, size
from pipelines.dedup.curve import curve_page
from pipelines.mix.place import shard_count
from pipelines.mixture import HOLDOUT


def print_forecast(console: Console, seen: Forecast) -> None:
    """Print a forecast."""
    total = sum(each.size for each in seen.estimates)
    files, splits = sum(each.files for each in seen.estimates), len(seen.plan.splits)
    what = f"{plural(files, 'file')} in {plural(splits, 'split')}, {size(total)}B"
    console.print(f"[bold]{escape(seen.manifest.name)}[/]: {what}. Nothing was run; '~' marks an estimate.")
    console.print(_sources(seen.estimates))
    for line in _bases(seen.estimates):
        console.print(line, highlight=False, style="dim")
    console.print(_steps(seen))
    if seen.encoding is not None:
        console.print(f"Tokens: {escape(str(seen.encoding))}.", highlight=False)
        for source, marks in seen.encoding.marks.items():
            words = listed([f"{mark} ({at})" for mark, at in marks.items()], 6) or "none"
            console.print(f"  special tokens that the chat of {source} writes: {escape(words)}", highlight=False)
    _print_standing(console, seen)
    if seen.demands:
        console.print(_mix(seen))
    for name, stage in banded(seen.manifest):
        console.print(escape(curve_page(name, stage)), highlight=False)
    for caution in seen.cautions:
        console.print(f"[yellow]Caution:[/] {escape(caution)}", highlight=False)


def _sources(estimates: Sequence[Estimate]) -> Table:
    table = table_of("What goes in", ["source"], ["files", "splits", "input", "text", "kept", "tokens"])
    for each in estimates:
        table.add_row(each.source, number(each.files), number(each.splits), f"{size(each.size)}B", *_amounts([each]))
    if len(estimates) > 1:
        totals = (sum(each.files for each in estimates), sum(each.splits for each in estimates))
        whole = f"{size(sum(each.size for each in estimates))}B"
        table.add_section()
        table.add_row("all", *map(number, totals), whole, *_amounts(estimates))
    return table


def _amounts(estimates: Sequence[Estimate]) -> tuple[str, str, str]:
    """Return text, survivors and tokens; '~' before what was not counted."""
    chars, kept, tokens = (_amount(estimates, name) for name in ("chars", "kept", "tokens"))
    return chars, kept, tokens


def _amount(estimates: Sequence[Estimate], name: str) -> str:
    counted = all(getattr(each, f"{name}_basis").startswith("counted") for each in estimates)
    return f"{'' if counted else '~'}{size(sum(getattr(each, name) for each in estimates))}"


def _bases(estimates: Sequence[Estimate]) -> Iterator[str]:
    """Yield what each column of estimates rests on; sources that rest on the same stand together."""
    columns = {"text (characters)": "chars_basis", "kept by all stages": "kept_basis", "tokens": "tokens_basis"}
    for title, name in columns.items():
        groups: dict[str, list[str]] = {}
        for each in estimates:
            groups.setdefault(getattr(each, name), []).append(each.source)
        words = [basis if len(groups) == 1 else f"{listed(who)}: {basis}" for basis, who in groups.items()]
        yield f"  {title}: {'; '.join(words)}"


def _steps(seen: Forecast) -> Table:
    known = ["done", "time left"] if seen.folder else ["time"]
    table = table_of("What will be done", ["step", "sources", "what happens"], known)
    for step in seen.steps:
        for at, (sources, words) in enumerate(step.work.items()):
            last = [_done(seen, step)] if seen.folder else []
            first = [step.name, *last, _time(step)] if at == 0 else ["", *([""] if last else []), ""]
            table.add_row(first[0], sources, "\n".join(map(escape, words)), *first[1:])
    return table


def _done(seen: Forecast, step: Planned) -> str:
    """Return how much of a step is done; what comes after unfinished work is not known."""
    known = [each for name in step.steps if (each := seen.standing.of(name)) is not None]
    if not known:
        return "waits"
    done, tasks = sum(each.done for each in known), sum(each.tasks for each in known)
    return "all" if done == tasks and len(known) == len(step.steps) else f"{done:,} of {tasks:,}"


def _time(step: Planned) -> str:
    return "" if step.seconds is None else f"~{duration(step.seconds)}"


def _print_standing(console: Console, seen: Forecast) -> None:
    """Print how far the build has come, and how long the rest takes."""
    known = [step for step in seen.steps if step.seconds is not None]
    if seen.standing.finished:
        console.print(f"All of it is done: building into {escape(seen.folder)} runs nothing.", highlight=False)
        return
    if seen.standing.stopped:
        console.print(f"[yellow]It stops there:[/] {escape(seen.standing.stopped)}", highlight=False)
    if seen.folder and not seen.begun:
        console.print(f"There is no build in {escape(seen.folder)} yet.", highlight=False)
    total = sum(step.seconds or 0 for step in known)
    console.print(f"In all about {duration(total)} on {plural(seen.cores, 'core')}: {_clock(known)}.", highlight=False)


def _clock(known: Sequence[Planned]) -> str:
    """Return what the times rest on."""
    usual = "the usual megabytes a second of each stage on one core"
    counted = [step.name for step in known if step.counted]
    if not counted:
        return f"by {usual}; steps without a time are short"
    if len(counted) == len(known):
        return "as fast as the last run went (runs.jsonl)"
    return f"{listed(counted)} as fast as the last run went (runs.jsonl), the others by {usual}"


def _mix(seen: Forecast) -> Table:
    numbers = ["share", "tokens", "shards", "pool holds", "times read"]
    table = table_of("What comes out (tokens)", ["phase", "pool"], numbers)
    mix = seen.manifest.mix
    demands = {each.pool: each for each in seen.demands}
    held = {each.pool: each.held for each in seen.demands}
    for phase in seen.manifest.phases:
        shards = shard_count(phase.tokens, mix.shard_tokens) if mix is not None else 0
        table.add_row(phase.name, "", "", size(phase.tokens), number(shards), "", "")
        for pool, tokens in phase_shares(seen.manifest, phase, held).items():
            about = "" if pool in phase.weights or demands[pool].counted else "~"
            row = ("", pool, f"{about}{tokens / phase.tokens:.1%}", f"{about}{size(tokens)}", "")
            table.add_row(*row, *_held(demands[pool]))
    if HOLDOUT in demands:
        table.add_row(HOLDOUT, "", "", "", "", _held(demands[HOLDOUT])[0], "")
    return table


def _held(demand: Demand) -> tuple[str, str]:
    """Return what a pool holds, and how often it is read; '~' before what was not counted."""
    about = "" if demand.counted else "~"
    return f"{about}{size(demand.held)}", f"{about}{demand.epochs:.2g} of {number(demand.max_epochs)}"
