"""Verified image arrays: one safetensors file per split, memory-mapped, opened in milliseconds.

Each file holds `images` uint8 (n, c, h, w) and `labels` int64 (n,). Its SHA-256 is the content's digest: it depends
on images, labels and class names and on nothing else, not even on the version of the safetensors library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from harness.data.catalogue import get_dataset, get_manifest, split_file
from harness.data.manifest import Manifest, classes_text, set_manifest_file
from harness.data.manifest_file import ManifestFile

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Split:
    """A split's images, as they lie on the disk."""

    images: Tensor
    """uint8 (n, c, h, w), a private memory map: writing to it changes nothing on the disk."""
    labels: Tensor
    """int64 (n,)."""
    digest: str
    """SHA-256 of the content."""


def open_split(data_dir: Path, name: str, split: str) -> Split:
    """A split, memory-mapped; size, shapes and types are checked, the content is not (see `verify`).

    Raises:
        DataMissing: says the command that brings the set.
        DataDamaged: the file is not what the manifest says.
    """
    manifest, entry, path = split_file(data_dir, name, split)
    place = set_manifest_file(data_dir, get_dataset(data_dir, name))
    expected = {"images": ("U8", list(entry.shape)), "labels": ("I64", [entry.shape[0]])}
    try:
        with safe_open(path, framework="pt") as file:
            slices = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118
            found = {key: (part.get_dtype(), part.get_shape()) for key, part in slices.items()}
            if found != expected:
                raise place.damaged(path, f"it holds {found} instead of {expected}")
            _check_classes(file, manifest, place, path)
            images, labels = file.get_tensor("images"), file.get_tensor("labels")
    except (SafetensorError, OSError) as error:
        raise place.damaged(path, str(error)) from None
    return Split(images, labels, entry.sha256)


def verify(data_dir: Path, name: str, on_bytes: Callable[[int], None] | None = None) -> None:
    """Read every byte of a set and compare its SHA-256; raises DataDamaged with the file's name.

    on_bytes: told how many more bytes were read.
    """
    manifest = get_manifest(data_dir, name)
    place = set_manifest_file(data_dir, get_dataset(data_dir, name))
    for entry in manifest.array_files:
        path = place.verified(entry, on_bytes)
        with safe_open(path, framework="numpy") as file:
            _check_classes(file, manifest, place, path)


def _check_classes(file: safe_open, manifest: Manifest, place: ManifestFile[Manifest], path: Path) -> None:
    """Raises DataDamaged unless the file was written with the class names of its manifest."""
    metadata: dict[str, str] | None = file.metadata()  # type: ignore[no-untyped-call]
    if (metadata or {}).get("classes") != classes_text(manifest.classes):
        raise place.damaged(path, "its classes are not those of the manifest")
