"""Reports of fits: what was made out of which documents, and how good it is.

In:  what the fits of a build found.
Out: `audit/fits/<name>.json`.
Guaranteed: the numbers are counts of documents, or computed from held-out documents that nothing was trained on.
"""

from collections.abc import Sequence

import msgspec

from pipelines.engine.job import Job

FOLDER = "audit/fits"


class FitReport(msgspec.Struct, frozen=True):
    """What a fit found.

    Args:
        name: of the fit: its stage, and its classifier or signal.
        kind: "classifier", "quantile" or "tokenizer".
        content: hash of what was made; it lies in `work/inputs/<content>/`, a tokenizer in `work/fits/`.
        numbers: what there is to say of it, by name; null where it cannot be said.
    """

    name: str
    kind: str
    content: str
    numbers: dict[str, int | float | None]


def write_reports(job: Job, reports: Sequence[FitReport]) -> None:
    """Write the reports of a build, and remove those of another manifest."""
    wanted = {f"{FOLDER}/{report.name}.json": report for report in reports}
    for path in job.storage.list(FOLDER):
        if path not in wanted:
            job.storage.delete(path)
    for path, report in wanted.items():
        job.storage.put(path, msgspec.json.format(msgspec.json.encode(report), indent=1))
