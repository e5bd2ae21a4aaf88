"""The Pile: JSON lines `*.jsonl.zst` of {text, meta: {pile_set_name}}, or the deduplicated Parquet without `meta`."""

import difflib
from typing import Literal

from pydantic import field_validator

from pipelines.sources.options import Column, Layout, Scalar, SourceOptions

COMPONENTS: dict[str, tuple[str, ...]] = {
    "Pile-CC": ("CommonCrawl",),
    "PubMed Central": (),
    "Books3": ("Bibliotik",),
    "OpenWebText2": (),
    "ArXiv": (),
    "Github": (),
    "FreeLaw": (),
    "StackExchange": (),
    "USPTO Backgrounds": ("USPTO",),
    "PubMed Abstracts": (),
    "Gutenberg (PG-19)": (),
    "OpenSubtitles": (),
    "Wikipedia (en)": (),
    "DM Mathematics": (),
    "Ubuntu IRC": (),
    "BookCorpus2": ("BookCorpus",),
    "EuroParl": (),
    "HackerNews": (),
    "YoutubeSubtitles": (),
    "PhilPapers": (),
    "NIH ExPorter": (),
    "Enron Emails": (),
}
"""Published component name (EleutherAI/the-pile, README) -> other names that its replication code writes in rows."""


class Pile(SourceOptions):
    """`select: {pile_set_name: ...}` finds a component under its published name and under the replication code's."""

    format: Literal["pile"] = "pile"

    @property
    def layout(self) -> Layout:
        """Rows have neither id nor url; `EleutherAI/the_pile_deduplicated` has the text only."""
        return Layout(text="text", fields={"pile_set_name": Column(("meta.pile_set_name",))}, metadata="meta")

    @field_validator("select")
    @classmethod
    def _resolve_components(cls, select: dict[str, Scalar | list[Scalar]]) -> dict[str, Scalar | list[Scalar]]:
        if "pile_set_name" not in select:
            return select
        asked = select["pile_set_name"]
        names = asked if isinstance(asked, list) else [asked]
        every = dict.fromkeys(each for name in names for each in component_names(str(name)))
        return {**select, "pile_set_name": list(every)}


def component_names(name: str) -> list[str]:
    """Return all names under which rows of the component `name` (published, or an alias) are found.

    Raises:
        ValueError: there is no such component; the message names the nearest.
    """
    for published, aliases in COMPONENTS.items():
        if name in (published, *aliases):
            return [published, *aliases]
    known = [*COMPONENTS, *(alias for aliases in COMPONENTS.values() for alias in aliases)]
    near = difflib.get_close_matches(name, known, 1, 0)
    raise ValueError(f"select: the Pile has no component {name!r}; the nearest is {near[0]!r}")
