"""Estimates: how much text and how many tokens there will be, how long it takes, and what each number rests on.

In:  a plan; what earlier builds in the folder counted, where there are any; the containers of the files elsewhere.
Out: per source text, survivors and tokens with the basis of each; seconds per pass.
Guaranteed: nothing is read but file headers, receipts and the log; a number that was counted is never guessed.

The guesses were measured on 55 MB of RefinedWeb, RedPajama, Pile, Dolma and C4 on one core of a 2-core machine; the
rates of dedup_minhash, dedup_lines and gopher_quality by how much longer a pass of a build takes with the stage than
without it, the median of three, on 54 million characters of the first four as JSON lines.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import msgspec
import pyarrow.parquet as pq

from pipelines.engine.lock import read_lock
from pipelines.engine.plan import Plan
from pipelines.engine.receipts import Receipt, load_receipt
from pipelines.engine.route import Pass
from pipelines.engine.runner import LOG
from pipelines.engine.splits import SourceFile
from pipelines.engine.storage import Storage, open_storage
from pipelines.manifest import Manifest
from pipelines.sources.options import SourceOptions
from pipelines.sources.streams import told

TEXT_PER_BYTE = {"gzip": 3.0, "zstd": 4.0, "plain": 0.97, "parquet": 1.4}
"""Characters of text in a byte of a file, by what the file is; of another kind, 1."""

CHARS_PER_TOKEN = 4.0
"""Characters of text in a token; of 32,000 to 128,000 tokens, English has 4 to 5, code about 3."""

CHARS_PER_DOCUMENT = 6000
"""Characters in a document."""

RATES = {
    "read": 60.0,
    "gopher_quality": 190.0,
    "normalize": 60.0,
    "where": 1000.0,
    "dedup_exact": 1000.0,
    "dedup_minhash": 60.0,
    "dedup_lines": 55.0,
    "tokenize": 50.0,
}
"""Megabytes of text that one core takes through a stage in a second."""

USUAL_RATE = 30.0
"""The same, of a stage that is not among `RATES`."""

Place = tuple[str, str, int, int]
"""A split by source, path, start and end."""


@dataclass(frozen=True)
class Counted:
    """What an earlier build counted.

    Args:
        chars: characters read, by split.
        kept: characters of survivors, by source.
        tokens: tokens of survivors, by source.
        documents: records, by source.
        current: whether it was this very build, so that nothing will be different.
    """

    chars: Mapping[Place, int] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
    tokens: Mapping[str, int] = field(default_factory=dict)
    documents: Mapping[str, int] = field(default_factory=dict)
    current: bool = False

    def read(self, source: str) -> int:
        """Return the characters read of a source."""
        return sum(chars for place, chars in self.chars.items() if place[0] == source)


@dataclass(frozen=True)
class Estimate:
    """How much a source holds.

    Args:
        source: its name.
        files: how many.
        splits: how many.
        size: bytes of its files.
        chars: characters of text.
        chars_basis: what that rests on.
        kept: characters of text behind all stages.
        kept_basis: what that rests on.
        tokens: of the survivors.
        tokens_basis: what that rests on.
        documents: records.
    """

    source: str
    files: int
    splits: int
    size: int
    chars: int
    chars_basis: str
    kept: int
    kept_basis: str
    tokens: int
    tokens_basis: str
    documents: int


def counted_by(places: Sequence[Place], first: Sequence[Receipt], last: Sequence[Receipt]) -> Counted:
    """Return what the receipts of the first and the last pass say of some splits."""
    kept, tokens, documents = Counter[str](), Counter[str](), Counter[str]()
    for place, receipt in zip(places, last, strict=True):
        kept[place[0]] += receipt.counts["chars_out"]
        tokens[place[0]] += receipt.counts.get("tokens", 0)
        documents[place[0]] += receipt.counts["rows"]
    chars = {place: receipt.counts["chars_in"] for place, receipt in zip(places, first, strict=True)}
    return Counted(chars, kept, tokens, documents)


def counted_before(storage: Storage) -> Counted:
    """Return what the last finished build in a folder counted; nothing where there is none."""
    try:
        lock = read_lock(storage)
    except (FileNotFoundError, msgspec.MsgspecError):
        return Counted()
    passes = sorted((step for step in lock.parts if step.startswith("pass ")), key=lambda step: int(step.split()[1]))
    if not passes:
        return Counted()
    places = [(split.source, split.path, split.start, split.end) for split in lock.splits]
    first, last = (_receipts(storage, lock.parts[step]) for step in (passes[0], passes[-1]))
    return counted_by(places, first, last) if len(first) == len(last) == len(places) else Counted()


def _receipts(storage: Storage, parts: Iterable[str]) -> list[Receipt]:
    with ThreadPoolExecutor(16) as pool:
        found = pool.map(lambda part: load_receipt(storage, part), parts)
        return [receipt for receipt in found if receipt is not None]


def estimates_of(manifest: Manifest, plan: Plan, counted: Counted) -> list[Estimate]:
    """Return an estimate per source, in the order of their names."""
    return [_estimate(name, manifest, plan, counted) for name in sorted(manifest.sources)]


def _estimate(name: str, manifest: Manifest, plan: Plan, counted: Counted) -> Estimate:
    files = {split.file.path: split.file for split in plan.splits if split.source == name}
    splits = sum(split.source == name for split in plan.splits)
    size = sum(file.identity.size for file in files.values())
    chars, chars_basis = _chars(name, manifest.sources[name], plan, counted)
    share, kept_basis = _kept_share(name, manifest.sources[name], counted)
    per_token, tokens_basis = _chars_per_token(name, counted)
    documents = counted.documents.get(name, 0) or round(chars / CHARS_PER_DOCUMENT)
    kept = round(chars * share)
    tokens = round(kept / per_token)
    return Estimate(
        name, len(files), splits, size, chars, chars_basis, kept, kept_basis, tokens, tokens_basis, documents
    )


def _chars(name: str, source: SourceOptions, plan: Plan, counted: Counted) -> tuple[int, str]:
    """Return the characters of a source: what was counted, and for other splits in proportion, or by container."""
    sizes = {
        (split.source, split.file.path, split.start, split.end): size
        for split, size in zip(plan.splits, plan.sizes(), strict=True)
        if split.source == name
    }
    known = {place: counted.chars[place] for place in sizes if place in counted.chars}
    if not known:
        return _by_container(source, {split.file for split in plan.splits if split.source == name})
    total, seen = sum(known.values()), sum(sizes[place] for place in known)
    if len(known) == len(sizes):
        return total, _basis(counted, "counted by the last build")
    return round(
        total * sum(sizes.values()) / max(seen, 1)
    ), f"{len(known)} of {len(sizes)} splits counted, the rest like them"


def _by_container(source: SourceOptions, files: Iterable[SourceFile]) -> tuple[int, str]:
    """Return the characters of files by what they are, and how that was guessed."""
    chars, kinds = 0.0, set[str]()
    for file in files:
        with open_storage(file.root).open(file.path) as stream:
            kind = told(stream)
            held = _in_parquet(stream, source.layout.text) if kind == "parquet" else None
        ratio = TEXT_PER_BYTE.get(kind, 1.0)
        chars += held if held is not None else file.identity.size * ratio
        kinds.add("the footers of Parquet" if held is not None else f"{kind} at {ratio:g} characters a byte")
    return round(chars), " and ".join(sorted(kinds))


def _in_parquet(stream: object, column: str) -> int | None:
    """Return the uncompressed bytes of a column, or None where the footer does not say."""
    try:
        metadata = pq.read_metadata(stream)
    except (OSError, ValueError):
        return None
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    columns = [group.column(number) for group in groups for number in range(group.num_columns)]
    sizes = [each.total_uncompressed_size for each in columns if each.path_in_schema == column]
    return sum(sizes) if sizes else None


def _basis(counted: Counted, else_: str) -> str:
    return "counted" if counted.current else else_


def _kept_share(name: str, source: SourceOptions, counted: Counted) -> tuple[float, str]:
    read = counted.read(name)
    if read and name in counted.kept:
        return counted.kept[name] / read, _basis(counted, "as in the last build")
    fraction = source.sample.fraction if source.sample is not None else 1.0
    return fraction, "all of it" if fraction == 1 else f"its sample of {fraction:g}"


def _chars_per_token(name: str, counted: Counted) -> tuple[float, str]:
    tokens = counted.tokens.get(name, 0)
    if tokens and counted.kept.get(name):
        return counted.kept[name] / tokens, _basis(counted, "as in the last build")
    whole = sum(counted.tokens.values())
    if whole:
        return sum(counted.kept.values()) / whole, "as the last build's other sources"
    return CHARS_PER_TOKEN, f"{CHARS_PER_TOKEN:g} characters a token"


def pass_seconds(
    works: Mapping[str, Pass], estimates: Sequence[Estimate], cores: int, rates: Mapping[str, float] = RATES
) -> float:
    """Return how long a pass takes by the usual rates; `works` says what it does to each source."""
    splits = sum(estimate.splits for estimate in estimates)
    work = sum(estimate.chars / 1e6 * _seconds_per_megabyte(works[estimate.source], rates) for estimate in estimates)
    return work / max(1, min(cores, splits))


def _seconds_per_megabyte(work: Pass, rates: Mapping[str, float]) -> float:
    labels = {"read", *(step.label for step in work.steps), *(["tokenize"] if work.tokenize else [])}
    return sum(1 / rates.get(label, USUAL_RATE) for label in labels)


class _Event(msgspec.Struct):
    """A line of the log."""

    event: str
    step: str = ""
    tasks: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Pace:
    """How a step went before.

    Args:
        seconds: that a task took the last time any ran, all workers together.
        tasks: how many ran at most.
    """

    seconds: float
    tasks: int


def paces_of(storage: Storage) -> dict[str, Pace]:
    """Return how each step went, from the folder's log."""
    try:
        lines = storage.read(LOG).splitlines()
    except FileNotFoundError:
        return {}
    events = [event for line in lines for event in _read_event(line)]
    paces: dict[str, Pace] = {}
    for each in events:
        if each.event == "step" and each.tasks:
            most = max(each.tasks, paces[each.step].tasks if each.step in paces else 0)
            paces[each.step] = Pace(each.seconds / each.tasks, most)
    return paces


def _read_event(line: bytes) -> list[_Event]:
    """Return the event of a line; none where a killed build left half of it."""
    try:
        return [msgspec.json.decode(line, type=_Event)]
    except msgspec.DecodeError:
        return []
