"""Representational similarities of images on the disk, each with the images that it is about.

    DATA_DIR/similarities/NAME/manifest.json
    DATA_DIR/similarities/NAME/{neural,raw}-<first 12 digits of its SHA-256>.safetensors

Each file holds `similarity` float32 (N, N) and `images` uint8 (N, 1, h, w), so that its SHA-256 stands for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.data.manifest_file import MANIFEST, AnyManifest, ArrayFile, ManifestFile, Record, checked_name, names_in
from harness.errors import DataMissing
from harness.spec.inputs import RECORDED, Recorded

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = "similarities"
BRING = "harness neural fit {0}, then harness neural similarity {0}"


class ScanScore(Record):
    """How good one scan's predictive model is, and what of it went into the similarity."""

    sha256: str
    """Of the scan's file."""
    neurons: int
    trial_correlation: float
    """Of predicted and measured responses over held-out trials, mean over neurons."""
    oracle_correlation: float | None
    """The same with the mean of an image's repeats; None without repeats."""
    weights: Literal["signal to noise and correlation", "correlation"]
    """What neurons are weighted by: the second where there are no repeats."""


class SimilarityManifest(AnyManifest):
    """The similarities of one recording."""

    generated: bool
    """Of a simulated recording."""
    stand_in: bool = False
    """Of one that is a stand-in."""
    n: int
    size: tuple[int, int]
    """Height and width of the images."""
    images_sha256: str
    """Of the images' bytes alone, (n, 1, h, w) in C order."""
    recording_digest: str
    fit: dict[str, Any]
    """The predictive models' settings."""
    scans: dict[str, ScanScore]
    noise_free_correlation: dict[Recorded, float] | None
    """Of each similarity's off-diagonal with the noise-free one, which only a simulation knows."""
    importer: str
    """Version of the harness that made it."""
    files: dict[Recorded, ArrayFile]

    @property
    def array_files(self) -> Iterable[ArrayFile]:
        """One for each similarity."""
        return self.files.values()


@dataclass(frozen=True)
class RecordedSimilarity:
    """A similarity matrix as it lies on the disk."""

    matrix: Tensor
    """float32 (N, N), symmetric, cosines; a private memory map."""
    images: Tensor
    """uint8 (N, 1, h, w), the images of its rows, in order."""


def bring_another(name: str, n_images: int | None = None) -> str:
    """The commands that put another similarity in its place; of so many images, if that matters."""
    simulate = f"harness neural simulate {name}" + (f" --n-images {n_images}" if n_images else "")
    return f"harness neural import {name} PATH --replace (or {simulate} --replace), then {BRING.format(name)}"


def similarity_manifest_file(data_dir: Path, name: str) -> ManifestFile[SimilarityManifest]:
    """Where the manifest lies, if there is one."""
    path = data_dir / FOLDER / checked_name("similarity", name) / MANIFEST
    return ManifestFile(path, SimilarityManifest, name, f"make it again with: {BRING.format(name)}")


def find_similarity_manifest(data_dir: Path, name: str) -> SimilarityManifest | None:
    """The manifest, or None if there is none; raises DataDamaged if it makes no sense. Needs no torch."""
    place = similarity_manifest_file(data_dir, name)
    manifest = place.find()
    if manifest and manifest.files.keys() != RECORDED:
        raise place.damaged(place.path, f"it names {sorted(manifest.files)} instead of neural and raw")
    return manifest


def get_similarity_manifest(data_dir: Path, name: str) -> SimilarityManifest:
    """The manifest, after a look at its files' sizes; raises DataMissing with the command, or DataDamaged."""
    manifest = find_similarity_manifest(data_dir, name)
    if manifest is None:
        raise DataMissing(f"there is no neural similarity {name} in {data_dir}; make it with: {BRING.format(name)}")
    for entry in manifest.array_files:
        similarity_manifest_file(data_dir, name).sized(entry)
    return manifest


def similarity_names(data_dir: Path) -> list[str]:
    """Names of the similarities that are there, damaged or not."""
    return names_in(data_dir / FOLDER)


def open_similarity(data_dir: Path, name: str, kind: Recorded) -> RecordedSimilarity:
    """A similarity with its images, memory-mapped, after comparing its SHA-256.

    Raises:
        DataMissing: says the commands that make it.
        DataDamaged: the file is not what the manifest says.
    """
    from harness.data.array_files import open_arrays  # needs torch, which planning does without

    place, manifest = similarity_manifest_file(data_dir, name), get_similarity_manifest(data_dir, name)
    arrays = open_arrays(place, manifest.files[kind])
    found = {key: tuple(array.shape) for key, array in arrays.items()}
    n = manifest.n
    if found != {"similarity": (n, n), "images": (n, 1, *manifest.size)}:
        raise place.damaged(place.sized(manifest.files[kind]), f"it holds {found}")
    return RecordedSimilarity(arrays["similarity"], arrays["images"])


def verify_similarity(data_dir: Path, name: str) -> None:
    """Read every byte of both similarities and compare their SHA-256; raises DataMissing or DataDamaged.

    Needs no torch, unlike `open_similarity`, which does the same for the one that it opens.
    """
    place = similarity_manifest_file(data_dir, name)
    for entry in get_similarity_manifest(data_dir, name).array_files:
        place.verified(entry)


def write_similarities(
    data_dir: Path, name: str, matrices: Mapping[Recorded, Tensor], images: Tensor, **about: Any
) -> SimilarityManifest:
    """Write both similarities of a recording in the place of those that are there, in one step.

    matrices: (N, N) float32 each; images: uint8 (N, 1, h, w).
    about: the manifest's other fields.

    Raises:
        DataError: the folder cannot be written; the disk is full.
    """
    import hashlib

    from harness.data.array_files import writable, write_arrays, write_manifest

    place = similarity_manifest_file(data_dir, name)
    pixels = images.contiguous().cpu().numpy()
    with writable(place) as folder:
        files = {
            kind: write_arrays(folder, kind, {"similarity": matrix.cpu().numpy(), "images": pixels})
            for kind, matrix in matrices.items()
        }
        manifest = SimilarityManifest(
            name=name,
            n=len(pixels),
            size=(pixels.shape[2], pixels.shape[3]),
            images_sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
            files=files,
            **about,
        )
        write_manifest(place.path, manifest)
    return manifest
