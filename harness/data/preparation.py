"""Data sets made ready by name: bundled ones on the spot, corrupted ones of clean ones, others by a download."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from harness.data.bundled import prepare_bundled
from harness.data.catalogue import get_dataset, get_manifest
from harness.data.download import FOLDER as DOWNLOADS
from harness.data.download import Download, fetch
from harness.data.imports.corruption_files import import_corruptions
from harness.data.inventory import find_ready
from harness.data.manifest import Manifest
from harness.data.origin import new_origin
from harness.data.progress import OnProgress, Tell, ignore_line, ignore_progress
from harness.data.sets import DATASETS, DataSet
from harness.data.writing import KeepOrReplace, SplitArrays, write_set
from harness.errors import DataError, DataMissing

# Source: Zenodo records 2535967 and 3555552 (Hendrycks and Dietterich 2019).
ARCHIVES = {
    "cifar10-c": Download(
        url="https://zenodo.org/records/2535967/files/CIFAR-10-C.tar", md5="56bf5dcef84df0e2308c6dcbcbbd8499"
    ),
    "cifar100-c": Download(
        url="https://zenodo.org/records/3555552/files/CIFAR-100-C.tar", md5="11f0ed0f1191edbf9fa23466ae6021d3"
    ),
}
TORCHVISION = {"mnist": "MNIST", "fashionmnist": "FashionMNIST", "cifar10": "CIFAR10", "cifar100": "CIFAR100"}


def prepare(
    data_dir: Path,
    name: str,
    *,
    existing: KeepOrReplace = "keep",
    on_progress: OnProgress = ignore_progress,
    tell: Tell = ignore_line,
) -> Manifest:
    """Bring a data set; nothing happens if it is there already and no stand-in.

    Downloads lie in `downloads` until the set is made of them, so that an interrupted one is continued.
    on_progress: told (done, total) in bytes of each file that is downloaded, in images of a set that is generated.
    tell: told where another process downloads the same, which is waited for.

    Raises:
        DataMissing: it is generated of a set that is not there or a stand-in, with the command that brings that one.
        DataError: it cannot be downloaded, with the command to import it instead.
    """
    dataset = get_dataset(data_dir, name)
    there = find_ready(data_dir, dataset)
    if there and there.origin.stand_in:
        existing = "replace"
    if there and existing == "keep":
        return there
    if dataset.bundled:
        return prepare_bundled(data_dir, name, existing=existing)
    if dataset.generated:
        return _generate(data_dir, dataset, existing, on_progress)
    return _download(data_dir, dataset, on_progress, tell)


def _generate(data_dir: Path, dataset: DataSet, existing: KeepOrReplace, on_progress: OnProgress) -> Manifest:
    """Corrupt the clean set; raises DataMissing where that is a stand-in."""
    from harness.data.corruptions import corrupt  # needs torch, which the runner does without

    clean = get_dataset(data_dir, dataset.clean)
    if get_manifest(data_dir, clean.name).origin.stand_in:
        raise DataMissing(
            f"{clean.name} in {data_dir} is a stand-in, and so would be what is made of it; bring the real one "
            f"first: {clean.bring}"
        )
    return corrupt(data_dir, clean.name, existing=existing, on_progress=on_progress)


def _download(data_dir: Path, dataset: DataSet, on_progress: OnProgress, tell: Tell) -> Manifest:
    """Bring the files that a set is made of, make it, and remove them."""
    name, folder = dataset.name, data_dir / DOWNLOADS / dataset.name
    if name in ARCHIVES:
        instead = f"or make it of {dataset.clean}, marked as generated: harness data corrupt {dataset.clean}"
        archives = [fetch(ARCHIVES[name], folder, name, on_progress, instead=instead, tell=tell)]
        manifest = import_corruptions(data_dir, name, archives[0], kind="download", existing="replace")
    elif name in TORCHVISION:
        import torchvision

        kind = getattr(torchvision.datasets, TORCHVISION[name])
        archives = [fetch(download, folder, name, on_progress, tell=tell) for download in _published(kind)]
        manifest = _from_torchvision(data_dir, name, kind, archives)
    else:
        raise DataError(f"{name} cannot be downloaded by a program; get its images yourself, then: {dataset.bring}")
    for archive in archives:
        archive.unlink(missing_ok=True)  # another process may have made the set of it too
    return manifest


def _published(kind: Any) -> list[Download]:
    """The files of a torchvision set, as torchvision names them."""
    if hasattr(kind, "tgz_md5"):
        return [Download(url=kind.url, md5=kind.tgz_md5)]
    return [Download(url=kind.mirrors[0] + file, md5=md5) for file, md5 in kind.resources]


def _from_torchvision(data_dir: Path, name: str, kind: Any, archives: list[Path]) -> Manifest:
    """The official images in their official order, read by torchvision from files that are already here."""
    import torchvision

    dataset = DATASETS[name]
    with tempfile.TemporaryDirectory(prefix="harness-") as folder:
        place = Path(folder) if hasattr(kind, "tgz_md5") else Path(folder, kind.__name__, "raw")
        try:
            place.mkdir(parents=True, exist_ok=True)
            for archive in archives:
                (place / archive.name).symlink_to(archive.resolve())
            splits = {split: kind(folder, train=split == "train", download=True) for split in dataset.splits}
        except OSError as error:
            raise DataError(
                f"cannot unpack {name} in {folder}: {error.strerror}; free some space there, or set TMPDIR"
            ) from error
        return write_set(
            data_dir,
            dataset,
            (_arrays(dataset, split, official) for split, official in splits.items()),
            classes=splits["train"].classes,
            origin=new_origin("download", f"torchvision {torchvision.__version__}, {kind.__name__}"),
            existing="replace",
        )


def _arrays(dataset: DataSet, split: str, official: Any) -> SplitArrays:
    """Gray images as torchvision keeps them, (n, h, w), and color ones, (n, h, w, 3), as ours."""
    images = np.asarray(official.data).reshape(-1, *dataset.size, dataset.channels).transpose(0, 3, 1, 2)
    return SplitArrays(split, images, np.asarray(official.targets, np.int64))
