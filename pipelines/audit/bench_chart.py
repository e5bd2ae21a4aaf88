"""The chart of a bench: the S-curve, and behind it how alike the pairs are that were found.

In:  a bench.
Out: an SVG element.
Guaranteed: it stands alone, without scripts, fonts or files; each bar says its numbers where the pointer rests on it,
     and above it.
"""

from collections.abc import Iterator

from pipelines.audit.bench_found import Bench, Bin
from pipelines.audit.bench_words import bin_name
from pipelines.audit.wording import number, plural
from pipelines.dedup.curve import Curve

WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 48, 64, 24, 44
"""Room around the plot."""

POINTS = 100
"""Straight pieces of the curve."""

SAME = 32
"""Width of the last bar, of pairs that are the same, which stands behind the end of the axis."""


def chart(seen: Bench) -> str:
    """Return the chart."""
    parts = [*_axes(), *_bars(seen), _line(seen), *_threshold(seen)]
    label = "The S-curve, and pairs found by similarity"
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _x(similarity: float) -> float:
    return LEFT + similarity * (WIDTH - LEFT - RIGHT)


def _y(part: float) -> float:
    return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)


def _axes() -> Iterator[str]:
    for number_ in range(5):
        part = number_ / 4
        yield f'<line class="grid" x1="{_x(0):.1f}" x2="{_x(1):.1f}" y1="{_y(part):.1f}" y2="{_y(part):.1f}"/>'
        yield f'<text class="tick" x="{LEFT - 6}" y="{_y(part) + 4:.1f}" text-anchor="end">{part:.0%}</text>'
    for number_ in range(11):
        at = f'x="{_x(number_ / 10):.1f}" y="{_y(0) + 16:.1f}"'
        yield f'<text class="tick" {at} text-anchor="middle">{number_ / 10:g}</text>'
    yield f'<text class="axis" x="{_x(0.5):.1f}" y="{HEIGHT - 8}" text-anchor="middle">Jaccard similarity</text>'
    yield f'<text class="axis" x="{LEFT - 40}" y="{TOP - 10}">pairs that become candidates</text>'


def _bars(seen: Bench) -> Iterator[str]:
    most = max(each.pairs for each in seen.curve)
    for each in seen.curve:
        if each.pairs:
            yield _bar(each, each.pairs / most, alike=each.low >= seen.stage["jaccard"])


def _bar(each: Bin, part: float, *, alike: bool) -> str:
    start = _x(each.low) + 1
    width = max(_x(each.high) - _x(each.low) - 2, 2) if each.high > each.low else SAME
    height = max(_y(0) - _y(part), 1.5)
    kind = "alike" if alike else "other"
    words = f"similarity {bin_name(each)}: {plural(each.pairs, 'pair')} found"
    shape = f'<rect class="{kind}" x="{start:.1f}" y="{_y(0) - height:.1f}" width="{width:.1f}" height="{height:.1f}">'
    count = f'<text class="count" x="{start + width / 2:.1f}" y="{_y(0) - height - 4:.1f}" text-anchor="middle">'
    return f"{shape}<title>{words}</title></rect>{count}{number(each.pairs)}</text>"


def _line(seen: Bench) -> str:
    curve = Curve(seen.stage["bands"], seen.stage["rows"])
    marks = (at / POINTS for at in range(POINTS + 1))
    points = " ".join(f"{_x(mark):.1f},{_y(curve.chance(mark)):.1f}" for mark in marks)
    return f'<polyline class="curve" points="{points}"/>'


def _threshold(seen: Bench) -> Iterator[str]:
    at, words = _x(seen.stage["jaccard"]), f"jaccard {seen.stage['jaccard']:g}: {seen.recall:.1%}"
    yield f'<line class="threshold" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{_y(0):.1f}"/>'
    yield f'<text class="axis" x="{at - 6:.1f}" y="{TOP + 16}" text-anchor="end">{words}</text>'
