"""datatrove's filters, run live beside our stages.

In:  documents.
Out: comparisons: with our splitters in datatrove's filters, each number, the first failing rule, the decision and the
     text; with its own splitters (spaCy's, for English), the rule and the decision.
Guaranteed: a cause is never guessed: it is given where the same filter, with that one difference taken away, says what
     we say of the same text.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from benchmarks.agreement.comparison import Case, Cause, Comparison, Subject, Value, compare
from benchmarks.agreement.documents import Document
from benchmarks.agreement.peer import KEPT, RAISED, Answer, Patches, ask, patched
from benchmarks.agreement.probes import NO_NUMBER, Probe
from filters.batch import Columns, Outcome, Stage, batch_of, run_stage

BATCH_CHARACTERS = 4_000_000

OUR_SPLITTERS = "datatrove, our splitters"
ITS_SPLITTERS = "datatrove, its own"

View = Callable[[Answer], Value]
"""What of an answer is compared."""


@dataclass(frozen=True)
class Difference:
    """A known difference of datatrove's.

    Args:
        sentence: what differs.
        patches: what takes the difference away.
    """

    sentence: str
    patches: Patches


@dataclass(frozen=True)
class Pair:
    """A filter of datatrove's and a stage of ours.

    Args:
        peer: datatrove's filter, with its defaults.
        stage: ours.
        rules: datatrove's reason -> our rule.
        probes: the numbers that are compared.
        edits: whether both leave another text.
        ours: what takes our place in the filter: our splitters.
        differences: known differences that remain with our splitters.
        causes: other causes.
        split: what the splitters find: words or sentences.
    """

    peer: Any
    stage: Stage
    rules: dict[str, str]
    probes: tuple[Probe, ...]
    edits: bool = False
    ours: Patches = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    causes: tuple[Cause, ...] = ()
    split: Literal["word", "sentence"] = "word"

    @property
    def name(self) -> str:
        """Return the name of datatrove's filter."""
        return type(self.peer).__name__

    @property
    def label(self) -> str:
        """Return the name of our stage's class, in words."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", type(self.stage).__name__)

    @property
    def everything(self) -> Patches:
        """Return what takes every difference away: the splitters and all others."""
        return {**self.ours, **{name: new for each in self.differences for name, new in each.patches.items()}}

    def answer(self, text: str, patches: Patches) -> Answer:
        """Return what datatrove says, in the names of our rules."""
        with patched(self.peer, patches):
            said = ask(self.peer, text)
        return Answer(self.rules.get(said.reason, said.reason), said.text)

    def number(self, probe: Probe, text: str, ours: float, patches: Patches) -> Value:
        """Return a number of datatrove's; `ours` itself where it is the same."""
        with patched(self.peer, patches):
            return probe.number(self.peer, text, ours)


@dataclass(frozen=True)
class Ours:
    """What we say of documents: their rules (`KEPT` where there is none), texts and numbers."""

    rules: list[str]
    texts: list[str | None]
    numbers: dict[str, list[float]]


def comparisons(pairs: Sequence[Pair], documents: Sequence[Document]) -> Iterator[Comparison]:
    """Yield the comparisons of all pairs over documents."""
    own = [[pair.answer(document.text, {}) for pair in pairs] for document in documents]  # so, each is split but once
    for place, pair in enumerate(pairs):
        said = measure(pair.stage, documents)
        yield from _numbers(pair, documents, said)
        mended = [pair.answer(document.text, pair.ours) for document in documents]
        yield from _verdicts(pair, documents, said, mended)
        yield from _with_own_splitters(pair, documents, said, [answers[place] for answers in own])


def measure(stage: Stage, documents: Sequence[Document]) -> Ours:
    """Run a stage over documents, some megabytes at a time."""
    outcomes = [run_stage(stage, batch_of(texts)) for texts in _batches(documents)]
    rules = [rule or KEPT for outcome in outcomes for rule in _rules(outcome)]
    texts = [text for outcome in outcomes for text in _texts(outcome)]
    names = outcomes[0].columns if outcomes else {}
    numbers = {name: [x for outcome in outcomes for x in _column(outcome.columns, name)] for name in names}
    return Ours(rules, texts, numbers)


def _batches(documents: Sequence[Document]) -> Iterator[list[str]]:
    texts: list[str] = []
    size = 0
    for document in documents:
        texts.append(document.text)
        size += len(document.text)
        if size >= BATCH_CHARACTERS:
            yield texts
            texts, size = [], 0
    if texts:
        yield texts


def _rules(outcome: Outcome) -> list[str | None]:
    if outcome.rule is None:
        raise TypeError("a stage that is compared judges")
    return list(outcome.rule.to_pylist())


def _texts(outcome: Outcome) -> list[str | None]:
    return [None] * len(_rules(outcome)) if outcome.text is None else list(outcome.text.to_pylist())


def _column(columns: Columns, name: str) -> list[float]:
    return list(columns[name].to_pylist())


def _raises(case: Case) -> bool:
    return str(case.theirs).startswith(RAISED)


RAISES = Cause("bug: datatrove raises instead of giving a verdict", _raises)
NOTHING_TO_COUNT = Cause(
    "datatrove has no number for a text without words (or n-grams), so that its rule never fails; ours is 0",
    lambda case: case.theirs == NO_NUMBER and case.ours == 0,
)


def _numbers(pair: Pair, documents: Sequence[Document], said: Ours) -> Iterator[Comparison]:
    """Compare the numbers, with our splitters in the filter."""
    cases: dict[str, list[Case]] = {probe.signal: [] for probe in pair.probes}
    for place, document in enumerate(documents):
        for probe in pair.probes:
            ours = said.numbers[probe.signal][place]
            theirs = pair.number(probe, document.text, ours, pair.ours)
            cases[probe.signal].append(Case(document.id, document.text, theirs, ours))
    for probe in pair.probes:
        causes = (RAISES, NOTHING_TO_COUNT, *(_without(pair, probe, difference) for difference in pair.differences))
        subject = Subject(OUR_SPLITTERS, f"{pair.name}: {probe.signal}", probe.signal, causes=causes)
        yield compare(subject, cases[probe.signal])


def _without(pair: Pair, probe: Probe, difference: Difference) -> Cause:
    """Return the cause that holds where the number is ours once the difference is taken away."""

    def holds(case: Case) -> bool:
        if not isinstance(case.ours, int | float):
            return False
        return pair.number(probe, case.text, case.ours, {**pair.ours, **difference.patches}) == case.ours

    return Cause(difference.sentence, holds)


def _verdicts(pair: Pair, documents: Sequence[Document], said: Ours, mended: list[Answer]) -> Iterator[Comparison]:
    """Compare rule, decision and text, with our splitters in the filter."""

    def causes(view: View) -> tuple[Cause, ...]:
        known = [(each.sentence, {**pair.ours, **each.patches}) for each in pair.differences]
        return (RAISES, *pair.causes, *(_agreeing(pair, sentence, patches, view) for sentence, patches in known))

    for name, view in VIEWS.items():
        yield _compared(
            Subject(OUR_SPLITTERS, f"{pair.name}: {name}", name, causes=causes(view)), documents, said, mended
        )
    if pair.edits:
        kept = [each for each in zip(documents, said.texts, said.rules, mended, strict=True) if each[2] == KEPT]
        cases = [Case(one.id, one.text, answer.text, text) for one, text, _, answer in kept if answer.reason == KEPT]
        yield compare(
            Subject(OUR_SPLITTERS, f"{pair.name}: text", "text", causes=causes(lambda said: said.text)), cases
        )


def _with_own_splitters(
    pair: Pair, documents: Sequence[Document], said: Ours, own: list[Answer]
) -> Iterator[Comparison]:
    """Compare rule and decision, with the filter's own splitters."""
    definition = f"{pair.split} definition"
    for name, view in VIEWS.items():
        causes = (
            _agreeing(pair, definition, pair.ours, view),
            RAISES,
            *pair.causes,
            _agreeing(pair, f"{definition}, and a difference that remains with ours", pair.everything, view),
        )
        yield _compared(Subject(ITS_SPLITTERS, f"{pair.name}: {name}", name, causes=causes), documents, said, own)


def _agreeing(pair: Pair, sentence: str, patches: Patches, view: View) -> Cause:
    """Return the cause that holds where datatrove says what we say once the patches are in place."""
    return Cause(sentence, lambda case: view(pair.answer(case.text, patches)) == case.ours)


def _compared(subject: Subject, documents: Sequence[Document], said: Ours, answers: list[Answer]) -> Comparison:
    view = VIEWS[subject.ours]
    cases = [
        Case(one.id, one.text, view(answer), view(Answer(rule, "")))
        for one, answer, rule in zip(documents, answers, said.rules, strict=True)
    ]
    return compare(subject, cases)


def decision(answer: Answer) -> str:
    """Return the decision behind a reason.

    >>> decision(Answer("kept", "")), decision(Answer("min_word_count", "")), decision(Answer("raises OSError", ""))
    ('kept', 'dropped', 'raises OSError')
    """
    return answer.reason if answer.reason == KEPT or answer.reason.startswith(RAISED) else "dropped"


VIEWS: dict[str, View] = {"rule": lambda answer: answer.reason, "decision": decision}
"""What is compared of every answer."""
