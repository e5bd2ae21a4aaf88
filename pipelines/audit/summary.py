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


class Summary(msgspec.Struct, frozen=True):
    """What a build read, dropped and made.

    Args:
        records: records read.
        falls: records by source and fate.
        tokens: tokens of the documents that survived all stages.
        phases: tokens by phase and pool, as they were handed to the packer.
        shards: number of shards.
        sequences: training sequences in them.
        real: tokens in them.
        padded: ids that fill the ends of sequences.
        lost: tokens that packing cut off.
        fits: what was fitted, in order.
        beside: what companions of the documents said, by source.
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


def write_summary(
    job: Job,
    receipts: Mapping[str, Sequence[Receipt]],
    fits: Sequence[FitReport] = (),
    beside: Sequence[Beside] = (),
) -> Summary:
    """Add up a build's receipts, by step, and write the summary."""
    summary = _summary(receipts, fits, beside)
    job.storage.put(PART, msgspec.json.format(msgspec.json.encode(summary), indent=1))
    return summary


def read_summary(data: bytes) -> Summary:
    """Return a summary from the bytes of its file."""
    return msgspec.json.decode(data, type=Summary)


def _summary(receipts: Mapping[str, Sequence[Receipt]], fits: Sequence[FitReport], beside: Sequence[Beside]) -> Summary:
    ledger = receipts["ledger"]
    falls: Counter[tuple[str, str, str, str]] = Counter()
    for receipt in ledger:
        for name, count in receipt.counts.items():
            if "\t" in name:
                fate, stage, rule = name.split("\t", 2)
                falls[receipt.info["source"], fate, stage, rule] += count
    packed = receipts.get("pack", [])
    cuts = {name: count for receipt in receipts.get("budgets", []) for name, count in receipt.counts.items()}
    totals = {name: sum(receipt.counts[name] for receipt in packed) for name in ("sequences", "real", "padded", "lost")}
    return Summary(
        records=sum(receipt.counts["records"] for receipt in ledger),
        falls=[Fall(*name, records=count) for name, count in sorted(falls.items())],
        tokens=sum(receipt.counts["tokens"] for receipt in ledger),
        phases=[_phase_tokens(name, count) for name, count in sorted(cuts.items())],
        shards=len(packed),
        fits=list(fits),
        beside=list(beside),
        **totals,
    )


def _phase_tokens(name: str, tokens: int) -> PhaseTokens:
    phase, pool = name.split("\t")
    return PhaseTokens(phase, pool, tokens)
