"""Count the documents that a ledger keeps.

In:  the folder of a build's verdicts.
Out: one number on standard output.

Run it: python -m benchmarks.kept BUILD/ledger/verdicts
"""

import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

KEPT = pa.array(["used", "unused", "held_out"])
"""Fates of documents that passed every stage."""


def main() -> None:
    """Print how many documents have a fate of `KEPT`."""
    fates = ds.dataset(sys.argv[1], format="parquet").to_table(columns=["fate"]).column("fate")
    print(pc.sum(pc.is_in(fates.cast(pa.string()), value_set=KEPT)).as_py() or 0)


if __name__ == "__main__":
    main()
