from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.data.recordings import FOLDER as RECORDINGS
from harness.data.recordings import get_recording_manifest
from harness.data.similarities import FOLDER as SIMILARITIES
from harness.data.similarities import get_similarity_manifest, open_similarity
from harness.data.simulated_v1.scan import simulate
from harness.errors import DataError
from harness.spec.neural import SimulationSpec
from harness.stand_ins import find_obstacle, make_stand_in
from harness.stand_ins.recording import SIMULATION


def test_the_recording_and_its_similarity_are_marked(data: Path) -> None:
    recording, similarity = get_recording_manifest(data, "v1"), get_similarity_manifest(data, "v1")
    assert recording.origin.stand_in
    assert recording.images == (SIMULATION.n_images, 36, 64)
    assert (similarity.stand_in, similarity.generated, similarity.n) == (True, True, SIMULATION.n_images)
    assert similarity.recording_digest == recording.digest
    assert similarity.noise_free_correlation is not None
    for kind in ("neural", "raw"):
        assert open_similarity(data, "v1", kind).matrix.isfinite().all()


def test_a_simulation_that_looks_at_a_stand_in_is_one(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data / "mnist", tmp_path / "mnist")
    spec = SimulationSpec(images="mnist", n_images=20, oracle_images=10, repeats=2, scans=1, neurons=4)
    assert simulate(tmp_path, "mine", spec).origin.stand_in


def test_a_real_similarity_is_not_replaced_even_without_its_recording(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data / SIMILARITIES, tmp_path / SIMILARITIES)
    path = tmp_path / SIMILARITIES / "v1" / "manifest.json"
    path.write_text(path.read_text().replace('"stand_in": true', '"stand_in": false'))
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"no stand-in of v1 is made: it is there already \(similarity\)"):
        make_stand_in(tmp_path, "v1")
    assert path.read_bytes() == before
    assert not (tmp_path / RECORDINGS).exists()


def test_a_recording_of_ones_own_is_left_alone_before_it_is_fitted(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data / RECORDINGS, tmp_path / RECORDINGS)
    assert find_obstacle(tmp_path, "v1") is None  # an unfinished stand-in
    path = tmp_path / RECORDINGS / "v1" / "manifest.json"
    path.write_text(path.read_text().replace('"stand-in"', '"import"'))
    assert "already (import)" in (find_obstacle(tmp_path, "v1") or "")


def test_an_interrupted_stand_in_is_finished(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data / RECORDINGS, tmp_path / RECORDINGS)
    told: list[tuple[int, int]] = []
    make_stand_in(tmp_path, "v1", on_progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    made, before = (get_similarity_manifest(folder, "v1") for folder in (tmp_path, data))
    assert made.recording_digest == before.recording_digest
