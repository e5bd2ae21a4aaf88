"""Storage to test against: a folder, and a real S3 protocol server on this machine."""

import logging
import subprocess
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from pipelines.engine.storage import Storage, open_storage

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def one_write_at_a_time(app: "WSGIApplication") -> "WSGIApplication":
    """Return the server with its writes in a row.

    S3 decides `If-None-Match` and writes in one step; moto looks first and writes later, so that two who create the
    same object at the same moment may both be told that they did.
    """
    lock = Lock()

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "GET":
            return app(environ, start_response)
        with lock:
            return app(environ, start_response)

    return answer


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """Start a server that speaks S3; return its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = one_write_at_a_time(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def s3(s3_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Point this process and its children at the server; return the URL of an empty prefix of a new bucket."""
    settings = {
        "AWS_ENDPOINT_URL": s3_endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    bucket = f"bucket-{abs(hash(tmp_path)):x}"
    urllib.request.urlopen(urllib.request.Request(f"{s3_endpoint}/{bucket}", method="PUT")).close()  # noqa: S310 - our own server
    return f"s3://{bucket}/some/prefix"


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """Return an empty storage of each kind."""
    url: str | Path = tmp_path / "build" if request.param == "local" else request.getfixturevalue("s3")
    return open_storage(url)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a file system of 1 MiB; skip where this process may not mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
