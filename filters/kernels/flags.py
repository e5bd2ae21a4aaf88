"""The classes of characters that kernels tell apart, as bits of a number.

WHITE_SPACE   the property White_Space            ALNUM, UPPER, LOWER, DIGIT, NUMERIC
STRIPPED      what `str.strip` takes away                       as `str.isalnum`, ... of the one character
LINE_END      where `str.splitlines` ends a line  PICTOGRAPHIC  the property Extended_Pictographic
LETTER, MARK, PUNCTUATION, SYMBOL, DECIMAL        general categories L*, M*, P*, S*, Nd
bits from WORD_BREAK_SHIFT on                     number of the Word_Break value in WORD_BREAKS
"""

BLOCK = 256
"""Code points per block of the stored table."""

FLAG_NAMES = (
    "WHITE_SPACE",
    "STRIPPED",
    "LINE_END",
    "LETTER",
    "MARK",
    "PUNCTUATION",
    "SYMBOL",
    "DECIMAL",
    "ALNUM",
    "UPPER",
    "LOWER",
    "DIGIT",
    "NUMERIC",
    "PICTOGRAPHIC",
)
FLAGS = {name: 1 << number for number, name in enumerate(FLAG_NAMES)}
WHITE_SPACE = FLAGS["WHITE_SPACE"]
STRIPPED = FLAGS["STRIPPED"]
LINE_END = FLAGS["LINE_END"]
LETTER = FLAGS["LETTER"]
MARK = FLAGS["MARK"]
PUNCTUATION = FLAGS["PUNCTUATION"]
SYMBOL = FLAGS["SYMBOL"]
DECIMAL = FLAGS["DECIMAL"]
ALNUM = FLAGS["ALNUM"]
UPPER = FLAGS["UPPER"]
LOWER = FLAGS["LOWER"]
DIGIT = FLAGS["DIGIT"]
NUMERIC = FLAGS["NUMERIC"]
PICTOGRAPHIC = FLAGS["PICTOGRAPHIC"]

WORD_BREAK_SHIFT = 16
WORD_BREAK = 31 << WORD_BREAK_SHIFT

WORD_BREAKS = (
    "Other",
    "CR",
    "LF",
    "Newline",
    "Extend",
    "ZWJ",
    "Format",
    "Regional_Indicator",
    "Katakana",
    "Hebrew_Letter",
    "ALetter",
    "Single_Quote",
    "Double_Quote",
    "MidNumLet",
    "MidLetter",
    "MidNum",
    "Numeric",
    "ExtendNumLet",
    "WSegSpace",
)
"""Word_Break values by their numbers (UAX #29, table 3)."""
