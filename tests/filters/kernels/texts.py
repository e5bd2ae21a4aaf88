"""Texts that kernels are tested with: arbitrary Unicode, and texts made of what their rules look for."""

from hypothesis import strategies as st

ODD = (
    *" \t\n\v\f\r\x1c\x1e\x1f\x85\xa0\u1680\u2003\u2028\u2029\u3000\ufeff\0",
    *("a", "b", "Z", "_", "1", "9", "\u0663", "\u00e9", "e\u0301", "\u05d0", "\u05d1", "\u30a2", "\u3042", "\u4e2d"),
    *("'", '"', ".", ",", ":", "\u2019", "\u00b7", "\u037e", "...", "\u2026", "#", "-", "\u2022", "*", "!", "\uff0e"),
    *("\u200d", "\u200c", "\u00ad", "\u0301", "\U0001f468", "\U0001f469", "\U0001f1e6", "\U0001f1e7", "\U00020000"),
    *("\n\n", "\r\n", "word", "word ", "a longer run of words ", "longerthaneightbytes"),
)

arbitrary = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
odd = st.lists(st.sampled_from(ODD), max_size=40).map("".join)
repeating = st.lists(st.sampled_from(["a", "bb", "c", "\u00e9", "dd\n", "e\n\n"]), max_size=60).map(" ".join)

texts = st.one_of(arbitrary, odd, repeating)
long = st.lists(st.sampled_from((*ODD, "w", "one", "two ", "a.b", "3.1", "it's ")), max_size=160).map("".join)
batches = st.lists(texts, min_size=1, max_size=4)

padded = st.lists(long, min_size=1, max_size=3).map(lambda values: [*values, "some words behind. " * 6])
"""Texts behind which there are more bytes than a kernel looks at in one step."""
