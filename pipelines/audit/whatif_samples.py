"""Samples of a what-if: some documents that change sides, with the rule, the number and the beginning of their text.

In:  splits that were judged again.
Out: documents, chosen by their uid, so that they are the same each time, and from few splits, so that little is read.
Guaranteed: texts are read from the sources as they are now; where one cannot be read, the document is shown without.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.audit.lookup import verdicts_at
from pipelines.audit.opened import Opened
from pipelines.audit.replay import first_texts
from pipelines.audit.whatif_numbers import Bools
from pipelines.audit.whatif_settings import stage_called
from pipelines.audit.whatif_walk import SplitWalk
from pipelines.audit.wording import Ruled, number, rule_words
from pipelines.engine.parts import read_part
from pipelines.engine.splits import Split
from pipelines.manifest import Manifest, StageEntry

SPLITS = 2
"""Splits from which documents of one kind are shown, where they have enough."""

EXCERPT = 300
"""Characters of a text that a sample holds."""


@dataclass(frozen=True)
class Move:
    """A document that changes sides.

    Args:
        uid: its number.
        split: where it is.
        row: its row there.
        kept: whether it would be kept.
        at: the stage by which it falls, in the world in which it does.
        rule: the rule.
        value: the number that decides; None where that was not a number.
    """

    uid: int
    split: Split
    row: int
    kept: bool
    at: int
    rule: str
    value: float | None


@dataclass(frozen=True)
class Moved:
    """A document that changes sides, for people.

    Args:
        id: as in the ledger.
        place: the document as `source/path:ordinal`.
        stage: by which it falls, in the world in which it does.
        rule: the rule.
        value: the number that decides.
        words: the rule and the number in a sentence.
        text: the beginning of its text, as its source gives it; None where that cannot be read.
    """

    id: str
    place: str
    stage: str
    rule: str
    value: float | None
    words: str
    text: str | None


def moves_of(build: Opened, walk: SplitWalk, most: int) -> list[Move]:
    """Return the documents of least uid in a split that change sides, at most so many of either kind."""
    gained, lost = walk.alive & ~walk.stood, walk.stood & ~walk.alive
    chosen = [_least(build, walk, changed, most) for changed in (gained, lost)]
    return [*_moves(build, walk, chosen[0], kept=True), *_moves(build, walk, chosen[1], kept=False)]


def _least(build: Opened, walk: SplitWalk, changed: Bools, most: int) -> list[tuple[int, int]]:
    """Return uid and row of the rows of least uid."""
    rows = np.flatnonzero(changed)
    if len(rows) == 0 or most == 0:
        return []
    uids = read_part(build.storage, walk.records, ["uid"]).column(0).to_numpy()[rows]
    order = np.lexsort((rows, uids))[:most]
    return list(zip(uids[order].tolist(), rows[order].tolist(), strict=True))


def _moves(build: Opened, walk: SplitWalk, chosen: Sequence[tuple[int, int]], *, kept: bool) -> Iterator[Move]:
    codes = walk.before if kept else walk.after
    olds = verdicts_at(build, walk.split, [row for _, row in chosen]) if kept and chosen else []
    for place, (uid, row) in enumerate(chosen):
        value = olds[place].value if kept else _value(walk, row)
        at, rule = walk.book.rules[codes[row]]
        yield Move(uid, walk.split, row, kept, at, rule, value)


def _value(walk: SplitWalk, row: int) -> float | None:
    """Return the number by which a document now falls."""
    for rows, values in walk.values:
        (places,) = np.nonzero(rows == row)
        if len(places):
            value = float(values[places[0]])
            return None if np.isnan(value) else value
    return None


def told(build: Opened, manifest: Manifest, moves: Sequence[Move], most: int) -> tuple[Moved, ...]:
    """Return some moves, for people.

    Args:
        build: the build.
        manifest: that by which the documents fall.
        moves: of all splits, all of one kind.
        most: how many.
    """
    chosen = _chosen(moves, most)
    texts = _texts(build, chosen)
    return tuple(_told(build, manifest, move, texts.get((move.split.number, move.row))) for move in chosen)


def _chosen(moves: Sequence[Move], most: int) -> list[Move]:
    """Return the moves of least uid, from as few splits as have so many."""
    ordered = sorted(moves, key=lambda move: (move.uid, move.split.number, move.row))
    ranks = {number: rank for rank, number in enumerate(dict.fromkeys(move.split.number for move in ordered))}
    return sorted(ordered, key=lambda move: ranks[move.split.number] // SPLITS)[:most]


def _texts(build: Opened, moves: Sequence[Move]) -> dict[tuple[int, int], str]:
    """Return the beginning of each document's text, by split and row."""
    rows: dict[int, list[int]] = {}
    for move in moves:
        rows.setdefault(move.split.number, []).append(move.row)
    found = {number: first_texts(build, build.splits[number], wanted, EXCERPT) for number, wanted in rows.items()}
    return {(number, row): text for number, texts in found.items() for row, text in texts.items()}


def _told(build: Opened, manifest: Manifest, move: Move, text: str | None) -> Moved:
    (verdict,) = verdicts_at(build, move.split, [move.row])
    stage = stage_called(manifest, move.at)
    words = _words(manifest.stages[move.at], move)
    return Moved(verdict.id, verdict.place, stage, move.rule, move.value, words, text)


def _words(entry: StageEntry, move: Move) -> str:
    """Return what a number has to do with the rule that decides."""
    if move.value is None:
        return move.rule
    rules = entry.stage.rules if isinstance(entry.stage, Ruled) else ()
    for rule in rules:
        if rule.name == move.rule:
            known = rule.limit is not None
            return rule_words(rule, move.value) if known else f"{rule.signal} is {number(move.value)}"
    return f"{move.rule} ({number(move.value)})"
