"""The loader inside the libraries that trainers use: Hugging Face's datasets, and PyTorch where it is installed."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.engine.storage import open_storage
from pipelines.errors import RequestError
from pipelines.loader import Sequences, load_sequences, to_datasets
from tests.loader.made import Form, write_build

PHASES = {"web": [[5, 30, 1, 60, 9], [70, 4], [33]]}
"""29 sequences of 8."""


@pytest.fixture(scope="module")
def sequences(tmp_path_factory: pytest.TempPathFactory) -> Sequences:
    folder = tmp_path_factory.mktemp("build")
    write_build(open_storage(folder), PHASES, Form())
    return load_sequences(folder)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)


@pytest.mark.usefixtures("cache")
def test_datasets_gives_the_sequences_of_a_rank_one_by_one(sequences: Sequences) -> None:
    batches = sequences.batches(2, rank=1, world=3, start_step=1)
    columns = ("input_ids", "labels", "targets", "loss_mask", "attention_mask", "position_ids", "segment_ids")
    examples = list(to_datasets(batches, columns))
    expected = list(sequences.batches(2, rank=1, world=3, start_step=1))
    for name in columns:
        rows = [row for batch in expected for row in getattr(batch, name).tolist()]
        assert [example[name].tolist() for example in examples] == rows
    assert len(examples) == 6


@pytest.mark.usefixtures("cache")
def test_datasets_is_read_again_from_the_same_step(sequences: Sequences) -> None:
    batches = sequences.batches(4, start_step=5)
    dataset = to_datasets(batches)
    formatted = [dataset, dataset, dataset.with_format("numpy")]
    first, second, third = ([example["input_ids"] for example in each] for each in formatted)
    assert np.array_equal(first, second)
    assert np.array_equal(first, third)
    assert np.array_equal(first, np.concatenate([batch.input_ids for batch in batches]))
    assert {name: array.dtype for name, array in next(iter(dataset)).items()} == {
        "input_ids": np.int64,
        "attention_mask": np.bool_,
        "labels": np.int64,
    }


def test_columns_that_have_no_value_per_token_are_refused_by_datasets(sequences: Sequences) -> None:
    with pytest.raises(RequestError, match="no column 'cu_seqlens': there are input_ids, "):
        to_datasets(sequences.batches(2), ["cu_seqlens"])


def test_without_torch_its_adapter_says_what_to_install() -> None:
    code = "import sys; sys.modules['torch'] = None; from pipelines.loader import torch_dataset"
    ended = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert "pip install 'gristmill[torch]'" in ended.stderr


def items_of(sequences: Sequences, workers: int, **asked: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - batches' own
    """Return what a DataLoader gives, lists in place of tensors."""
    data = pytest.importorskip("torch.utils.data", reason="PyTorch is not installed: pip install 'gristmill[torch]'")
    from pipelines.loader import torch_dataset  # noqa: PLC0415 - where torch is

    dataset = torch_dataset(sequences.batches(**asked), ("input_ids", "targets", "cu_seqlens", "loss_mask"))
    loader = data.DataLoader(dataset, batch_size=None, num_workers=workers)
    return [{name: np.asarray(value).tolist() for name, value in item.items()} for item in loader]


@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
@pytest.mark.parametrize("workers", [0, 1, 2, 3])
def test_torch_gives_every_step_once_and_in_order_whatever_its_workers(sequences: Sequences, workers: int) -> None:
    asked = {"batch_size": 3, "rank": 1, "world": 2, "start_step": 1, "incomplete": "short"}
    items = items_of(sequences, workers, **asked)
    expected = list(sequences.batches(**asked))  # type: ignore[arg-type]
    assert [item["step"] for item in items] == [1, 2, 3, 4]
    for name in ("input_ids", "targets", "cu_seqlens", "loss_mask"):
        assert [item[name] for item in items] == [getattr(batch, name).tolist() for batch in expected]


def test_torch_tensors_have_the_types_that_models_take(sequences: Sequences) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'gristmill[torch]'")
    from pipelines.loader import torch_dataset  # noqa: PLC0415 - where torch is
    from pipelines.loader.batch import BORDERS, PER_TOKEN  # noqa: PLC0415 - beside it

    columns = [name for name in (*PER_TOKEN, *BORDERS) if name != "ref_loss"]
    item = next(iter(torch_dataset(sequences.batches(2), columns)))
    kinds = {name: value.dtype for name, value in item.items() if not isinstance(value, int)}
    masks = dict.fromkeys(["loss_mask", "attention_mask"], torch.bool)
    longs = dict.fromkeys(["input_ids", "targets", "labels", "position_ids", "segment_ids"], torch.int64)
    assert kinds == {**longs, **masks, "cu_seqlens": torch.int32}
    assert {name for name, value in item.items() if isinstance(value, int)} == {"step", "max_seqlen"}
    with pytest.raises(RequestError, match="no column 'ids'"):
        torch_dataset(sequences.batches(2), ["ids"])
    with pytest.raises(RequestError, match="no source of their build has it"):
        next(iter(torch_dataset(sequences.batches(2), ["ref_loss"])))


@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
def test_a_torch_run_that_was_stopped_goes_on_behind_the_last_step_it_saw(sequences: Sequences) -> None:
    data = pytest.importorskip("torch.utils.data", reason="PyTorch is not installed: pip install 'gristmill[torch]'")
    from pipelines.loader import torch_dataset  # noqa: PLC0415 - where torch is

    batches = sequences.batches(2)
    running = iter(data.DataLoader(torch_dataset(batches), batch_size=None, num_workers=2))
    seen = [next(running) for _ in range(3)]
    again = sequences.batches(2)
    again.load_state_dict(batches.state_dict(seen[-1]["step"] + 1))
    rest = list(data.DataLoader(torch_dataset(again), batch_size=None, num_workers=3))
    whole = [batch.input_ids.tolist() for batch in sequences.batches(2)]
    assert [item["input_ids"].tolist() for item in [*seen, *rest]] == whole
