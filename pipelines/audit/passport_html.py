"""The page of a passport in a browser: one file, for looking at and passing on.

In:  what is told of a tokenizer.
Out: HTML.
Guaranteed: it asks no network for anything and runs no script; names of tokens and sources are shown as text.
"""

from collections.abc import Iterator
from html import escape

from pipelines.audit.bench_html import STYLE
from pipelines.audit.passport_words import Listing, listings, passport_lines
from pipelines.audit.tokenizer_told import Told


def passport_as_html(told: Told) -> str:
    """Return the page."""
    title = escape(f"tokenizer: {told.where}")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    body = "\n".join([f"<h1>{title}</h1>", *_body(told)])
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}<style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n'
    )


def _body(told: Told) -> Iterator[str]:
    lines = passport_lines(told.passport, told.encoding)
    rows = (f"<tr><th>{escape(name)}</th><td>{escape(words)}</td></tr>" for name, words in lines)
    yield f'<table class="named"><tbody>{"".join(rows)}</tbody></table>'
    yield from map(_table, listings(told.passport))
    if told.note:
        yield f'<p class="soft">{escape(told.note)}</p>'


def _table(listing: Listing) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in listing.columns)
    rows = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in listing.rows)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<h2>{escape(listing.title)}</h2>\n<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
