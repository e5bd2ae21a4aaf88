"""Gristmill builds language-model training mixtures from raw corpora: every document accounted for.

    import pipelines

    manifest = pipelines.load("manifests/quickstart.yaml")
    built = pipelines.build(manifest, "runs/quickstart")
    built.shards("main"), pipelines.open_build("runs/quickstart").why("some-id")

In:  names of this module.
Out: the functions of `pipelines.api`.
Guaranteed: importing this module imports nothing else; the first use of a name does.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.api import build, load, open_build

__all__ = ["build", "load", "open_build"]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    if name in __all__:
        return getattr(import_module("pipelines.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
