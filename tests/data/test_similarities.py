from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from harness.data.manifest_file import MANIFEST
from harness.data.similarities import (
    SimilarityManifest,
    find_similarity_manifest,
    get_similarity_manifest,
    open_similarity,
    similarity_names,
    verify_similarity,
    write_similarities,
)
from harness.errors import DataDamaged, DataError, DataMissing
from harness.spec.training import Recorded

IMAGES = torch.arange(3 * 36 * 64).remainder(256).to(torch.uint8).view(3, 1, 36, 64)
NEURAL = torch.eye(3)
RAW = torch.full((3, 3), 0.25)


def write(data_dir: Path, neural: torch.Tensor = NEURAL) -> SimilarityManifest:
    matrices: dict[Recorded, torch.Tensor] = {"neural": neural, "raw": RAW}
    return write_similarities(
        data_dir,
        "mouse",
        matrices,
        IMAGES,
        generated=True,
        recording_digest="0" * 64,
        fit={"channels": 4},
        scans={},
        noise_free_correlation=None,
        importer="0",
    )


def file_of(data_dir: Path) -> Path:
    [path] = (data_dir / "similarities" / "mouse").glob("neural-*.safetensors")
    return path


def test_what_is_written_is_what_is_opened(tmp_path: Path) -> None:
    manifest = write(tmp_path)
    for kind, matrix in (("neural", NEURAL), ("raw", RAW)):
        found = open_similarity(tmp_path, "mouse", kind)  # type: ignore[arg-type]
        assert torch.equal(found.matrix, matrix)
        assert torch.equal(found.images, IMAGES)
    assert find_similarity_manifest(tmp_path, "mouse") == manifest
    assert similarity_names(tmp_path) == ["mouse"]


def test_the_digest_is_the_files_sha256_and_stands_for_matrix_and_images(tmp_path: Path) -> None:
    manifest = write(tmp_path)
    assert manifest.files["neural"].sha256 == hashlib.sha256(file_of(tmp_path).read_bytes()).hexdigest()
    assert manifest.images_sha256 == hashlib.sha256(IMAGES.numpy().tobytes()).hexdigest()
    changed = write(tmp_path, neural=RAW)
    assert changed.files["neural"].sha256 != manifest.files["neural"].sha256
    assert changed.files["raw"] == manifest.files["raw"]
    assert len(list((tmp_path / "similarities" / "mouse").iterdir())) == 3 + 1  # the lock file


def test_a_missing_similarity_names_the_commands_that_make_it(tmp_path: Path) -> None:
    assert find_similarity_manifest(tmp_path, "mouse") is None
    with pytest.raises(DataMissing, match="harness neural fit mouse, then harness neural similarity mouse"):
        open_similarity(tmp_path, "mouse", "neural")


def test_a_truncated_or_removed_file_is_noticed_without_reading_it(tmp_path: Path) -> None:
    write(tmp_path)
    path = file_of(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataDamaged, match=f"{path.name} is damaged: it has .*; make it again with: harness neural fit"):
        get_similarity_manifest(tmp_path, "mouse")
    path.unlink()
    with pytest.raises(DataDamaged, match="cannot be read: No such file"):
        open_similarity(tmp_path, "mouse", "neural")


@pytest.mark.parametrize("position", [9, -1])
def test_a_flipped_byte_is_found_when_the_similarity_is_opened_or_verified(tmp_path: Path, position: int) -> None:
    write(tmp_path)
    path = file_of(tmp_path)
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    for look in (lambda: open_similarity(tmp_path, "mouse", "neural"), lambda: verify_similarity(tmp_path, "mouse")):
        with pytest.raises(DataDamaged, match=f"{path.name} is damaged: its SHA-256"):
            look()
    open_similarity(tmp_path, "mouse", "raw")


def test_an_altered_manifest_is_noticed(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "similarities" / "mouse" / MANIFEST
    text = path.read_text()
    raw_only = {"raw": json.loads(text)["files"]["raw"]}
    for key, value, problem in (
        ("name", "rat", "belongs to rat"),
        ("n", 4, r"it holds .*\(3, 3\)"),
        ("files", raw_only, r"it names \['raw'\] instead of neural and raw"),
        ("size", "large", "size"),
    ):
        path.write_text(json.dumps(json.loads(text) | {key: value}))
        with pytest.raises(DataDamaged, match=problem):
            open_similarity(tmp_path, "mouse", "neural")


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "similarities").touch()
    with pytest.raises(DataError, match=r"cannot write .*HARNESS_DATA_DIR"):
        write(tmp_path)


def test_planning_needs_no_torch(tmp_path: Path) -> None:
    write(tmp_path)
    code = (
        "import sys; from pathlib import Path; from harness.data.similarities import get_similarity_manifest;"
        "from harness.data.recordings import find_recording_manifest;"
        "print(get_similarity_manifest(Path(sys.argv[1]), 'mouse').n, 'torch' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code, tmp_path], check=True, capture_output=True, text=True)
    assert ended.stdout == "3 False\n"
