"""The lock: what a build was made from and with.

In:  a plan and a job.
Out: `manifest.yaml` and `lock.json` in the build folder.
Guaranteed: the same lock gives the same shards and ledger; nothing in the lock enters a key but what it names.
"""

import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import msgspec
import yaml

from pipelines.engine.job import Job
from pipelines.engine.plan import Plan
from pipelines.engine.receipts import Receipt

LIBRARIES = ("gristmill", "numpy", "pyarrow", "ray", "tokenizers", "tiktoken", "sentencepiece", "xxhash")


def lock_of(job: Job, plan: Plan, parts: dict[str, list[Receipt]], encoder_hash: str) -> dict[str, Any]:
    """Return the lock.

    Args:
        job: the build.
        plan: its splits and routes.
        parts: step -> receipts; empty when the build begins.
        encoder_hash: the tokenizer's identity; "" until it is known.
    """
    files = {(split.source, split.file.path): split.file for split in plan.splits}
    stages = [[entry.name, type(entry.stage).version] for entry in job.manifest.stages]
    return {
        "manifest_hash": job.manifest_hash,
        "tokenizer_hash": encoder_hash,
        "stages": stages,
        "files": [
            {"source": source, "path": path, "root": file.root, **asdict(file.identity)}
            for (source, path), file in files.items()
        ],
        "splits": [
            {"number": each.number, "source": each.source, "path": each.file.path, "start": each.start, "end": each.end}
            for each in plan.splits
        ],
        "parts": {step: {receipt.part: receipt.content for receipt in receipts} for step, receipts in parts.items()},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
    }


def write_lock(job: Job, lock: dict[str, Any]) -> None:
    """Write the lock, and the manifest with all defaults filled in."""
    job.storage.put("lock.json", msgspec.json.format(msgspec.json.encode(lock), indent=1))
    whole = job.manifest.model_dump(mode="json", by_alias=True)
    job.storage.put("manifest.yaml", yaml.safe_dump(whole, sort_keys=False).encode())
