"""Joining a cluster that runs already, as a person would on a head node."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import build_by_command, build_here, digest, write_lines

MANIFEST: dict[str, Any] = {"name": "joined", "stages": ["normalize", "dedup_exact"]}


def free_port() -> int:
    """Return a port that Ray's own workers (10002 to 19999) do not use."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if not 10_000 <= port < 20_000:
            return port


@pytest.fixture
def head() -> Iterator[str]:
    """Start a head node; return its address."""
    port, client = free_port(), free_port()
    command = ["ray", "start", "--head", "--block", "--num-cpus", "1", "--object-store-memory", "80000000"]
    ports = ["--port", str(port), "--ray-client-server-port", str(client), "--include-dashboard=false"]
    script = Path(sys.executable).parent / command[0]
    node = subprocess.Popen(
        [str(script), *command[1:], *ports],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not _answers(client) and time.monotonic() < deadline:
        time.sleep(0.2)
    yield f"ray://127.0.0.1:{client}"
    node.terminate()  # an interrupt may be ignored: of a shell's background jobs it is
    node.wait(60)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.ray
@pytest.mark.slow
def test_a_remote_cluster_gives_the_same_bytes(head: str, tmp_path: Path) -> None:
    texts = [f"The text of document {number % 40}." for number in range(50)]
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": text} for text in texts])
    manifest = {**MANIFEST, "sources": {"a": {"format": "jsonl", "path": f"{tmp_path}/a/*"}}}
    build_here(manifest, tmp_path / "here")
    ended = build_by_command(manifest, tmp_path / "there", "--address", head)
    assert ended.returncode == 0, ended.stderr
    assert digest(tmp_path / "there") == digest(tmp_path / "here")


@pytest.mark.ray
@pytest.mark.slow
def test_an_address_where_no_cluster_is_says_what_to_do(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "a"}])
    manifest = {**MANIFEST, "sources": {"a": {"format": "jsonl", "path": f"{tmp_path}/a/*"}}}
    ended = build_by_command(manifest, tmp_path / "out", "--address", f"ray://127.0.0.1:{free_port()}")
    assert ended.returncode == 2
    assert "ray start --head" in ended.stderr
    assert "Traceback" not in ended.stderr
