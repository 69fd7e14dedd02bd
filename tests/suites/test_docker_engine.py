"""Engines that are not there, say nothing, or go away; none of them is a real one."""

from __future__ import annotations

import gc
import http.server
import json
import socket
import socketserver
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from serving import Quiet, serving

from harness.errors import ExecutorUnusable
from harness.settings import Settings
from harness.suites.executors.executor import PrepareWork

pytest.importorskip("docker.client", reason="the docker SDK is not installed: pip install 'robustness-harness[docker]'")
from harness.suites.executors.docker import engine
from harness.suites.executors.docker.engine import open_engine
from harness.suites.executors.docker.executor import DockerExecutor


class ShortLived(socketserver.ThreadingUnixStreamServer):
    """An engine that has every image, and can do nothing else."""

    daemon_threads = True


class Answers(Quiet, http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        said = {"ApiVersion": "1.44"} if self.path.endswith("/version") else {"Id": "sha256:ab", "Tags": []}
        content = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.close_connection = True


@pytest.fixture
def place(public_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where an engine's socket is looked for; a short path."""
    path = public_folder / "engine.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    yield path
    path.unlink(missing_ok=True)


@pytest.fixture
def everything_is_closed() -> Iterator[None]:
    """Nothing that was opened is left to the garbage collector."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        yield
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


@pytest.mark.usefixtures("place", "everything_is_closed")
def test_an_engine_that_is_not_there_is_named():
    with pytest.raises(ExecutorUnusable, match=r"no Docker engine answers here .*No such file"):
        open_engine("some-image")


@pytest.mark.usefixtures("everything_is_closed")
def test_a_socket_at_which_nobody_listens_is_no_engine(place):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(place))
    with pytest.raises(ExecutorUnusable, match=r"no Docker engine answers here .*refused"):
        open_engine("some-image")


@pytest.mark.usefixtures("everything_is_closed")
def test_an_engine_that_does_not_answer_is_given_up(place, monkeypatch):
    monkeypatch.setattr(engine, "ENGINE_SECONDS", 0.2)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(place))
        silent.listen()
        with pytest.raises(ExecutorUnusable, match=r"no Docker engine answers here .*timed out"):
            open_engine("some-image")


@pytest.mark.usefixtures("everything_is_closed")
def test_an_engine_that_goes_away_while_a_job_begins_is_one_clear_error(place, tmp_path):
    with (
        serving(ShortLived(str(place), Answers)),
        closing(DockerExecutor("cpu", 1, Settings(image="some-image"))) as executor,
        pytest.raises(ExecutorUnusable, match=r"the Docker engine starts no container: .*aborted"),
    ):
        executor.submit(PrepareWork(name="digits", data_dir=tmp_path))


def test_an_address_that_is_none_is_no_engine(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "nonsense://here")
    with pytest.raises(ExecutorUnusable, match="nonsense://here"):
        open_engine("some-image")
