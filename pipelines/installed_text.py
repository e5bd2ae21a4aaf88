"""Real text that this Python's installed packages carry, for a first run without a network.

In:  the folders of the standard library and of the installed packages, and a budget in bytes.
Out: documents of five kinds: code, module documentation, licences, package descriptions, the language reference.
Guaranteed: files are only read and parsed, never imported or run; the same environment gives the same documents in the
same order (files go by the hash of their name and size); no more is read than the budget asks for, and of that only
files rich in documentation are parsed.
"""

import ast
import email.parser
import email.policy
import os
import sysconfig
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import xxhash

Kind = Literal["code", "documentation", "licence", "description", "reference"]

PYTHON = "python"
SKIPPED_FOLDERS = frozenset({"__pycache__", "site-packages", "dist-packages", "gristmill", "idlelib"})
LICENCE_NAMES = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS")
MODULE_BYTES = range(1_000, 200_000)
DOCUMENTED_SHARE = 0.25
CODE_SHARE = 0.55
SMALL_SHARES: dict[Kind, float] = {"licence": 0.07, "description": 0.04, "reference": 0.05}


@dataclass(frozen=True, slots=True)
class Document:
    """One text and where it was found.

    Args:
        kind: what it is.
        package: top-level name of the package that carries it; `python` for the standard library.
        path: its file below the library folder, with `/`; a topic of the reference follows after `#`.
        text: the text as it stands in the file.
    """

    kind: Kind
    package: str
    path: str
    text: str

    @property
    def size(self) -> int:
        """Length of the text in UTF-8 bytes."""
        return len(self.text.encode())


@dataclass(frozen=True, slots=True)
class InstalledFile:
    """A file of an installed package: its library folder, its path below it, its size in bytes."""

    root: Path
    path: str
    size: int
    package: str

    @property
    def order(self) -> tuple[int, str]:
        """A fixed shuffle; copies of a file under one name and size come close together, so duplicates survive."""
        return xxhash.xxh3_64_intdigest(f"{self.path.rpartition('/')[2]}\0{self.size}".encode()), self.path

    def read(self) -> str | None:
        """Return the text, or None where the file is not UTF-8 or cannot be read."""
        try:
            return (self.root / self.path).read_bytes().decode()
        except (OSError, UnicodeDecodeError):
            return None


def library_folders() -> dict[str, Path]:
    """Return the folders of the standard library and of the installed packages, by name."""
    paths = sysconfig.get_paths()
    return {PYTHON: Path(paths["stdlib"]), "packages": Path(paths["purelib"])}


def gather(folders: dict[str, Path], budget: int) -> list[Document]:
    """Return documents of about `budget` UTF-8 bytes in all; fewer where the packages carry less.

    Args:
        folders: as from `library_folders`.
        budget: bytes of text to stop at; the last document of each kind may reach beyond its share.
    """
    files = list_files(folders)
    small = [document for kind, share in SMALL_SHARES.items() for document in _small(kind, files, int(budget * share))]
    rest = budget - sum(document.size for document in small)
    return small + _modules(files, rest)


def list_files(folders: dict[str, Path]) -> list[InstalledFile]:
    """Return every file below `folders`, in the fixed shuffle."""
    found = [file for name, root in folders.items() for file in _walk(root, name)]
    return sorted(found, key=lambda file: file.order)


def _walk(root: Path, name: str) -> Iterator[InstalledFile]:
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [sub for sub in subfolders if sub not in SKIPPED_FOLDERS and not sub.startswith("gristmill-")]
        below = Path(folder).relative_to(root)
        for each in names:
            path = (below / each).as_posix()
            package = PYTHON if name == PYTHON else path.partition("/")[0].partition("-")[0]
            yield InstalledFile(root, path, (Path(folder) / each).lstat().st_size, package)


def _small(kind: Kind, files: Sequence[InstalledFile], budget: int) -> list[Document]:
    """Return licences, descriptions or the reference, up to `budget` bytes."""
    finders = {"licence": _licences, "description": _descriptions, "reference": _reference}
    return _up_to(budget, finders[kind](files))


def _up_to(budget: int, documents: Iterable[Document]) -> list[Document]:
    """Return documents until those before reach `budget` bytes."""
    taken = []
    for document in documents:
        if budget <= 0:
            break
        taken.append(document)
        budget -= document.size
    return taken


def _licences(files: Iterable[InstalledFile]) -> Iterator[Document]:
    for file in files:
        name = file.path.rpartition("/")[2].upper()
        if name.startswith(LICENCE_NAMES) and not name.endswith((".PY", ".PYI", ".JSON")) and (text := file.read()):
            yield Document("licence", file.package, file.path, text)


def _descriptions(files: Iterable[InstalledFile]) -> Iterator[Document]:
    for file in files:
        if not file.path.endswith(".dist-info/METADATA"):
            continue
        message = email.parser.Parser(policy=email.policy.compat32).parsestr(file.read() or "")
        text = str(message.get_payload()).strip()
        if text:
            yield Document("description", file.package, file.path, text)


def _reference(files: Iterable[InstalledFile]) -> Iterator[Document]:
    """Yield the topics that Python's own `help()` shows: pages of the language reference."""
    for file in files:
        if file.path == "pydoc_data/topics.py" and file.package == PYTHON:
            for topic, text in sorted(_literal_topics(file.read() or "").items()):
                yield Document("reference", PYTHON, f"{file.path}#{topic}", text)


def _literal_topics(source: str) -> dict[str, str]:
    tree = _parse(source)
    values = [node.value for node in (tree.body if tree else []) if isinstance(node, ast.Assign)]
    tables = [ast.literal_eval(value) for value in values if isinstance(value, ast.Dict)]
    return {str(topic): str(text) for table in tables for topic, text in table.items()}


def _modules(files: Iterable[InstalledFile], budget: int) -> list[Document]:
    """Return modules up to `budget` bytes: the documentation of well documented ones, the code of the others."""
    room = {"code": int(budget * CODE_SHARE), "documentation": budget - int(budget * CODE_SHARE)}
    taken = []
    for file in files:
        document = _module(file)
        if document and room[document.kind] > 0:
            taken.append(document)
            room[document.kind] -= document.size
        if max(room.values()) <= 0:
            break
    return taken


def _module(file: InstalledFile) -> Document | None:
    if not file.path.endswith(".py") or file.size not in MODULE_BYTES or (source := file.read()) is None:
        return None
    if _documented_share(source) < DOCUMENTED_SHARE:
        return Document("code", file.package, file.path, source)
    page = documentation_page(source, file.path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    return Document("documentation", file.package, file.path, page) if page else None


def _documented_share(source: str) -> float:
    """Return the share of a module's characters that stand in long triple-quoted strings: no parsing, a hint only."""
    long = sum(len(string) for string in source.split('"""')[1::2] if len(string) > 300)
    return long / max(1, len(source))


def documentation_page(source: str, module: str) -> str:
    """Return a module's docstrings, each under its dotted name, or "" where it has none or does not parse."""
    tree = _parse(source)
    sections = _docstrings(tree, module) if tree else ()
    return "\n\n\n".join(f"{name}\n\n{text}" for name, text in sections)


def _docstrings(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, name: str
) -> Iterator[tuple[str, str]]:
    text = ast.get_docstring(node)
    if text and _is_text(text):
        yield name, text
    if not isinstance(node, ast.Module | ast.ClassDef):
        return
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _docstrings(child, f"{name}.{child.name}")


def _is_text(value: str) -> bool:
    """Return whether a literal can be written as UTF-8; an escaped lone surrogate names no character."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parse(source: str) -> ast.Module | None:
    """Return the syntax tree, or None for what is not Python of this version."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
