"""The signals of `filters/c4.py`."""

import pyarrow as pa

from filters.signals.signal import Signal

SOURCE = "Raffel et al. 2020, JMLR 21:140, section 2.2; datatrove c4_filters.py"

LINE = "a line of `str.splitlines`, stripped (or, by option, a sentence)"


def _lines(name: str, definition: str) -> Signal:
    return Signal(name, pa.int64(), "lines", f"number of lines {definition}", SOURCE)


C4: dict[str, Signal] = {
    signal.name: signal
    for signal in (
        _lines("c4_line_count", f"({LINE}), blank ones too; 0 for an empty text"),
        _lines("c4_kept_lines", "that no rule on lines drops"),
        _lines("c4_long_word_lines", "dropped since a word is too long"),
        _lines("c4_no_terminal_punct_lines", "dropped next, since they end in no end mark or in three dots"),
        _lines("c4_few_words_lines", "dropped next, since they have too few words (`str.split`)"),
        _lines("c4_javascript_lines", "dropped next, since they hold 'javascript' in any case"),
        _lines("c4_policy_lines", "dropped next, since they speak of terms of use, privacy or cookies"),
        _lines("c4_lorem_ipsum_lines", "with an end mark and enough words that hold 'lorem ipsum' in any case"),
        _lines(
            "c4_curly_bracket_lines",
            "with an end mark and enough words that hold '{' and were not dropped for javascript",
        ),
        Signal(
            "c4_sentence_count",
            pa.int64(),
            "sentences",
            "sentences (filters/sentences.py) of the lines that are kept, each line by itself; 0 where none is",
            SOURCE,
        ),
    )
}
