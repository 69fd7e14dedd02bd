from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from few_trials import IMAGES, NEURONS, TRIALS, scan_arrays, write_scans
from safetensors.numpy import save_file

from harness.data.imports.recording_files import import_recording
from harness.data.manifest_file import MANIFEST
from harness.data.recordings import find_recording_manifest, get_recording_manifest, open_scan, recording_names
from harness.errors import DataDamaged, DataError, DataMissing, ImportRefused, SpecError


@pytest.fixture
def laboratory(tmp_path: Path) -> Path:
    """A folder as a laboratory gives it: one scan in each of the two formats."""
    folder = tmp_path / "laboratory"
    folder.mkdir()
    np.savez_compressed(folder / "scan-1.npz", **scan_arrays(1))
    save_file(scan_arrays(2), folder / "scan-2.safetensors")
    (folder / "notes.txt").write_text("the mouse was awake")
    return folder


def file_of(data_dir: Path, scan: str = "scan-0") -> Path:
    [path] = (data_dir / "recordings" / "mouse").glob(f"{scan}-*.safetensors")
    return path


def test_what_a_laboratory_gives_is_what_is_opened(tmp_path: Path, laboratory: Path) -> None:
    manifest = import_recording(tmp_path, "mouse", laboratory)
    assert list(manifest.scans) == ["scan-1", "scan-2"]
    assert manifest.images == (IMAGES, 36, 64)
    assert not manifest.generated
    for number in (1, 2):
        entry, recording = manifest.scans[f"scan-{number}"], open_scan(tmp_path, "mouse", f"scan-{number}")
        assert (entry.trials, entry.neurons, entry.repeated_images) == (TRIALS, NEURONS, IMAGES)
        assert recording.digest == entry.sha256
        for name, array in scan_arrays(number).items():
            np.testing.assert_array_equal(getattr(recording, name).numpy(), array)
        assert recording.noise_free is None


def test_the_digest_depends_on_the_content_alone(tmp_path: Path, laboratory: Path) -> None:
    first = import_recording(tmp_path / "a", "mouse", laboratory)
    assert import_recording(tmp_path / "b", "rat", laboratory).digest == first.digest
    (laboratory / "scan-1.npz").rename(laboratory / "scan-3.npz")  # which is now the last
    assert import_recording(tmp_path / "renamed", "mouse", laboratory).digest == first.digest
    (laboratory / "scan-3.npz").rename(laboratory / "scan-1.npz")
    np.savez(laboratory / "scan-1.npz", **scan_arrays(3))
    assert import_recording(tmp_path / "c", "mouse", laboratory).digest != first.digest


def test_a_recording_that_is_there_is_replaced_only_when_told(tmp_path: Path, laboratory: Path) -> None:
    write_scans(tmp_path)
    with pytest.raises(DataError, match="--replace"):
        import_recording(tmp_path, "mouse", laboratory)
    import_recording(tmp_path, "mouse", laboratory, existing="replace")
    assert len(list((tmp_path / "recordings" / "mouse").iterdir())) == 3 + 1  # the lock file


def test_an_import_that_fails_leaves_what_was_there(tmp_path: Path, laboratory: Path) -> None:
    before = write_scans(tmp_path)
    np.savez(laboratory / "scan-3.npz", images=np.zeros(3))
    with pytest.raises(ImportRefused, match=r"scan-3\.npz: images has type float64"):
        import_recording(tmp_path, "mouse", laboratory, existing="replace")
    assert get_recording_manifest(tmp_path, "mouse") == before
    open_scan(tmp_path, "mouse", "scan-1")


def test_pickled_objects_are_refused_and_never_loaded(tmp_path: Path, laboratory: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    np.savez(laboratory / "scan-1.npz", **scan_arrays() | {"responses": np.array([Trap()], dtype=object)})
    with pytest.raises(ImportRefused, match=r"scan-1\.npz cannot be read: Object arrays cannot be loaded"):
        import_recording(tmp_path, "mouse", laboratory)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["scan-1.npz", "scan-2.safetensors"])
def test_a_file_that_is_cut_short_is_refused_by_name(tmp_path: Path, laboratory: Path, name: str) -> None:
    path = laboratory / name
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ImportRefused, match=f"{name} cannot be read"):
        import_recording(tmp_path, "mouse", laboratory)


@pytest.mark.parametrize("name", ["pipe.npz", "pipe.safetensors"])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, laboratory: Path, name: str) -> None:
    os.mkfifo(laboratory / name)
    with pytest.raises(ImportRefused, match=f"{name} is neither a file"):
        import_recording(tmp_path, "mouse", laboratory)


def test_a_header_that_promises_more_than_there_is_is_refused(tmp_path: Path, laboratory: Path) -> None:
    header = io.BytesIO()
    promise = {"descr": "<f4", "fortran_order": False, "shape": (1 << 50, 4)}
    np.lib.format.write_array_header_1_0(header, promise)  # type: ignore[arg-type]
    with zipfile.ZipFile(laboratory / "scan-1.npz", "w") as archive:
        archive.writestr("responses.npy", header.getvalue())
    with pytest.raises(ImportRefused, match=r"scan-1\.npz cannot be read"):
        import_recording(tmp_path, "mouse", laboratory)


def test_an_archive_that_unpacks_to_far_more_is_refused(tmp_path: Path, laboratory: Path) -> None:
    np.savez_compressed(laboratory / "scan-1.npz", responses=np.zeros((1 << 23, 3), np.float32))
    with pytest.raises(ImportRefused, match="unpacks to more than"):
        import_recording(tmp_path, "mouse", laboratory)


def test_scans_of_other_images_are_refused(tmp_path: Path, laboratory: Path) -> None:
    arrays = scan_arrays(1)
    np.savez(laboratory / "scan-3.npz", **arrays | {"images": arrays["images"][::-1]})
    with pytest.raises(ImportRefused, match="images of scan 'scan-3' are not those of 'scan-1', in their order"):
        import_recording(tmp_path, "mouse", laboratory)


def test_two_scans_of_one_name_are_refused(tmp_path: Path, laboratory: Path) -> None:
    save_file(scan_arrays(2), laboratory / "scan-1.safetensors")
    with pytest.raises(ImportRefused, match="two files are named after scan 'scan-1'"):
        import_recording(tmp_path, "mouse", laboratory)


def test_a_file_name_that_cannot_be_a_scans_is_refused(tmp_path: Path, laboratory: Path) -> None:
    (laboratory / "scan-1.npz").rename(laboratory / "Scan 1.npz")
    with pytest.raises(ImportRefused, match=r"Scan 1\.npz: scan 'Scan 1': names are made of .*rename the file"):
        import_recording(tmp_path, "mouse", laboratory)


def test_a_path_without_scans_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="is not a folder"):
        import_recording(tmp_path, "mouse", tmp_path / "nowhere")
    with pytest.raises(ImportRefused, match=r"has no \.npz or \.safetensors file"):
        import_recording(tmp_path, "mouse", tmp_path)


def test_a_name_that_would_leave_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"recording '\.\./mouse': names are made of"):
        find_recording_manifest(tmp_path, "../mouse")


def test_a_missing_recording_names_the_commands_that_bring_it(tmp_path: Path) -> None:
    assert find_recording_manifest(tmp_path, "mouse") is None
    assert recording_names(tmp_path) == []
    with pytest.raises(DataMissing, match="harness neural import mouse PATH, or harness neural simulate mouse"):
        open_scan(tmp_path, "mouse", "scan-0")


def test_a_truncated_scan_is_noticed_without_reading_it(tmp_path: Path) -> None:
    write_scans(tmp_path)
    path = file_of(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    for look in (lambda: get_recording_manifest(tmp_path, "mouse"), lambda: open_scan(tmp_path, "mouse", "scan-1")):
        with pytest.raises(DataDamaged, match=f"{path.name} is damaged: it has .* bytes instead of .*--replace"):
            look()


@pytest.mark.parametrize("position", [9, 5000, -1])
def test_a_flipped_byte_is_found_when_the_scan_is_opened(tmp_path: Path, position: int) -> None:
    write_scans(tmp_path)
    path = file_of(tmp_path)
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataDamaged, match=f"{path.name} is damaged: its SHA-256 is"):
        open_scan(tmp_path, "mouse", "scan-0")


def test_an_altered_manifest_is_noticed(tmp_path: Path) -> None:
    write_scans(tmp_path)
    path = tmp_path / "recordings" / "mouse" / MANIFEST
    for key, value, problem in (("name", "rat", "belongs to rat"), ("images", [1], "images"), ("scans", 3, "scans")):
        text = path.read_text()
        path.write_text(json.dumps(json.loads(text) | {key: value}))
        with pytest.raises(DataDamaged, match=problem):
            open_scan(tmp_path, "mouse", "scan-0")
        path.write_text(text)
    path.write_text("{")
    with pytest.raises(DataDamaged, match=MANIFEST):
        open_scan(tmp_path, "mouse", "scan-0")
    write_scans(tmp_path, existing="replace")
    open_scan(tmp_path, "mouse", "scan-0")


def test_moving_takes_every_array_along(tmp_path: Path) -> None:
    write_scans(tmp_path)
    moved = open_scan(tmp_path, "mouse", "scan-0").moved(torch.device("meta"))
    assert {value.device.type for value in vars(moved).values() if isinstance(value, torch.Tensor)} == {"meta"}
    assert moved.scan == "scan-0"
