from __future__ import annotations

import dataclasses
import hashlib
import http.server
import io
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from serving import Quiet, serving

from harness.data.array_files import LOCK
from harness.data.weights import WEIGHTS, described_weights, find_weights, weights_file
from harness.errors import DataDamaged, DataError, DataMissing, ImportRefused, UnknownName
from harness.models import published_weights
from harness.models.published_weights import import_weights, prepare_weights

NAME = "robustbench-modas2021primeresnet18"
FILE = "weights/robustbench/cifar10/corruptions/Modas2021PRIMEResNet18.pt"


def checkpoint(seed: int = 0) -> bytes:
    """A file of weights in torch's format, of few numbers."""
    stream = io.BytesIO()
    torch.save({"w": torch.rand(500, generator=torch.Generator().manual_seed(seed))}, stream)
    return stream.getvalue()


@pytest.fixture(autouse=True)
def fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the place of the architectures, which `test_misfit.py` asks."""
    monkeypatch.setattr(published_weights, "misfit", lambda name, found: "" if "w" in found else f"{name} has a w")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source" / "mine.pt"
    path.parent.mkdir()
    path.write_bytes(checkpoint())
    return path


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def files(data_dir: Path) -> set[str]:
    return {
        path.relative_to(data_dir).as_posix() for path in data_dir.rglob("*") if path.is_file() and path.name != LOCK
    }


def test_imported_weights_lie_byte_for_byte_where_robustbench_looks_for_them(data_dir: Path, source: Path) -> None:
    manifest = import_weights(data_dir, NAME, source)
    assert weights_file(data_dir, NAME) == data_dir / FILE
    assert (data_dir / FILE).read_bytes() == source.read_bytes()
    assert files(data_dir) == {FILE, f"{FILE}.json"}
    assert manifest == find_weights(data_dir, NAME)
    assert manifest.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert manifest.bytes == len(source.read_bytes())
    assert (manifest.origin.kind, manifest.origin.source) == ("import", "mine.pt")


def test_stand_ins_say_so(data_dir: Path, source: Path) -> None:
    assert import_weights(data_dir, NAME, source, kind="stand-in").origin.stand_in


def test_weights_that_are_not_there_are_none_and_asked_for_an_error_with_the_commands(data_dir: Path) -> None:
    assert find_weights(data_dir, NAME) is None
    with pytest.raises(DataMissing, match=f"harness data prepare {NAME}, or .*harness data import {NAME} PATH"):
        weights_file(data_dir, NAME)
    with pytest.raises(UnknownName, match="did you mean 'vgg19'"):
        find_weights(data_dir, "vgg16")


def test_a_flipped_bit_is_found_before_the_file_is_used(data_dir: Path, source: Path) -> None:
    import_weights(data_dir, NAME, source)
    content = bytearray(source.read_bytes())
    content[len(content) // 2] ^= 1
    (data_dir / FILE).write_bytes(content)
    assert find_weights(data_dir, NAME)
    with pytest.raises(DataDamaged, match=rf"Modas2021PRIMEResNet18\.pt is damaged: its SHA-256 .* {NAME} --replace"):
        weights_file(data_dir, NAME)


@pytest.mark.parametrize(
    ("damage", "told"),
    [("short", "bytes instead of"), ("gone", "cannot be read"), ("manifest", "Invalid JSON"), ("other", "belongs to")],
)
def test_visible_damage_is_found_at_once(data_dir: Path, source: Path, damage: str, told: str) -> None:
    import_weights(data_dir, NAME, source)
    file, manifest = data_dir / FILE, data_dir / f"{FILE}.json"
    if damage == "short":
        file.write_bytes(source.read_bytes()[:-1])
    elif damage == "gone":
        file.unlink()
    else:
        manifest.write_text("{" if damage == "manifest" else manifest.read_text().replace(NAME, "vgg19"))
    with pytest.raises(DataDamaged, match=told):
        find_weights(data_dir, NAME)
    states = {found.weights.name: found.state for found in described_weights(data_dir)}
    assert states == dict.fromkeys(WEIGHTS, "missing") | {NAME: "damaged"}
    with pytest.raises(DataError, match="--replace"):
        import_weights(data_dir, NAME, source)
    import_weights(data_dir, NAME, source, existing="keep")
    assert weights_file(data_dir, NAME).read_bytes() == source.read_bytes()


def test_weights_are_replaced_only_when_told(data_dir: Path, source: Path) -> None:
    old = import_weights(data_dir, NAME, source)
    source.write_bytes(checkpoint(1))
    with pytest.raises(DataError, match="already; --replace"):
        import_weights(data_dir, NAME, source)
    assert import_weights(data_dir, NAME, source, existing="keep") == old
    assert import_weights(data_dir, NAME, source, existing="replace") != old
    assert weights_file(data_dir, NAME).read_bytes() == source.read_bytes()


@pytest.mark.parametrize("before", [False, True])
def test_refused_files_leave_what_was_there(data_dir: Path, source: Path, before: bool) -> None:
    if before:
        import_weights(data_dir, NAME, source)
    there = files(data_dir)
    page = source.with_name("page.pt")
    page.write_text("<!doctype html>")
    other = source.with_name("other.pt")
    torch.save({"v": torch.ones(2)}, other)
    for path, told in (
        (page, r"page\.pt is a web page"),
        (other, rf"other\.pt is not Modas2021.*: {NAME} has a w"),
        (source.parent, "source cannot be read: Is a directory"),
        (source.with_name("none.pt"), r"none\.pt cannot be read: No such file"),
    ):
        with pytest.raises(ImportRefused, match=told):
            import_weights(data_dir, NAME, path, existing="replace")
        assert files(data_dir) == there
    if before:
        weights_file(data_dir, NAME)


def test_weights_with_a_published_digest_must_have_it_unless_they_are_a_stand_in(data_dir: Path, source: Path) -> None:
    begins = hashlib.sha256(source.read_bytes()).hexdigest()[:8]
    with pytest.raises(ImportRefused, match=rf"not VGG19 .*its SHA-256 begins with {begins}, not dcbb9e9d"):
        import_weights(data_dir, "vgg19", source)
    assert files(data_dir) == set()
    import_weights(data_dir, "vgg19", source, kind="stand-in")
    assert weights_file(data_dir, "vgg19").name == "vgg19-dcbb9e9d.pth"


def test_after_a_kill_the_old_weights_are_whole_and_leftovers_are_swept(data_dir: Path, source: Path) -> None:
    import_weights(data_dir, NAME, source)
    code = f"""
        import os, signal, sys
        from pathlib import Path
        from harness.models import published_weights

        def killed(path, called):
            os.kill(os.getpid(), signal.SIGKILL)

        published_weights.read_tensors = killed
        published_weights.import_weights(Path(sys.argv[1]), {NAME!r}, Path(sys.argv[2]), existing="replace")
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(code), data_dir, source], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert f"{FILE}.partial" in files(data_dir)
    weights_file(data_dir, NAME)
    import_weights(data_dir, NAME, source, existing="keep")
    assert files(data_dir) == {FILE, f"{FILE}.json"}


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path: Path, source: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot write .*HARNESS_DATA_DIR"):
        import_weights(tmp_path / "file", NAME, source)
    with pytest.raises(DataError, match="cannot write"):
        prepare_weights(tmp_path / "file", NAME)


class Handler(Quiet, http.server.BaseHTTPRequestHandler):
    """Gives its content for /weights, and a part of it for /cut."""

    content = b""

    def do_GET(self) -> None:
        if self.path not in {"/weights", "/cut"}:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.send_header("Content-Type", "application/octet-stream")
        self.end_headers()
        self.wfile.write(self.content[: None if self.path == "/weights" else 100])
        return None


@pytest.fixture
def server() -> Iterator[str]:
    """Its address."""
    Handler.content = checkpoint()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(params=[True, False], ids=["gdown", "http"])
def on_drive(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def published(monkeypatch: pytest.MonkeyPatch, url: str, on_drive: bool, sha256: str = "") -> None:
    """Let the table say that the weights lie at that address."""
    row = dataclasses.replace(WEIGHTS[NAME], url=url, on_drive=on_drive, sha256=sha256)
    monkeypatch.setitem(WEIGHTS, NAME, row)


def test_weights_are_downloaded_once(
    data_dir: Path, server: str, on_drive: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    published(monkeypatch, f"{server}/weights", on_drive, sha256=hashlib.sha256(Handler.content).hexdigest()[:8])
    manifest = prepare_weights(data_dir, NAME)
    assert weights_file(data_dir, NAME).read_bytes() == Handler.content
    assert manifest.origin.kind == "download"
    assert manifest.origin.source == f"{server}/weights"
    assert files(data_dir) == {FILE, f"{FILE}.json"}
    assert "".join(capfd.readouterr()) == ""
    published(monkeypatch, f"{server}/nowhere", on_drive)
    assert prepare_weights(data_dir, NAME) == manifest


def test_downloads_that_are_not_the_weights_are_refused_and_not_kept(
    data_dir: Path, server: str, on_drive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(monkeypatch, f"{server}/weights", on_drive, sha256="00000000")
    with pytest.raises(DataError, match=f"{server}/weights .*SHA-256 .* not 00000000"):
        prepare_weights(data_dir, NAME)
    published(monkeypatch, f"{server}/weights", on_drive)
    for content, told in ((b"<html>Quota exceeded</html>", "is a web page"), (b"", "is empty")):
        Handler.content = content
        with pytest.raises(ImportRefused, match=f"{server}/weights {told}"):
            prepare_weights(data_dir, NAME)
        assert files(data_dir) == set()
    Handler.content = checkpoint()
    prepare_weights(data_dir, NAME)


@pytest.mark.parametrize("page", ["/cut", "/nowhere"])
def test_downloads_that_fail_are_one_clear_error_with_the_way_out(
    data_dir: Path, server: str, on_drive: bool, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(monkeypatch, server + page, on_drive)
    with pytest.raises(DataError, match=f"{server}{page}"):
        prepare_weights(data_dir, NAME)
    assert find_weights(data_dir, NAME) is None


def test_without_a_connection_the_error_shows_the_way_out(
    data_dir: Path, on_drive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(monkeypatch, "http://127.0.0.1:9/weights", on_drive)
    with pytest.raises(DataError, match=rf"cannot download .*Connection refused.*harness data import {NAME} PATH"):
        prepare_weights(data_dir, NAME)


def test_a_refusal_of_google_drive_is_one_clear_error(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gdown

    def refusing(**_: object) -> str:
        raise gdown.exceptions.FileURLRetrievalError("Failed to retrieve file url:\n\n\tToo many users have viewed it")

    monkeypatch.setattr(gdown, "download", refusing)
    with pytest.raises(
        DataError, match=rf"id=13oDyqi\S+: Failed .*url: Too many users.*harness data import {NAME} PATH"
    ):
        prepare_weights(data_dir, NAME)
    assert files(data_dir) == set()


def test_looking_at_weights_needs_no_torch() -> None:
    code = "import sys, harness.data.weights; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)
