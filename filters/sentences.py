"""What a sentence is, for every filter.

In:  text.
Out: its sentences.
Guaranteed: the same on every supported Python and without a model: this rule is all there is. Joined, the sentences
     hold every character of the text but white space; none of them is blank.

A sentence ends behind a run of terminal marks and the closing quotes and brackets that follow them,

    where white space or nothing comes next, or where one of the marks is of a script that writes no space there;
    but not where, behind white space, another terminal mark, a comma, a colon or a semicolon comes next;
    nor, if the marks are full stops only, where a lower-case letter comes next (an abbreviation, as a rule).

These are rules SB8, SB8a, SB9 and SB11 of UAX #29, with two differences: ASCII marks need white space behind them, and
lines do not end a sentence. C4 itself used NLTK's Punkt model for English, datatrove uses spaCy's `sentencizer`; all of
them cut "Mr. Smith" or not as they please, so counts near a threshold differ.
"""

import re

_TERMINALS = (
    "!!..??\u0589\u0589\u061d\u061f\u06d4\u06d4\u0700\u0702\u07f9\u07f9\u0837\u0837\u0839\u0839\u083d\u083e\u0964\u0965"
    "\u104a\u104b\u1362\u1362\u1367\u1368\u166e\u166e\u1735\u1736\u17d4\u17d6\u17d9\u17da\u1803\u1803\u1809\u1809"
    "\u1944\u1945\u1aa8\u1aab\u1b5a\u1b5b\u1b5e\u1b5f\u1b7d\u1b7e\u1c3b\u1c3c\u1c7e\u1c7f\u203c\u203d\u2047\u2049"
    "\u2e2e\u2e2e\u2e3c\u2e3c\u2e53\u2e54\u3002\u3002\ua4ff\ua4ff\ua60e\ua60f\ua6f3\ua6f3\ua6f7\ua6f7\ua876\ua877"
    "\ua8ce\ua8cf\ua92f\ua92f\ua9c8\ua9c9\uaa5d\uaa5f\uaaf0\uaaf1\uabeb\uabeb\ufe52\ufe52\ufe56\ufe57\uff01\uff01"
    "\uff0e\uff0e\uff1f\uff1f\uff61\uff61\U00010a56\U00010a57\U00010f55\U00010f59\U00010f86\U00010f89\U00011047\U00011048"
    "\U000110be\U000110c1\U00011141\U00011143\U000111c5\U000111c6\U000111cd\U000111cd\U000111de\U000111df\U00011238"
    "\U00011239\U0001123b\U0001123c\U000112a9\U000112a9\U0001144b\U0001144c\U000115c2\U000115c3\U000115c9\U000115d7"
    "\U00011641\U00011642\U0001173c\U0001173e\U00011944\U00011944\U00011946\U00011946\U00011a42\U00011a43\U00011a9b"
    "\U00011a9c\U00011c41\U00011c42\U00011ef7\U00011ef8\U00011f43\U00011f44\U00016a6e\U00016a6f\U00016af5\U00016af5"
    "\U00016b37\U00016b38\U00016b44\U00016b44\U00016e98\U00016e98\U0001bc9f\U0001bc9f\U0001da88\U0001da88"
)
"""First and last of each range of marks that end a sentence: Sentence_Terminal of Unicode 15, U+17D6, 17D9 and 17DA."""

TERMINALS = "".join(
    chr(code)
    for first, last in zip(_TERMINALS[::2], _TERMINALS[1::2], strict=True)
    for code in range(ord(first), ord(last) + 1)
)
"""The marks that end a sentence, in any script; FineWeb's rule on punctuation at the end of lines counts these."""

CLOSERS = "\"')]}\u00bb\u2019\u201d\u203a\u300b\u300d\u300f\u3011\u3015\uff09"
"""What may follow a terminal mark and still belongs to its sentence."""

CONTINUERS = TERMINALS + ",:;\u060c\u061b\u3001\uff0c\uff1a\uff1b"
"""What shows, behind terminal marks and white space, that the sentence goes on."""

_CANDIDATE = re.compile(f"([{re.escape(TERMINALS)}]+)[{re.escape(CLOSERS)}]*")
_SPACE = re.compile(r"\s*")


def _ends(text: str, marks: str, at: int) -> bool:
    """Return whether a sentence ends at `at`, behind these terminal marks and their closers."""
    follows = _SPACE.match(text, at).end()  # type: ignore[union-attr] # it matches everywhere
    if follows == len(text):
        return True
    if follows == at and marks.isascii():
        return False
    return text[follows] not in CONTINUERS and not (set(marks) == {"."} and text[follows].islower())


def sentences(text: str) -> list[str]:
    """Return the sentences, without white space at their edges.

    >>> sentences('He asked: "Why?" Nobody knew, i.e. nobody said. 3.5 of 10...')
    ['He asked: "Why?"', 'Nobody knew, i.e. nobody said.', '3.5 of 10...']
    """
    ends = [found.end() for found in _CANDIDATE.finditer(text) if _ends(text, found[1], found.end())]
    pieces = [text[start:end].strip() for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]
    return [piece for piece in pieces if piece]
