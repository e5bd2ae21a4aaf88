"""What several test files share: the real corpus, and building a manifest that is written in the test."""

import json
import subprocess
import sys
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from pipelines.audit.opened import Opened
from pipelines.audit.passport import PASSPORT
from pipelines.audit.replay import final_documents
from pipelines.audit.summary import Summary
from pipelines.engine.job import Job, Resources
from pipelines.engine.session import Settings, build, manifest_hash
from pipelines.engine.splits import Split
from pipelines.engine.storage import open_storage
from pipelines.manifest import Manifest, load_manifest

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
"""Real data in the published schemas; it is no part of the repository."""


def written(manifest: dict[str, Any], out: Path) -> Path:
    """Write a manifest beside the folder it will be built into; return its file."""
    out.parent.mkdir(parents=True, exist_ok=True)
    path = out.parent / f"{out.name}.yaml"
    path.write_text(yaml.safe_dump(manifest, sort_keys=False))
    return path


def build_here(manifest: dict[str, Any], out: Path, settings: Settings | None = None) -> Summary:
    """Build a manifest in this process; the build folder's parent holds its file."""
    return build(load_manifest(written(manifest, out)), out, settings or Settings(address="none"))


def job_here(manifest: dict[str, Any], out: Path, resources: Resources | None = None) -> Job:
    """Return what the tasks of a build would know, for running them one by one."""
    loaded = load_manifest(written(manifest, out))
    return Job(open_storage(out), loaded, manifest_hash(loaded), resources or Resources())


def bare_job(folder: str | Path) -> Job:
    """Return a job for tasks and readers that only touch the build folder."""
    return Job(open_storage(folder), cast("Manifest", None), "")


def build_by_command(manifest: dict[str, Any], out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Build a manifest by the command line, in a process of its own; return how it ended."""
    command = [sys.executable, "-m", "pipelines.cli", "build", str(written(manifest, out)), "--out", str(out), *options]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[1])


def lines_source(folder: Path, **options: object) -> dict[str, Any]:
    """Return a manifest's entry for the JSON lines of a folder."""
    return {"format": "jsonl", "path": f"{folder}/*.jsonl", **options}


def write_lines(path: Path, records: list[dict[str, Any]]) -> None:
    """Write records as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def final_texts(build: Opened, split: Split, rows: Collection[int]) -> dict[int, str]:
    """Return the final texts of some rows of a split."""
    found = final_documents(build, split, rows)
    return {row: document.column("text")[0].as_py() for row, document in found.items()}


def verdicts(out: Path) -> pa.Table:
    """Return the whole ledger of a build, in the order of its files' names."""
    files = sorted((out / "ledger" / "verdicts").rglob("*.parquet"))
    return pa.concat_tables([pq.read_table(file) for file in files])


def digest(out: Path) -> str:
    """Return a hash of the names and bytes of all shards and ledger files of a build, and of its passport."""
    whole = sha256()
    for folder in ("shards", "ledger", PASSPORT):
        for file in (out / folder, *sorted((out / folder).rglob("*"))):
            if file.is_file():
                whole.update(f"{file.relative_to(out)}\0".encode() + sha256(file.read_bytes()).digest())
    return whole.hexdigest()


def tasks_run(out: Path, step: str) -> list[str]:
    """Return the parts that tasks of a step wrote, over all runs of a build."""
    events = [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()]
    return [event["part"] for event in events if event["event"] == "task" and event["step"] == step]
