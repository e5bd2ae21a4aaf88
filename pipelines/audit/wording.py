"""Words for numbers, texts, rules and steps: what every printed page says in the same way.

In:  numbers, texts, stages and their rules.
Out: strings for people.
Guaranteed: a measured number is shown by the fewest digits that name it, so that it never seems to be on the other side
of its threshold.
"""

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

import numpy as np

from filters.batch import Stage
from filters.classifier import Classifier
from filters.top_share import TopShare
from filters.verdicts import Rule
from pipelines.dedup.exchanges import ExchangeStage
from pipelines.engine.route import Fit, Pass, Step
from pipelines.where import Where

BOUNDS = {"min": "at least", "max": "at most"}
SIGNS = {"min": ">=", "max": "<="}


@runtime_checkable
class Ruled(Protocol):
    """A stage that judges by thresholds on signals."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in their order."""


def number(value: float | None) -> str:
    """Return a number as people read it: counts with commas, others by the fewest digits that name them."""
    if value is None:
        return "-"
    if abs(value) < 2**53 and value == int(value):
        return f"{int(value):,}"
    short = np.float32(value)
    return str(short if float(short) == value else np.float64(value))


def shown(value: object) -> str:
    """Return a value of a signal as people read it; of many numbers, how many, and between what."""
    if isinstance(value, list):
        known = [each for each in value if each is not None]
        return f"{len(value):,} values" + (f", {number(min(known))} to {number(max(known))}" if known else "")
    return number(value) if value is None or isinstance(value, int | float) else str(value)


def plural(count: int, word: str) -> str:
    """Return `1 word`, `2 words`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def size(amount: float) -> str:
    """Return an amount in the unit that keeps it between 1 and 1000: `12.3 M`."""
    for unit in ("", "K", "M", "G"):
        if amount < 999.5:
            return f"{amount:.3g} {unit}".rstrip()
        amount /= 1000
    return f"{amount:,.0f} T" if amount >= 999.5 else f"{amount:.3g} T"


def duration(seconds: float) -> str:
    """Return a time in words: `40 s`, `12 min`, `3.5 h`, `2.1 days`."""
    for limit, length, unit in ((100, 1, "s"), (6000, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / length:.2g} {unit}" if seconds / length < 10 else f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86_400:,.1f} days"


def excerpt(text: str, width: int) -> str:
    """Return the beginning of a text on one line, what cannot be printed made visible."""
    visible = {"\n": "\u23ce", "\t": "\u2192", "\r": "\u240d"}
    shown = "".join(visible.get(char, char if char.isprintable() else "\u00b7") for char in text[: width + 1])
    return shown if len(text) <= width else f"{shown[: width - 1]}\u2026"


def rule_words(rule: Rule, value: float) -> str:
    """Return what a number has to do with a rule that it failed: `word_count is 3, at least 50 is asked`."""
    return f"{rule.signal} is {number(value)}, {BOUNDS[rule.bound]} {number(rule.limit)} is asked"


def stage_words(label: str, stage: Stage | ExchangeStage) -> str:
    """Return a stage's name with what sets it apart from others of that name."""
    if isinstance(stage, Where):
        return f"where {stage.expression}"
    return f"{label} ({stage.rule})" if isinstance(stage, ExchangeStage) else label


def pass_words(work: Pass) -> list[str]:
    """Return what a pass does with the documents of one source, a line for each stage."""
    lines: dict[tuple[str, str], list[str]] = {}
    for step in work.steps:
        lines.setdefault((step.label, step.stage.model_dump_json()), []).append(_step_words(step))
    stages = {(step.label, step.stage.model_dump_json()): step.stage for step in work.steps}
    words = [f"{stage_words(name[0], stages[name])}: {', '.join(done)}" for name, done in lines.items()]
    return [*words, *(["tokenize: survivors become token runs"] if work.tokenize else [])]


def fit_words(fit: Fit) -> str:
    """Return what is made behind a pass, in words."""
    stage = fit.stage
    if isinstance(stage, TopShare):
        ends = "highest" if stage.highest else "lowest"
        return f"{fit.name}: finds where the {ends} {number(stage.share * 100)} % of {stage.signal} begin"
    if isinstance(stage, Classifier) and stage.train is not None:
        return f"{fit.name}: trained on up to {number(stage.train.sample_documents)} documents of each class"
    return fit.name


def _step_words(step: Step) -> str:
    if isinstance(step.stage, ExchangeStage):
        return "takes keys"
    return {"measure": "measures", "judge": "judges", "edit": "edits"}[step.kind]


def listed(names: Iterable[str], most: int = 4) -> str:
    """Return names in a row; of many, the first and how many more there are."""
    every = list(names)
    rest = len(every) - most
    return ", ".join(every) if rest <= 0 else f"{', '.join(every[:most])} and {rest} more"
