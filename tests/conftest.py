"""Settings of all tests: property tests have no deadline, and each test process has a Ray of its own."""

import os
import tempfile

from hypothesis import settings

settings.register_profile("gristmill", deadline=None)  # how long an example takes is the machine's business
settings.load_profile("gristmill")

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes would compile our modules anew, a second each
os.environ["RAY_TMPDIR"] = tempfile.mkdtemp(prefix="gm", dir="/tmp")  # short: Ray puts sockets in it
"""Where Ray notes its cluster: `--address auto` joins no other test's."""
