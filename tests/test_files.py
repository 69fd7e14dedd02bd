from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.files import _here, copy_whole, is_whole, remove_abandoned, write_whole

WRITER = """
import sys
from pathlib import Path
from harness.files import write_whole

path, size = Path(sys.argv[1]), 1 << 22
print("ready", flush=True)
for number in range(1_000_000):
    write_whole(path, bytes([number % 256]) * size)
"""


def test_content_and_folder_are_there(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.bin"
    write_whole(path, b"content")
    assert path.read_bytes() == b"content"
    assert [each.name for each in path.parent.iterdir()] == ["file.bin"]


def test_every_folder_that_is_made_is_flushed_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a power failure takes the folder, and the file with it."""
    flushed, fsync = list[str](), os.fsync

    def noted(handle: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    write_whole(tmp_path / "new" / "folder" / "file.bin", b"content")
    assert {tmp_path.name, "new", "folder"} <= set(flushed)
    flushed.clear()
    write_whole(tmp_path / "new" / "folder" / "file.bin", b"content")
    assert flushed[1:] == ["folder"]


def test_a_folder_that_is_a_file_is_an_error_and_nothing_stays(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(HarnessError, match=r"cannot write .*file\.bin \(7 bytes\): .*; make room or fix the folder"):
        write_whole(tmp_path / "taken" / "file.bin", b"content")
    assert [each.name for each in tmp_path.iterdir()] == ["taken"]


def test_a_writer_that_is_killed_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    for wait_seconds in (0.02, 0.05, 0.11):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(wait_seconds)
            os.kill(process.pid, signal.SIGKILL)
        if path.exists():
            content = path.read_bytes()
            assert len(content) == 1 << 22
            assert len(set(content)) == 1
    assert path.exists()


def test_what_a_killed_writer_left_of_a_file_is_removed_when_that_is_written_again(tmp_path: Path) -> None:
    path, other = tmp_path / "v_[1].csv", tmp_path / f"other.csv.{_here()}.{os.getpid()}.tmp"
    other.write_bytes(b"half of it")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    path.with_name(f"{path.name}.{_here()}.{ended.pid}.tmp").write_bytes(b"half of it")
    write_whole(path, b"content")
    assert {*tmp_path.iterdir()} == {path, other}


def test_a_file_is_whole_if_every_byte_is(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"abc")
    digest = hashlib.sha256(b"abc").hexdigest()
    assert is_whole(path, digest)
    path.write_bytes(b"abd")
    assert not is_whole(path, digest)
    assert not is_whole(tmp_path / "gone", digest)


def test_what_a_killed_writer_left_is_removed_and_what_others_write_stays(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = _here()
    for name in (f"a.{here}.{ended.pid}.tmp", f"b.{here}.{os.getpid()}.tmp", f"c.elsewhere.{ended.pid}.tmp", "d.tmp"):
        (tmp_path / name).write_bytes(b"half of it")
    (tmp_path / "e.elsewhere.1.tmp").write_bytes(b"half of it")
    os.utime(tmp_path / "e.elsewhere.1.tmp", (0, 0))
    remove_abandoned(tmp_path)
    assert sorted(path.name[0] for path in tmp_path.iterdir()) == ["b", "c", "d"]


def test_a_copy_has_the_content_that_was_asked_for_or_is_not_made(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "folder" / "target"
    source.write_bytes(b"abc")
    digest = hashlib.sha256(b"abc").hexdigest()
    assert not copy_whole(source, target, hashlib.sha256(b"abd").hexdigest())
    assert not target.parent.exists()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    target.parent.mkdir()
    (target.parent / f"target.{_here()}.{ended.pid}.tmp").write_bytes(b"half of it")
    assert copy_whole(source, target, digest)
    assert [path.read_bytes() for path in target.parent.iterdir()] == [b"abc"]
    source.unlink()
    assert copy_whole(source, target, digest), "it is there already"
