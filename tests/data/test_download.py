from __future__ import annotations

import hashlib
import http.server
import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import Quiet, serving

from harness.data.download import Download, fetch
from harness.errors import DataError

FORK = multiprocessing.get_context("fork")
CONTENT = os.urandom(700_000)
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT under any name; misbehaves as told."""

    cut_after: list[int]
    ranges: list[str | None]
    understands_ranges = True

    def download(self, md5: str = MD5) -> Download:
        return Download(url=f"http://127.0.0.1:{self.server_port}/images.tar", md5=md5)


class Handler(Quiet, http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.server.understands_ranges else 0
        if self.path == "/missing":
            return self.send_error(404)
        if start >= len(CONTENT):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        length = self.server.cut_after.pop(0) if self.server.cut_after else len(CONTENT)
        self.wfile.write(CONTENT[start : start + length])
        return None


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    server.cut_after, server.ranges = [], []
    with serving(server):
        yield server


def test_a_file_arrives_whole_and_is_not_fetched_twice(server: Server, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = fetch(server.download(), tmp_path, "cifar10-c", lambda *of: told.append(of))
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    fetch(server.download(), tmp_path, "cifar10-c")
    assert len(server.ranges) == 1


def test_a_file_that_has_changed_since_it_came_is_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "images.tar").write_bytes(CONTENT[:-1] + b"?")  # as a power failure or a bad disk leaves it
    assert fetch(server.download(), tmp_path, "cifar10-c").read_bytes() == CONTENT
    assert len(server.ranges) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["images.tar"]


def test_a_cut_connection_is_taken_up_where_it_was_cut(server: Server, tmp_path: Path) -> None:
    server.cut_after = [300_000, 200_000]
    assert fetch(server.download(), tmp_path, "cifar10-c").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-", "bytes=500000-"]


def test_a_part_from_an_earlier_attempt_is_continued(server: Server, tmp_path: Path) -> None:
    (tmp_path / "images.tar.part").write_bytes(CONTENT[:123_456])
    told: list[tuple[int, int]] = []
    assert fetch(server.download(), tmp_path, "cifar10-c", lambda *of: told.append(of)).read_bytes() == CONTENT
    assert server.ranges == ["bytes=123456-"]
    assert told[-1] == (len(CONTENT), len(CONTENT))


def test_a_part_that_is_whole_already_is_only_checked(server: Server, tmp_path: Path) -> None:
    (tmp_path / "images.tar.part").write_bytes(CONTENT)
    assert fetch(server.download(), tmp_path, "cifar10-c").read_bytes() == CONTENT


def test_a_server_without_ranges_begins_anew(server: Server, tmp_path: Path) -> None:
    server.understands_ranges = False
    (tmp_path / "images.tar.part").write_bytes(b"x" * 1000)
    assert fetch(server.download(), tmp_path, "cifar10-c").read_bytes() == CONTENT


def test_a_server_that_cuts_every_time_is_given_up_and_the_part_is_kept(server: Server, tmp_path: Path) -> None:
    server.cut_after = [1000] * 100
    with pytest.raises(DataError, match="the same command goes on"):
        fetch(server.download(), tmp_path, "cifar10-c")
    kept = (tmp_path / "images.tar.part").read_bytes()
    assert kept == CONTENT[: len(kept)]
    server.cut_after = []
    assert fetch(server.download(), tmp_path, "cifar10-c").read_bytes() == CONTENT


def test_a_wrong_checksum_is_refused_and_the_file_removed(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"MD5 {MD5}, not 000"):
        fetch(server.download(md5="000"), tmp_path, "cifar10-c")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arrived", [0, 1000])
def test_a_file_that_the_server_does_not_have_is_one_clear_error_and_costs_nothing_that_has_arrived(
    server: Server, tmp_path: Path, arrived: int
) -> None:
    missing = Download(url=f"http://127.0.0.1:{server.server_port}/missing", md5=MD5)
    (tmp_path / "missing.part").write_bytes(CONTENT[:arrived])
    with pytest.raises(DataError, match="Not Found"):
        fetch(missing, tmp_path, "cifar10-c")
    assert len(server.ranges) == 1
    assert [each.read_bytes() for each in tmp_path.iterdir()] == ([CONTENT[:arrived]] if arrived else [])


def test_without_a_connection_the_error_shows_the_way_out(tmp_path: Path) -> None:
    nowhere = Download(url="http://127.0.0.1:9/images.tar", md5=MD5)
    with pytest.raises(DataError, match=r"cannot download .*Connection refused.*harness data import cifar10-c PATH"):
        fetch(nowhere, tmp_path, "cifar10-c")


def test_a_file_that_somebody_brought_needs_no_connection(tmp_path: Path) -> None:
    nowhere = Download(url="http://127.0.0.1:9/images.tar", md5=MD5)
    with pytest.raises(DataError, match=f"Without a connection put images.tar into {tmp_path} and run the same"):
        fetch(nowhere, tmp_path, "mnist")
    (tmp_path / "images.tar").write_bytes(CONTENT)
    assert fetch(nowhere, tmp_path, "mnist") == tmp_path / "images.tar"


@pytest.mark.parametrize(("md5", "requests"), [(MD5, 1), ("of another file", 2)], ids=["whole", "refused"])
def test_who_wants_what_another_process_downloads_waits_for_it(
    md5: str, requests: int, server: Server, tmp_path: Path
) -> None:
    begun, waiting, said = FORK.Event(), FORK.Event(), list[str]()

    def hold(done: int, total: int) -> None:
        begun.set()
        waiting.wait()

    def tell(text: str) -> None:
        said.append(text)
        waiting.set()

    first = FORK.Process(target=fetch, args=(server.download(md5), tmp_path, "cifar10-c", hold))
    first.start()
    begun.wait()
    assert fetch(server.download(), tmp_path, "cifar10-c", tell=tell).read_bytes() == CONTENT
    first.join()
    assert (first.exitcode == 0, len(server.ranges)) == (md5 == MD5, requests)
    assert said == [f"another process downloads {tmp_path / 'images.tar'}: waiting until it has ended"]
    assert [each.name for each in tmp_path.iterdir()] == ["images.tar"]
