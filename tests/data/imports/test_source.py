from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from harness.data.imports import source
from harness.data.imports.source import open_source
from harness.errors import ImportRefused

FILES = {"train/cat/1.png": b"one", "train/cat/2.png": b"two", "README": b"three"}
SUFFIXES = ["tar", "tar.gz", "zip"]


def archive(path: Path, files: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in files.items():
                packed.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
        return path
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as packed_tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed_tar.addfile(member, io.BytesIO(content))
    return path


def special(path: Path, **fields: object) -> Path:
    """A tar with one plain file and one member of another kind."""
    archive(path, FILES)
    with tarfile.open(path, "a") as packed:
        member = tarfile.TarInfo("train/cat/odd.png")
        for key, value in fields.items():
            setattr(member, key, value)
        packed.addfile(member)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_archive_gives_its_files_and_only_the_wanted_ones(tmp_path: Path, suffix: str) -> None:
    found = open_source(archive(tmp_path / f"a.{suffix}", FILES))
    assert sorted(found.names()) == sorted(FILES)
    assert dict(found.read({"train/cat/2.png"})) == {"train/cat/2.png": b"two"}


def test_a_folder_gives_the_same(tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    found = open_source(tmp_path)
    assert sorted(found.names()) == sorted(FILES)
    assert dict(found.read(FILES)) == FILES


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_names_that_begin_with_a_dot_and_slash_are_plain(tmp_path: Path, suffix: str) -> None:
    found = open_source(archive(tmp_path / f"a.{suffix}", {f"./{name}": content for name, content in FILES.items()}))
    assert sorted(found.names()) == sorted(FILES)
    assert dict(found.read(FILES)) == FILES


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", ["../evil.png", "train/../../evil.png", "/etc/evil.png", "train\\cat\\evil.png"])
def test_a_path_out_of_the_archive_is_refused_by_name(tmp_path: Path, suffix: str, name: str) -> None:
    with pytest.raises(ImportRefused, match=r"evil\.png.*is not a plain path"):
        open_source(archive(tmp_path / f"a.{suffix}", FILES | {name: b""})).names()
    assert not (tmp_path.parent / "evil.png").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("target", ["/etc/passwd", "1.png"])
def test_a_link_in_a_tar_is_refused_by_name(tmp_path: Path, kind: bytes, target: str) -> None:
    with pytest.raises(ImportRefused, match=r"odd\.png' is a link"):
        open_source(special(tmp_path / "a.tar", type=kind, linkname=target)).names()


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_a_device_in_a_tar_is_refused_by_name(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(ImportRefused, match=r"odd\.png' is neither a file nor a folder"):
        open_source(special(tmp_path / "a.tar", type=kind)).names()


def test_a_link_in_a_zip_is_refused_by_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        member = zipfile.ZipInfo("train/cat/odd.png")
        member.external_attr = 0o120777 << 16
        packed.writestr(member, "/etc/passwd")
    with pytest.raises(ImportRefused, match=r"odd\.png' is a link"):
        open_source(tmp_path / "a.zip").names()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_is_in_it_twice_is_refused_by_name(tmp_path: Path, suffix: str) -> None:
    path = archive(tmp_path / f"a.{suffix}", FILES | {"./README": b"four"})
    with pytest.raises(ImportRefused, match="README' is in it twice"):
        open_source(path).names()


@pytest.mark.parametrize("suffix", ["tar.gz", "zip"])
def test_a_bomb_is_refused_before_it_unpacks(tmp_path: Path, suffix: str) -> None:
    bomb = bytes(40 << 20)
    with pytest.raises(ImportRefused, match="unpacks to more than 50 times its size"):
        open_source(archive(tmp_path / f"a.{suffix}", {"train/cat/1.png": bomb})).names()


def test_a_bomb_hidden_in_a_tars_own_headers_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as packed:
        member = tarfile.TarInfo("train/cat/1.png")
        member.pax_headers = {"comment": "x" * (25 << 20)}
        packed.addfile(member)
    with pytest.raises(ImportRefused, match="unpacks to more than"):
        open_source(tmp_path / "a.tar.gz").names()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_archive_that_was_cut_short_is_refused(tmp_path: Path, suffix: str) -> None:
    path = archive(tmp_path / f"a.{suffix}", {f"train/cat/{i}.png": os.urandom(5000) for i in range(20)})
    path.write_bytes(path.read_bytes()[:50_000])
    found = open_source(path)
    with pytest.raises(ImportRefused, match="cannot be read"):
        list(found.read(set(found.names())))


@pytest.mark.parametrize("rest", [0, 200], ids=["between two members", "within a header"])
def test_a_tar_that_was_cut_where_another_member_begins_is_refused(tmp_path: Path, rest: int) -> None:
    path = archive(tmp_path / "a.tar", FILES)
    with tarfile.open(path) as packed:
        last = packed.getmembers()[-1].offset
    path.write_bytes(path.read_bytes()[: last + rest])
    with pytest.raises(ImportRefused, match=rf"(empty|truncated) header at byte {last}: it was cut short"):
        open_source(path).names()


def test_a_tar_with_a_damaged_header_is_no_shorter_one(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar", FILES)
    with tarfile.open(path) as packed:
        second = packed.getmembers()[1].offset
    content = bytearray(path.read_bytes())
    content[second] ^= 1
    path.write_bytes(content)
    with pytest.raises(ImportRefused, match=f"bad checksum at byte {second}"):
        open_source(path).names()


def test_something_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"hello" * 1000)
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(b"hello" * 1000))
    for name in ("a.tar", "a.tar.gz"):
        with pytest.raises(ImportRefused, match="cannot be read"):
            open_source(tmp_path / name).names()
    with pytest.raises(ImportRefused, match="does not exist"):
        open_source(tmp_path / "nowhere")


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", FILES)
    content = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags] |= 1
    path.write_bytes(content)
    with pytest.raises(ImportRefused, match="encrypted"):
        list(open_source(path).read(FILES))


def test_links_in_a_folder_may_not_leave_it(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    (folder / "train" / "cat").mkdir(parents=True)
    (folder / "train" / "cat" / "1.png").write_bytes(b"one")
    (folder / "train" / "cat" / "2.png").symlink_to("1.png")
    assert dict(open_source(folder).read({"train/cat/2.png"})) == {"train/cat/2.png": b"one"}
    (tmp_path / "secret").write_bytes(b"secret")
    for target in (tmp_path / "secret", folder, tmp_path / "nothing"):
        link = folder / "train" / "cat" / "3.png"
        link.symlink_to(target)
        with pytest.raises(ImportRefused, match=r"3\.png' is a link"):
            open_source(folder).names()
        link.unlink()


def test_a_pipe_in_a_folder_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "1.png")
    with pytest.raises(ImportRefused, match=r"1\.png' is neither"):
        open_source(tmp_path).names()


def test_images_pass_the_limit_that_bombs_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "ALWAYS_ALLOWED", 0)
    path = archive(tmp_path / "a.tar.gz", {f"train/cat/{i}.png": os.urandom(700) for i in range(500)})
    assert len(open_source(path).names()) == 500
