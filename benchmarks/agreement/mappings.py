"""Which signal of ours is which of Dolma's and RedPajama-Data's.

In:  nothing.
Out: for each peer, its stage of ours and the signals.
"""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from benchmarks.agreement.comparison import Case, Cause, Comparison, Subject, compare
from benchmarks.agreement.oracles import Told, dolma, redpajama
from benchmarks.agreement.peer import KEPT
from benchmarks.agreement.redpajama_words import newer_words
from benchmarks.agreement.stored import Mapping, Reading, Stored, comparisons
from filters.batch import batch_of
from filters.dolma import DolmaC4, DolmaGopher
from filters.pii import Pii
from filters.redpajama import RedpajamaSignals
from filters.signals import SIGNALS
from filters.verdicts import Rule

DOLMA_DECIMALS = 5
"""Places that Dolma's attribute files are rounded to."""


def spans_of(*names: str) -> Reading:
    """Return a reading that counts the spans stored under names."""

    def count(told: Told) -> int:
        return sum(len(told.spans.get(name, ())) for name in names)

    return count


def gopher_v1() -> Stored:
    """Return Dolma's variant of Gopher's rules."""
    signals = {name.removeprefix("dolma_"): name for name in DolmaGopher.measured}
    decimals = {name: None if SIGNALS[ours].dtype == pa.int64() else DOLMA_DECIMALS for name, ours in signals.items()}
    mappings = [Mapping(name, ours, decimals=decimals[name]) for name, ours in signals.items()]
    return Stored("Dolma gopher_v1", DolmaGopher(), tuple(mappings))


def c4_v1() -> Stored:
    """Return what Dolma's C4 tagger sees in lines; its list of naughty words is not ours."""
    lines = ("lines_with_no_ending_punctuation", "lines_with_too_few_words")
    flags = ("has_javascript", "has_lorem_ipsum", "has_curly_brace")
    mappings = [Mapping(name, f"dolma_{name}", spans_of(name)) for name in (*lines, *flags)]
    return Stored("Dolma c4_v1", DolmaC4(), (Mapping("line_count", "dolma_line_count"), *mappings))


PII_KINDS = {"EMAIL_ADDRESS": "pii_emails", "PHONE_NUMBER": "pii_phone_numbers", "IP_ADDRESS": "pii_ip_addresses"}


def pii_regex_v1() -> Stored:
    """Return Dolma's personal data."""
    kinds = [Mapping(kind, signal, spans_of(kind)) for kind, signal in PII_KINDS.items()]
    every = Mapping("all spans", "pii_spans", spans_of(*PII_KINDS))
    return Stored("Dolma pii_regex_v1", Pii(style="dolma_v1"), (*kinds, every))


def with_dolma(limit: int | None) -> Iterator[Comparison]:
    """Compare with the attributes that Dolma's own taggers wrote, and with the verdicts of its mixer on them."""
    for stored in (gopher_v1(), c4_v1(), pii_regex_v1()):
        told = list(dolma(stored.peer.split()[-1], limit))
        yield from comparisons(stored, told)
        if isinstance(stored.stage, DolmaGopher):
            yield decisions(stored.stage, told)


MISNAMED = Cause(
    "bug: Dolma's configs ask for ..._most_common_2gram, its tagger writes ..._most_common_2grams: no such rule fires",
    lambda case: "most_common" in str(case.ours),
)


def decisions(stage: DolmaGopher, told: Sequence[Told]) -> Comparison:
    """Compare the first rule that fails by Dolma's stored attributes and its mixer's configs with our verdict."""
    ours = stage.judge(stage.measure(batch_of([document.text for document in told]))).rule.to_pylist()
    cases = [
        Case(document.id, document.text, mixed(stage.rules, document), rule or KEPT)
        for document, rule in zip(told, ours, strict=True)
    ]
    return compare(Subject("Dolma gopher_v1", "verdict of its mixer's configs", "rule", causes=(MISNAMED,)), cases)


def mixed(rules: Sequence[Rule], told: Told) -> str:
    """Return the first rule that Dolma's mixer drops a document by, as its configs are written."""
    for rule in rules:
        number = None if "most_common" in rule.signal else told.numbers.get(rule.signal.removeprefix("dolma_"))
        if isinstance(number, int | float) and rule.limit is not None:
            failed = number < rule.limit if rule.bound == "min" else number > rule.limit
            if failed:
                return rule.name
    return KEPT


REDPAJAMA_DECIMALS = 8
"""Places that RedPajama-Data rounds to."""

NEED_LISTS = ("rps_doc_stop_word_fraction", "rps_doc_ldnoobw_words")
"""Signals that need word lists, which do not lie beside the documents."""

REDPAJAMA_STORED = Stored(
    "RedPajama v2",
    RedpajamaSignals(),
    tuple(
        Mapping(name, name, None, REDPAJAMA_DECIMALS, newer_words(name, REDPAJAMA_DECIMALS))
        for name in RedpajamaSignals.measured
        if name not in NEED_LISTS
    ),
)


def with_redpajama(limit: int | None) -> Iterator[Comparison]:
    """Compare with the signals that RedPajama-Data's own code wrote."""
    yield from comparisons(REDPAJAMA_STORED, list(redpajama(limit)))
