"""Stories: what became of a document and why, from the ledger and what the last steps left.

In:  a finished build, and what a person calls a document.
Out: stories: verdict, reason in words, survivor, signals, pools and the places in shards.
Guaranteed: thresholds are those of the build's own manifest; where a document's tokens are follows from the cuts alone.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.verdicts import Rule, judge_by
from pipelines.audit.lookup import Verdict, cuts_at, examples, find, near, signals_at, with_uid
from pipelines.audit.opened import Opened, open_folder
from pipelines.audit.wording import Ruled, listed, number, plural, rule_words
from pipelines.dedup.exchanges import Comparing, ExchangeStage
from pipelines.engine.budgeting import load_cuts
from pipelines.engine.homecoming import earlier_rule
from pipelines.engine.job import Holding
from pipelines.engine.parts import read_part
from pipelines.engine.pooling import documents_in, member
from pipelines.errors import RequestError
from pipelines.expressions import parse
from pipelines.manifest import StageEntry
from pipelines.mix.place import Draw, Fragments, fragments_between, placements, shard_of
from pipelines.mix.pools import Documents
from pipelines.mixture import HOLDOUT
from pipelines.sources.options import SourceOptions

Signals = dict[str, float]


@dataclass(frozen=True)
class Use:
    """A stretch of a document's token run in a shard.

    Args:
        phase: name of the phase.
        pool: the pool from which the phase drew it.
        epoch: which reading of the pool, from 0.
        start: first token's offset in the document's run.
        tokens: how many.
        shard: path of the shard.
    """

    phase: str
    pool: str
    epoch: int
    start: int
    tokens: int
    shard: str


@dataclass(frozen=True)
class Story:
    """All that a build knows of one record.

    Args:
        verdict: its row in the ledger.
        reason: what became of it, in words.
        survivors: of a duplicate, the document that stayed (several only where two uids collide).
        kept_in: the folder of the earlier build that it is in; "" where it is in this one.
        signals: the numbers measured on it.
        cuts: by stage, the stretches cut out of its text, in bytes of the text that the stage saw.
        pools: the pools that it is in.
        uses: where its tokens are.
    """

    verdict: Verdict
    reason: str
    survivors: tuple[Verdict, ...]
    kept_in: str
    signals: Signals
    cuts: dict[str, list[tuple[int, int]]]
    pools: tuple[str, ...]
    uses: tuple[Use, ...]


def stories_of(build: Opened, name: str) -> list[Story]:
    """Return the stories of all records that `name` names: an id, a uid in decimal, or source/path:ordinal.

    Raises:
        RequestError: there is none; the message shows names that come near, and how records are named.
    """
    found = find(build, name)
    if not found:
        raise RequestError(_unknown(build, name))
    return [story_of(build, verdict) for verdict in found]


def story_of(build: Opened, verdict: Verdict) -> Story:
    """Return the story of one record."""
    signals = signals_at(build, verdict.split, verdict.row)
    pools, uses = _uses(build, verdict)
    kept_in = _kept_in(build, verdict)
    survivors = _survivors(build, verdict, kept_in)
    cuts = cuts_at(build, verdict.split, verdict.row)
    return Story(verdict, _reason(build, verdict, signals, pools), survivors, kept_in, signals, cuts, pools, uses)


def _kept_in(build: Opened, verdict: Verdict) -> str:
    """Return the folder of the earlier build whose document a duplicate fell for; "" where it fell for none."""
    if verdict.fate != "duplicate" or verdict.value is None:
        return ""
    stages = (entry.stage for entry in build.manifest.stages if _judged(build, entry, verdict))
    comparing = (stage for stage in stages if isinstance(stage, Comparing) and isinstance(stage, ExchangeStage))
    earlier = (stage.earlier for stage in comparing if earlier_rule(stage.rule) == verdict.rule)
    return next(builds[int(verdict.value) - 1].path for builds in earlier if verdict.value <= len(builds))


def _survivors(build: Opened, verdict: Verdict, kept_in: str) -> tuple[Verdict, ...]:
    """Return the document that stayed for a duplicate; none where its build is no longer there."""
    if verdict.kept_uid is None:
        return ()
    try:
        return tuple(with_uid(open_folder(kept_in) if kept_in else build, verdict.kept_uid))
    except (RequestError, OSError):
        return ()


def _unknown(build: Opened, name: str) -> str:
    lines = [f"{build.storage.url} has no record {name!r}"]
    if close := near(build, name):
        lines += ["near it:", *(f"    {each}" for each in close)]
    lines += ["a record is named by its corpus's own id, by its uid, or by source/path:ordinal, such as"]
    for each in examples(build)[:3]:
        lines += [f"    {each.id}", f"    {each.uid}", f"    {each.place}"]
    return "\n".join(lines)


def _reason(build: Opened, verdict: Verdict, signals: Signals, pools: tuple[str, ...]) -> str:
    """Return what became of a record, in one sentence."""
    match verdict.fate:
        case "unreadable":
            return f"it could not be read: {verdict.rule}"
        case "unselected" | "unsampled":
            return _left_out(build.manifest.sources[verdict.source], verdict.fate)
        case "dropped":
            return _dropped(build, verdict, signals)
        case "duplicate":
            return f"{verdict.stage} ({verdict.rule}): {_repeated(verdict)}"
        case "used" | "held_out":
            return _in_shards(verdict)
    return _unused(build, pools)


def _in_shards(verdict: Verdict) -> str:
    tokens = plural(verdict.tokens_used or 0, "token")
    if verdict.fate == "held_out":
        return f"mix.holdout drew it: no phase reads it, and shards/{HOLDOUT}/ has {tokens} of it"
    return f"{tokens} of it in shards, all copies counted"


def _repeated(verdict: Verdict) -> str:
    """Return what a duplicate shares with others: all of it with a group, or pieces with any documents."""
    if verdict.cluster_size is None:
        return f"a share of {number(verdict.similarity or 0)} of its characters is repeated too often"
    stays = "another one" if verdict.value is None else "one of an earlier build"
    return f"of its group of {verdict.cluster_size}, {stays} stays"


def _left_out(source: SourceOptions, fate: str) -> str:
    if fate == "unsampled":
        share = source.sample.fraction if source.sample is not None else 1
        return f"the source's sample of {number(share)} left it out, by its uid"
    wanted = [f"{name}: {value}" for name, value in source.select.items()]
    return f"the source does not select it: {'; '.join([*wanted, *([source.where] if source.where else [])])}"


def _unused(build: Opened, pools: tuple[str, ...]) -> str:
    if build.manifest.mix is None:
        return "it survived all stages; this build mixes nothing, so there are no shards"
    if not pools:
        return "it survived all stages, but is in no pool that a phase draws from"
    return f"it survived all stages, but its turn in {listed(pools)} never came: the phases took fewer tokens"


def _dropped(build: Opened, verdict: Verdict, signals: Signals) -> str:
    rule = _rule(build, verdict)
    if rule is not None and verdict.value is not None:
        return f"{verdict.stage}, {rule.name}: {rule_words(rule, verdict.value)}"
    if verdict.stage == "where":
        return f"not true: {verdict.rule}{_where_values(verdict, signals)}"
    value = "" if verdict.value is None else f" ({number(verdict.value)})"
    return f"{verdict.stage}, {verdict.rule}{value}"


def _where_values(verdict: Verdict, signals: Signals) -> str:
    """Return the numbers that an expression looked at, as far as the ledger has them."""
    names = parse(verdict.rule or "").names
    if len(names) == 1 and verdict.value is not None:
        return f" ({names[0]} is {number(verdict.value)})"
    known = [f"{name} is {number(signals[name])}" for name in names if name in signals]
    return f" ({', '.join(known)})" if known else ""


def _rule(build: Opened, verdict: Verdict) -> Rule | None:
    """Return the rule that a record fell by: of all stages of that name on its source, the first that drops it."""
    entries = (entry for entry in build.manifest.stages if _judged(build, entry, verdict))
    rules = (rule for entry in entries if isinstance(entry.stage, Ruled) for rule in entry.stage.rules)
    return next((rule for rule in rules if rule.name == verdict.rule and _fails(rule, verdict.value)), None)


def _judged(build: Opened, entry: StageEntry, verdict: Verdict) -> bool:
    return entry.name == verdict.stage and build.manifest.applies(entry, verdict.source)


def _fails(rule: Rule, value: float | None) -> bool:
    """Tell whether a rule drops a document with this number, which the ledger holds in float64."""
    if value is None:
        return False
    kind = pa.float32() if value == np.float32(value) else pa.float64()
    return bool(judge_by([rule], {rule.signal: pa.array([value], kind)}).rule[0].is_valid)


def _uses(build: Opened, verdict: Verdict) -> tuple[tuple[str, ...], tuple[Use, ...]]:
    """Return the pools that a document is in, and the stretches of it that phases took from them."""
    parts = build.parts("pools")
    if not parts or verdict.tokens is None:
        return (), ()
    table = read_part(build.storage, parts[verdict.split.number])
    row = table.filter(pc.field("row") == pa.scalar(verdict.row, pa.uint32()))
    names = [name.removeprefix("pool:") for name in row.schema.names if name.startswith("pool:")]
    pools = tuple(name for name in names if bool(member(row, f"pool:{name}").all()))
    return pools, tuple(_stretches(build, row, documents_in(row, Holding(verdict.split))))


def _stretches(build: Opened, row: pa.Table, documents: Documents) -> Iterator[Use]:
    shards = Counter(path.split("/")[1] for path in build.shards)
    for cuts in load_cuts(build.job, build.parts("budgets")[0]):
        fragments = fragments_between(documents, member(row, f"pool:{cuts.pool}"), cuts.begin, cuts.end)
        draw = Draw(build.manifest.seed, cuts.phase, cuts.pool)
        numbers = shard_of(placements(documents, fragments, draw), shards[cuts.phase])
        yield from _as_uses(cuts.phase, cuts.pool, fragments, numbers)


def _as_uses(phase: str, pool: str, fragments: Fragments, shards: npt.NDArray[np.int64]) -> Iterator[Use]:
    columns = (fragments.epoch.tolist(), fragments.start.tolist(), fragments.length.tolist(), shards.tolist())
    for epoch, start, tokens, shard in zip(*columns, strict=True):
        yield Use(phase, pool, epoch, start, tokens, f"shards/{phase}/part-{shard:05d}.parquet")
