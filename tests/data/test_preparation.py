from __future__ import annotations

import errno
import gzip
import hashlib
import http.server
import pickle
import struct
import tarfile
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torchvision
from few_images import write
from serving import Quiet, serving

from harness.data import preparation
from harness.data.download import Download
from harness.data.origin import new_origin
from harness.data.preparation import prepare
from harness.data.splits import open_split
from harness.errors import DataError, DataMissing


class Files(Quiet, http.server.SimpleHTTPRequestHandler):
    pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which a server shows it."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(folder)))
    with serving(server):
        yield folder, f"http://127.0.0.1:{server.server_port}/"


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def images(n: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 256, (n, *shape), dtype=np.uint8)


def idx(array: np.ndarray) -> bytes:
    """MNIST's own format, compressed."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes())


@pytest.fixture
def mnist(served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, address = served
    resources = []
    for prefix, n in (("train", 30), ("t10k", 10)):
        for kind, content in (("images-idx3", images(n, 28, 28)), ("labels-idx1", np.arange(n, dtype=np.uint8) % 10)):
            name = f"{prefix}-{kind}-ubyte.gz"
            (folder / name).write_bytes(idx(content))
            resources.append((name, md5((folder / name).read_bytes())))
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [address])
    monkeypatch.setattr(torchvision.datasets.MNIST, "resources", resources)


@pytest.mark.usefixtures("mnist")
def test_mnist_is_downloaded_in_its_official_order_and_the_downloads_removed(tmp_path: Path) -> None:
    manifest = prepare(tmp_path / "data", "mnist")
    assert manifest.origin.kind == "download"
    for split, n in (("train", 30), ("test", 10)):
        found = open_split(tmp_path / "data", "mnist", split)
        np.testing.assert_array_equal(found.images[:, 0].numpy(), images(n, 28, 28))
        assert found.labels.tolist() == [i % 10 for i in range(n)]
    assert not [path for path in (tmp_path / "data" / "downloads").rglob("*") if path.is_file()]
    assert prepare(tmp_path / "data", "mnist") == manifest


@pytest.mark.usefixtures("mnist")
def test_a_file_with_another_checksum_is_never_used(tmp_path: Path, served: tuple[Path, str]) -> None:
    name = "t10k-labels-idx1-ubyte.gz"
    (served[0] / name).write_bytes(idx(np.zeros(10, np.uint8)))
    with pytest.raises(DataError, match=f"{name} arrived with the MD5"):
        prepare(tmp_path / "data", "mnist")
    assert not (tmp_path / "data" / "mnist").exists()


@pytest.mark.usefixtures("mnist")
def test_a_full_disk_where_a_download_is_unpacked_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unpack(_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torchvision.datasets.MNIST, "download", unpack)
    with pytest.raises(DataError, match=r"cannot unpack mnist in .*: No space left on device; .* or set TMPDIR"):
        prepare(tmp_path / "data", "mnist")
    assert not (tmp_path / "data" / "mnist").exists()


def test_cifar_is_downloaded_in_color(
    tmp_path: Path, served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = served
    batches = {f"data_batch_{i}": images(4 + i, 3, 32, 32) for i in range(1, 6)} | {"test_batch": images(3, 3, 32, 32)}
    sums: dict[str, str] = {}
    with tarfile.open(folder / "cifar-10-python.tar.gz", "w:gz") as packed:

        def add(name: str, content: object) -> None:
            data = pickle.dumps(content)
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size, sums[name] = len(data), md5(data)
            packed.addfile(member, BytesIO(data))

        for name, pixels in batches.items():
            add(name, {"data": pixels.reshape(len(pixels), -1), "labels": [i % 10 for i in range(len(pixels))]})
        add("batches.meta", {"label_names": [f"class {i}" for i in range(10)]})
    cifar = torchvision.datasets.CIFAR10
    monkeypatch.setattr(cifar, "url", f"{address}cifar-10-python.tar.gz")
    monkeypatch.setattr(cifar, "tgz_md5", md5((folder / "cifar-10-python.tar.gz").read_bytes()))
    monkeypatch.setattr(cifar, "train_list", [[name, sums[name]] for name in batches if name.startswith("data")])
    monkeypatch.setattr(cifar, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(cifar, "meta", cifar.meta | {"md5": sums["batches.meta"]})
    manifest = prepare(tmp_path / "data", "cifar10")
    assert manifest.classes[3] == "class 3"
    expected = np.concatenate([pixels for name, pixels in batches.items() if name.startswith("data")])
    np.testing.assert_array_equal(open_split(tmp_path / "data", "cifar10", "train").images.numpy(), expected)


def test_without_a_connection_the_error_shows_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(preparation.ARCHIVES, "cifar10-c", Download(url="http://127.0.0.1:9/CIFAR-10-C.tar", md5=""))
    with pytest.raises(DataError, match=r"harness data import cifar10-c PATH.*; or .* harness data corrupt cifar10$"):
        prepare(tmp_path, "cifar10-c")


def test_imagenet_cannot_be_downloaded_and_says_how_to_import_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="harness data import imagenet PATH"):
        prepare(tmp_path, "imagenet")


def test_bundled_sets_need_no_connection(tmp_path: Path) -> None:
    assert prepare(tmp_path, "digits").origin.kind == "bundled"


@pytest.mark.usefixtures("mnist")
def test_a_set_that_nobody_hands_out_is_made_of_its_clean_set(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match=r"mnist is not in .* harness data prepare mnist"):
        prepare(tmp_path / "data", "mnist-c")
    prepare(tmp_path / "data", "mnist")
    told: list[tuple[int, int]] = []
    manifest = prepare(tmp_path / "data", "mnist-c", on_progress=lambda done, total: told.append((done, total)))
    assert manifest.origin.kind == "generated"
    assert told[-1] == (10 * 75, 10 * 75)
    assert prepare(tmp_path / "data", "mnist-c") == manifest


def test_a_corrupted_set_is_not_made_of_a_stand_in(tmp_path: Path) -> None:
    write(tmp_path, origin=new_origin("stand-in", "made up"))
    with pytest.raises(DataMissing, match=r"mnist in .* is a stand-in, and so would be what is made of it"):
        prepare(tmp_path, "mnist-c")
