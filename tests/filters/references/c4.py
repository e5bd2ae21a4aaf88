"""C4's rules in plain Python: what `filters/c4.py` must equal."""

import re
from collections import Counter

from filters.c4 import C4Quality
from filters.sentences import sentences

CITATION = re.compile(r"\[(?:\d*|edit|citation needed)\]")


def policy(line: str) -> bool:
    return any(
        phrase in line
        for phrase in (
            "terms of use",
            "privacy policy",
            "cookie policy",
            "uses cookies",
            "use of cookies",
            "use cookies",
        )
    )


def fate(stage: C4Quality, line: str, cut: str) -> str:
    """Return the signal that counts what becomes of a line; `cut` is the line without citations."""
    words = line.split()
    judged = words if stage.count_words_of_citations else cut.split()
    if stage.max_word_length is not None and max(map(len, words), default=0) > stage.max_word_length:
        return "c4_long_word_lines"
    if stage.filter_no_terminal_punct and (cut[-1:] not in {*stage.end_marks} or cut.endswith("...")):
        return "c4_no_terminal_punct_lines"
    if len(judged) < (stage.min_words_per_line or 0):
        return "c4_few_words_lines"
    if stage.filter_javascript and "javascript" in cut.lower():
        return "c4_javascript_lines"
    if stage.filter_policy and policy(cut.lower()):
        return "c4_policy_lines"
    return "c4_kept_lines"


def measured(stage: C4Quality, text: str) -> tuple[dict[str, int], str]:
    """Return a text's signals, and what is left of it."""
    counts: Counter[str] = Counter(dict.fromkeys(stage.measured, 0))
    kept = []
    for line in map(str.strip, text.splitlines() if stage.split_paragraph else sentences(text)):
        cut = CITATION.sub("", line) if stage.remove_citations else line
        what = fate(stage, line, cut)
        counts.update([what, "c4_line_count"])
        if what in {"c4_kept_lines", "c4_javascript_lines", "c4_policy_lines"}:
            counts["c4_lorem_ipsum_lines"] += "lorem ipsum" in cut.lower()
            counts["c4_curly_bracket_lines"] += "{" in cut and what != "c4_javascript_lines"
        if what == "c4_kept_lines":
            kept.append(cut)
            counts["c4_sentence_count"] += len(sentences(cut)) if stage.split_paragraph else 1
    return dict(counts), ("\n" if stage.split_paragraph else " ").join(kept).strip()
