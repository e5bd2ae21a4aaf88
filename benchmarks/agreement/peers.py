"""Everyone we compare with, by name."""

from collections.abc import Callable, Iterator

from benchmarks.agreement.comparison import Comparison
from benchmarks.agreement.documents import documents
from benchmarks.agreement.live import comparisons
from benchmarks.agreement.mappings import with_dolma, with_redpajama
from benchmarks.agreement.pairs import PAIRS
from benchmarks.agreement.peer import quiet


def with_datatrove(limit: int | None) -> Iterator[Comparison]:
    """Compare with datatrove's filters, run live on documents of every source."""
    quiet()
    yield from comparisons([pair() for pair in PAIRS], documents(limit))


PEERS: dict[str, Callable[[int | None], Iterator[Comparison]]] = {
    "dolma": with_dolma,
    "redpajama": with_redpajama,
    "datatrove": with_datatrove,
}
"""Peer -> its comparisons, over at most so many documents of each source or file."""
