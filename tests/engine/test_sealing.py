"""Files that stages read: known by content, copied into the build folder, loaded where the work is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import pyarrow as pa
import pytest
from pydantic import PrivateAttr

from filters.batch import Batch, Columns, InputFile, ReadFiles, Stage, Verdicts, batch_of, judging, measuring
from filters.verdicts import Rule, judge_by
from pipelines import catalog
from pipelines.audit.opened import open_folder
from pipelines.audit.preview import preview
from pipelines.engine.lock import MANIFEST
from pipelines.engine.sealing import keep_input, read_input
from pipelines.engine.session import Settings, build
from pipelines.engine.storage import Storage, open_storage
from pipelines.errors import ManifestError, SourceChanged
from pipelines.manifest import load_manifest
from tests.helpers import build_here, digest, final_texts, lines_source, tasks_run, verdicts, write_lines, written


class Listed(Stage):
    """Counts the words that files list, and takes them out."""

    version: ClassVar[int] = 1
    lists: InputFile | None = measuring(None, "lists of words")
    more: tuple[InputFile, ...] = measuring((), "more lists")
    most: int = judging(0, "most listed words")
    _words: frozenset[str] | None = PrivateAttr(default=None)

    def load(self, read: ReadFiles) -> Self:
        named: list[Mapping[str, bytes]] = [read(each) for each in (self.lists, *self.more) if each is not None]
        loaded = self.model_copy()
        loaded._words = frozenset(word for files in named for data in files.values() for word in data.decode().split())
        return loaded

    @property
    def words(self) -> frozenset[str]:
        if self._words is None:
            raise ValueError("call load before")
        return self._words

    def measure(self, batch: Batch) -> Columns:
        counts = [sum(word in self.words for word in text.split()) for text in batch.text.to_pylist()]
        return {"listed_words": pa.array(counts, pa.int64())}

    def judge(self, signals: Columns) -> Verdicts:
        return judge_by([Rule("most", "listed_words", "max", self.most)], signals)

    def edit(self, batch: Batch) -> pa.LargeStringArray:
        texts = (text.split() for text in batch.text.to_pylist())
        return pa.array(
            [" ".join(word for word in text if word not in self.words) for text in texts], pa.large_string()
        )


@pytest.fixture(autouse=True)
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.STAGES, "listed", Listed)


def manifest(folder: Path, **options: object) -> dict[str, Any]:
    if not (folder / "a").exists():
        write_lines(folder / "a" / "x.jsonl", [{"text": text} for text in ("one two", "three four", "two two", "")])
    return {"name": "n", "sources": {"a": lines_source(folder / "a")}, "stages": [{"listed": options}]}


def write_lists(folder: Path, **lists: str) -> str:
    for name, words in lists.items():
        (folder / "lists" / name).mkdir(parents=True, exist_ok=True)
        (folder / "lists" / name / "words.txt").write_text(words)
    return f"{folder}/lists/*/words.txt"


def fates(out: Path) -> list[str]:
    found: list[str] = verdicts(out).column("fate").to_pylist()
    return found


def stages_hash(folder: Path, wanted: dict[str, Any]) -> str:
    return str(load_manifest(written(wanted, folder / "m")).canonical()["stages"])


def test_a_stage_works_with_what_its_files_hold(tmp_path: Path) -> None:
    lists = write_lists(tmp_path, x="two", y="four")
    build_here(manifest(tmp_path, lists=lists), tmp_path / "out")
    assert fates(tmp_path / "out") == ["dropped", "dropped", "dropped", "unused"]
    build_here(manifest(tmp_path, lists=lists, most=1), tmp_path / "out")
    assert fates(tmp_path / "out") == ["unused", "unused", "dropped", "unused"]
    assert verdicts(tmp_path / "out").column("chars_out").to_pylist() == [3, 5, None, 0]


def test_identity_is_what_the_files_hold_and_where_they_lie_below_the_pattern(tmp_path: Path) -> None:
    first = stages_hash(tmp_path, manifest(tmp_path, lists=write_lists(tmp_path, x="two")))
    moved = stages_hash(tmp_path, manifest(tmp_path, lists=write_lists(tmp_path / "moved", x="two")))
    other = stages_hash(tmp_path, manifest(tmp_path, lists=write_lists(tmp_path / "other", x="two\n")))
    renamed = stages_hash(tmp_path, manifest(tmp_path, lists=write_lists(tmp_path / "renamed", y="two")))
    assert first == moved
    assert len({first, other, renamed}) == 3
    assert str(tmp_path) not in first


def test_another_content_is_measured_again_and_another_place_is_not(tmp_path: Path) -> None:
    for folder, words in (("one", "two"), ("one", "four"), ("elsewhere", "four")):
        build_here(manifest(tmp_path, lists=write_lists(tmp_path / folder, x=words)), tmp_path / "out")
    assert len(tasks_run(tmp_path / "out", "pass 1 of 1")) == 2
    assert fates(tmp_path / "out") == ["unused", "dropped", "unused", "unused"]
    build_here(manifest(tmp_path, lists=write_lists(tmp_path, x="four")), tmp_path / "fresh")
    assert digest(tmp_path / "out") == digest(tmp_path / "fresh")


def test_several_files_and_none_are_options_too(tmp_path: Path) -> None:
    write_lists(tmp_path, x="two", y="four")
    more = [f"{tmp_path}/lists/x/words.txt", f"{tmp_path}/lists/y"]
    build_here(manifest(tmp_path, more=more), tmp_path / "out")
    assert fates(tmp_path / "out") == ["dropped", "dropped", "dropped", "unused"]
    build_here(manifest(tmp_path), tmp_path / "none")
    assert set(fates(tmp_path / "none")) == {"unused"}


@pytest.mark.parametrize(
    ("options", "key"),
    [({"lists": "gone/*.txt"}, "lists"), ({"more": ["gone.txt"]}, "more.0"), ({"lists": " "}, "lists")],
)
def test_files_that_are_not_there_are_refused_before_any_work(
    tmp_path: Path, options: dict[str, Any], key: str
) -> None:
    with pytest.raises(ManifestError) as error:
        build_here(manifest(tmp_path, **options), tmp_path / "out")
    assert error.value.key == f"stages.0.listed.{key}"
    assert "path" in error.value.remedy
    assert not (tmp_path / "out").exists()


def test_a_content_that_is_asked_for_must_be_there(tmp_path: Path) -> None:
    lists = write_lists(tmp_path, x="two")
    build_here(manifest(tmp_path, lists=lists, most=1), tmp_path / "out")
    stored = tmp_path / "out" / MANIFEST
    again = load_manifest(stored)
    assert again == load_manifest(tmp_path / "out.yaml")
    write_lists(tmp_path, x="three")
    with pytest.raises(ManifestError, match="what is there now has the content"):
        load_manifest(stored)


def test_a_finished_build_is_asked_without_the_files(tmp_path: Path) -> None:
    lists = write_lists(tmp_path, x="two")
    build_here(manifest(tmp_path, lists=lists, most=9), tmp_path / "out")
    (tmp_path / "lists" / "x" / "words.txt").unlink()
    opened = open_folder(tmp_path / "out")
    assert final_texts(opened, opened.splits[0], {0, 1, 2, 3}) == {0: "one", 1: "three four", 2: "", 3: ""}


def test_a_file_that_changes_while_a_build_begins_stops_it(tmp_path: Path) -> None:
    wanted = load_manifest(written(manifest(tmp_path, lists=write_lists(tmp_path, x="two")), tmp_path / "out"))
    write_lists(tmp_path, x="three")
    with pytest.raises(SourceChanged, match=r"words\.txt changed"):
        build(wanted, tmp_path / "out", Settings("none"))
    assert not list((tmp_path / "out" / "work").rglob("words.txt"))


def test_preview_loads_too(tmp_path: Path) -> None:
    path = written(manifest(tmp_path, lists=write_lists(tmp_path, x="two")), tmp_path / "out")
    (seen,) = preview(load_manifest(path))
    assert [each.signals["listed_words"] for each in seen.documents] == [1, 0, 2, 0]


def test_a_stage_that_was_not_loaded_says_so() -> None:
    with pytest.raises(ValueError, match="load"):
        Listed().measure(batch_of(["a"]))


def test_what_is_kept_is_read_again(storage: Storage) -> None:
    files = {"a/b.txt": b"x", "c.bin": b"\0" * 3_000_000}
    content = keep_input(storage, files)
    assert content == keep_input(storage, dict(reversed(files.items())))
    assert read_input(storage, content) == files
    with pytest.raises(FileNotFoundError):
        read_input(open_storage(storage.url + "/elsewhere"), content)


def test_files_in_a_bucket_are_sealed_like_files_in_a_folder(tmp_path: Path, s3: str) -> None:
    lists = write_lists(tmp_path, x="two")
    open_storage(s3).put("lists/x/words.txt", b"two")
    here = stages_hash(tmp_path, manifest(tmp_path, lists=lists))
    assert here == stages_hash(tmp_path, manifest(tmp_path, lists=f"{s3}/lists/*/words.txt"))
    build_here(manifest(tmp_path, lists=f"{s3}/lists/*/words.txt"), tmp_path / "out")
    assert fates(tmp_path / "out") == ["dropped", "unused", "dropped", "unused"]
