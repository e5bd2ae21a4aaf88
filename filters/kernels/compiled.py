"""How kernels are compiled: by numba, without the interpreter's lock, once per node and version of the sources.

In:  plain functions over numpy arrays.
Out: machine code, kept in a folder that is named by a hash of every kernel's source.
Guaranteed: an edited kernel is never run as the machine code of its former self, though numba looks only at the file of
     the function that is called, not at those which it calls.

Kernels take and give arrays, never Arrow objects; they are the only code that touches bytes.
"""

import os
import tempfile
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numpy as np
import xxhash
from numba.core.caching import FunctionCache
from numba.core.runtime.nrt import rtsys

Inputs = ParamSpec("Inputs")
Output = TypeVar("Output")


def sources_hash(folder: Path) -> str:
    """Return 16 hex digits that name the state of all kernel sources in a folder and the version of numba."""
    digest = xxhash.xxh3_64(numba.__version__.encode())
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def cache_folder() -> Path:
    """Return the folder of this node for this state of the sources; `GRISTMILL_KERNELS` names another parent."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "gristmill" / "kernels"
    folder = Path(os.environ.get("GRISTMILL_KERNELS", default)) / sources_hash(Path(__file__).parent)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="gristmill-kernels-"))
    return folder


numba.config.CACHE_DIR = str(cache_folder())  # type: ignore[attr-defined] # numba makes its options at import


class _Kept:
    """What numba keeps of one function; its files are looked for when it is called, for a process calls few of all.

    Before numba loads machine code, it sets up all that compiling takes: it imports its support for arrays, strings,
    dictionaries, random numbers and other libraries (SciPy's linear algebra, cffi), which takes half a second or
    more. Machine code only needs numba's memory; what is not kept is set up and compiled as ever.
    """

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    @cached_property
    def _files(self) -> Any:  # noqa: ANN401 - numba has few types
        return FunctionCache(self._function)  # type: ignore[no-untyped-call]

    @property
    def cache_path(self) -> str:
        """The folder of the files, for numba's own statistics."""
        return str(self._files.cache_path)

    def load_overload(self, sig: object, target_context: object) -> object:
        """Return what is kept for arguments of some types; None where nothing is."""
        rtsys.initialize(target_context)
        return self._files._load_overload(sig, target_context)  # noqa: SLF001 - without what numba sets up first

    def save_overload(self, sig: object, made: object) -> None:
        """Keep what was compiled for arguments of some types."""
        self._files.save_overload(sig, made)


def _compiled(function: Callable[Inputs, Output], **options: bool) -> Callable[Inputs, Output]:
    """Return a function that is compiled, or loaded, when it is first called with arguments of some types."""
    settings: dict[str, Any] = {"nogil": True, "boundscheck": False, **options}
    compiled: Any = numba.njit(**settings)(function)
    compiled._cache = _Kept(function)  # noqa: SLF001 - as numba's own `cache=True` does
    return cast("Callable[Inputs, Output]", compiled)


def kernel(function: Callable[Inputs, Output]) -> Callable[Inputs, Output]:
    """Compile `function` when it is first called with arguments of some types; other kernels may call it."""
    return _compiled(function)


def inlined(function: Callable[Inputs, Output]) -> Callable[Inputs, Output]:
    """Compile a small function into the kernels that call it."""
    return _compiled(function, forceinline=True)


@inlined
def signed(value: np.integer[Any]) -> int:
    """Return a number as int64: numba makes a float of an int64 and a uint64."""
    return np.int64(value)  # type: ignore[return-value] # numba has one kind of int


def leaf(function: Callable[Inputs, Output]) -> Callable[Inputs, Output]:
    """Compile a function that allocates nothing, not even a slice, into the kernels that call it.

    numba then counts no references to its arrays; inside a loop over characters, counting costs more than the loop.
    """
    return _compiled(function, forceinline=True, _nrt=False)


def apart(function: Callable[Inputs, Output]) -> Callable[Inputs, Output]:
    """Compile a function that allocates nothing, to be called: what is rare would only make its caller larger."""
    return _compiled(function, _nrt=False)
