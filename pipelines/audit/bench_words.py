"""The words of a bench: what its pages say, on a terminal and in a browser.

In:  a bench.
Out: sentences and short names.
Guaranteed: both pages say the same.
"""

from collections.abc import Iterator, Sequence

from pipelines.audit.bench_found import Bench, Bin, Pair, Sizes, SourceLoss
from pipelines.audit.bench_pairs import MOST_OF_BAND
from pipelines.audit.contrast import Stretch
from pipelines.audit.wording import listed, number, plural

CURVE = "How alike the pairs are that share a band"
SIZES = "How many documents belong together"
LARGEST = "The largest components"
LOSSES = "What each source would lose"
VERIFIED = "Pairs that are alike: the document on the right would fall for the one on the left"

LEAST_CHANCE = 0.0005
"""Bins with a smaller chance and without pairs, at the beginning, are shown as one."""


def headline(seen: Bench) -> str:
    """Return what was done."""
    read = sum(each.records for each in seen.sources)
    part = "all there are" if seen.whole else "a sample"
    return f"stages.{seen.at}.dedup_minhash on {plural(read, 'record')}, {part}. Nothing was dropped."


def options(seen: Bench) -> str:
    """Return the options by which pairs are found and judged."""
    stage = seen.stage
    found = f"{stage['bands']} bands of {stage['rows']} rows over {stage['ngram']}-grams of {stage['words']} words"
    scope = stage["scope"] if isinstance(stage["scope"], str) else str(stage["scope"])
    ranked = [
        f"prefer {stage['prefer']}",
        *(f"{name} {listed(stage[name])}" for name in ("keep", "exempt") if stage[name]),
    ]
    judged = f"jaccard {stage['jaccard']:g}, verify {str(stage['verify']).lower()}, max_loss {stage['max_loss']:g}"
    return f"{found}, normalization {stage['normalization']}; {judged}; scope {scope}, {', '.join(ranked)}"


def threshold(seen: Bench) -> str:
    """Return what the curve says of pairs at the threshold."""
    return f"jaccard {seen.stage['jaccard']:g}: {seen.recall:.1%} of the pairs just at it are compared"


def saved(seen: Bench) -> str:
    """Return what the pairs are that verification tells apart."""
    does = "verification keeps both" if seen.stage["verify"] else "with `verify: false` they count as duplicates"
    return f"Pairs that share a band and are not alike enough: {does}"


def findings(seen: Bench) -> Iterator[str]:
    """Yield what the candidates come to."""
    if not seen.candidates:
        yield "No two documents share a band."
        return
    alike, limit = seen.candidates - seen.rejected, f"{seen.stage['jaccard']:g}"
    less = f"{number(seen.rejected)} of them ({seen.rejected / seen.candidates:.1%}) are less alike than {limit}"
    told = f"{less}: without verification they would count as duplicates" if seen.rejected else f"none is below {limit}"
    yield f"{_share(seen.candidates)} a band; {told}."
    if seen.largest[0].documents > MOST_OF_BAND:
        yield f"Of a band that more than {MOST_OF_BAND} documents share, each is paired with the first alone."
    if alike:
        yield (
            f"Of the pairs at {limit} and above, {number(alike)} were found; by the curve and their similarities "
            f"{'hardly any' if seen.missed < 0.01 else f'about {seen.missed:.2g}'} more share no band "
            f"(recall {alike / (alike + seen.missed):.2%})."
        )


def _share(pairs: int) -> str:
    return "1 pair shares" if pairs == 1 else f"{number(pairs)} pairs share"


def sampled(seen: Bench) -> Iterator[str]:
    """Yield what the losses stand for."""
    if seen.whole:
        yield "All of every source was read: these losses are those of a build."
        return
    yield (
        "A sample was read: similarities and decisions are exact, losses are those within the sample. Of two copies "
        "that lie anywhere in a source of which 10% is read, both are read once in a hundred times, so the whole "
        "nearly always loses more. More: `--documents N`; exact: `--all`."
    )


def stops(seen: Bench) -> Iterator[str]:
    """Yield which sources would stop a build."""
    for each in seen.sources:
        if each.stops:
            how = "" if seen.stage["verify"] else ", with `verify: false`"
            yield (
                f"{each.source} loses more than max_loss {seen.stage['max_loss']:g} allows{how}: a build stops here. "
                "Name the source earlier in `keep`, list it under `exempt`, or raise `max_loss`."
            )


def sizes_name(sizes: Sizes) -> str:
    """Return the sizes of some groups in words."""
    if sizes.least == sizes.most:
        return str(sizes.least)
    return (
        f"{number(sizes.least)} to {number(sizes.most)}" if sizes.most < 1 << 60 else f"{number(sizes.least)} and more"
    )


def bin_name(each: Bin) -> str:
    """Return the similarities of a bin in words."""
    return "1, the same" if each.low == 1 else f"{each.low:.4g} to {each.high:.4g}"


def shown_bins(bins: Sequence[Bin]) -> list[Bin]:
    """Return the bins; those at the beginning of which nothing is to be seen are one."""
    first = next(at for at, each in enumerate(bins) if each.pairs or each.chance >= LEAST_CHANCE)
    return [Bin(0.0, bins[first].low, 0.0, 0), *bins[first:]] if first else list(bins)


def share(part: float, whole: float) -> str:
    """Return a part of something in percent."""
    return f"{part / whole:.1%}" if whole else "-"


def read_words(each: SourceLoss) -> str:
    """Return how much of a source was read."""
    if each.share == 1:
        return "all"
    return f"~{each.share * 100:.2g}%"


def elision(stretch: Stretch) -> str:
    """Return what is said of words that are left out before a stretch."""
    return f"{plural(stretch.same, 'word')} the same"


def tail(pair: Pair) -> str:
    """Return what is said of what is behind the last stretch."""
    apart = pair.contrast
    if not apart.stretches:
        return "no word differs" if not apart.cut else "no word differs in the part that was compared"
    if apart.cut:
        return "the rest is not shown"
    return f"{plural(apart.same, 'word')} the same" if apart.same else ""
