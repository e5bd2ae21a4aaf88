"""The loader over a folder, and over a real S3 protocol server: in this process, and in others."""

import multiprocessing
from typing import BinaryIO, cast

import pytest

import pipelines.loader
from pipelines.engine.storage import Storage, open_storage
from pipelines.errors import RequestError
from pipelines.loader.batches import Batches
from pipelines.loader.index import read_index
from pipelines.loader.share import Share
from tests.loader.made import Form, write_build

PHASES = {"web": [[5, 30, 1, 60, 9], [70, 4], [], [33]], "anneal": [[8, 8, 20], [3]]}


def rows(batches: Batches) -> list[list[int]]:
    return [row for batch in batches for row in batch.input_ids.tolist()]


def test_a_storage_gives_the_sequences_that_were_written(storage: Storage) -> None:
    write_build(storage, PHASES, Form())
    ids = list(range(104 + 1)) + [65_535] * 7
    web = rows(Batches(read_index(storage, ["web"]), Share(29, 1, 0, 1)))
    assert [token for row in web[:14] for token in row] == [*ids[:105], *[65_535] * 7]
    assert len(rows(Batches(read_index(storage), Share(35, 5, 1, 3, 0, "short"), 1))) == 5 + 2


def test_a_spawned_process_reads_the_same(storage: Storage) -> None:
    write_build(storage, PHASES, Form())
    batches = Batches(read_index(storage), Share(35, 3, 1, 2))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(rows, [batches]) == rows(batches)


@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
def test_torch_workers_on_s3_are_spawned(s3: str) -> None:
    data = pytest.importorskip("torch.utils.data", reason="PyTorch is not installed: pip install 'gristmill[torch]'")
    storage = open_storage(s3)
    write_build(storage, PHASES, Form())
    batches = Batches(read_index(storage), Share(35, 3, 1, 2))
    dataset = pipelines.loader.torch_dataset(batches)
    spawned = data.DataLoader(dataset, batch_size=None, num_workers=2, multiprocessing_context="spawn")
    assert [row for item in spawned for row in item["input_ids"].tolist()] == rows(batches)
    with pytest.raises(RequestError, match="cannot be read in a forked worker"):
        list(data.DataLoader(dataset, batch_size=None, num_workers=1, multiprocessing_context="fork"))


def test_each_shard_that_has_sequences_is_opened_once_and_in_order(storage: Storage) -> None:
    paths = write_build(storage, PHASES, Form())
    counting = Counting(storage)
    index = read_index(cast("Storage", counting))
    assert sorted(counting.opened) == sorted(paths)
    counting.opened.clear()
    assert len(rows(Batches(index, Share(35, 5, 0, 1)))) == 35
    assert counting.opened == [path for path in paths if path != "shards/web/part-00002.parquet"]


class Counting:
    """A storage that notes what it opens."""

    def __init__(self, storage: Storage) -> None:
        self.storage, self.url = storage, storage.url
        self.opened: list[str] = []

    def read(self, path: str) -> bytes:
        return self.storage.read(path)

    def open(self, path: str) -> BinaryIO:
        self.opened.append(path)
        return self.storage.open(path)
