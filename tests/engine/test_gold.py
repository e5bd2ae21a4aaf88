"""A classifier on the human labels of the real corpus: trained, tested on what was held out, and used."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import xxhash

from tests.helpers import CORPUS, build_here, verdicts

GOLD = CORPUS / "quality_gold" / "dclm_human.jsonl"
SEED = 3


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Train on 70 % of the labelled documents, and keep the best half of all."""
    if not GOLD.exists():
        pytest.skip(f"needs {GOLD}")
    source = {"format": "jsonl", "path": str(GOLD), "fields": {"label": {"path": "label", "type": "int64"}}}
    training = {"labels": "label", "positive": [1], "held_out": 0.3, "buckets": 20_000, "epochs": 25, "dim": 16}
    stages = [{"classifier": {"train": training}}, {"top_share": {"signal": "quality_score", "share": 0.5}}]
    manifest: dict[str, Any] = {"name": "gold", "seed": SEED, "sources": {"gold": source}, "stages": stages}
    build_here(manifest, tmp_path / "out")
    return tmp_path / "out"


def report(out: Path, name: str) -> dict[str, Any]:
    numbers: dict[str, Any] = json.loads((out / "audit" / "fits" / f"{name}.json").read_text())["numbers"]
    return numbers


def test_the_report_is_about_the_held_out_documents_of_the_ledger(built: Path) -> None:
    labels = np.array([json.loads(line)["label"] for line in GOLD.read_text().splitlines()], bool)
    rows = verdicts(built).to_pylist()
    scores = pq.read_table(built / "ledger" / "signals").column("quality_score").to_numpy()
    prefix = b"held_out:classifier-quality" + SEED.to_bytes(8, "little")
    draws = [xxhash.xxh3_64_intdigest(prefix + row["uid"].to_bytes(8, "little")) for row in rows]
    held = np.array([each < int(0.3 * 2**64) for each in draws])
    numbers = report(built, "classifier-quality")
    assert len(rows) == len(labels) == 292
    assert (numbers["positive"], numbers["negative"]) == (labels.sum(), (~labels).sum())
    assert (numbers["held_out_positive"], numbers["held_out_negative"]) == (
        (labels & held).sum(),
        (~labels & held).sum(),
    )
    assert numbers["trained_positive"] + numbers["trained_negative"] == (~held).sum()
    good, other = scores[labels & held], scores[~labels & held]
    assert numbers["auc"] == pytest.approx((good[:, None] > other[None, :]).mean(), abs=1e-9)
    assert numbers["recall"] == pytest.approx((good > 0.5).mean())
    assert numbers["precision"] == pytest.approx((good > 0.5).sum() / ((good > 0.5).sum() + (other > 0.5).sum()))


def test_people_and_the_classifier_agree_more_often_than_chance(built: Path) -> None:
    assert report(built, "classifier-quality")["auc"] > 0.6


def test_the_best_half_is_kept_with_its_ties(built: Path) -> None:
    scores = pq.read_table(built / "ledger" / "signals").column("quality_score").to_numpy()
    kept = [fate == "unused" for fate in verdicts(built).column("fate").to_pylist()]
    assert kept == (scores >= np.sort(scores)[-146]).tolist()
    assert report(built, "top_share-quality_score")["kept"] == sum(kept)
