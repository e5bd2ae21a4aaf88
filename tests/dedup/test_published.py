"""Published bands: they are the bands that our own kernels would make, and a build takes them in their place."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from filters.batch import Batch, batch_of
from filters.kernels.minhash import band_keys
from filters.shingling import shingles_of
from pipelines.audit.cautions import dedup_cautions
from pipelines.dedup.minhash import DedupMinhash
from pipelines.engine.job import Resources
from pipelines.engine.session import Settings
from pipelines.manifest import load_manifest
from pipelines.sources.bands import BANDS_AND_ROWS, SIGNATURES, Signature, read_bands
from pipelines.sources.companions import BANDS, Companion
from tests.dedup.test_minhash import Verdict, families, jaccard
from tests.helpers import CORPUS, build_here, digest, verdicts, written
from tests.sources.helpers import needs_corpus, plain_rows
from tests.sources.published import (
    minhash_table,
    published_signatures,
    words_of,
    write_documents,
    write_minhash,
)

FILES = sorted(CORPUS.glob("redpajama_v2*/minhash/**/*.parquet"))

CARRIED = Companion("minhash", ("minhash",), "bands", "minhash", fields={name: name for name in SIGNATURES})


def keys_of(texts: Sequence[str], name: Signature) -> list[list[int] | None]:
    """Return the band keys of texts, made anew: shingles, SHA-1, signatures and bands of our own."""
    bands, rows = BANDS_AND_ROWS[name]
    found = published_signatures(texts)
    return [None if numbers is None else band_keys(numbers[np.newaxis], bands, rows)[0].tolist() for numbers in found]


@needs_corpus
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parts[-3]}-{path.name}")
def test_published_bands_are_the_bands_that_we_would_make(path: Path) -> None:
    documents = Path(str(path).replace("/minhash/", "/documents/").replace(".minhash.parquet", ".json.gz"))
    texts = [row["raw_content"] for row in plain_rows(documents)]
    with path.open("rb") as file:
        told = read_bands(CARRIED, file)
    assert (told.problem, len(told.ids)) == ("", len(texts))
    for name in SIGNATURES:
        assert told.columns[name].to_pylist() == keys_of(texts, name)


def built(folder: Path, path: str, **options: object) -> list[Verdict]:
    """Build RedPajama v2's documents with one dedup; return their verdicts, in order."""
    source = {"format": "redpajama_v2", "path": path, "minhash": ["signature_sim0.8"]}
    stage = {"dedup_minhash": {"published": "signature_sim0.8", "max_loss": 1, **options}}
    build_here({"name": "n", "sources": {"rp": source}, "stages": [stage]}, folder / "out")
    found: list[Verdict] = verdicts(folder / "out").to_pylist()
    return found


def components(keys: Sequence[list[int] | None]) -> list[int]:
    """Return the component of each document, by scipy."""
    holders = defaultdict(list)
    for place, own in enumerate(keys):
        for key in own or ():
            holders[key].append(place)
    pairs = np.array([pair for held in holders.values() for pair in combinations(held, 2)], np.int64).reshape(-1, 2)
    edges = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(keys), len(keys)))
    numbers: list[int] = connected_components(edges, directed=False)[1].tolist()
    return numbers


def check(found: list[Verdict], texts: Sequence[str], keys: Sequence[list[int] | None]) -> int:
    """Check every verdict against shingles and bands made anew; return how many documents fell."""
    component, at = components(keys), {verdict["uid"]: place for place, verdict in enumerate(found)}
    shingles = [shingles_of(words_of(text), 13) for text in texts]
    stays = [place for place, verdict in enumerate(found) if verdict["fate"] != "duplicate"]
    for place, verdict in enumerate(found):
        if verdict["fate"] == "duplicate":
            kept = at[verdict["kept_uid"]]
            assert component[kept] == component[place]
            assert verdict["similarity"] == np.float32(jaccard(shingles[kept], shingles[place])) >= np.float32(0.8)
        else:
            others = [other for other in stays if component[other] == component[place] and other != place]
            assert all(jaccard(shingles[other], shingles[place]) < 0.8 for other in others)
    return len(found) - len(stays)


@needs_corpus
def test_real_documents_fall_by_their_published_bands(tmp_path: Path) -> None:
    paths = sorted((CORPUS / "redpajama_v2" / "documents").rglob("*.json.gz"))
    texts = [row["raw_content"] for path in paths for row in plain_rows(path)]
    found = built(tmp_path, f"{CORPUS}/redpajama_v2/documents/**/*.json.gz")
    assert check(found, texts, keys_of(texts, "signature_sim0.8")) > 10


def test_written_documents_fall_by_their_published_bands_alone(tmp_path: Path) -> None:
    texts = families(5, 200)
    write_minhash(tmp_path, minhash_table(write_documents(tmp_path, texts), texts))
    found = built(tmp_path, f"{tmp_path}/documents/**/*.json.gz")
    assert check(found, texts, keys_of(texts, "signature_sim0.8")) > 10


def test_without_verification_one_document_of_each_component_stays(tmp_path: Path) -> None:
    texts = families(6, 150)
    write_minhash(tmp_path, minhash_table(write_documents(tmp_path, texts), texts))
    found = built(tmp_path, f"{tmp_path}/documents/**/*.json.gz", verify=False)
    stays = [verdict["fate"] != "duplicate" for verdict in found]
    component = components(keys_of(texts, "signature_sim0.8"))
    assert sorted(number for number, one in zip(component, stays, strict=True) if one) == sorted(set(component))


def test_documents_without_published_bands_are_compared_with_nobody(tmp_path: Path) -> None:
    text = " ".join(f"word{number}" for number in range(40))
    texts = [text, text, text, "short text", "short text"]
    table = minhash_table(write_documents(tmp_path, texts), texts)
    write_minhash(tmp_path, table.take([0, 1, 3, 4]))
    found = built(tmp_path, f"{tmp_path}/documents/**/*.json.gz")
    assert [verdict["fate"] == "duplicate" for verdict in found[2:]] == [False, False, False]
    assert sum(verdict["fate"] == "duplicate" for verdict in found[:2]) == 1


def test_a_signature_of_another_shape_is_no_signature(tmp_path: Path) -> None:
    texts = [" ".join(f"w{number}{row}" for number in range(30)) for row in range(5)]
    table = minhash_table([str(row) for row in range(5)], texts)
    wrong: list[Any] = table.column("signature_sim0.8").to_pylist()
    wrong[1], wrong[2], wrong[3] = wrong[1][:8], [*wrong[2][:8], wrong[2][8][:-1]], [*wrong[3][:8], None]
    place = table.schema.get_field_index("signature_sim0.8")
    write_minhash(tmp_path, table.set_column(place, "signature_sim0.8", pa.array(wrong, pa.list_(pa.binary()))))
    (path,) = tmp_path.rglob("*.parquet")
    with path.open("rb") as file:
        told = read_bands(CARRIED, file)
    assert told.problem == "3 signatures are not of the published numbers of bands and rows"
    right = keys_of(texts, "signature_sim0.8")
    assert told.columns["signature_sim0.8"].to_pylist() == [right[0], None, None, None, right[4]]
    assert told.columns["signature_sim0.7"].to_pylist() == keys_of(texts, "signature_sim0.7")


def test_published_bands_bring_the_options_that_they_were_published_with() -> None:
    stage = DedupMinhash(published="signature_sim0.9", jaccard=0.7)
    assert (stage.bands, stage.rows, stage.ngram, stage.seed) == (5, 25, 13, 42)
    assert (stage.normalization, stage.words, stage.scheme, stage.jaccard) == (
        "redpajama",
        "whitespace",
        "legacy",
        0.7,
    )
    assert DedupMinhash.model_validate(stage.model_dump()) == stage


@pytest.mark.parametrize(
    ("option", "value"), [("bands", 14), ("rows", 8), ("ngram", 5), ("seed", 1), ("words", "uax29")]
)
def test_an_option_that_disagrees_with_published_bands_is_refused(option: str, value: object) -> None:
    with pytest.raises(ValidationError, match=rf"signature_sim0.8 was published with {option}: .*leave {option} out"):
        DedupMinhash.model_validate({"published": "signature_sim0.8", option: value})


def test_published_bands_are_measured_as_they_are_and_null_is_none() -> None:
    documents = batch_of(["one", "two", "three"]).documents
    keys = pa.array([[1, 2], None, [3, 4]], BANDS)
    carried = Batch(documents.append_column("signature_sim0.8", keys))
    stage = DedupMinhash(published="signature_sim0.8")
    assert stage.measure(carried)["minhash_bands"].to_pylist() == [[1, 2], [], [3, 4]]
    assert stage.measure(Batch(carried.documents.slice(1, 2)))["minhash_bands"].to_pylist() == [[], [3, 4]]
    assert stage.measure(batch_of(["one"]))["minhash_bands"].to_pylist() == [[]]


def test_which_bands_are_published_does_not_depend_on_the_text(tmp_path: Path) -> None:
    chance = Random(3)
    texts = [" ".join(chance.choice("abcdefgh") * 3 for _ in range(60)) for _ in range(30)]
    table = minhash_table(write_documents(tmp_path, texts), [texts[0]] * 30)
    write_minhash(tmp_path, table)
    found = built(tmp_path, f"{tmp_path}/documents/**/*.json.gz", verify=False)
    assert sum(verdict["fate"] == "duplicate" for verdict in found) == 29


def test_neither_partitions_nor_order_decide_who_stays(tmp_path: Path) -> None:
    texts = families(7, 120)
    for shard in range(3):
        name, held = f"2023-06/000{shard}/en_head", texts[shard * 40 : shard * 40 + 40]
        write_minhash(tmp_path, minhash_table(write_documents(tmp_path, held, name), held), name)
    source = {"format": "redpajama_v2", "path": f"{tmp_path}/documents/**/*.gz", "minhash": ["signature_sim0.7"]}
    stage = {"dedup_minhash": {"published": "signature_sim0.7", "max_loss": 1}}
    wanted = {"name": "n", "sources": {"rp": source}, "stages": [stage]}
    build_here(wanted, tmp_path / "out")
    settings = Settings("none", Resources(partitions=5, spill_bytes=3_000, reverse=True))
    build_here(wanted, tmp_path / "other", settings)
    assert digest(tmp_path / "other") == digest(tmp_path / "out")
    assert "duplicate" in verdicts(tmp_path / "out").column("fate").to_pylist()


def test_a_plan_says_which_published_bands_find_more(tmp_path: Path) -> None:
    write_minhash(tmp_path, minhash_table(write_documents(tmp_path, ["a"]), ["a"]))
    source = {"format": "redpajama_v2", "path": f"{tmp_path}/documents/**/*.gz", "minhash": list(SIGNATURES)}

    def cautions(**options: object) -> list[str]:
        wanted = {"name": "n", "sources": {"rp": source}, "stages": [{"dedup_minhash": options}]}
        return list(dedup_cautions(load_manifest(written(wanted, tmp_path / "out"))))

    assert cautions(published="signature_sim0.7") == []
    assert cautions(published="signature_sim0.8", jaccard=0.85) == []
    few = "dedup_minhash: signature_sim0.8 finds 39.9% of the pairs at `jaccard: 0.8`"
    assert cautions(published="signature_sim0.8") == [
        f"{few}; of the published bands, signature_sim0.7 finds most: {1 - (1 - 0.8**9) ** 14:.1%}"
    ]


def test_a_signature_that_a_file_does_not_have_is_null(tmp_path: Path) -> None:
    texts = [" ".join(f"w{number}{row}" for number in range(30)) for row in range(3)]
    table = minhash_table([str(row) for row in range(3)], texts)
    write_minhash(tmp_path, table.drop_columns(["signature_sim0.9"]))
    (path,) = tmp_path.rglob("*.parquet")
    with path.open("rb") as file:
        told = read_bands(CARRIED, file)
    assert told.problem == "parquet: no column 'signature_sim0.9'"
    assert told.columns["signature_sim0.9"].to_pylist() == [None] * 3
    assert told.columns["signature_sim1.0"].to_pylist() == keys_of(texts, "signature_sim1.0")


def test_row_groups_and_wide_types_of_a_file_decide_nothing(tmp_path: Path) -> None:
    texts = families(8, 30)
    table = minhash_table([str(row) for row in range(30)], texts)
    wide = pa.schema([field.with_type(WIDE.get(field.type, field.type)) for field in table.schema])
    pq.write_table(table.cast(wide), tmp_path / "wide", row_group_size=7)
    with (tmp_path / "wide").open("rb") as file:
        told = read_bands(CARRIED, file)
    assert (told.problem, told.ids.to_pylist()) == ("", [str(row) for row in range(30)])
    assert all(told.columns[name].to_pylist() == keys_of(texts, name) for name in SIGNATURES)


WIDE = {pa.string(): pa.large_string(), pa.list_(pa.binary()): pa.large_list(pa.large_binary())}
