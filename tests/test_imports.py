"""Who may import whom, who talks to Ray, and who opens paths."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("filters", "synth", "pipelines")
"""In the order in which they may import one another: each only itself and those before it."""

OPENERS = {"engine/storage.py", "engine/local.py", "engine/objects.py"}
"""Modules of the running engine that turn a path into bytes."""

ASKED_FOR = {
    "yaml_keys.py": "the manifest's own file",
    "sample.py": "writes the first-run corpus",
    "installed_text.py": "reads what Python packages carry",
    "engine/build.py": "a tokenizer's file on the driver, which becomes a part",
    "engine/session.py": "the same file, for the manifest's hash",
    "engine/cluster.py": "where this package lies, for workers elsewhere, and which cluster runs here",
}
"""Modules that meet a path of the user's before or beside a build, and why."""

OPENING = {"read_bytes", "read_text", "write_bytes", "write_text", "memory_map", "OSFile", "scandir", "unlink", "rglob"}
"""Names whose call opens, makes, lists or removes files; beside them `open`, where a module knows paths at all."""


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Return every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relative to itself"
            yield str(node.module)


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Return the calls of a file by the last part of what is called."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            function = node.func
            yield (function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")), node


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_one_way(package: str) -> None:
    later = PACKAGES[PACKAGES.index(package) + 1 :]
    forbidden = {*later, "tests", "benchmarks"}
    found = {
        (path.name, name) for path in modules(package) for name in imported(path) if name.split(".")[0] in forbidden
    }
    assert found == set()


def test_only_one_module_imports_ray() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for package in (*PACKAGES, "benchmarks")
        for path in modules(package)
        if any(name.split(".")[0] == "ray" for name in imported(path))
    }
    assert users == {"pipelines/engine/cluster.py"}


def in_fresh_python(code: str) -> str:
    """Run code in another process, at the root of the repository; return what it prints."""
    ended = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


LOADED = "; import sys; print(' '.join(sorted({name.split('.')[0] for name in sys.modules})))"


def test_filters_need_neither_ray_nor_the_pipelines() -> None:
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in modules("filters")]
    wanted = ", ".join(name.removesuffix(".__init__") for name in names)
    loaded = in_fresh_python(f"import {wanted}{LOADED}").split()
    assert {"ray", "pipelines", "synth"} & set(loaded) == set()
    assert "filters" in loaded


@pytest.mark.parametrize(
    "module", ["pipelines.manifest", "pipelines.catalog", "pipelines.engine.session", "pipelines.cli"]
)
def test_ray_is_not_imported_before_it_is_asked_for(module: str) -> None:
    assert "ray" not in in_fresh_python(f"import {module}{LOADED}").split()


def test_the_command_line_imports_what_a_command_runs_when_it_runs() -> None:
    loaded = in_fresh_python(f"import pipelines.cli{LOADED}").split()
    assert {"numba", "numpy", "pyarrow", "tokenizers"} & set(loaded) == set()


def test_importing_a_package_opens_no_file_of_ours_and_starts_no_thread() -> None:
    code = "import threading, pipelines.engine.session, filters.gopher; print(threading.active_count())"
    assert in_fresh_python(code) == "1"


def opens_paths(path: Path) -> bool:
    """Tell whether a module opens paths by itself, not as methods of the storage and the like."""
    knows_paths = bool({"pathlib", "shutil"} & {name.split(".")[0] for name in imported(path)})
    for name, call in calls(path):
        if name in OPENING or (name == "open" and isinstance(call.func, ast.Name)):
            return True
        if name == "open" and knows_paths and "storage" not in ast.unparse(call.func).lower():
            return True
    return False


def test_only_the_storage_opens_paths_while_a_build_runs() -> None:
    found = {path.relative_to(ROOT / "pipelines").as_posix() for path in modules("pipelines") if opens_paths(path)}
    assert found - OPENERS <= ASKED_FOR.keys()
    assert found >= {"engine/local.py"}


@pytest.mark.parametrize(("package", "openers"), [("filters", ["compiled.py"]), ("synth", [])])
def test_filters_and_synth_open_no_path(package: str, openers: list[str]) -> None:
    """Only the compiler of kernels reads files: its own sources, to name the folder of what was compiled."""
    assert [path.name for path in modules(package) if opens_paths(path)] == openers
