"""The summary: what a build read, dropped and made, in one small file.

In:  the receipts of its ledger and its shards.
Out: `audit/summary.json`.
Guaranteed: every number is a sum of the ledger's or the shards' own counts.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from pipelines.audit.beside import Beside
from pipelines.audit.fits import FitReport
from pipelines.engine.job import Job
from pipelines.engine.receipts import Receipt

PART = "audit/summary.json"


class Fall(msgspec.Struct, frozen=True):
    """Records of one source that met the same fate.

    Args:
        source: name of the source.
        fate: see `pipelines.engine.selection.FATES`.
        stage: where they fell; "" where no stage dropped them.
        rule: the first rule that failed; "" where there is none.
        records: how many.
    """

    source: str
    fate: str
    stage: str
    rule: str
    records: int


class PhaseTokens(msgspec.Struct, frozen=True):
    """What a phase took from a pool, in tokens."""

    phase: str
    pool: str
    tokens: int


class Packed(msgspec.Struct, frozen=True):
    """What a way of packing makes of a build's fragments.

    Args:
        method: its name in the manifest.
        sequences: rows of all shards.
        padded: ids that fill them up.
        ids: all of their ids.
        fragments: stretches of documents that were to be packed.
        cut: those that no sequence holds from beginning to end.
    """

    method: str
    sequences: int
    padded: int
    ids: int
    fragments: int
    cut: int


class Referred(msgspec.Struct, frozen=True):
    """What became of lists of a reference model's losses.

    Args:
        given: documents whose tokens have theirs.
        edited: documents that have a list, but not the text that was read; their tokens have NaN.
        misfit: documents whose list has another length than their tokens; likewise.
    """

    given: int = 0
    edited: int = 0
    misfit: int = 0


class Summary(msgspec.Struct, frozen=True):
    """What a build read, dropped and made.

    Args:
        records: records read.
        falls: records by source and fate.
        tokens: tokens of the documents that survived all stages.
        phases: tokens by phase and pool, as they were handed to the packer.
        shards: number of shards.
        sequences: training sequences in them.
        real: tokens in them, each counted once.
        padded: ids that fill the ends of sequences.
        lost: tokens that packing cut off.
        fits: what was fitted, in order.
        beside: what companions of the documents said, by source.
        repeated: tokens that stand in two sequences, the overlap of `next_token`.
        special: how many of the tokens handed to the packer are BOS or EOS.
        unplaced: documents with `loss_spans` whose tokens do not spell their text, so that none of them counts.
        referred: documents with `ref_loss`.
        packed: what packing did, and behind it what `concat` would have done, where that is another.
    """

    records: int
    falls: list[Fall]
    tokens: int
    phases: list[PhaseTokens]
    shards: int
    sequences: int
    real: int
    padded: int
    lost: int
    fits: list[FitReport] = []
    beside: list[Beside] = []
    repeated: int = 0
    special: int = 0
    unplaced: int = 0
    referred: Referred = Referred()
    packed: list[Packed] = []


def write_summary(
    job: Job,
    receipts: Mapping[str, Sequence[Receipt]],
    fits: Sequence[FitReport] = (),
    beside: Sequence[Beside] = (),
) -> Summary:
    """Add up a build's receipts, by step, and write the summary."""
    method = "" if job.manifest.mix is None else job.manifest.mix.pack
    summary = _summary(receipts, fits, beside, _packed(receipts.get("pack", []), method))
    job.storage.put(PART, msgspec.json.format(msgspec.json.encode(summary), indent=1))
    return summary


def read_summary(data: bytes) -> Summary:
    """Return a summary from the bytes of its file."""
    return msgspec.json.decode(data, type=Summary)


_TOTALS = ("sequences", "real", "padded", "lost", "repeated", "special")


def _summary(
    receipts: Mapping[str, Sequence[Receipt]],
    fits: Sequence[FitReport],
    beside: Sequence[Beside],
    ways: list[Packed],
) -> Summary:
    ledger = receipts["ledger"]
    falls: Counter[tuple[str, str, str, str]] = Counter()
    for receipt in ledger:
        for name, count in receipt.counts.items():
            if "\t" in name:
                fate, stage, rule = name.split("\t", 2)
                falls[receipt.info["source"], fate, stage, rule] += count
    packed = receipts.get("pack", [])
    cuts = {name: count for receipt in receipts.get("budgets", []) for name, count in receipt.counts.items()}
    totals = {name: sum(receipt.counts[name] for receipt in packed) for name in _TOTALS}
    return Summary(
        records=sum(receipt.counts["records"] for receipt in ledger),
        falls=[Fall(*name, records=count) for name, count in sorted(falls.items())],
        tokens=sum(receipt.counts["tokens"] for receipt in ledger),
        phases=[_phase_tokens(name, count) for name, count in sorted(cuts.items())],
        shards=len(packed),
        fits=list(fits),
        beside=list(beside),
        unplaced=_over_all(receipts, "loss_unplaced"),
        referred=Referred(*(_over_all(receipts, f"ref_loss_{name}") for name in Referred.__struct_fields__)),
        packed=ways,
        **totals,
    )


def _over_all(receipts: Mapping[str, Sequence[Receipt]], name: str) -> int:
    """Return a count that receipts of any step may have."""
    return sum(each.counts.get(name, 0) for step in receipts.values() for each in step)


def _packed(receipts: Sequence[Receipt], method: str) -> list[Packed]:
    """Return what packing did, and what `concat` would have done where it was another; nothing without shards."""
    prefixes = {"": method} if method == "concat" else {"": method, "concat_": "concat"}
    return [_way(receipts, way, prefix) for prefix, way in prefixes.items() if receipts]


def _way(receipts: Sequence[Receipt], method: str, prefix: str) -> Packed:
    total: Counter[str] = Counter()
    for receipt in receipts:
        total.update({name: receipt.counts[prefix + name] for name in ("sequences", "padded", "fragments", "cut")})
        total["ids"] += sum(receipt.counts[prefix + name] for name in ("real", "repeated", "padded"))
    return Packed(method, **total)


def _phase_tokens(name: str, tokens: int) -> PhaseTokens:
    phase, pool = name.split("\t")
    return PhaseTokens(phase, pool, tokens)
