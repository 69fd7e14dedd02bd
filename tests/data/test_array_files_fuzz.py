"""Whatever a file of arrays holds, also where a manifest vouches for it, it is arrays or one error that names it."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import resource
import zipfile
from pathlib import Path

import pytest
from fuzzing import fuzz
from hypothesis import given
from hypothesis import strategies as st

from harness.data.array_files import open_arrays
from harness.data.imports.corruption_files import import_corruptions
from harness.data.imports.recording_files import import_recording
from harness.data.manifest_file import ArrayFile
from harness.data.recordings import recording_manifest_file
from harness.data.sets import DATASETS
from harness.errors import DataDamaged, ImportRefused

MOST_MORE = 512 << 10  # KB that all of them may take of the memory that their headers ask for

KINDS = ["U8", "F32", "I64", "F64", "BF16", "F4", "F8_E5M2", "F8_E8M0", "C64", "BOOL", "X", 7]
LENGTHS = st.lists(st.one_of(st.integers(-1, 4), st.integers(0, 1 << 70)), max_size=4)
ENTRY = st.fixed_dictionaries({"dtype": st.sampled_from(KINDS), "shape": LENGTHS, "data_offsets": LENGTHS})

pytestmark = pytest.mark.filterwarnings("ignore:Reading .* required additional header parsing:UserWarning")


@st.composite
def tensors(draw: st.DrawFn) -> bytes:
    """A safetensors file whose header promises anything, or what is none."""
    header = draw(st.dictionaries(st.sampled_from(["images", "responses", "a", "", "__metadata__"]), ENTRY, max_size=3))
    if draw(st.booleans()):  # one that hangs together
        kind, size = draw(st.sampled_from([("BF16", 2), ("F8_E5M2", 1), ("C64", 8), ("U8", 1), ("F32", 4)]))
        header = {"images": {"dtype": kind, "shape": [1] * draw(st.integers(0, 99)), "data_offsets": [0, size]}}
        return _safetensors(header, bytes(size))
    return draw(st.one_of(st.binary(max_size=64), st.just(_safetensors(header, draw(st.binary(max_size=64))))))


def _safetensors(header: object, body: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


DESCRIPTIONS = ["|u1", "<f4", "<i8", "|O", "|V0", "<U99999999", "nonsense", "<M8[q]", "|u1, |O", 5, None, [["a", "|O"]]]
HEADERS = st.one_of(
    st.fixed_dictionaries(
        {
            "descr": st.sampled_from(DESCRIPTIONS),
            "fortran_order": st.sampled_from([True, False, 1]),
            "shape": st.one_of(LENGTHS.map(tuple), st.just("x"), st.just(("x",)), st.just((True,))),
        }
    ).map(repr),
    st.sampled_from(["(" * 3000, "{(", "{'a': ", "[" * 90 + "]" * 90, "  x\n y", "-" * 5000 + "1", "{'descr': 1L}"]),
    st.text(max_size=40),
)


@st.composite
def npy(draw: st.DrawFn) -> bytes:
    """A .npy file whose header promises anything, or what is none."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=64))
    version = draw(st.sampled_from([(1, 0), (2, 0), (3, 0), (9, 9)]))
    text = draw(HEADERS).encode("utf-8", "replace")
    length = len(text) + draw(st.sampled_from([0, 0, 0, 1, -1, 60_000]))
    size = 2 if version == (1, 0) else 4
    head = b"\x93NUMPY" + bytes(version) + max(0, length).to_bytes(size, "little")
    return head + text + draw(st.binary(max_size=64))


@pytest.fixture(autouse=True)
def little_memory():
    """What a header promises is not taken from the machine."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MORE


@fuzz
@given(content=tensors())
def test_a_file_that_a_manifest_vouches_for_is_arrays_or_damaged(tmp_path: Path, content: bytes):
    entry = ArrayFile(file="a.safetensors", bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    file = recording_manifest_file(tmp_path, "scan")
    file.path.parent.mkdir(parents=True, exist_ok=True)
    file.path.with_name(entry.file).write_bytes(content)
    with contextlib.suppress(DataDamaged):
        found = open_arrays(file, entry)
        assert sum(array.numel() * array.element_size() for array in found.values()) <= len(content)


@fuzz
@given(content=tensors())
def test_a_laboratory_s_tensors_are_refused_by_the_file_s_name(tmp_path_factory, content: bytes):
    _refused(tmp_path_factory.mktemp("laboratory"), "scan.safetensors", content)


@fuzz
@given(content=npy(), kept=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]), encrypted=st.booleans())
def test_a_laboratory_s_arrays_are_refused_by_the_file_s_name(tmp_path_factory, content: bytes, kept, encrypted):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", kept) as archive:
        archive.writestr("images.npy", content)
    whole = bytearray(packed.getvalue())
    if encrypted:
        whole[6] |= 1
        whole[whole.index(b"PK\1\2") + 8] |= 1
    _refused(tmp_path_factory.mktemp("laboratory"), "scan.npz", bytes(whole))


def _refused(folder: Path, name: str, content: bytes) -> None:
    """Import of a folder with that file fails, names it, and leaves nothing."""
    (folder / "files").mkdir()
    (folder / "files" / name).write_bytes(content)
    with pytest.raises(ImportRefused, match=rf"files/{name}"):
        import_recording(folder / "data", "mouse", folder / "files")
    written = [path for path in (folder / "data").rglob("*") if path.is_file() and path.name != ".lock"]
    assert written == []


@fuzz
@given(content=npy())
def test_labels_that_are_none_are_refused_by_their_name(tmp_path_factory, content: bytes):
    folder = tmp_path_factory.mktemp("corruptions")
    for split in DATASETS["cifar10-c"].splits:
        (folder / f"{split}.npy").touch()
    (folder / "labels.npy").write_bytes(content)
    with pytest.raises(ImportRefused, match=r"labels.npy"):
        import_corruptions(folder / "data", "cifar10-c", folder)
    assert not (folder / "data").exists()
