"""Weights in the results folder, each in the folder of its model: models/KEY/FILE. Published ones lie with the data."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePath
from typing import TypeVar

from harness.errors import HarnessError
from harness.files import is_whole, write_whole
from harness.spec import PlannedJob, TrainJob
from harness.store.read import JobState

AnyPath = TypeVar("AnyPath", bound=PurePath)


def model_folder(models_dir: AnyPath, key: str) -> AnyPath:
    """Where a model's weights lie, and what its training needs until it is done."""
    return models_dir / key


def checkpoint_file(models_dir: Path, key: str, sha256: str) -> Path:
    """Where the weights of a researcher's own checkpoint lie, for workers wherever they are."""
    return model_folder(models_dir, key) / f"checkpoint-{sha256}.pt"


def copy_checkpoint(source: Path, models_dir: Path, key: str, sha256: str) -> None:
    """Copy a checkpoint that has that content to where it belongs, if it is not there yet.

    Raises:
        HarnessError: it has another content by now, or cannot be copied.
    """
    target = checkpoint_file(models_dir, key, sha256)
    if is_whole(target, sha256):
        return
    try:
        content = source.read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise HarnessError(f"{source} has changed since this run began; run the same command again")
        write_whole(target, content)
    except OSError as error:
        raise HarnessError(f"cannot copy {source} to {target.parent}: {error.strerror}") from error


def are_here(models_dir: Path, planned: PlannedJob, state: JobState) -> bool:
    """Whether the weights that the database has of a model, if it has some, are here; others' lie with the data."""
    if state.weights is None or not isinstance(planned.job, TrainJob):
        return True
    return is_whole(model_folder(models_dir, planned.key) / state.weights, state.weights_sha256)
