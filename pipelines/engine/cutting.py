"""Cutting: taking spans out of texts, as an exchange decided.

In:  texts, and per text (start, end) byte offsets, sorted and apart.
Out: the texts without those bytes.
Guaranteed: positions decide, never string search; a text without spans is the same array element.
"""

import pyarrow as pa


def cut_texts(texts: pa.LargeStringArray, cuts: pa.ListArray) -> pa.LargeStringArray:
    """Return each text without its spans.

    Args:
        texts: large_string array.
        cuts: list<uint32> array of the same length: start, end, start, end ... in bytes; null or empty cuts nothing.
    """
    if cuts.null_count == len(cuts):
        return texts
    spans = cuts.to_pylist()
    pairs = zip(texts.to_pylist(), spans, strict=True)
    return pa.array([_cut(text, span) if span else text for text, span in pairs], pa.large_string())


def _cut(text: str, span: list[int]) -> str:
    data = text.encode()
    bounds = [0, *span, len(data)]
    kept = (data[bounds[at] : bounds[at + 1]] for at in range(0, len(bounds), 2))
    return b"".join(kept).decode()
