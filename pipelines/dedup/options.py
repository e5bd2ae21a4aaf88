"""Options that every stage of duplicates has, spelled once.

In:  the word for what a source keeps.
Out: declarations of options, as `judging` gives them.
Guaranteed: the engine reads `keep`, `exempt`, `max_loss` and `against` of each stage (`pipelines/dedup/exchanges.py`).
"""

from typing import Any

from filters.batch import judging


def keep_option(what: str) -> Any:  # noqa: ANN401 - like Field()
    """Declare `keep`: list[str]."""
    return judging([], f"Sources or tags in the order in which they keep their {what}.", names="sources")


def exempt_option() -> Any:  # noqa: ANN401 - like Field()
    """Declare `exempt`: list[str]."""
    return judging([], "Sources or tags that lose nothing to this stage.", names="sources")


def max_loss_option() -> Any:  # noqa: ANN401 - like Field()
    """Declare `max_loss`: float."""
    return judging(
        0.9, "The build stops when a source loses a larger share of its documents or characters.", ge=0, le=1
    )


def against_option() -> Any:  # noqa: ANN401 - like Field()
    """Declare `against`: EarlierBuilds."""
    return judging((), "Folders of earlier builds: what is like a document of theirs falls, and theirs always stay.")
