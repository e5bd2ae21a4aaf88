"""Settings of all tests: property tests have no deadline, and each test process has a Ray of its own."""

import gc
import os
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("gristmill", deadline=None)  # how long an example takes is the machine's business
settings.load_profile("gristmill")

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes would compile our modules anew, a second each
os.environ["RAY_TMPDIR"] = tempfile.mkdtemp(prefix="gm", dir="/tmp")  # short: Ray puts sockets in it
"""Where Ray notes its cluster: `--address auto` joins no other test's."""

THRESHOLDS = gc.get_threshold()


@pytest.fixture(autouse=True)
def _garbage_is_looked_for_as_ever() -> Iterator[None]:
    """Undo what the command line, where a test runs it in this process, does for a process that ends with it."""
    yield
    gc.set_threshold(*THRESHOLDS)
    gc.unfreeze()
