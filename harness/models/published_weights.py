"""Published weights, brought by a download or from a file: put in place whole and checked, or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from harness.data.array_files import writable, write_manifest, write_parts
from harness.data.download import FOLDER as DOWNLOADS
from harness.data.download import Download, fetch
from harness.data.origin import new_origin
from harness.data.progress import OnProgress, Tell, ignore_line, ignore_progress
from harness.data.weights.manifest import WeightsManifest, find_weights, weights_manifest_file
from harness.data.weights.table import ExternalWeights, get_weights
from harness.data.weights.torch_files import read_tensors
from harness.data.writing import Existing, KeepOrReplace
from harness.errors import DataDamaged, DataError, ImportRefused
from harness.files import BLOCK
from harness.models.misfit import misfit


def prepare_weights(
    data_dir: Path,
    name: str,
    *,
    existing: KeepOrReplace = "keep",
    on_progress: OnProgress = ignore_progress,
    tell: Tell = ignore_line,
) -> WeightsManifest:
    """Download weights; nothing happens if they are there already, no stand-in and not visibly damaged.

    on_progress: told (done, total) in bytes, where the server can be asked for that.
    tell: told where another process downloads the same, which is waited for.

    Raises:
        DataError: they cannot be downloaded, with the command to import them instead.
        ImportRefused: what arrived are not these weights.
    """
    there = _find_ready(data_dir, name) if existing == "keep" else None
    if there and not there.origin.stand_in:
        return there
    weights = get_weights(name)
    downloads = data_dir / DOWNLOADS / name
    if not weights.on_drive:
        file = fetch(Download(url=weights.url, sha256=weights.sha256), downloads, name, on_progress, tell=tell)
        try:
            return _put(data_dir, weights, file, kind="download", existing="replace")
        finally:
            file.unlink(missing_ok=True)  # another process may have taken it too
    try:
        downloads.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"cannot write {downloads}: {error.strerror}; free some space, or set HARNESS_DATA_DIR to a folder that "
            "can be written"
        ) from error
    with tempfile.TemporaryDirectory(dir=downloads) as folder:
        file = _from_drive(weights, Path(folder))
        return _put(data_dir, weights, file, kind="download", existing="replace")


def import_weights(
    data_dir: Path,
    name: str,
    path: Path,
    *,
    kind: Literal["import", "stand-in"] = "import",
    existing: Existing = "refuse",
) -> WeightsManifest:
    """Take weights from a file that torch.save wrote, as they are, byte for byte.

    kind: `stand-in` for random numbers in the form of these weights, of which no published digest is asked.

    Raises:
        ImportRefused: says what about the file is wrong.
        DataError: the weights are there already and are not to be replaced, or cannot be written.
    """
    return _put(data_dir, get_weights(name), path, kind=kind, existing=existing)


def _find_ready(data_dir: Path, name: str) -> WeightsManifest | None:
    try:
        return find_weights(data_dir, name)
    except DataDamaged:
        return None


def _from_drive(weights: ExternalWeights, folder: Path) -> Path:
    """The file, downloaded with gdown as robustbench itself does."""
    import gdown

    path = folder / Path(weights.file).name
    try:
        with path.open("wb") as file:  # gdown itself leaves files open when a connection is cut
            gdown.download(url=weights.url, output=file, quiet=True, use_cookies=False)
    except (gdown.exceptions.FileURLRetrievalError, OSError) as error:  # what requests raises is an OSError
        raise DataError(
            f"cannot download {weights.url}: {' '.join(str(error).split())}. Without a connection, or with a file "
            f"from a browser: harness data import {weights.name} PATH"
        ) from error
    return path


def _put(
    data_dir: Path,
    weights: ExternalWeights,
    source: Path,
    *,
    kind: Literal["download", "import", "stand-in"],
    existing: Existing,
) -> WeightsManifest:
    """A checked copy of the file in its place, with its manifest."""
    path = weights.path(data_dir)
    place = weights_manifest_file(data_dir, weights.name)
    downloaded = kind == "download"
    with writable(place) as folder:
        there = _find_ready(data_dir, weights.name) if existing == "keep" else None
        if there:
            return there
        if existing == "refuse" and place.path.exists():
            raise DataError(f"the weights {weights.name} are in {data_dir} already; --replace puts others there")
        partial = folder / f"{path.name}.partial"
        digest = write_parts(partial, _blocks(source))
        called = weights.url if downloaded else str(source)
        problem = misfit(weights.name, read_tensors(partial, called))
        if not problem and kind != "stand-in" and not digest.startswith(weights.sha256):
            problem = f"its SHA-256 begins with {digest[:8]}, not {weights.sha256}"
        if problem:
            raise ImportRefused(f"{called} is not {weights.title}: {problem}")
        manifest = WeightsManifest(
            name=weights.name,
            bytes=partial.stat().st_size,
            sha256=digest,
            origin=new_origin(kind, called.removeprefix("https://") if downloaded else source.resolve().name),
        )
        place.path.unlink(missing_ok=True)
        partial.replace(path)
        write_manifest(place.path, manifest)
    return manifest


def _blocks(source: Path) -> Iterator[bytes]:
    """A file's content; raises ImportRefused if it cannot be read."""
    try:
        with source.open("rb") as file:
            while block := file.read(BLOCK):
                yield block
    except OSError as error:
        raise ImportRefused(f"{source} cannot be read: {error.strerror}; name a .pt or .pth file") from error
