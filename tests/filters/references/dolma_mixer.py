"""How Dolma's mixer replaces spans, statement by statement (allenai/dolma, src/shard.rs, `Shard::process`)."""

from collections.abc import Sequence

Span = tuple[int, int, str]
"""Start, end, replacement."""


def mixed(text: str, spans: Sequence[Span]) -> str:
    """Return the text that the mixer writes; `{}` in a replacement is what stood there."""
    spans = sorted(spans, key=lambda span: span[0])
    out: list[str] = []
    at, begun = 0, 0
    for place, char in enumerate(text):
        if at < len(spans):
            start, end, replacement = spans[at]
            if place == start:
                begun = place
            if not start <= place < end:
                if place == end:
                    out.append(replacement.replace("{}", text[begun:place]))
                    while at < len(spans) and spans[at][0] < place:
                        at += 1
                if at < len(spans) and spans[at][0] == place:
                    begun = place
                else:
                    out.append(char)
        else:
            out.append(char)
    if at < len(spans):
        out.append(spans[at][2].replace("{}", text[begun:]))
    return "".join(out)
