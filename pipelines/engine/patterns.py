"""Path patterns of a manifest.

In:  a pattern such as `/data/**/*.jsonl.gz` or `s3://bucket/x/*.parquet`.
Out: the folder to look in, and a test for the paths below it.
Guaranteed: `*` and `?` stay within one name, `**` stands for any folders (also none), `[ab]` and `[!ab]` for one
character. What they match never begins with a dot: hidden files are passed over.
"""

import re

from pipelines.errors import RequestError

WILDCARD = re.compile(r"(\*|\?|\[[^]/]+])")


def split_pattern(pattern: str) -> tuple[str, str]:
    """Return the longest folder without a wildcard, and the rest ("" where there is no wildcard)."""
    parts = pattern.split("/")
    plain = next((at for at, part in enumerate(parts) if WILDCARD.search(part)), len(parts))
    folder = "/".join(parts[:plain])
    return folder or ("/" if pattern.startswith("/") else "."), "/".join(parts[plain:])


def depth_of(pattern: str) -> int | None:
    """Return how many folders deep a match can lie; None is any number."""
    parts = pattern.split("/")
    return None if "**" in parts else len(parts) - 1


def matcher(pattern: str) -> re.Pattern[str]:
    """Return a regular expression that fully matches the relative paths which `pattern` means.

    Raises:
        RequestError: a range in brackets runs backwards.
    """
    *folders, name = pattern.split("/")
    tail = _folder(name) + _name("*") if name == "**" else _name(name)
    try:
        return re.compile("".join(map(_folder, folders)) + tail)
    except re.error as error:
        raise RequestError(f"{pattern}: {error}; write [a-z] for one character of a range") from error


def _folder(part: str) -> str:
    return "(?:[^/.][^/]*/)*" if part == "**" else _name(part) + "/"


def _name(part: str) -> str:
    pieces = (_piece(piece) for piece in WILDCARD.split(part))
    visible = r"(?!\.)(?=[^/])" if part[:1] in {"*", "?", "["} else ""
    return visible + "".join(pieces)


def _piece(piece: str) -> str:
    if piece == "*":
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    if WILDCARD.fullmatch(piece):
        negated = piece[1] == "!"
        characters = re.escape(piece[2 if negated else 1 : -1]).replace(r"\-", "-")
        return f"[{'^/' if negated else ''}{characters}]"
    return re.escape(piece)
