"""Recordings written into the data folder: imported from a laboratory's files, or simulated."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from harness.data.array_files import writable, write_arrays, write_manifest
from harness.data.imports.foreign_arrays import read_npz, read_safetensors
from harness.data.manifest_file import checked_name
from harness.data.origin import Origin, origin_of
from harness.data.recording_arrays import Arrays, checked_arrays, repeated_images
from harness.data.recordings import RecordingManifest, ScanFile, recording_manifest_file
from harness.data.writing import RefuseOrReplace
from harness.errors import DataError, ImportRefused, SpecError


def import_recording(
    data_dir: Path, name: str, folder: Path, *, existing: RefuseOrReplace = "refuse"
) -> RecordingManifest:
    """Make a recording of a folder with one .npz or .safetensors file per scan; see docs/recordings.md.

    Pickled objects are refused, never loaded.

    Raises:
        ImportRefused: names the file, the array and what is wrong.
        DataError: the recording is there already and is not to be replaced, or cannot be written.
    """
    if not folder.is_dir():
        raise ImportRefused(f"{folder} is not a folder; give one with a .npz or .safetensors file per scan")
    files = sorted(path for path in folder.iterdir() if path.suffix in {".npz", ".safetensors"})
    if not files:
        raise ImportRefused(f"{folder} has no .npz or .safetensors file; one per scan is needed")
    scans = ((_scan_name(path), checked_arrays(_read(path), str(path))) for path in files)
    origin = origin_of(folder)
    return write_recording(data_dir, name, scans, origin=origin, existing=existing)


def write_recording(
    data_dir: Path,
    name: str,
    scans: Iterable[tuple[str, Arrays]],
    *,
    origin: Origin,
    existing: RefuseOrReplace = "refuse",
) -> RecordingManifest:
    """Write a whole recording; it appears, or replaces the one before, in one step at the end.

    scans: names and `checked_arrays`; may be a generator, which is not started if the recording is there and is not
        to be replaced; whatever it raises leaves the data folder as it was.

    Raises:
        ImportRefused: two scans have one name, or show other images.
        DataError: the recording is there already; the folder cannot be written; the disk is full.
    """
    place = recording_manifest_file(data_dir, name)
    if existing == "refuse" and place.path.exists():
        raise DataError(f"recording {name} is in {data_dir} already; --replace puts another in its place")
    with writable(place) as folder:
        first: Arrays = {}
        entries: dict[str, ScanFile] = {}
        for scan, arrays in scans:
            first = first or arrays
            if scan in entries:
                raise ImportRefused(f"two files are named after scan {scan!r}")
            if not np.array_equal(first["images"], arrays["images"]):
                raise ImportRefused(f"images of scan {scan!r} are not those of {next(iter(entries))!r}, in their order")
            trials, neurons = arrays["responses"].shape
            entries[scan] = ScanFile(
                **write_arrays(folder, scan, arrays).model_dump(),
                neurons=neurons,
                trials=trials,
                repeated_images=repeated_images(arrays["trial_images"]),
            )
        n, _, height, width = first["images"].shape
        manifest = RecordingManifest(name=name, origin=origin, images=(n, height, width), scans=entries)
        write_manifest(place.path, manifest)
    return manifest


def _scan_name(path: Path) -> str:
    try:
        return checked_name("scan", path.stem)
    except SpecError as error:
        raise ImportRefused(f"{path}: {error}; rename the file") from None


def _read(path: Path) -> Arrays:
    """All arrays of a laboratory's file."""
    if not path.is_file():  # who opens a pipe waits for ever
        raise ImportRefused(f"{path} is neither a file nor a link to one")
    return read_npz(path) if path.suffix == ".npz" else read_safetensors(path)
