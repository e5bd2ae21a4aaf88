"""Texts made of what the rules on lines look for, and texts that are hostile to code of quadratic cost."""

from collections.abc import Sequence

from hypothesis import strategies as st

from tests.filters.kernels.texts import texts

PIECES: Sequence[str] = (
    *("\n", "\n", "\n", "\n\n", "\r\n", "\x0b", "\x1d", "\x1f", "\x85", "\u2028", " ", "  ", "\t", "\xa0", "\u3000"),
    *(". ", ".", "!", "?", "...", "\u2026", '"', "'", "\u201d", ")", "\u3002", "\u300d", "\u061f", ",", ":", ";"),
    *("[1]", "[]", "[\u0663]", "[edit]", "[citation needed]", "[", "]", "[x]", "[12", "1]", "{", "}"),
    *("javascript", "JavaScript", "java", "script", "lorem ipsum", "Lorem Ipsum", "lorem ", "ipsum"),
    *(
        "terms of use",
        "Privacy Policy",
        "cookie policy",
        "Coo\u212aie Policy",
        "uses cookies",
        "use of ",
        "use cookies",
    ),
    *(
        "items in cart",
        " items in cart",
        "\u0130tems \u0131n cart",
        "Items In Cart",
        "read more...",
        "Read more",
        "abc",
    ),
    *(
        "Sign-in",
        "\u017fign-in ",
        "3 likes",
        "1,200k  Shares!",
        "#7 li\u212aes",
        "5\u212a views",
        "\xb2",
        "12",
        "\u0664",
        "x",
    ),
    *(
        "ABC",
        "ABC DEF",
        "\u00c9\u00c9",
        "\u0130",
        "word",
        "two words",
        "One sentence here. Another one there!",
        "e\u0301",
    ),
    "a line of many words, more than ten of them in all, that ends well.\n",
)
"""What the rules look for, whole and in parts."""

made_of_pieces = st.lists(st.sampled_from(PIECES), max_size=24).map("".join)
line_texts = st.one_of(texts, made_of_pieces)
line_batches = st.lists(line_texts, min_size=1, max_size=4)

HOSTILE: dict[str, str] = {
    "a million line feeds": "\n" * 1_000_000,
    "a million short lines": "a\n" * 1_000_000,
    "one word": "a" * 5_000_000,
    "combining marks": "e" + "\u0301" * 1_000_000,
    "full stops": "." * 2_000_000,
    "full stops and blanks": ". " * 1_000_000,
    "blanks": " " * 2_000_000,
    "opening brackets": "[" * 2_000_000,
    "digits in a bracket": "[" + "1" * 2_000_000,
    "curly brackets": "{\n" * 1_000_000,
    "beginnings of a phrase": "java" * 500_000,
    "carts": "items in cart" * 200_000,
    "ideographic full stops": "\u3002" * 700_000,
}
"""What code of quadratic cost would not come back from."""
