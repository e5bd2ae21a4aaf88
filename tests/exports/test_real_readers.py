"""Every format, read back by the reader of the trainer itself, where it is installed; see docs/exports.md for how."""

import importlib
import importlib.util
import json
import sys
import types
import warnings
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.exports.datatrove import DATATROVE, _for_people
from pipelines.exports.mds import MDS
from pipelines.exports.megatron import MEGATRON
from pipelines.exports.olmo import OLMO
from pipelines.mix.shards import Packing
from tests.exports.shard_makers import PAD, Form, Made, make, written

pytestmark = pytest.mark.filterwarnings("ignore")  # how others import is their business

LENGTH = 16
FRAGMENTS = [[3, 4, 9, 1, 1, 90, 30], [200, 17, 5], [2, 2, 2]]


def real(name: str) -> Any:  # noqa: ANN401 - a module
    """Import a trainer's reader, or skip the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason=f"the real reader, {name.split('.', maxsplit=1)[0]}, is not installed")


@pytest.fixture(params=[("uint16", False), ("uint32", False), ("uint16", True)], ids=["uint16", "uint32", "next_token"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    dtype, next_token = request.param
    packing = Packing("concat", LENGTH, PAD, next_token)
    return make(tmp_path, FRAGMENTS, Form(packing, dtype, 100, ("loss_mask", "ref_loss")))


def parts(out: Path, suffix: str) -> list[Path]:
    return sorted((out / "web").glob(f"*{suffix}"))


def test_datatrove_itself_writes_the_same_bytes(made: Made, tmp_path: Path) -> None:
    tokenizer = real("datatrove.pipeline.tokens.tokenizer")
    written(made, tmp_path / "out", DATATROVE)
    theirs = tokenizer.TokenizedFile(
        str(tmp_path / "theirs"),
        "part-00000.ds",
        tokenizer_name_or_path="some/tokenizer",
        save_final_metadata=True,
        save_loss_metadata=True,
        token_size=made.dtype.itemsize,
    )
    mask = iter(made.column("loss_mask"))
    for ids in made.documents:
        theirs.write(ids, np.array([next(mask) for _ in ids]))
    theirs.close()
    for suffix in ("", ".index", ".metadata", ".loss"):
        name = f"part-00000.ds{suffix}"
        assert (tmp_path / "theirs" / name).read_bytes() == (tmp_path / "out" / "web" / name).read_bytes()


@pytest.mark.parametrize(
    "tokens", [1, 12, 999, 1000, 1234, 99_999, 999_499, 999_500, 999_999, 123_456, 5_000_000, 1 << 30, 1 << 40]
)
def test_datatrove_itself_says_a_number_of_tokens_so(tokens: int) -> None:
    humanize = real("humanize")
    assert _for_people(tokens) == humanize.metric(tokens, unit="T")


def test_datatrove_reads_windows_of_tokens_and_their_places_in_documents(made: Made, tmp_path: Path) -> None:
    real("torch")
    reader = real("datatrove.utils.dataset")
    written(made, tmp_path / "out", DATATROVE, file_bytes=made.dtype.itemsize * 170)
    folder = reader.DatatroveFolderDataset(
        str(tmp_path / "out" / "web"), LENGTH, "*.ds", token_size=made.dtype.itemsize, return_positions=True
    )
    assert len(parts(tmp_path / "out", ".ds")) > 1
    window = LENGTH + 1
    assert len(folder) == len(made.tokens) // window
    places = list(chain.from_iterable(range(len(ids)) for ids in made.documents))
    for number in range(len(folder)):
        first = number * window
        read = folder[number]
        assert read["input_ids"].tolist() == made.tokens[first : first + window]
        behind = _first_document_behind(places, first)
        assert read["positions"].tolist()[behind:] == places[first : first + window][behind:]


def _first_document_behind(places: list[int], first: int) -> int:
    """Return how far a document from before reaches into a window: its reader counts that from the window's begin."""
    window = places[first : first + LENGTH + 1]
    return window.index(0) if 0 in window else len(window)


def test_megatron_reads_the_documents_and_writes_the_same_bytes(made: Made, tmp_path: Path) -> None:
    torch = real("torch")
    indexed = real("megatron.core.datasets.indexed_dataset")
    written(made, tmp_path / "out", MEGATRON)
    prefix = tmp_path / "out" / "web" / "part-00000"
    dataset = indexed.IndexedDataset(str(prefix))
    assert [dataset[number].tolist() for number in range(len(dataset))] == made.documents
    assert dataset.document_indices.tolist() == list(range(len(made.documents) + 1))
    stored = np.uint16 if made.dtype == np.uint16 else np.int32
    builder = indexed.IndexedDatasetBuilder(str(tmp_path / "theirs.bin"), dtype=stored)
    for ids in made.documents:
        builder.add_document(torch.tensor(ids), [len(ids)])
    builder.finalize(str(tmp_path / "theirs.idx"))
    for suffix in (".bin", ".idx"):
        assert (tmp_path / f"theirs{suffix}").read_bytes() == prefix.with_suffix(suffix).read_bytes()


def test_megatron_reads_the_packed_sequences(made: Made, tmp_path: Path) -> None:
    indexed = real("megatron.core.datasets.indexed_dataset")
    written(made, tmp_path / "out", MEGATRON, "sequences")
    dataset = indexed.IndexedDataset(str(tmp_path / "out" / "web" / "part-00000"))
    assert [dataset[number].tolist() for number in range(len(dataset))] == made.sequences


def test_olmo_core_reads_every_token_and_where_documents_end(made: Made, tmp_path: Path) -> None:
    numpy_dataset, utils = real("olmo_core.data.numpy_dataset"), real("olmo_core.data.utils")
    written(made, tmp_path / "out", OLMO, file_bytes=made.dtype.itemsize * 170)
    paths = parts(tmp_path / "out", ".npy")
    dataset = numpy_dataset.NumpyFSLDataset(
        *paths,
        sequence_length=LENGTH,
        pad_token_id=PAD,
        eos_token_id=PAD,
        vocab_size=2**31,
        dtype=made.dtype.type,
        label_mask_paths=parts(tmp_path / "out", ".label_mask"),
    )
    whole = len(made.tokens) // LENGTH * LENGTH
    read = [dataset[number]["input_ids"].tolist() for number in range(len(dataset))]
    assert list(chain.from_iterable(read)) == made.tokens[:whole]
    masks = [dataset[number]["label_mask"].tolist() for number in range(len(dataset))]
    assert list(chain.from_iterable(masks)) == [bool(each) for each in made.column("loss_mask")[:whole]]
    ends = [list(utils.iter_document_indices(path, use_array_if_local=False, dtype=made.dtype.type)) for path in paths]
    documents = [
        np.fromfile(path, made.dtype)[begin:end].tolist()
        for path, places in zip(paths, ends, strict=True)
        for begin, end in places
    ]
    assert len(paths) > 1
    assert list(chain.from_iterable(documents)) == made.tokens


@pytest.fixture
def streaming() -> types.ModuleType:
    """Return the part of MosaicML Streaming that reads; the rest of it wants torchvision, which nothing here needs."""
    spec = importlib.util.find_spec("streaming")
    if spec is None or importlib.util.find_spec("torch") is None:
        pytest.skip("the real reader, streaming, is not installed")
    if "streaming" not in sys.modules:
        sys.modules["streaming"] = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("streaming.base")


def test_streaming_reads_every_sequence(made: Made, tmp_path: Path, streaming: Any) -> None:  # noqa: ANN401
    written(made, tmp_path / "out", MDS, file_bytes=700)
    dataset = streaming.StreamingDataset(
        local=str(tmp_path / "out"), split="web", shuffle=False, batch_size=1, validate_hash="xxh3_128"
    )
    read = [{name: values.tolist() for name, values in dataset[number].items()} for number in range(len(dataset))]
    assert [sample["tokens"] for sample in read] == [row["input_ids"] for row in made.rows]
    assert [sample["doc_lengths"] for sample in read] == [row["doc_lengths"] for row in made.rows]
    for name in ("loss_mask", "ref_loss"):
        assert np.array_equal([sample[name] for sample in read], [row[name] for row in made.rows], equal_nan=True)
    assert dataset[0]["ref_loss"].dtype == np.float16
    assert dataset[0]["tokens"].dtype == made.dtype
    assert len(parts(tmp_path / "out", ".mds")) > 1


def test_streaming_itself_writes_the_same_bytes(made: Made, tmp_path: Path, streaming: Any) -> None:  # noqa: ANN401
    written(made, tmp_path / "out", MDS, file_bytes=700)
    kinds = {
        "tokens": f"ndarray:{made.dtype.name}:{made.packing.row_length}",
        "doc_lengths": "ndarray:int32",
        "doc_uids": "ndarray:uint64",
        "loss_mask": f"ndarray:uint8:{made.packing.row_length}",
        "ref_loss": f"ndarray:float16:{made.packing.row_length}",
    }
    theirs = tmp_path / "theirs"
    with streaming.MDSWriter(columns=kinds, out=str(theirs), size_limit=700, hashes=["xxh3_128"]) as writer:
        for row in made.rows:
            writer.write(
                {
                    "tokens": np.array(row["input_ids"], made.dtype),
                    "doc_lengths": np.array(row["doc_lengths"], np.int32),
                    "doc_uids": np.array(row["doc_uids"], np.uint64),
                    "loss_mask": np.array(row["loss_mask"], np.uint8),
                    "ref_loss": np.array(row["ref_loss"], np.float16),
                }
            )
    ours = {path.name: path.read_bytes() for path in (tmp_path / "out" / "web").iterdir()}
    assert {path.name: path.read_bytes() for path in theirs.iterdir()} == ours
    assert json.loads(ours["index.json"])["version"] == 2
