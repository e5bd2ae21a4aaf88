"""FineWeb's rules in plain Python: what `filters/fineweb.py` must equal."""

from filters.fineweb import FineWebQuality
from filters.sentences import TERMINALS
from filters.words import words


def measured(stage: FineWebQuality, text: str) -> dict[str, float]:
    """Return a text's signals, in float64; its words are those of white space."""
    lines = [line for line in text.split("\n") if line.strip()]
    marks = tuple(stage.stop_chars or TERMINALS)
    again = [line for number, line in enumerate(lines) if line in lines[:number]]
    count, word_count = max(len(lines), 1), len(words(text))
    return {
        "fineweb_line_count": len(lines),
        "fineweb_frac_lines_with_punct": sum(line[-1] in marks for line in lines) / count,
        "fineweb_frac_short_lines": sum(len(line) <= stage.short_line_length for line in lines) / count,
        "fineweb_frac_duplicate_line_chars": sum(map(len, again)) / max(len(text) - text.count("\n"), 1),
        "fineweb_line_feeds_per_word": text.count("\n") / word_count if word_count else 0,
    }
