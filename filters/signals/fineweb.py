"""The signals of `filters/fineweb.py`."""

import pyarrow as pa

from filters.signals.signal import Signal

SOURCE = "Penedo et al. 2024, arXiv 2406.17557, section 3.6; datatrove fineweb_quality_filter.py"

FINEWEB: dict[str, Signal] = {
    "fineweb_line_count": Signal(
        "fineweb_line_count",
        pa.int64(),
        "lines",
        "number of lines between line feeds that are not blank; 0 for an empty text",
        SOURCE,
    ),
    "fineweb_frac_lines_with_punct": Signal(
        "fineweb_frac_lines_with_punct",
        pa.float32(),
        "fraction of lines",
        "lines whose very last character is terminal punctuation of any script / fineweb_line_count; 0 where there are "
        "no lines",
        SOURCE,
    ),
    "fineweb_frac_short_lines": Signal(
        "fineweb_frac_short_lines",
        pa.float32(),
        "fraction of lines",
        "lines of at most 30 characters (by option others) / fineweb_line_count; 0 where there are no lines",
        SOURCE,
    ),
    "fineweb_frac_duplicate_line_chars": Signal(
        "fineweb_frac_duplicate_line_chars",
        pa.float32(),
        "fraction of characters",
        "characters of lines, not blank, that stood before in the text / characters of the text without line feeds; 0 "
        "where there are none",
        SOURCE,
    ),
    "fineweb_line_feeds_per_word": Signal(
        "fineweb_line_feeds_per_word",
        pa.float32(),
        "line feeds per word",
        "line feeds / words (by option of white space or of UAX #29); 0 where there are no words",
        "datatrove fineweb_quality_filter.py (`new_line_ratio`); not in the article",
    ),
}
