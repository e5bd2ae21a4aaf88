"""The whole mix, on a thousand random small builds, against streams built and sliced in plain Python."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.errors import ShortPool
from pipelines.mix.budgets import Interval
from pipelines.mix.contents import Contents
from pipelines.mix.packed import Counts
from pipelines.mix.place import shard_count
from pipelines.mix.shards import Origin, Packing, ShardInfo, shard_info, write_shard
from pipelines.mixture import HOLDOUT, Method
from tests.mix.plain_packing import packed
from tests.mix.reference import (
    Case,
    Piece,
    Road,
    expected_pieces,
    expected_shards,
    expected_shares,
    expected_spans,
    random_case,
)

CASES = 1_500
PER_TEST = 50
SHARD_TOKENS = 100


def _road(case: Case, rng: random.Random) -> Road:
    documents = range(1, len(case.runs))
    cuts = rng.sample(documents, rng.randint(0, len(documents))) if documents else []
    return Road(case, cuts, rng)


def _spans(case: Case, road: Road) -> list[Interval]:
    """The intervals, where the build is not refused; refused exactly where the reference refuses."""
    expected = expected_spans(case)
    if expected is None:
        with pytest.raises(ShortPool):
            road.spans()
        return []
    assert road.spans() == expected
    return expected


@pytest.mark.parametrize("first", range(0, CASES, PER_TEST))
def test_fragments_equal_slices_of_the_whole_streams_to_the_token(first: int) -> None:
    compared = 0
    for seed in range(first, first + PER_TEST):
        case, rng = random_case(seed), random.Random(seed)
        road = _road(case, rng)
        for span in _spans(case, road):
            pieces = [
                (piece.run.number, piece.epoch, piece.start, piece.length) for piece in expected_pieces(case, span)
            ]
            assert road.pieces(span) == sorted(pieces), (seed, span)
            compared += 1
    assert compared >= PER_TEST


def test_the_random_cases_reach_every_corner() -> None:
    seen: Counter[str] = Counter()
    for seed in range(CASES):
        case = random_case(seed)
        spans = expected_spans(case) or []
        seen.update(_corners(case, spans))
    assert min(seen[corner] for corner in CORNERS) >= 80, seen


CORNERS = (
    *("built", "refused", "scaled", "restarted", "cut document", "whole epochs within", "several phases", "shared"),
    *("by weight", "by size", "by a power", "group in a group", "scaled group", "held out"),
)


def _corners(case: Case, spans: list[Interval]) -> set[str]:
    totals = case.totals()
    taken = Counter[str]()
    for span in spans:
        taken[span.phase] += span.tokens
    pieces = [piece for span in spans for piece in expected_pieces(case, span)]
    groups = [case.groups[name] for phase in case.phases for name in phase.weights if name in case.groups]
    scaled = [phase for phase in case.phases if 0 < taken[phase.name] < phase.tokens]
    found = {
        "by weight": bool(spans) and any(group.weights is not None for group in groups),
        "by size": bool(spans) and any(group.weights is None and group.alpha == 1 for group in groups),
        "by a power": bool(spans) and any(group.weights is None and 0 < group.alpha < 1 for group in groups),
        "group in a group": bool(spans) and any("g" in group.members for group in groups),
        "scaled group": any(name in case.groups for phase in scaled for name in phase.weights),
        "held out": any(span.phase == HOLDOUT for span in spans),
        "built": bool(spans),
        "refused": expected_spans(case) is None,
        "scaled": bool(scaled),
        "restarted": any(span.start and span.start % totals[span.pool] == 0 for span in spans),
        "cut document": any(piece.length < piece.run.tokens for piece in pieces),
        "whole epochs within": any(span.tokens > 2 * totals[span.pool] for span in spans),
        "several phases": len(taken) > 1,
        "shared": any(len(piece.run.pools) > 1 for piece in pieces),
    }
    return {corner for corner, present in found.items() if present}


@pytest.mark.parametrize("first", range(0, CASES, PER_TEST))
def test_shares_are_exact_and_no_document_is_drawn_more_often_than_its_epochs(first: int) -> None:
    for seed in range(first, first + PER_TEST):
        case = random_case(seed)
        road = _road(case, random.Random(seed))
        spans = _spans(case, road)
        for phase in case.phases:
            shares = {span.pool: span.tokens for span in spans if span.phase == phase.name}
            exact = expected_shares(case, sum(shares.values()), phase.weights)
            assert {pool: tokens for pool, tokens in exact.items() if tokens} == shares, seed
        _check_draws(case, road, spans)


@pytest.mark.parametrize("first", range(0, CASES, PER_TEST))
def test_what_is_held_out_is_placed_once_and_whole_and_by_no_phase(first: int) -> None:
    for seed in range(first, first + PER_TEST):
        case = random_case(seed)
        road = _road(case, random.Random(seed))
        drawn = {span: road.pieces(span) for span in _spans(case, road)}
        held = [(run.number, 0, 0, run.tokens) for run in case.runs if HOLDOUT in run.pools and run.tokens]
        assert [pieces for span, pieces in drawn.items() if span.phase == HOLDOUT] == ([held] if held and drawn else [])
        read = {run for span, pieces in drawn.items() for run, _, _, _ in pieces if span.phase != HOLDOUT}
        assert not read & {run for run, _, _, _ in held}


def _check_draws(case: Case, road: Road, spans: list[Interval]) -> None:
    drawn: Counter[tuple[str, int, int]] = Counter()
    for span in spans:
        for run, _, start, length in road.pieces(span):
            drawn.update((span.pool, run, token) for token in range(start, start + length))
    for (pool, _, _), times in drawn.items():
        most = case.max_epochs.get(pool, 1) if isinstance(case.max_epochs, dict) else case.max_epochs
        assert isinstance(most, int | float)
        assert times <= (1 if pool == HOLDOUT else np.ceil(most))


@pytest.mark.parametrize("first", range(0, CASES, PER_TEST))
def test_every_token_of_every_shard_is_where_the_reference_puts_it(first: int, tmp_path: Path) -> None:
    """Shards are written to disk and read back; documents, pools and token runs are the case's, in memory."""
    for seed in range(first, first + PER_TEST):
        case, rng = random_case(seed), random.Random(seed)
        road = _road(case, rng)
        spans = _spans(case, road)
        method, length = rng.choice(get_args(Method)), rng.choice([1, 2, 7, 16, 64])
        packing = Packing(method, length, 2**32 - 1, next_token=rng.random() < 0.5)
        for phase in {span.phase for span in spans}:
            _check_phase(case, road, (phase, spans), packing, tmp_path / "shard.parquet")


def _check_phase(case: Case, road: Road, taken: tuple[str, list[Interval]], packing: Packing, file: Path) -> None:
    phase, spans = taken
    tokens = sum(span.tokens for span in spans if span.phase == phase)
    shards, handed = shard_count(tokens, SHARD_TOKENS), 0
    for shard, expected in enumerate(expected_shards(case, phase, spans, shards)):
        counts = _written(file, road.shard(phase, spans, shard, shards), packing)
        rows = pq.read_table(file).to_pylist()
        assert [_traced(road, row) for row in rows] == _sequences(case, expected, packing)
        assert [row["input_ids"] for row in rows] == [_ids(case, row, road, packing) for row in rows]
        assert counts == _counted(rows, sum(piece.length for _, piece in expected), packing)
        handed += counts.real + counts.lost
    assert handed == tokens


def _written(file: Path, contents: Contents, packing: Packing) -> Counts:
    origin = Origin("", "", 0, "", (), ())
    with file.open("wb") as out:
        counts = write_shard(out, contents, packing, origin)
    assert shard_info(pq.read_schema(file)) == ShardInfo(origin, packing, counts)
    return counts


def _counted(rows: list[dict[str, list[int]]], handed: int, packing: Packing) -> Counts:
    """The books of a shard, from its rows alone: no two tokens of a case have one id, and none that of the padding."""
    seen: set[tuple[int, int, int]] = set()
    held = padded = 0
    for row in rows:
        padded += row["input_ids"].count(packing.pad_id)
        pairs = zip(row["doc_lengths"], row["doc_epochs"], row["doc_pools"], strict=True)
        names = [(epoch, pool) for length, epoch, pool in pairs for _ in range(length)]
        seen |= {(number, epoch, pool) for number, (epoch, pool) in zip(row["input_ids"], names, strict=False)}
        held += len(names)
    assert held + padded == len(rows) * packing.row_length
    return Counts(len(rows), len(seen), padded, handed - len(seen), held - len(seen))


Stretch = tuple[int, int, int, int, int, int]


def _traced(road: Road, row: dict[str, list[int]]) -> list[Stretch]:
    """What a row says of itself: (document, uid, start, length, epoch, pool) of each stretch."""
    documents = map(road.document_of, row["doc_addresses"])
    columns = ("doc_uids", "doc_starts", "doc_lengths", "doc_epochs", "doc_pools")
    return list(zip(documents, *(row[name] for name in columns), strict=True))


def _sequences(case: Case, fragments: list[tuple[Interval, Piece]], packing: Packing) -> list[list[Stretch]]:
    lengths = [piece.length for _, piece in fragments]
    sequences = packed(packing.method, lengths, packing.sequence_length, packing.overlap)
    return [[_named(case, *fragments[at], skip, length) for at, skip, length in sequence] for sequence in sequences]


def _named(case: Case, span: Interval, piece: Piece, skip: int, length: int) -> Stretch:
    names = (piece.epoch, case.pools.index(span.pool))
    return piece.run.document, piece.run.uid, piece.start + skip, length, *names


def _ids(case: Case, row: dict[str, list[int]], road: Road, packing: Packing) -> list[int]:
    """The ids of a row, found from its provenance alone: the runs of its documents, at the places it names."""
    ids: list[int] = []
    for document, uid, start, length, _, _ in _traced(road, row):
        runs = [run for run in case.runs if (run.document, run.uid) == (document, uid)]
        first = {run.first_id + start for run in runs} & {row["input_ids"][len(ids)]}
        assert len(first) == 1
        ids += range(first.pop(), row["input_ids"][len(ids)] + length)
    return ids + [packing.pad_id] * (packing.row_length - len(ids))


@pytest.mark.parametrize("first", range(0, 500, PER_TEST))
def test_shards_do_not_depend_on_how_documents_are_grouped_in_splits(first: int) -> None:
    for seed in range(first, first + PER_TEST):
        case, rng = random_case(seed), random.Random(seed)
        one, many = Road(case, [], rng), _road(case, rng)
        spans = _spans(case, one)
        for phase in {span.phase for span in spans}:
            left, right = one.shard(phase, spans, 0, 2), many.shard(phase, spans, 0, 2)
            assert [one.document_of(at) for at in left.address.tolist()] == [
                many.document_of(at) for at in right.address.tolist()
            ]
            _assert_same(left, replace(right, address=left.address))


def _assert_same(left: object, right: object) -> None:
    for name, column in vars(left).items():
        np.testing.assert_array_equal(column, getattr(right, name), err_msg=name)
