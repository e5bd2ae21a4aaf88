"""The signals of `filters/refinedweb.py`."""

import pyarrow as pa

from filters.signals.signal import Signal

SOURCE = "Penedo et al. 2023, arXiv 2306.01116, appendix G.2; DCLM baselines/mappers/modifiers.py"


def _lines(name: str, definition: str) -> Signal:
    return Signal(name, pa.int64(), "lines", f"number of lines {definition}", SOURCE)


REFINEDWEB: dict[str, Signal] = {
    signal.name: signal
    for signal in (
        _lines("refinedweb_uppercase_lines", "between line feeds that are dropped since they are mainly upper case"),
        _lines("refinedweb_digit_lines", "dropped next, since they are digits only (`str.isdigit`)"),
        _lines(
            "refinedweb_counter_lines", "dropped next, since they are a number and what it counts, such as '3 likes'"
        ),
        _lines("refinedweb_short_lines", "dropped next, since they have a character but too few words (`str.split`)"),
        _lines("refinedweb_cart_lines", "of few words from which 'items in cart' is cut"),
        _lines("refinedweb_read_more_lines", "of few words from whose end 'Read more...' is cut"),
        _lines("refinedweb_sign_in_lines", "of few words from whose beginning 'Sign-in' is cut"),
        Signal(
            "refinedweb_frac_words_removed",
            pa.float32(),
            "fraction of words",
            "(words before - words after the corrections) / words before; a word is by default what fastText splits "
            "off and begins with a letter or a digit; 1 where there are no words",
            SOURCE,
        ),
    )
}
