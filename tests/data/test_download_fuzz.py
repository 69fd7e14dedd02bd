"""Whatever a server sends, it is the promised file or one DataError that names it; nothing else is left to be used."""

from __future__ import annotations

import contextlib
import hashlib
import socketserver
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzzing import fuzz
from hypothesis import given
from hypothesis import strategies as st
from serving import serving

from harness.data import download
from harness.data.download import Download, fetch
from harness.errors import DataError

CONTENT = bytes(range(256))
ELSEWHERE = [
    "file:///etc/passwd",
    "ftp://127.0.0.1:9/images.tar",
    "data:,x",
    "http://[::1",
    "http://127.0.0.1:port/",
    "http://127.0.0.1:9/",
    "//",
    "/again",
    "\x7f\x00",
    "http://ä ö",
]


class Server(socketserver.ThreadingTCPServer):
    """Answers each request with the next of `answers`; without one, as a good server."""

    daemon_threads = True
    allow_reuse_address = True
    answers: list[bytes]

    @property
    def download(self) -> Download:
        return Download(
            url=f"http://127.0.0.1:{self.server_address[1]}/images.tar", sha256=hashlib.sha256(CONTENT).hexdigest()
        )


class Handler(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        start = 0
        while (line := self.rfile.readline().strip()) != b"":
            if line.lower().startswith(b"range: bytes="):
                start = int(line.partition(b"=")[2].rstrip(b"-"))
        with contextlib.suppress(ConnectionError):
            self.wfile.write(self.server.answers.pop(0) if self.server.answers else good(start))


def good(start: int) -> bytes:
    if start >= len(CONTENT):
        return b"HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n"
    rest = CONTENT[start:]
    return b"HTTP/1.1 206 Part\r\nContent-Length: %d\r\n\r\n" % len(rest) + rest


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download, "TIMEOUT_SECONDS", 5)
    server = Server(("127.0.0.1", 0), Handler)
    server.answers = []
    with serving(server):
        yield server


HEADERS = st.one_of(
    st.tuples(
        st.just("Content-Length"),
        st.one_of(
            st.just(str(len(CONTENT))),
            st.integers(-5, 1 << 70).map(str),
            st.just("9" * 5000),
            st.sampled_from(["", "many", "1.5", "0x10", "²"]),
        ),
    ),
    st.tuples(st.just("Transfer-Encoding"), st.sampled_from(["chunked", "gzip", "nonsense"])),
    st.tuples(st.just("Content-Encoding"), st.just("gzip")),
    st.tuples(st.just("Content-Range"), st.sampled_from(["bytes 0-9/10", "bytes 5-1/0", "nonsense"])),
    st.tuples(st.just("Location"), st.sampled_from(ELSEWHERE)),
    st.tuples(st.text("ab:\t -", max_size=5), st.text(max_size=9)),
)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """What a server may say: often nearly right, sometimes no HTTP at all."""
    if draw(st.integers(0, 5)) == 0:
        return draw(st.binary(max_size=200))
    status = draw(st.sampled_from([200, 200, 206, 204, 301, 302, 307, 304, 401, 404, 416, 500, 999, 0]))
    lines = [f"HTTP/1.1 {status} so", *(f"{name}: {value}" for name, value in draw(st.lists(HEADERS, max_size=3)))]
    body = draw(
        st.one_of(
            st.just(CONTENT),
            st.integers(0, len(CONTENT)).map(lambda end: CONTENT[:end]),
            st.just(CONTENT + b"more"),
            st.binary(max_size=50),
            st.just(b"100\r\n" + CONTENT + b"\r\n0\r\n\r\n"),
            st.just(b"fffffffff\r\n" + CONTENT),
        )
    )
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "replace") + body


def refusal(server: Server, folder: Path) -> str | None:
    """Why a download was refused; None if the file is the promised one."""
    try:
        content = fetch(server.download, folder, "cifar10-c").read_bytes()
    except DataError as error:
        return str(error)
    assert content == CONTENT
    return None


@fuzz
@given(
    said=st.lists(answers(), min_size=1, max_size=3), part=st.none() | st.binary(max_size=99) | st.just(CONTENT[:99])
)
def test_an_answer_is_the_promised_file_or_one_error(tmp_path_factory, server: Server, said, part):
    folder = tmp_path_factory.mktemp("downloads")
    if part is not None:
        (folder / "images.tar.part").write_bytes(part)
    server.answers[:] = said
    refused = refusal(server, folder)
    if refused:
        assert server.download.url in refused
        assert refused.isprintable()
        assert {file.name for file in folder.iterdir()} <= {"images.tar.part"}
        server.answers.clear()
        refusal(server, folder)  # a part with other bytes is removed only now
        assert refusal(server, folder) is None
    assert [file.name for file in folder.iterdir()] == ["images.tar"]


@pytest.mark.parametrize(
    "head",
    ["Content-Length: 99999999999", "Content-Type: text/html", "Transfer-Encoding: chunked"],
    ids=["said before", "no length", "in pieces"],
)
def test_a_file_without_end_is_refused_before_it_fills_the_disk(
    server: Server, tmp_path: Path, head: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(download, "MOST_BYTES", 1 << 20)
    piece = b"x" * (1 << 16)
    if "chunked" in head:
        piece = b"10000\r\n" + piece + b"\r\n"
    server.answers[:] = [f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + piece * 64]
    with pytest.raises(DataError, match=r"images.tar has more than 1 MB, .* harness data import"):
        fetch(server.download, tmp_path, "cifar10-c")
    assert list(tmp_path.iterdir()) == []


def test_a_redirection_to_a_file_of_this_machine_is_refused(server: Server, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT)
    server.answers[:] = [f"HTTP/1.1 302 Found\r\nLocation: file://{secret}\r\n\r\n".encode()]
    with pytest.raises(DataError, match=f"cannot download {server.download.url}: .*not allowed"):
        fetch(server.download, tmp_path / "downloads", "cifar10-c")


def test_the_page_of_a_redirection_is_not_read_however_long_it_says_it_is(server: Server, tmp_path: Path):
    head = b"HTTP/1.1 302 Found\r\nLocation: /moved/images.tar\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.answers[:] = [head + b"fffffffffff\r\n"]
    assert fetch(server.download, tmp_path, "cifar10-c").read_bytes() == CONTENT
