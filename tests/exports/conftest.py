"""A small build with two phases, and a server that speaks S3."""

from pathlib import Path

import pytest

from pipelines.audit.opened import Opened, open_folder
from tests.engine.conftest import s3, s3_endpoint
from tests.helpers import build_here, lines_source, write_lines

__all__ = ["s3", "s3_endpoint"]

PROSE = "The mill of the gods grinds slowly, and those who have to wait with it grow wise. "


def build(folder: Path, tokenizer: dict[str, object] | None = None, **changes: object) -> Opened:
    """Build a small corpus into `folder/out` and open it; `changes` are keys of the mix.

    Where the mix has `masked`, the number that a text begins with does not count for the loss.
    """
    texts = [f"Number {number}. " + PROSE * (1 + number % 9) for number in range(60)]
    write_lines(
        folder / "a" / "x.jsonl",
        [{"id": f"d{n}", "text": text, "counts": [[text.index("T"), len(text)]]} for n, text in enumerate(texts)],
    )
    asked = {"loss_spans": "counts"} if changes.pop("masked", False) else {}
    phases = [{"name": name, "tokens": tokens, "weights": {"a": 1.0}} for name, tokens in (("web", 3000), ("end", 500))]
    mix = {"sequence_length": 32, "shard_tokens": 1000, "phases": phases, "max_epochs": 9, **changes}
    manifest = {
        "name": "small",
        "sources": {"a": lines_source(folder / "a", **asked)},
        "tokenizer": tokenizer or {"train": {"vocab_size": 300}},
        "mix": mix,
    }
    build_here(manifest, folder / "out")
    return open_folder(folder / "out")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """Return a finished build of two phases, `web` and `end`."""
    return build(tmp_path_factory.mktemp("built"))
