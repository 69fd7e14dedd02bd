"""What a machine must have in common with the runner, to do its jobs: code, packages and folders."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from harness.errors import ExecutorUnusable
from harness.measurement import DeviceFacts, TrainingResult
from harness.provenance import provenance
from harness.spec import TrainJob
from harness.suites.executors.executor import Failed, Finished, JobWork, Work
from harness.suites.model_weights import model_folder


def installation() -> dict[str, object]:
    """Code and packages of this process."""
    facts = provenance(DeviceFacts(device="", driver=None, threads=1), command="").environment
    packages = facts.pop("packages")
    assert isinstance(packages, Mapping)
    return {**facts, **packages}


def require_same(expected: Mapping[str, object]) -> None:
    """One run's results come from one code and its packages, so a node must have them; raises ExecutorUnusable."""
    here = installation()
    for name in sorted({*here, *expected}):
        if here.get(name) != expected.get(name):
            raise ExecutorUnusable(
                f"node {platform.node()} has {name} {here.get(name)}, the runner {expected.get(name)}; "
                "start all nodes from one image, or install the same lock file"
            )


def make_folders(work: Work) -> Work:
    """Make a work's folders, which are missed elsewhere; the work for a process that has another working folder."""
    for folder in _folders(work):
        folder.mkdir(parents=True, exist_ok=True)
    if isinstance(work, JobWork):
        work = replace(work, models_dir=work.models_dir.resolve())
    return replace(work, data_dir=work.data_dir.resolve())


def require_folders(work: Work) -> None:
    """Raise ExecutorUnusable if this node does not see the runner's folders."""
    for folder in _folders(work):
        if not folder.is_dir():
            raise ExecutorUnusable(
                f"node {platform.node()} has no {folder}; all nodes must see the runner's data and results folders"
            )


def require_weights_here(work: Work, outcome: Finished | Failed) -> None:
    """Raise ExecutorUnusable if a node has a folder of the runner's name, but of its own, and trained into that."""
    if not (isinstance(work, JobWork) and isinstance(work.job, TrainJob) and isinstance(outcome, Finished)):
        return
    assert isinstance(outcome.result, TrainingResult)
    path = model_folder(work.models_dir, work.key) / (outcome.result.weights or "")
    if not path.exists():
        raise ExecutorUnusable(f"a node trained a model, but {path} is not here; all nodes must share the folder")


def _folders(work: Work) -> list[Path]:
    return [work.data_dir, work.models_dir] if isinstance(work, JobWork) else [work.data_dir]
