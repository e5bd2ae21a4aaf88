"""Progress: what a person sees of a long build.

In:  steps, and tasks as they finish.
Out: on a terminal a live bar with rate and time left; elsewhere a plain line now and then.
Guaranteed: nothing here reaches the build folder.
"""

import time
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_SECONDS = 5.0
"""A plain line is printed at most this often."""


class Reporter(Protocol):
    """Someone who is told how a build goes."""

    def begin(self, step: str, tasks: int, done: int, size: int) -> None:
        """A step begins: how many tasks it has, how many are done already, bytes of input in those that are not."""

    def advance(self, size: int) -> None:
        """A task ended: bytes of input that it read."""

    def end(self) -> None:
        """The step ended."""


class Silent:
    """Tells nobody."""

    def begin(self, step: str, tasks: int, done: int, size: int) -> None:
        """Say nothing."""

    def advance(self, size: int) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""


@dataclass
class _Step:
    name: str
    tasks: int
    done: int
    skipped: int
    size: int
    read: int = 0
    started: float = 0.0
    printed: float = 0.0


class Plain:
    """Prints lines, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._step = _Step("", 0, 0, 0, 0)

    def begin(self, step: str, tasks: int, done: int, size: int) -> None:
        """Remember the step."""
        now = time.monotonic()
        self._step = _Step(step, tasks, done, done, size, started=now, printed=now)

    def advance(self, size: int) -> None:
        """Print a line if the last one is old."""
        step = self._step
        self.note(size)
        if time.monotonic() - step.printed >= LINE_SECONDS:
            step.printed = time.monotonic()
            self._console.print(f"  {step.name}: {step.done}/{step.tasks} tasks, {_pace(step)}", highlight=False)

    def note(self, size: int) -> None:
        """Take account of a task."""
        self._step.done += 1
        self._step.read += size

    def end(self) -> None:
        """Print what the step took."""
        step = self._step
        seconds = time.monotonic() - step.started
        known = f", {step.skipped} known from before" if step.skipped else ""
        rate = f", {step.read / seconds / 1e6:.1f} MB/s" if step.read and seconds > 0 else ""
        self._console.print(f"  {step.name}: {step.tasks} tasks in {seconds:.1f} s{rate}{known}", highlight=False)


def _pace(step: _Step) -> str:
    """Return rate and time left of a step."""
    seconds = time.monotonic() - step.started
    fresh = step.done - step.skipped
    left = seconds / fresh * (step.tasks - step.done)
    rate = f"{step.read / seconds / 1e6:.1f} MB/s, " if step.read else ""
    return f"{rate}about {left:.0f} s left"


class Live:
    """Draws a bar on a terminal, and leaves a line per step behind."""

    def __init__(self, console: Console) -> None:
        self._plain = Plain(console)
        self._progress = Progress(
            TextColumn("  {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._read = 0
        self._started = 0.0

    def begin(self, step: str, tasks: int, done: int, size: int) -> None:
        """Show a new bar."""
        self._plain.begin(step, tasks, done, size)
        self._read, self._started = 0, time.monotonic()
        self._bar = self._progress.add_task(step, total=tasks, completed=done, rate="")
        self._progress.start()

    def advance(self, size: int) -> None:
        """Move the bar."""
        self._plain.note(size)
        self._read += size
        seconds = max(time.monotonic() - self._started, 1e-9)
        rate = f"{self._read / seconds / 1e6:.1f} MB/s" if self._read else ""
        self._progress.update(self._bar, advance=1, rate=rate)

    def end(self) -> None:
        """Replace the bar by a line."""
        self._progress.remove_task(self._bar)
        self._progress.stop()
        self._plain.end()


def reporter_for(console: Console) -> Reporter:
    """Return the reporter that suits the console."""
    return Live(console) if console.is_terminal else Plain(console)
