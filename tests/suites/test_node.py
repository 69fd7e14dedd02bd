"""What a node of a cluster must have in common with the runner."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from trainings import DIVERGED, TRAINED

from harness.errors import ExecutorUnusable
from harness.measurement import DeviceFacts
from harness.provenance import provenance
from harness.spec import TrainingSpec, TrainJob
from harness.suites.executors.executor import Failed, Finished, JobWork
from harness.suites.executors.node import (
    installation,
    make_folders,
    require_folders,
    require_same,
    require_weights_here,
)

JOB = TrainJob(spec=TrainingSpec(classification="digits"), seed=0, data={})


def work(folder: Path) -> JobWork:
    return JobWork(job=JOB, data_dir=folder / "data", models_dir=folder / "models", weights={})


def finished(weights: str | None) -> Finished:
    result = replace(TRAINED, weights=weights) if weights else DIVERGED
    return Finished(JOB.key, result, provenance(DeviceFacts(device="", driver=None, threads=1), command=""), 1.0)


def test_a_node_with_the_same_installation_is_taken():
    require_same(installation())


@pytest.mark.parametrize("other", [{"torch": "1.0"}, {"python": "3.10.0"}, {"git_commit": "0" * 40}])
def test_a_node_with_another_is_refused_by_name(other):
    [(name, value)] = other.items()
    with pytest.raises(ExecutorUnusable, match=rf"has {name} .*, the runner {value}"):
        require_same(installation() | other)


def test_a_node_must_see_the_folders(tmp_path: Path):
    whole = make_folders(work(tmp_path))
    require_folders(whole)
    whole.models_dir.rmdir()
    with pytest.raises(ExecutorUnusable, match=f"has no {whole.models_dir}"):
        require_folders(whole)


def test_paths_are_whole_for_a_process_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    found = make_folders(work(Path()))
    assert (found.data_dir, found.models_dir) == (tmp_path / "data", tmp_path / "models")


def test_weights_that_stayed_on_another_node_are_missed(tmp_path: Path):
    done = make_folders(work(tmp_path))
    with pytest.raises(ExecutorUnusable, match="all nodes must share the folder"):
        require_weights_here(done, finished("weights.safetensors"))
    (done.models_dir / done.key).mkdir()
    (done.models_dir / done.key / "weights.safetensors").touch()
    require_weights_here(done, finished("weights.safetensors"))
    require_weights_here(done, finished(None))
    require_weights_here(done, Failed(done.key, "no pairs"))
