"""Whatever an archive or an image holds, it is read or refused by name; nothing else comes out."""

from __future__ import annotations

import contextlib
import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from fuzzing import fuzz
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from harness.data.imports.folder import import_images
from harness.data.imports.pictures import pixels
from harness.data.imports.source import open_source
from harness.data.sets import DATASETS
from harness.errors import HarnessError, ImportRefused


def archive(kind: str) -> bytes:
    """A small archive of a training image."""
    image = io.BytesIO()
    Image.fromarray(np.arange(784, dtype=np.uint8).reshape(28, 28)).save(image, "PNG")
    found = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr("train/a/1.png", image.getvalue())
        return found.getvalue()
    with tarfile.open(fileobj=found, mode="w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("train/a/1.png")
        member.size, member.pax_headers = len(image.getvalue()), {"comment": "a"}
        tar.addfile(member, io.BytesIO(image.getvalue()))
    return gzip.compress(found.getvalue(), mtime=0) if kind == "tar.gz" else found.getvalue()


KINDS = {kind: archive(kind) for kind in ("zip", "tar", "tar.gz")}


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The content with some bytes changed, put in or taken away."""
    altered = bytearray(content)
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, max(0, min(len(altered), 2048) - 1)))
        what = draw(st.sampled_from(["change", "insert", "remove", "cut"]))
        if what == "change" and altered:
            altered[place] = draw(st.integers(0, 255))
        elif what == "insert":
            altered[place:place] = draw(st.binary(max_size=8))
        elif what == "remove":
            del altered[place : place + draw(st.integers(1, 64))]
        elif draw(st.booleans()):
            del altered[place:]
    return bytes(altered)


@pytest.mark.parametrize("kind", KINDS)
@fuzz
@given(data=st.data())
def test_damaged_archives_are_read_or_refused(tmp_path: Path, kind, data):
    path = tmp_path / f"images.{kind}"
    path.write_bytes(data.draw(damaged(KINDS[kind])))
    with contextlib.suppress(ImportRefused):
        source = open_source(path)
        assert sum(len(content) for _, content in source.read(source.names())) < 1 << 20


@fuzz
@given(data=st.data(), kind=st.sampled_from(sorted(KINDS)))
def test_an_import_of_a_damaged_archive_is_a_set_or_refused(tmp_path: Path, data, kind):
    path = tmp_path / "images"
    path.write_bytes(data.draw(damaged(KINDS[kind])))
    with contextlib.suppress(HarnessError):
        import_images(tmp_path / "data", "imagenet", path, splits=("train",), existing="replace")


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@fuzz
@given(data=st.data())
def test_damaged_images_are_read_or_refused(kind, data):
    image = io.BytesIO()
    Image.fromarray(np.arange(784, dtype=np.uint8).reshape(28, 28)).save(image, kind)
    with contextlib.suppress(ImportRefused):
        found = pixels(data.draw(damaged(image.getvalue())), "1.png", DATASETS["mnist"])
        assert found.shape == (1, 28, 28)
