"""Verdicts on numbers of which some are missing: certain where they do not matter, open where they do.

In:  a stage that judges, and the numbers at hand.
Out: per document whether it certainly fails, whether that is open, the rule and the number, and what is missing.
Guaranteed: a certain verdict is the one that the stage would give if nothing were missing; an open document passes.
"""

from dataclasses import dataclass, field, is_dataclass

import numpy as np

from filters.batch import Judges, Verdicts
from pipelines.audit.whatif_numbers import Bools, Numbers
from pipelines.audit.wording import Ruled
from pipelines.expressions import Expression, evaluate
from pipelines.expressions.nodes import IsNull, Not
from pipelines.where import Where


@dataclass(frozen=True)
class Judged:
    """What a stage says of every document of a split.

    Args:
        fails: certainly.
        undecided: it may fail, by numbers that are missing.
        verdicts: rule and number, by the numbers there are.
        missing: name of a number -> which documents lack it.
    """

    fails: Bools
    undecided: Bools
    verdicts: Verdicts
    missing: dict[str, Bools] = field(default_factory=dict)


def judged(stage: Judges, numbers: Numbers) -> Judged:
    """Judge all documents of a split by the numbers at hand."""
    numbers.asked = set()
    verdicts = stage.judge(numbers)
    missing = {name: numbers.missing(name) for name in sorted(numbers.asked - _turned_off(stage))}
    missing = {name: absent for name, absent in missing.items() if absent.any()}
    failing: Bools = verdicts.rule.is_valid().to_numpy(zero_copy_only=False)
    lacking = np.logical_or.reduce(list(missing.values())) if missing else np.zeros(len(failing), np.bool_)
    certain = _certainly_fails(stage, numbers, failing, lacking)
    return Judged(certain, lacking & ~certain & ~_certainly_passes(stage, failing, lacking), verdicts, missing)


def _turned_off(stage: Judges) -> set[str]:
    """Return the signals that only rules without a limit look at."""
    rules = stage.rules if isinstance(stage, Ruled) else ()
    return {rule.signal for rule in rules} - {rule.signal for rule in rules if rule.limit is not None}


def _certainly_fails(stage: Judges, numbers: Numbers, failing: Bools, lacking: Bools) -> Bools:
    """Return who fails whatever the missing numbers are."""
    if isinstance(stage, Ruled):
        return failing
    if isinstance(stage, Where) and not _asks_for_null(stage.parsed.root):
        contrary = Expression(f"not ({stage.expression})", Not(stage.parsed.root), stage.names)
        contradicted: Bools = evaluate(contrary, numbers).to_numpy(zero_copy_only=False)
        return failing & (contradicted | ~lacking)
    return failing & ~lacking


def _certainly_passes(stage: Judges, failing: Bools, lacking: Bools) -> Bools:
    """Return who passes whatever the missing numbers are: an expression may be true by the others alone."""
    if isinstance(stage, Where) and not _asks_for_null(stage.parsed.root):
        return ~failing
    return ~failing & ~lacking


def _asks_for_null(part: object) -> bool:
    """Tell whether an expression has an `is null` in it, which a missing number would answer wrongly."""
    if isinstance(part, tuple):
        return any(map(_asks_for_null, part))
    return isinstance(part, IsNull) or (is_dataclass(part) and any(map(_asks_for_null, vars(part).values())))
