"""The page of a bench in a browser: one file, for looking at and passing on.

In:  a bench.
Out: HTML.
Guaranteed: it asks no network for anything and runs no script; whatever a document holds is shown as text. What
     differs is underlined or struck through, not only coloured.
"""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from pipelines.audit import bench_words as say
from pipelines.audit.bench_chart import chart
from pipelines.audit.bench_found import Bench, Pair, Side, SourceLoss
from pipelines.audit.contrast import Run, Stretch, plain
from pipelines.audit.wording import number, size

STYLE = """
:root { color-scheme: light dark; --ink: #1d2129; --soft: #646b78; --line: #d9dde4; --paper: #fff; --card: #f6f7f9;
  --curve: #1f5fbf; --alike: #3d9a5f; --other: #d97a4a; --gone: #a4282a; --come: #1a6b38; --gone-paper: #fbe6e4;
  --come-paper: #dff3e5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7ec; --soft: #98a0ae; --line: #363c47; --paper: #16191f;
  --card: #1f232b; --curve: #7db0ff; --alike: #4fae74; --other: #d9855a; --gone: #ff9d98; --come: #86dba2;
  --gone-paper: #46211f; --come-paper: #1a3a26; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 72rem;
  margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
p { margin: .4rem 0; max-width: 60rem; } .soft { color: var(--soft); }
.caution { color: var(--gone); font-weight: 600; }
table { border-collapse: collapse; } th, td { padding: .25rem .9rem .25rem 0; text-align: right; vertical-align: top;
  font-variant-numeric: tabular-nums; } th { font-weight: 600; border-bottom: 1px solid var(--line); }
tbody th { border-bottom: 0; }
th:first-child, td:first-child, table.named :last-child { text-align: left; }
svg { width: 100%; max-width: 56rem; height: auto; display: block; } .grid { stroke: var(--line); }
.tick, .count { font-size: 11px; fill: var(--soft); } .axis { font-size: 12px; fill: var(--ink); }
svg text { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
.curve { fill: none; stroke: var(--curve); stroke-width: 2.5; } .alike { fill: var(--alike); }
.other { fill: var(--other); }
.threshold { stroke: var(--ink); stroke-dasharray: 4 3; }
.key i { display: inline-block; width: .8em; height: .8em; margin: 0 .35em 0 1em; }
section.pair { margin: 1rem 0; border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
.head, .skip { background: var(--card); padding: .4rem .8rem; } .skip { color: var(--soft); padding: .1rem .8rem; }
.sides { display: grid; grid-template-columns: 1fr 1fr; }
.sides > * { padding: .35rem .8rem; overflow-wrap: anywhere; min-width: 0; }
.sides > :last-child { border-left: 1px solid var(--line); }
del { color: var(--gone); background: var(--gone-paper); } ins { color: var(--come); background: var(--come-paper); }
"""
"""The looks of the page, for bright and dark screens."""


def page(seen: Bench) -> str:
    """Return the page."""
    title = f"dedup-bench: {escape(seen.manifest)}"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    body = "\n".join(_body(seen))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}<style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n'
    )


def _body(seen: Bench) -> Iterator[str]:
    yield f"<h1>{escape(seen.manifest)}</h1>"
    yield _paragraph(say.headline(seen))
    yield _paragraph(say.options(seen), "soft")
    yield from _curve(seen)
    yield from _losses(seen)
    if seen.sizes:
        yield from _groups(seen)
    yield from _pairs(say.VERIFIED, seen.verified)
    yield from _pairs(say.saved(seen), seen.saved)


def _paragraph(words: str, kind: str = "") -> str:
    return f'<p class="{kind}">{escape(words)}</p>' if kind else f"<p>{escape(words)}</p>"


def _curve(seen: Bench) -> Iterator[str]:
    limit = f"{seen.stage['jaccard']:g}"
    yield f"<h2>{say.CURVE}</h2>"
    yield chart(seen)
    yield (
        '<p class="key soft"><i style="background:var(--curve)"></i>the S-curve: share of all pairs that are compared'
        f'<i style="background:var(--other)"></i>pairs found below {limit}'
        f'<i style="background:var(--alike)"></i>pairs found from {limit} on</p>'
    )
    yield _paragraph(f"{say.threshold(seen)}.")
    yield from map(_paragraph, say.findings(seen))


def _losses(seen: Bench) -> Iterator[str]:
    yield f"<h2>{say.LOSSES}</h2>"
    columns = ["source", "read", "documents", "lost", "", "characters", "", "unverified", ""]
    yield _table(columns, (_loss(each) for each in seen.sources))
    yield from map(_paragraph, say.sampled(seen))
    yield from (_paragraph(f"Caution: {line}", "caution") for line in say.stops(seen))


def _loss(each: SourceLoss) -> list[str]:
    return [
        each.source,
        say.read_words(each),
        number(each.documents),
        number(each.lost),
        say.share(each.lost, each.documents),
        size(each.lost_chars),
        say.share(each.lost_chars, each.chars),
        number(each.unverified),
        say.share(each.unverified, each.documents),
    ]


def _groups(seen: Bench) -> Iterator[str]:
    yield f"<h2>{say.SIZES}</h2>"
    rows = ([say.sizes_name(each), number(each.components), number(each.clusters)] for each in seen.sizes)
    yield _table(["documents", "components, before verification", "clusters, after it"], rows)
    yield f"<h2>{say.LARGEST}</h2>"
    largest = (
        [
            f"{each.source} {plain(each.id)}",
            number(each.documents),
            number(each.falls),
            number(each.documents - each.falls),
            each.text,
        ]
        for each in seen.largest
    )
    yield _table(["ranks first", "documents", "fall", "stay", "its text"], largest, "named")


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "numbers") -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _pairs(title: str, pairs: Sequence[Pair]) -> Iterator[str]:
    if pairs:
        yield f"<h2>{title}</h2>"
        yield from map(_pair, pairs)


def _pair(pair: Pair) -> str:
    sides = _sides(*map(_side, (pair.left, pair.right)))
    stretches = "".join(map(_stretch, pair.contrast.stretches))
    end = say.tail(pair)
    rest = _skip(end) if end else ""
    head = f'<div class="head">similarity <b>{pair.similarity:.4f}</b></div>'
    return f'<section class="pair">{head}{sides}{stretches}{rest}</section>'


def _sides(left: str, right: str) -> str:
    return f'<div class="sides">{left}{right}</div>'


def _side(side: Side) -> str:
    size_ = f'<span class="soft">{side.chars:,} characters</span>'
    return f"<div><b>{escape(side.source)}</b> <bdi>{escape(plain(side.id))}</bdi> {size_}</div>"


def _skip(words: str) -> str:
    return f'<div class="skip">{escape(words)}</div>'


def _stretch(stretch: Stretch) -> str:
    before = _skip(say.elision(stretch)) if stretch.same else ""
    return before + _sides(_runs(stretch.left, "del"), _runs(stretch.right, "ins"))


def _runs(runs: Sequence[Run], sign: str) -> str:
    """Return the words of one side; those that the other lacks as deleted or inserted."""
    words = (f"<{sign}>{escape(text)}</{sign}>" if own else escape(text) for own, text in runs)
    return f'<div dir="auto">{" ".join(words)}</div>'
