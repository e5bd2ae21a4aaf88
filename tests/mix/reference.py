"""The mix in plain Python, token by token, and random small builds to compare with.

A `Case` is a few documents, pools and phases. `expected_*` builds whole endless streams as lists and slices them;
`Road` takes the same case through the modules under test, split by split, as a build does.
"""

import random
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from itertools import groupby, islice

import numpy as np
import pyarrow as pa
import xxhash

from pipelines.mix.budgets import Interval, MaxEpochs, Phase, intervals, once
from pipelines.mix.contents import Contents, in_order
from pipelines.mix.cut import CutPoint, cut_in_bucket, locate
from pipelines.mix.groups import Group
from pipelines.mix.place import Draw, Fragments, fragment_runs, fragments_between, placements, shard_of
from pipelines.mix.pools import I64, Documents, Mask, bucket_of, concat_documents, histogram
from pipelines.mixture import HOLDOUT


@dataclass(frozen=True)
class Run:
    """One token run: a document, or a piece of one. Its ids are `first_id`, `first_id` + 1, ..., unique in the case."""

    number: int
    document: int
    piece: int
    s: int
    uid: int
    tokens: int
    first_id: int
    pools: frozenset[str]

    @property
    def order(self) -> tuple[int, int, int, int]:
        return self.s, self.uid, self.document, self.piece


@dataclass(frozen=True, eq=False)  # the caches below know a case by its identity
class Case:
    seed: int
    runs: tuple[Run, ...]
    pools: tuple[str, ...]
    phases: tuple[Phase, ...]
    max_epochs: MaxEpochs
    groups: dict[str, Group] = field(default_factory=dict)

    def totals(self) -> dict[str, int]:
        return {pool: sum(run.tokens for run in self.runs if pool in run.pools) for pool in self.pools}


@dataclass(frozen=True)
class Piece:
    """A fragment, as the reference sees it."""

    run: Run
    epoch: int
    start: int
    length: int


# Random cases


@cache
def random_case(seed: int) -> Case:
    rng = random.Random(seed)
    pools = tuple("abcd"[: rng.randint(1, 4)])
    held_out = rng.choice([0, 0, 0.1, 0.4])
    runs = tuple(_random_runs(rng, pools, held_out))
    per_pool = {pool: rng.choice([1, 1.5, 2.1, 3.7, 9]) for pool in pools if rng.random() < 0.8}
    max_epochs: MaxEpochs = per_pool if rng.random() < 0.25 else rng.choice([2.5, 4.5, 12, 60, 250])
    groups = _random_groups(rng, pools)
    phases = tuple(_random_phase(rng, number, _random_names(rng, pools, groups)) for number in range(rng.randint(1, 4)))
    return Case(rng.randrange(2**64), runs, (*pools, HOLDOUT), phases, max_epochs, groups)


def _random_groups(rng: random.Random, pools: Sequence[str]) -> dict[str, Group]:
    """None, a group `g` of some pools, or that and a group `h` that holds it."""
    if rng.random() < 0.25:
        return {}
    members = rng.sample(pools, rng.randint(1, len(pools)))
    groups = {"g": _random_group(rng, members)}
    others = [pool for pool in pools if pool not in members]
    if others and rng.random() < 0.5:
        groups["h"] = _random_group(rng, ["g", *rng.sample(others, rng.randint(0, len(others)))])
    return groups


def _random_group(rng: random.Random, members: Sequence[str]) -> Group:
    if rng.random() < 0.3:
        return Group(tuple(members), {member: rng.choice([0.2, 1, 3]) for member in members})
    return Group(tuple(members), None, rng.choice([0, 0.3, 0.7, 1, 1, 1]))


def _random_names(rng: random.Random, pools: Sequence[str], groups: dict[str, Group]) -> Sequence[str]:
    """What a phase may weigh: pools alone, or groups and the pools that are in none."""
    if not groups or rng.random() < 0.15:
        return pools
    inside = {member for group in groups.values() for member in group.members}
    return [name for name in (*pools, *groups) if name not in inside]


def _random_runs(rng: random.Random, pools: Sequence[str], held_out: float) -> Iterator[Run]:
    draws = [0, 2**64 - 1, *(rng.randrange(2**64) for _ in range(rng.randint(1, 30)))]
    draws += [draws[-1] ^ 1, draws[-1] ^ 2]
    number = first_id = 0
    for document in range(rng.randint(4, 25)):
        held = rng.random() < held_out
        for piece in range(rng.choice([1, 1, 1, 3])):
            tokens = rng.choice([0, 1, 2, rng.randint(0, 12), rng.randint(0, 60)])
            uid = rng.choice([7, rng.randrange(2**64)])
            member = frozenset([HOLDOUT]) if held else _random_pools(rng, pools)
            yield Run(number, document, piece, rng.choice(draws), uid, tokens, first_id, member)
            number, first_id = number + 1, first_id + tokens


def _random_pools(rng: random.Random, pools: Sequence[str]) -> frozenset[str]:
    """The first two pools are a pool and a stricter part of it; the others overlap as they like."""
    member = {pool for pool in pools if rng.random() < 0.6}
    return frozenset(member - {"b"} if "a" not in member else member)


def _random_phase(rng: random.Random, number: int, pools: Sequence[str]) -> Phase:
    chosen = rng.sample(pools, rng.randint(1, len(pools)))
    weights = {pool: rng.choice([1, 2, 0.5, 0.1, 0.37]) for pool in chosen}
    tokens = rng.choice([1, rng.randint(0, 40), rng.randint(0, 400), rng.randint(0, 400), rng.randint(0, 1500)])
    restart, scale = rng.random() < 0.4, rng.random() < 0.8
    return Phase(
        f"phase-{number}", tokens, weights, "restart" if restart else "continue", "scale" if scale else "error"
    )


# What should come out


def expected_stream(case: Case, pool: str) -> Iterator[tuple[int, Run, int]]:
    """The endless stream of a pool that is not empty: (epoch, run, token), token by token."""
    members = sorted((run for run in case.runs if pool in run.pools), key=lambda run: run.order)
    epoch = 0
    while True:
        yield from ((epoch, run, token) for run in members for token in range(run.tokens))
        epoch += 1


@cache
def expected_pieces(case: Case, span: Interval) -> list[Piece]:
    taken = list(islice(expected_stream(case, span.pool), span.start, span.end))
    groups = [list(group) for _, group in groupby(taken, key=lambda token: (token[0], token[1].number))]
    return [Piece(group[0][1], group[0][0], group[0][2], len(group)) for group in groups]


def expected_shares(case: Case, total: int, weights: Mapping[str, float | Fraction]) -> dict[str, int]:
    """Tokens per pool: shared out level by level, the left-over tokens going one by one to whom lacks most."""
    whole = sum(Fraction(str(weight)) for weight in weights.values())
    exact = {name: total * Fraction(str(weight)) / whole for name, weight in weights.items()}
    shares = {name: int(share) for name, share in exact.items()}
    for _ in range(total - sum(shares.values())):
        most = max(sorted(exact), key=lambda name: exact[name] - shares[name])
        shares[most] += 1
    found: dict[str, int] = {}
    for name, tokens in shares.items():
        inner = case.groups.get(name)
        found |= {name: tokens} if inner is None else expected_shares(case, tokens, _member_weights(case, inner))
    return found


def _member_weights(case: Case, group: Group) -> Mapping[str, float | Fraction]:
    if group.weights is not None:
        return group.weights
    powers = {member: _power(_size(case, member), group.alpha) for member in group.members}
    return powers if any(powers.values()) else dict.fromkeys(powers, 1)


def _size(case: Case, name: str) -> int:
    if name in case.groups:
        return sum(_size(case, member) for member in case.groups[name].members)
    return case.totals()[name]


def _power(size: int, alpha: float) -> Fraction:
    """size^alpha to 30 digits, by logarithms; 0 of nothing."""
    if size == 0:
        return Fraction(0)
    with localcontext() as context:
        context.prec = 80
        power = (Decimal(size).ln() * Decimal(str(alpha))).exp()
        context.prec = 30
        return Fraction(+power)


@cache
def expected_spans(case: Case) -> list[Interval] | None:
    """None where the build must be refused."""
    totals, positions = case.totals(), dict.fromkeys(case.pools, 0)
    spans: list[Interval] = []
    for phase in case.phases:
        starts = {pool: positions[pool] for pool in expected_shares(case, 0, phase.weights)}
        if phase.start == "restart":
            starts = {pool: _next_epoch(position, totals[pool]) for pool, position in starts.items()}
        shares = _expected_fit(case, phase, starts)
        if shares is None:
            return None
        spans += [Interval(phase.name, pool, starts[pool], taken) for pool, taken in shares.items() if taken]
        positions |= {span.pool: span.end for span in spans}
    return [*spans, *([Interval(HOLDOUT, HOLDOUT, 0, totals[HOLDOUT])] if totals[HOLDOUT] else [])]


def _next_epoch(position: int, total: int) -> int:
    while total and position % total:
        position += 1
    return position


def _expected_fit(case: Case, phase: Phase, starts: dict[str, int]) -> dict[str, int] | None:
    room = {pool: max(_limit(case, pool) - start, 0) for pool, start in starts.items()}
    wanted = expected_shares(case, phase.tokens, phase.weights)
    short = [pool for pool, taken in wanted.items() if taken > room[pool]]
    if short and (phase.short == "error" or any(room[pool] == 0 for pool in short)):
        return None
    totals = (expected_shares(case, total, phase.weights) for total in range(phase.tokens, -1, -1))
    return next(shares for shares in totals if all(taken <= room[pool] for pool, taken in shares.items()))


def _limit(case: Case, pool: str) -> int:
    epochs = case.max_epochs.get(pool, 1) if isinstance(case.max_epochs, dict) else case.max_epochs
    return int(case.totals()[pool] * Fraction(str(epochs)))


def expected_place(case: Case, span: Interval, piece: Piece) -> int:
    label = b"place" + case.seed.to_bytes(8, "little") + span.phase.encode() + b"\0" + span.pool.encode() + b"\0"
    name = struct.pack("<QIIQ", piece.run.uid, piece.run.piece, piece.epoch, piece.start)
    place: int = xxhash.xxh3_64_intdigest(label + name)
    return place


def expected_shards(case: Case, phase: str, spans: list[Interval], shards: int) -> list[list[tuple[Interval, Piece]]]:
    placed: list[list[tuple[tuple[int, ...], Interval, Piece]]] = [[] for _ in range(shards)]
    for span in (span for span in spans if span.phase == phase):
        for piece in expected_pieces(case, span):
            place, run = expected_place(case, span, piece), piece.run
            names = (case.pools.index(span.pool), run.uid, run.piece, piece.epoch, piece.start, run.document)
            placed[place * shards >> 64].append(((place, *names), span, piece))
    return [[(span, piece) for _, span, piece in sorted(shard, key=lambda item: item[0])] for shard in placed]


# The same through the modules under test

COLUMNS = [field.name for field in fields(Contents)]


@dataclass(frozen=True)
class Split:
    documents: Documents
    numbers: list[int]
    members: dict[str, Mask]
    runs: pa.LargeBinaryArray


class Road:
    """A case cut into splits after every document in `cuts`; the splits are then taken in the order of `shuffle`."""

    def __init__(self, case: Case, cuts: Sequence[int], shuffle: random.Random) -> None:
        self.case = case
        split_of = [sum(cut <= document for cut in cuts) for document in range(len(case.runs))]
        grouped = groupby(case.runs, key=lambda run: split_of[run.document])
        self.splits = [_split(case, number, list(runs)) for number, runs in grouped]
        shuffle.shuffle(self.splits)
        document_of = {run.number: run.document for run in case.runs}
        self._documents = {
            address: document_of[number]
            for split in self.splits
            for address, number in zip(split.documents.address.tolist(), split.numbers, strict=True)
        }
        self._histograms = {pool: self._histogram(pool) for pool in case.pools}
        self._placed: dict[str, Contents] = {}
        self._fragments: dict[Interval, list[tuple[Split, Fragments]]] = {}

    def spans(self) -> list[Interval]:
        totals = {pool: int(histogram.sum()) for pool, histogram in self._histograms.items()}
        phases = intervals(self.case.phases, totals, self.case.max_epochs, self.case.groups)
        return [*phases, *once(HOLDOUT, HOLDOUT, totals)]

    def fragments(self, span: Interval) -> list[tuple[Split, Fragments]]:
        if span not in self._fragments:
            ends = self._cut(span.pool, span.start), self._cut(span.pool, span.end)
            held = [fragments_between(split.documents, split.members[span.pool], *ends) for split in self.splits]
            self._fragments[span] = list(zip(self.splits, held, strict=True))
        return self._fragments[span]

    def pieces(self, span: Interval) -> list[tuple[int, int, int, int]]:
        """(run, epoch, start, length) of every fragment, sorted."""
        return sorted(
            (split.numbers[row], epoch, start, length)
            for split, held in self.fragments(span)
            for row, epoch, start, length in zip(
                held.row.tolist(), held.epoch.tolist(), held.start.tolist(), held.length.tolist(), strict=True
            )
        )

    def shard(self, phase: str, spans: list[Interval], shard: int, shards: int) -> Contents:
        if phase not in self._placed:
            mine = [span for span in spans if span.phase == phase]
            parts = [_contents(self.case, span, *held) for span in mine for held in self.fragments(span)]
            self._placed[phase] = concat_contents(parts)
        return in_order(_in_shard(self._placed[phase], shard, shards))

    def document_of(self, address: int) -> int:
        """The number of the document that this grouping calls `address`."""
        return self._documents[address]

    def _histogram(self, pool: str) -> I64:
        total = np.zeros(4096, np.int64)
        for split in self.splits:
            held = split.documents.take(split.members[pool])
            total += histogram(held.s, held.tokens)
        return total

    def _cut(self, pool: str, position: int) -> CutPoint:
        location = locate(self._histograms[pool], position)
        held = [split.documents.take(split.members[pool]) for split in self.splits]
        fetched = [part.take(bucket_of(part.s) == location.bucket) for part in held]
        return cut_in_bucket(location, concat_documents(fetched))


def _split(case: Case, number: int, runs: list[Run]) -> Split:
    first = runs[0].document
    documents = Documents(
        np.array([run.s for run in runs], np.uint64),
        np.array([run.uid for run in runs], np.uint64),
        np.array([number << 32 | run.document - first for run in runs], np.uint64),
        np.array([run.piece for run in runs], np.uint32),
        np.array([run.tokens for run in runs], np.int64),
    )
    members = {pool: np.array([pool in run.pools for run in runs]) for pool in case.pools}
    ids = [np.arange(run.first_id, run.first_id + run.tokens, dtype="<u4").tobytes() for run in runs]
    return Split(documents, [run.number for run in runs], members, pa.array(ids, pa.large_binary()))


def _contents(case: Case, span: Interval, split: Split, held: Fragments) -> Contents:
    documents, count = split.documents, len(held)
    ids = fragment_runs(split.runs, held, 4)
    return Contents(
        t=placements(documents, held, Draw(case.seed, span.phase, span.pool)),
        pool=np.full(count, case.pools.index(span.pool), np.uint16),
        uid=documents.uid[held.row],
        piece=documents.piece[held.row],
        epoch=held.epoch,
        start=held.start,
        address=documents.address[held.row],
        source=np.zeros(count, np.uint16),
        length=held.length,
        ids=np.frombuffer(b"".join(ids.to_pylist()), np.uint32),
    )


def concat_contents(parts: Sequence[Contents]) -> Contents:
    """The fragments of several parts, in the parts' order; at least one part."""
    return Contents(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS})


def _in_shard(contents: Contents, shard: int, shards: int) -> Contents:
    mine = shard_of(contents.t, shards) == shard
    columns = {name: getattr(contents, name)[mine] for name in COLUMNS if name != "ids"}
    return Contents(**columns, ids=contents.ids[np.repeat(mine, contents.length)])
