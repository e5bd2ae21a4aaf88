"""The generator of bad input is repeatable, and the sources say of each bad record what it says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from pipelines.sources.formats import SOURCES
from pipelines.sources.options import SourceOptions
from pipelines.sources.reading import extents, read
from tests.torture.bad_inputs import Expected, manifest_sources, write_bad_corpus

SEED = 20240501
LONG_LINE = 9_000_000


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Expected]]:
    folder = tmp_path_factory.mktemp("bad")
    return folder, write_bad_corpus(folder, SEED, LONG_LINE)


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def source_of(folder: Path, file: str) -> SourceOptions:
    entry = manifest_sources(folder)[file.partition("/")[0]]
    source: SourceOptions = TypeAdapter(SOURCES[entry["format"]]).validate_python(entry)
    return source


def problems(folder: Path, file: str, split_bytes: int) -> Iterator[Expected]:
    source, path = source_of(folder, file), folder / file
    with path.open("rb") as stream:
        for start, end in extents(source, stream, path.stat().st_size, file, split_bytes):
            for batch in read(source, stream, start, end, file):
                yield from bad_rows(file, batch.column("ordinal").to_pylist(), batch.column("problem").to_pylist())


def bad_rows(file: str, ordinals: list[int], found: list[str | None]) -> Iterator[Expected]:
    for ordinal, problem in zip(ordinals, found, strict=True):
        if problem is not None:
            yield Expected(file, ordinal, problem.partition(":")[0])


def test_the_same_seed_writes_the_same_corpus(corpus: tuple[Path, list[Expected]], tmp_path: Path) -> None:
    folder, expected = corpus
    assert write_bad_corpus(tmp_path, SEED, LONG_LINE) == expected
    assert files_below(tmp_path) == files_below(folder)
    assert all((tmp_path / file).read_bytes() == (folder / file).read_bytes() for file in files_below(folder))


def test_there_are_more_than_two_hundred_bad_records_of_every_kind(corpus: tuple[Path, list[Expected]]) -> None:
    _, expected = corpus
    assert len(set(expected)) == len(expected) > 200
    kinds = {"json", "utf-8", "missing", "type", "gzip", "zstd", "parquet", "format"}
    assert {each.kind for each in expected} == kinds


@pytest.mark.parametrize("split_bytes", [128_000_000, 10_000])
def test_the_sources_find_exactly_the_bad_records(corpus: tuple[Path, list[Expected]], split_bytes: int) -> None:
    folder, expected = corpus
    found = sorted(each for file in files_below(folder) for each in problems(folder, file, split_bytes))
    assert [each for each in found if each not in set(expected)] == []
    assert [each for each in expected if each not in set(found)] == []
    assert len(found) == len(expected)
