"""Print how far our signals and verdicts agree with the originals' on real documents.

In:  the corpus in `../shared/corpus` beside the repository; datatrove, installed.
Out: a table; with `--json` a last line of JSON with every disagreement; with `--page FILE` the table in Markdown.
Guaranteed: the exit code is 1 if a disagreement has no cause, 2 if there is nothing to compare with.

Run it: python -m benchmarks.agreement [--documents 100] [--only dolma,redpajama,datatrove] [--json] [--page FILE]
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from benchmarks.agreement import report
from benchmarks.agreement.comparison import Comparison
from benchmarks.agreement.peers import PEERS
from benchmarks.corpus import SHARED


def main() -> int:
    """Run the comparison; return the exit code."""
    given = _arguments()
    console = Console(width=None if sys.stdout.isatty() else 200)
    if not SHARED.is_dir():
        console.print(f"There is no corpus at {SHARED} to compare with.")
        return 2
    found = list(_compared(given.only.split(","), given.documents or None))
    console.print(report.table(found))
    unexplained = sum(len(row.unexplained) for row in found)
    console.print(f"{unexplained} disagreements without a cause", highlight=False)
    if given.page:
        given.page.write_text(report.page(found), encoding="utf-8")
    if given.json:
        print(json.dumps(report.as_json(found)))
    return 1 if unexplained else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agreement", description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=100, help="documents of each source, 0 for all (default 100)")
    parser.add_argument("--only", default=",".join(PEERS), help=f"peers, of {', '.join(PEERS)} (default all)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON on the last line")
    parser.add_argument("--page", type=Path, help="write the table and the disagreements to this Markdown file")
    return parser.parse_args()


def _compared(names: list[str], limit: int | None) -> Iterator[Comparison]:
    for name in names:
        print(f"comparing with {name}", file=sys.stderr, flush=True)
        yield from PEERS[name](limit)


if __name__ == "__main__":
    sys.exit(main())
