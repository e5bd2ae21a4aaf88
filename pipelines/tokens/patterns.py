"""How text is cut into words before bytes are merged: the published regular expressions, by name.

In:  a name, or a regular expression; and how numbers are cut, where not as it says.
Out: the regular expression.
Guaranteed: tiktoken and `tokenizers` read each of them in the same way.
"""

GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CL100K = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

PATTERNS: dict[str, str] = {"gpt2": GPT2, "cl100k": CL100K, "llama3": CL100K}
"""GPT-2 (openai/gpt-2, encoder.py); cl100k_base (openai/tiktoken); Llama 3 (meta-llama/llama-models), the same."""


NUMBERS: dict[str, str] = {GPT2: r" ?\p{N}+", CL100K: r"\p{N}{1,3}"}
"""What of each finds numbers."""

DIGITS: dict[str, str] = {"individual": r"\p{N}", "groups_of_three": r"\p{N}{1,3}"}
"""What finds them instead; a space before a number is then a word of its own, as cl100k has it."""


def pattern_of(name: str, digits: str | None = None) -> str:
    """Return the regular expression called `name`, or `name` itself where it is one.

    Args:
        name: of a pattern, or a regular expression.
        digits: how numbers are cut, one of `DIGITS`; for patterns that have a name alone. None: as the pattern says.
    """
    pattern = PATTERNS.get(name, name)
    return pattern if digits is None else pattern.replace(NUMBERS[pattern], DIGITS[digits])
