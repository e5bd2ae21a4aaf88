"""What if: a finished build judged again with other thresholds, from the numbers that it kept.

In:  a finished build, and settings such as `gopher_quality.min_word_count=40`.
Out: an `Answer`: kept and dropped by source, tokens gained and lost, rules, documents that change sides, what is open.
Guaranteed: nothing is written and no text is measured; an answer called exact is what a new build would keep.

A document that fell is measured no further, is compared by no exchange, and never becomes tokens. If it would stand
now, what was never found out about it is open: it is counted as kept, and the answer says so.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np

from pipelines.audit.estimates import CHARS_PER_TOKEN
from pipelines.audit.opened import Opened
from pipelines.audit.replay import Trail
from pipelines.audit.whatif_counts import Counts, counts_of
from pipelines.audit.whatif_fits import refit
from pipelines.audit.whatif_samples import Moved, moves_of, told
from pipelines.audit.whatif_settings import changed_manifest, read_setting, stage_called
from pipelines.audit.whatif_walk import Bench, Gap, SplitWalk
from pipelines.audit.wording import plural
from pipelines.dedup.exchanges import ExchangeStage
from pipelines.engine.splits import Split
from pipelines.errors import RequestError
from pipelines.manifest import Manifest
from pipelines.refusals import nearest

Found = TypeVar("Found")

THREADS = 16
"""Splits that are judged at a time; what takes time is reading."""


@dataclass(frozen=True)
class SourceAnswer:
    """What a source would keep.

    Args:
        source: its name.
        documents: those that take part in the build.
        kept_before: documents behind all stages, as they are.
        kept_after: as they would be; of those for whom that is open, all.
        undecided: for how many of these that is open.
        gained: documents that would be kept and were not.
        lost: documents that were kept and would not be.
        tokens_before: tokens of the documents kept; None where the build makes no tokens.
        tokens_lost: of documents that were kept and would not be: counted.
        tokens_gained: of documents that would be kept and were not: characters by the source's tokens per character.
    """

    source: str
    documents: int
    kept_before: int
    kept_after: int
    undecided: int
    gained: int
    lost: int
    tokens_before: int | None
    tokens_lost: int | None
    tokens_gained: int | None


@dataclass(frozen=True)
class RuleAnswer:
    """How many documents fall by a rule.

    Args:
        stage: as a what-if calls it.
        rule: its name.
        before: documents that fall by it first, as it is.
        after: as it would be, by the numbers there are.
    """

    stage: str
    rule: str
    before: int
    after: int


@dataclass(frozen=True)
class Open:
    """Why the answer is an estimate.

    Args:
        stage: that cannot tell.
        number: what it would be told by and was not measured; "" where the stage compares documents.
        documents: how many it leaves open.
        words: in a sentence.
    """

    stage: str
    number: str
    documents: int
    words: str


@dataclass(frozen=True)
class Answer:
    """What a build would keep with other thresholds.

    Args:
        folder: URL of the build.
        settings: the changes.
        for_build: the same as `gristmill build --set` takes them.
        exact: whether a build would keep just these.
        sources: by name.
        rules: in the order of the stages.
        gained: some documents that would be kept and were not.
        lost: some documents that were kept and would not be.
        open: why the answer is an estimate; empty where it is exact.
        remarks: what else a new build would do otherwise.
    """

    folder: str
    settings: tuple[str, ...]
    for_build: tuple[str, ...]
    exact: bool
    sources: tuple[SourceAnswer, ...]
    rules: tuple[RuleAnswer, ...]
    gained: tuple[Moved, ...]
    lost: tuple[Moved, ...]
    open: tuple[Open, ...]
    remarks: tuple[str, ...]


def what_if(build: Opened, settings: Sequence[str], source: str | None = None, samples: int = 3) -> Answer:
    """Judge a finished build again.

    Args:
        build: the build.
        settings: changes, each `stage.option=value`; `name#2.option=value` for the second stage of a name.
        source: only what becomes of this source's documents.
        samples: documents of either kind that are shown.

    Raises:
        RequestError: a setting names nothing, or what kept numbers cannot answer; what the build kept is gone.
    """
    if source is not None and source not in build.manifest.sources:
        raise RequestError(
            f"--source {source}: the build has no such source; {nearest(source, build.manifest.sources)}"
        )
    changed = changed_manifest(build, settings)
    try:
        walks = _walked(build, changed)
    except FileNotFoundError as error:
        raise RequestError(
            f"{error.filename or error} is gone, and without it the documents cannot be judged again: build again"
        ) from error
    seen = [walk for walk in walks if source in (None, walk.split.source)]
    counts = Counts.sum(_mapped(lambda walk: counts_of(build, walk), seen))
    moves = [move for found in _mapped(lambda walk: moves_of(build, walk, samples), seen) for move in found]
    gaps = _gaps(changed, walks)
    return Answer(
        folder=build.storage.url,
        settings=tuple(settings),
        for_build=tuple(read_setting(changed, text).for_build for text in settings),
        exact=not gaps,
        sources=_sources(build, counts),
        rules=_rules(changed, counts),
        gained=told(build, build.manifest, [move for move in moves if move.kept], samples),
        lost=told(build, changed, [move for move in moves if not move.kept], samples),
        open=gaps,
        remarks=tuple(_remarks(build, counts)),
    )


def _mapped(function: Callable[[SplitWalk], Found], walks: Iterable[SplitWalk]) -> list[Found]:
    """Return what a function finds in every split, several of them at a time."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(function, walks))


def _walked(build: Opened, changed: Manifest) -> list[SplitWalk]:
    """Take all splits through all passes."""
    trail, job = Trail(replace(build, manifest=changed)), build.job
    benches = {source: Bench.of(build.manifest, changed, source) for source in build.manifest.sources}

    def begin(split: Split) -> SplitWalk:
        return SplitWalk(job, split, trail.legs(split), benches[split.source])

    with ThreadPoolExecutor(THREADS) as pool:
        walks = list(pool.map(begin, build.splits))
    for number in range(trail.run.plan.passes):
        _mapped(partial(SplitWalk.walk, number=number), walks)
        _exchange(walks, number)
        for fit in next(iter(trail.run.plan.routes.values()))[number].fits:
            refit(build, fit, [walk for walk in walks if walk.split.source in fit.sources])
    return walks


def _exchange(walks: Sequence[SplitWalk], number: int) -> None:
    """Let the exchange behind a pass, if there is one, decide as it did."""
    leaving = np.unique(np.concatenate(_mapped(lambda walk: walk.leaving(number), walks)))
    claimed: dict[str, set[int]] = {}
    for walk in walks:
        walk.exchange(number, leaving, claimed.setdefault(walk.split.source, set()))


def _sources(build: Opened, counts: Counts) -> tuple[SourceAnswer, ...]:
    return tuple(_source(build, counts, source) for source in sorted(counts.documents))


def _source(build: Opened, counts: Counts, source: str) -> SourceAnswer:
    has_tokens = build.lock.tokenizer != ""
    return SourceAnswer(
        source=source,
        documents=counts.documents[source],
        kept_before=counts.before[source],
        kept_after=counts.after[source],
        undecided=counts.undecided[source],
        gained=counts.gained[source],
        lost=counts.lost[source],
        tokens_before=counts.tokens[source] if has_tokens else None,
        tokens_lost=counts.tokens_lost[source] if has_tokens else None,
        tokens_gained=round(counts.chars_gained[source] * _fertility(counts, source)) if has_tokens else None,
    )


def _fertility(counts: Counts, source: str) -> float:
    """Return the tokens per character of a source; where it has none, of all; where there are none, the usual."""
    if counts.tokens[source]:
        return counts.tokens[source] / counts.chars[source]
    return counts.tokens.total() / counts.chars.total() if counts.tokens.total() else 1 / CHARS_PER_TOKEN


def _rules(manifest: Manifest, counts: Counts) -> tuple[RuleAnswer, ...]:
    before, after = counts.rules_before, counts.rules_after
    return tuple(
        RuleAnswer(stage_called(manifest, at), rule, before[at, rule], after[at, rule])
        for at, rule in sorted({*+before, *+after}, key=lambda each: (each[0], -before[each], each[1]))
    )


def _gaps(manifest: Manifest, walks: Sequence[SplitWalk]) -> tuple[Open, ...]:
    """Return what is missing, stage by stage."""
    sums: Counter[Gap] = Counter()
    for walk in walks:
        sums.update({gap: walk.open_for(gap) for gap in walk.gaps})
    order = sorted(+sums, key=lambda gap: (gap.at, gap.kind, gap.name))
    return tuple(_open(stage_called(manifest, gap.at), gap, sums[gap]) for gap in order)


def _open(stage: str, gap: Gap, documents: int) -> Open:
    count = plural(documents, "document")
    words = {
        "number": f"{stage} judges by {gap.name}, which was not measured on {count}",
        "newcomers": f"{stage} never compared {count} that fell before it, and may find copies among them",
        "copies": f"{stage} dropped {count} as copies of one that would leave; one of each group would stay",
        "fit": f"{stage} works with what is fitted to documents, of which {count} would be others",
    }
    return Open(stage, gap.name, documents, words[gap.kind])


def _remarks(build: Opened, counts: Counts) -> Iterator[str]:
    """Yield what else a new build would do otherwise."""
    if not counts.gained.total() + counts.lost.total():
        return
    spec = build.manifest.tokenizer
    if spec is not None and spec.train is not None:
        yield "the tokenizer was trained on what survives, and a new build trains another; tokens here are this one's"
    for entry in build.manifest.stages:
        if isinstance(entry.stage, ExchangeStage) and entry.stage.cuts:
            yield f"{entry.name} cuts texts by what other documents hold, and would cut some otherwise"
