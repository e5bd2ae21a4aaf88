"""One behaviour, local and on S3; then what only one of them has."""

import errno
import glob
import io
import multiprocessing
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.local import LocalStorage
from pipelines.engine.patterns import matcher
from pipelines.engine.storage import Storage, find_files, open_storage
from pipelines.errors import RequestError, StorageFull

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024


class Interrupted(Exception):
    """Stands for whatever may go wrong while a file is written."""


def fail_after(file: BinaryIO) -> None:
    file.write(b"after")
    raise Interrupted


def put_all(storage: Storage, *paths: str) -> None:
    for path in paths:
        storage.put(path, path.encode())


def found(pattern: str) -> list[str]:
    return [file.path for file in find_files(pattern)]


# One behaviour


def test_what_was_written_is_read_back(storage: Storage) -> None:
    with storage.write("a/b.bin") as file:
        file.write(b"0123")
        file.write(b"456789")
    assert storage.read("a/b.bin") == b"0123456789"
    assert storage.read_range("a/b.bin", 3, 7) == b"3456"
    assert storage.read_range("a/b.bin", 3, 3) == b""


def test_a_file_larger_than_one_upload_part_is_whole(storage: Storage) -> None:
    data = np.random.default_rng(1).bytes(20 * MIB)
    with storage.write("large") as file:
        file.write(data)
    assert storage.read("large") == data


def test_an_open_file_can_be_read_from_any_place(storage: Storage) -> None:
    data = np.random.default_rng(2).bytes(9 * MIB)
    storage.put("data", data)
    with storage.open("data") as file:
        assert file.seekable()
        assert file.seek(-5, io.SEEK_END) == len(data) - 5
        assert file.read() == data[-5:]
        assert file.seek(1000) == 1000
        assert file.read(5 * MIB) == data[1000 : 1000 + 5 * MIB]
        assert file.tell() == 1000 + 5 * MIB
        file.seek(-10, io.SEEK_CUR)
        assert file.read(20) == data[990 + 5 * MIB : 1010 + 5 * MIB]
        file.seek(len(data) + 10)
        assert file.read(1) == b""


def test_lines_of_an_open_file_are_those_of_the_data(storage: Storage) -> None:
    storage.put("lines", b"one\n\ntwo\nthree")
    with storage.open("lines") as file:
        assert list(file) == [b"one\n", b"\n", b"two\n", b"three"]


def test_parquet_is_written_and_read_through_it(storage: Storage) -> None:
    table = pa.table({"number": list(range(5000)), "text": ["x" * 50] * 5000})
    with storage.write("table.parquet") as file, pq.ParquetWriter(file, table.schema) as writer:
        writer.write_table(table)
    with storage.open("table.parquet") as file:
        assert pq.ParquetFile(file).read().equals(table)


def test_a_file_appears_only_when_it_is_whole(storage: Storage) -> None:
    with storage.write("part") as file:
        file.write(b"half")
        file.flush()
        assert not storage.exists("part")
        assert storage.list() == []
    assert storage.list() == ["part"]


def test_a_failed_write_leaves_what_was_there(storage: Storage) -> None:
    storage.put("old", b"before")
    for path in ("old", "new"):
        with pytest.raises(Interrupted), storage.write(path) as file:
            fail_after(file)
    assert storage.list() == ["old"]
    assert storage.read("old") == b"before"


def test_put_replaces(storage: Storage) -> None:
    storage.put("note", b"first and longer")
    storage.put("note", b"second")
    assert storage.read("note") == b"second"


def test_create_refuses_what_exists_and_leaves_it(storage: Storage) -> None:
    assert storage.create("deep/in/receipt", b"mine")
    assert not storage.create("deep/in/receipt", b"yours")
    assert storage.read("deep/in/receipt") == b"mine"


@pytest.mark.parametrize("round_number", range(5))
def test_of_sixteen_creators_one_wins(storage: Storage, round_number: int) -> None:
    path = f"receipts/{round_number}"
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda number: storage.create(path, b"%d" % number), range(16)))
    assert won.count(True) == 1
    assert storage.read(path) == b"%d" % won.index(True)
    assert storage.list() == [path]


def test_append_adds_to_the_end(storage: Storage) -> None:
    storage.append("logs/runs.jsonl", b"{}\n")
    storage.append("logs/runs.jsonl", b"[]\n")
    assert storage.read("logs/runs.jsonl") == b"{}\n[]\n"


def test_identity_changes_with_the_content_and_only_then(storage: Storage) -> None:
    storage.put("source", b"x" * MIB)
    before = storage.identify("source")
    assert before == storage.identify("source")
    assert before.size == MIB
    storage.put("source", b"x" * (MIB - 1) + b"y")
    assert storage.identify("source") != before
    assert storage.identify("source").size == MIB


@pytest.mark.parametrize(
    "ask",
    [
        lambda storage: storage.read("no/such"),
        lambda storage: storage.read_range("no/such", 0, 1),
        lambda storage: storage.open("no/such"),
        lambda storage: storage.identify("no/such"),
    ],
    ids=["read", "read_range", "open", "identify"],
)
def test_a_missing_file_is_named(storage: Storage, ask: object) -> None:
    assert callable(ask)
    with pytest.raises(FileNotFoundError) as caught:
        ask(storage)
    assert f"{storage.url}/no/such" in str(caught.value)


@pytest.mark.parametrize(("start", "end"), [(2, 20), (10, 11), (50, 60)])
def test_a_range_beyond_the_end_is_an_error_that_names_the_file(storage: Storage, start: int, end: int) -> None:
    storage.put("short", b"0123456789")
    with pytest.raises(OSError, match="short"):
        storage.read_range("short", start, end)


def test_delete_removes_and_may_be_repeated(storage: Storage) -> None:
    storage.put("a", b"")
    storage.delete("a")
    storage.delete("a")
    assert not storage.exists("a")


def test_a_folder_is_not_a_file(storage: Storage) -> None:
    storage.put("folder/file", b"")
    assert not storage.exists("folder")
    assert storage.exists("folder/file")


def test_list_gives_sorted_paths_of_one_folder(storage: Storage) -> None:
    put_all(storage, "b", "a/z", "a/b/c", "ab/c", "a/.hidden", ".git/x", "a-/x")
    assert storage.list() == ["a-/x", "a/b/c", "a/z", "ab/c", "b"]
    assert storage.list("a") == ["a/b/c", "a/z"]
    assert storage.list("a/b") == ["a/b/c"]
    assert storage.list("nothing") == []


def test_list_goes_no_deeper_than_asked(storage: Storage) -> None:
    put_all(storage, "1", "a/2", "a/b/3")
    assert storage.list("", 0) == ["1"]
    assert storage.list("", 1) == ["1", "a/2"]
    assert storage.list("a", 0) == ["a/2"]


@pytest.mark.parametrize(
    "path", ["a b", "ü/ß", "100%", "a%20b", "q?x=1#y", "[1]{2}", "a+b&c=d", "tilde~", "'\"", "日本/語"]
)
def test_any_name_serves(storage: Storage, path: str) -> None:
    assert storage.create(path, b"content")
    assert storage.read(path) == b"content"
    assert storage.list() == [path]


def test_a_storage_travels_to_another_process(storage: Storage) -> None:
    storage.put("message", b"hello")
    copy = pickle.loads(pickle.dumps(storage))  # noqa: S301 - our own bytes
    assert copy == storage
    assert copy.read("message") == b"hello"
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(storage.read, "message").result() == b"hello"


# Finding files


def test_a_file_is_found_by_its_name(storage: Storage) -> None:
    put_all(storage, "data/a.jsonl", "data/b.jsonl")
    (file,) = find_files(f"{storage.url}/data/a.jsonl")
    assert file.root == f"{storage.url}/data"
    assert file.path == "a.jsonl"
    assert file.identity == storage.identify("data/a.jsonl")


def test_a_folder_means_all_files_below_it_but_hidden_ones(storage: Storage) -> None:
    put_all(storage, "data/b", "data/a/c", "data/.cache/d", "data/.e", "other")
    for pattern in (f"{storage.url}/data", f"{storage.url}/data/"):
        assert found(pattern) == ["a/c", "b"]


def test_a_pattern_finds_what_it_means(storage: Storage) -> None:
    put_all(storage, "x/1.gz", "x/a/2.gz", "x/a/b/3.gz", "x/a/4.txt", "x/.h/5.gz", "y/6.gz", "x/10.gz")
    url = storage.url
    assert found(f"{url}/x/*.gz") == ["1.gz", "10.gz"]
    assert found(f"{url}/x/?.gz") == ["1.gz"]
    assert found(f"{url}/x/**/*.gz") == ["1.gz", "10.gz", "a/2.gz", "a/b/3.gz"]
    assert found(f"{url}/x/*/*") == ["a/2.gz", "a/4.txt"]
    assert found(f"{url}/[xy]/[!1]*") == ["y/6.gz"]
    assert found(f"{url}/x/**") == ["1.gz", "10.gz", "a/2.gz", "a/4.txt", "a/b/3.gz"]
    assert found(f"{url}/*/a/**/3.gz") == ["x/a/b/3.gz"]


def test_the_root_is_the_longest_folder_without_a_wildcard(storage: Storage) -> None:
    put_all(storage, "x/y/z-1/a.gz")
    (file,) = find_files(f"{storage.url}/x/y/z-*/a.gz")
    assert (file.root, file.path) == (f"{storage.url}/x/y", "z-1/a.gz")


def test_nothing_is_found_where_nothing_is(storage: Storage) -> None:
    assert find_files(f"{storage.url}/none") == []
    assert find_files(f"{storage.url}/none/*.gz") == []


def test_a_name_with_brackets_is_found_as_it_stands(storage: Storage) -> None:
    put_all(storage, "data[1].gz", "data1.gz")
    assert found(f"{storage.url}/data[1].gz") == ["data[1].gz"]


def test_relative_and_file_urls_mean_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("with space").mkdir()
    Path("with space", "a.txt").touch()
    files = find_files("with space/*.txt")
    assert files == find_files(f"file://{tmp_path}/with%20space/*.txt") == find_files(f"{tmp_path}/with space/a.txt")
    assert found("*/a.txt") == ["with space/a.txt"]


def test_linked_folders_are_entered_and_circles_end(tmp_path: Path) -> None:
    put_all(open_storage(tmp_path), "real/a.gz", "data/b.gz")
    (tmp_path / "data" / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "circle").symlink_to(tmp_path / "data")
    assert found(f"{tmp_path}/data/**/*.gz") == ["b.gz", "link/a.gz"]


def test_a_backward_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"\[z-a\]"):
        find_files(f"{tmp_path}/[z-a].gz")


NAMES = st.text("ab.", min_size=1, max_size=3).filter(lambda name: name.strip("."))
PARTS = st.text("ab*?.", min_size=1, max_size=3).filter(lambda part: not part.startswith(".") and part != "**")


@given(
    st.lists(st.lists(NAMES, min_size=1, max_size=3).map("/".join), max_size=8),
    st.lists(PARTS | st.just("**"), min_size=1, max_size=3).map("/".join),
)
def test_patterns_mean_what_the_standard_library_says(paths: list[str], pattern: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            place = Path(folder, path)
            if not any(parent.is_file() for parent in place.parents) and not place.is_dir():
                place.parent.mkdir(parents=True, exist_ok=True)
                place.touch()
        files = {str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file()}
        expected = files & set(glob.glob(pattern, root_dir=folder, recursive=True))  # noqa: PTH207 - pathlib means other things by `**`
    assert {path for path in files if matcher(pattern).fullmatch(path)} == expected


@pytest.mark.parametrize("url", ["gs://bucket/x", "hf://datasets/x", "ftp://host/x"])
def test_an_unsupported_scheme_is_refused_with_the_remedy(url: str) -> None:
    with pytest.raises(RequestError, match="s3://bucket"):
        open_storage(url)
    with pytest.raises(RequestError, match="s3://bucket"):
        find_files(f"{url}/*.gz")


# Room


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let this process write no file beyond `size` bytes: a write then fails as on a full disk (EFBIG)."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_is_named_with_file_and_remedy(small_disk: Path) -> None:
    storage = open_storage(small_disk / "build")
    with pytest.raises(StorageFull, match=rf"{small_disk}/build/work/part: the disk is full; make room"):
        storage.put("work/part", bytes(2 * MIB))
    assert list(small_disk.rglob("*.tmp")) == []
    storage.put("work/part", bytes(MIB // 2))


@pytest.mark.parametrize("method", ["put", "create", "append"])
def test_every_way_to_write_meets_a_full_disk(small_disk: Path, method: str) -> None:
    storage = open_storage(small_disk)
    with pytest.raises(StorageFull, match="runs"):
        getattr(storage, method)("runs", bytes(2 * MIB))
    assert not storage.exists("runs") or storage.read("runs") == b""


def test_parquet_meets_a_full_disk(small_disk: Path) -> None:
    storage = open_storage(small_disk)
    table = pa.table({"noise": np.random.default_rng(3).random(10**6)})
    with pytest.raises(StorageFull), storage.write("t") as file, pq.ParquetWriter(file, table.schema) as writer:
        writer.write_table(table)
    assert storage.list() == []


def test_a_file_size_limit_is_no_room(tmp_path: Path) -> None:
    with largest_file(MIB), pytest.raises(StorageFull, match="may write"):
        open_storage(tmp_path).put("part", bytes(2 * MIB))
    assert list(tmp_path.iterdir()) == []


def test_a_quota_is_no_room(storage: Storage) -> None:
    with pytest.raises(StorageFull, match=r"part.*quota"), storage.write("part"):
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))


def test_another_failure_to_write_names_the_file(storage: Storage) -> None:
    with pytest.raises(OSError, match="part") as caught, storage.write("part"):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    assert caught.value.errno == errno.EIO


def test_no_room_for_an_upload_names_the_object(s3: str, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    storage = open_storage(s3)
    with pytest.raises(StorageFull, match=rf"{s3}/part \(in {small_disk}\)"), storage.write("part") as file:
        file.write(bytes(2 * MIB))
    assert storage.list() == []


# Only local


def test_a_killed_writer_leaves_no_file_and_sweep_removes_the_rest(tmp_path: Path) -> None:
    program = """
import os, signal, sys
from pipelines.engine.storage import open_storage
with open_storage(sys.argv[1]).write("work/part") as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    storage = open_storage(tmp_path)
    storage.put("work/other", b"")
    assert storage.list() == ["work/other"]
    assert len(list((tmp_path / "work").iterdir())) == 2
    storage.sweep()
    assert list((tmp_path / "work").iterdir()) == [tmp_path / "work" / "other"]


def test_local_identity_sees_another_content_of_equal_size_and_time(tmp_path: Path) -> None:
    storage = LocalStorage(str(tmp_path))
    storage.put("source", bytes(MIB))
    before = storage.identify("source")
    for place in (0, MIB // 2, MIB - 1):
        data = bytearray(MIB)
        data[place] = 1
        storage.put("source", bytes(data))
        os.utime(tmp_path / "source", ns=(before.modified_ns, before.modified_ns))
        after = storage.identify("source")
        assert (after.size, after.modified_ns) == (before.size, before.modified_ns)
        assert after.tag != before.tag


def test_a_replaced_file_stays_as_it_was_for_who_reads_it(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    storage.put("part", b"old")
    with storage.open("part") as file:
        storage.put("part", b"new")
        assert file.read() == b"old"
    assert storage.read("part") == b"new"


# Only S3


def test_a_missing_bucket_is_named(s3: str) -> None:
    assert s3
    with pytest.raises(FileNotFoundError, match="s3://no-such-bucket/x"):
        open_storage("s3://no-such-bucket").read("x")


def test_a_whole_bucket_is_a_storage(s3: str) -> None:
    bucket = s3.removesuffix("/some/prefix")
    open_storage(s3).put("file", b"content")
    assert open_storage(bucket).list() == ["some/prefix/file"]
    assert found(bucket) == ["some/prefix/file"]
    assert found(f"{bucket}/*/prefix/f*") == ["some/prefix/file"]
