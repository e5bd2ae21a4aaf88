"""The published sets of rules, as stages in their order.

In:  nothing.
Out: name -> a function that makes the stages, with the published thresholds.
"""

from collections.abc import Callable, Sequence

from filters.batch import Stage
from filters.c4 import C4Quality
from filters.dolma import DolmaGopher
from filters.fineweb import FineWebQuality
from filters.gopher import GopherQuality
from filters.gopher_repetition import GopherRepetition
from filters.refinedweb import RefinedWebLines


def gopher() -> list[Stage]:
    """Return Gopher's rules, repetition first as in RefinedWeb and FineWeb."""
    return [GopherRepetition(), GopherQuality()]


def fineweb() -> list[Stage]:
    """Return the filters of FineWeb in their order (datatrove, examples/fineweb.py)."""
    return [*gopher(), C4Quality(filter_no_terminal_punct=False), FineWebQuality()]


RECIPES: dict[str, Callable[[], Sequence[Stage]]] = {
    "Gopher quality": lambda: [GopherQuality()],
    "Gopher quality and repetition": gopher,
    "RefinedWeb: Gopher, then lines": lambda: [*gopher(), RefinedWebLines()],
    "Dolma: its variant of Gopher's": lambda: [DolmaGopher()],
    "C4 (paper: 5 sentences)": lambda: [C4Quality()],
    "C4 (code: 3 sentences)": lambda: [C4Quality(edition="code")],
    "FineWeb's own rules": lambda: [FineWebQuality()],
    "FineWeb: Gopher, C4, own rules": fineweb,
}
