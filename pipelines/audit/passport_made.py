"""The passport that a build makes: its tokenizer, and the counts of all its splits.

In:  a job, and the receipts of its steps.
Out: `tokens/passport.json`.
Guaranteed: a build without a tokenizer has none, not even an earlier manifest's.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from pipelines.audit.passport import DECODER, PASSPORT, RoundTrip, added_up, passport_of
from pipelines.engine.fertility import AMOUNTS
from pipelines.engine.fit import load_fitted_encoder
from pipelines.engine.job import Job
from pipelines.engine.parts import read_part
from pipelines.engine.receipts import Receipt
from pipelines.sources.options import chats_of
from pipelines.tokens.checking import OUTCOMES


def write_passport(job: Job, encoder: str, maps: Sequence[Receipt], fertility: Sequence[Receipt]) -> None:
    """Write the passport of a build.

    Args:
        job: the build.
        encoder: part with the tokenizer; "" where there is none.
        maps: receipts of the last pass, in the order of `fertility`.
        fertility: receipts of the splits' counts.
    """
    spec = job.manifest.tokenizer
    if spec is None or not encoder:
        for path in (PASSPORT, DECODER):
            job.storage.delete(path)
        return
    rows = [
        (str(receipt.info["source"]), row["language"], {name: row[name] for name in AMOUNTS})
        for receipt in fertility
        for row in read_part(job.storage, receipt.part).to_pylist()
    ]
    known = any(language is not None for _, language, _ in rows)
    passport = msgspec.structs.replace(
        passport_of(load_fitted_encoder(job, encoder), spec, chats_of(job.manifest.sources)),
        by_source=added_up([(source, amounts) for source, _, amounts in rows]),
        by_language=added_up([(language or "", amounts) for _, language, amounts in rows]) if known else [],
        round_trip=_round_trips([str(each.info["source"]) for each in fertility], maps),
    )
    job.storage.put(PASSPORT, msgspec.json.format(msgspec.json.encode(passport), indent=1))


def _round_trips(sources: Sequence[str], maps: Sequence[Receipt]) -> list[RoundTrip]:
    sums: dict[str, Counter[str]] = {source: Counter() for source in sorted(set(sources))}
    for source, receipt in zip(sources, maps, strict=True):
        sums[source].update(receipt.info["round_trip"])
    return [RoundTrip(source, each.total(), *(each[name] for name in OUTCOMES)) for source, each in sums.items()]
