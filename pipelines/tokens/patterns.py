"""How text is cut into words before bytes are merged: the published regular expressions, by name.

In:  a name, or a regular expression.
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


def pattern_of(name: str) -> str:
    """Return the regular expression called `name`, or `name` itself where it is one."""
    return PATTERNS.get(name, name)
