"""A receipt exists if and only if its part is complete; the first one stands."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipelines.engine.receipts import (
    FileNote,
    Receipt,
    forget,
    load_receipt,
    receipt_path,
    receipts_below,
    save_receipt,
)
from pipelines.engine.storage import Storage, open_storage
from pipelines.errors import NotRepeatable

PART = "work/deltas/0123.parquet"


def receipt_of(content: str, *, size: int = 5, part: str = PART) -> Receipt:
    return Receipt(part, {part: FileNote(size, f"hash of {size}")}, content, {"in": 3, "out": 2}, {"steps": ["a"]})


def test_a_part_without_a_receipt_is_not_complete(storage: Storage) -> None:
    storage.put(PART, b"written, but not declared")
    assert load_receipt(storage, PART) is None


def test_a_receipt_is_read_back_as_it_was_saved(storage: Storage) -> None:
    saved = save_receipt(storage, receipt_of("c"))
    assert saved == receipt_of("c")
    assert load_receipt(storage, PART) == saved


def test_a_second_attempt_with_equal_content_gets_the_first_receipt(storage: Storage) -> None:
    first = save_receipt(storage, receipt_of("c", size=5))
    assert save_receipt(storage, receipt_of("c", size=6)) == first
    assert load_receipt(storage, PART) == first


def test_a_second_attempt_with_other_content_is_an_error_that_names_the_part(storage: Storage) -> None:
    first = save_receipt(storage, receipt_of("c"))
    with pytest.raises(NotRepeatable, match=rf"{storage.url}/{PART}: .*\(c and d\)"):
        save_receipt(storage, receipt_of("d"))
    assert load_receipt(storage, PART) == first


def test_equal_receipts_are_equal_bytes(tmp_path: Path) -> None:
    one, other = open_storage(tmp_path / "1"), open_storage(tmp_path / "2")
    save_receipt(one, Receipt("p", {}, "c", {"in": 1, "out": 2}, {"x": {"a": 1, "b": 2}}))
    save_receipt(other, Receipt("p", {}, "c", {"out": 2, "in": 1}, {"x": {"b": 2, "a": 1}}))
    assert one.read(receipt_path("p")) == other.read(receipt_path("p"))


def test_many_attempts_with_equal_content_agree(storage: Storage) -> None:
    with ThreadPoolExecutor(16) as pool:
        saved = list(pool.map(lambda size: save_receipt(storage, receipt_of("c", size=size)), range(16)))
    assert {receipt.files[PART] for receipt in saved} == {saved[0].files[PART]}
    assert load_receipt(storage, PART) == saved[0]


def attempt(storage: Storage, content: str) -> Receipt | None:
    try:
        return save_receipt(storage, receipt_of(content))
    except NotRepeatable:
        return None


def test_of_attempts_with_different_content_one_stands(storage: Storage) -> None:
    with ThreadPoolExecutor(16) as pool:
        saved = list(pool.map(lambda number: attempt(storage, str(number)), range(16)))
    standing = [receipt for receipt in saved if receipt is not None]
    assert standing == [load_receipt(storage, PART)]


def test_forgetting_removes_the_receipt_and_the_files(storage: Storage) -> None:
    storage.put(PART, b"12345")
    save_receipt(storage, receipt_of("c"))
    forget(storage, PART)
    assert storage.list() == []
    assert save_receipt(storage, receipt_of("d")).content == "d"


def test_forgetting_what_is_not_there_does_nothing(storage: Storage) -> None:
    storage.put(PART, b"12345")
    forget(storage, PART)
    assert storage.list() == [PART]


def test_the_receipt_goes_before_the_files(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    storage.put(f"{PART}/inside", b"a folder where the file should be, which cannot be removed as a file")
    save_receipt(storage, receipt_of("c"))
    with pytest.raises(OSError, match=PART):
        forget(storage, PART)
    assert load_receipt(storage, PART) is None


def test_the_receipts_of_a_folder_are_found_sorted(storage: Storage) -> None:
    for part in ("work/signals/k/b.parquet", "work/signals/k/a.parquet", "work/signals/kk/c.parquet"):
        save_receipt(storage, receipt_of("c", part=part))
    for folder in ("work/signals/k", "work/signals/k/"):
        parts = [receipt.part for receipt in receipts_below(storage, folder)]
        assert parts == ["work/signals/k/a.parquet", "work/signals/k/b.parquet"]
    assert receipts_below(storage, "work/none") == []
