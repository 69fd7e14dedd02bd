"""Weights in the results folder, each in the folder of its model: models/KEY/FILE. Published ones lie with the data."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path, PurePath
from typing import TypeVar

from harness.errors import HarnessError
from harness.files import copy_whole
from harness.measurement import TrainingResult

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
    try:
        if not copy_whole(source, target, sha256):
            raise HarnessError(f"{source} has changed since this run began; run the same command again")
    except OSError as error:
        raise HarnessError(f"cannot read {source}: {error.strerror}") from error


def fault(models_dir: Path, key: str, result: TrainingResult) -> str | None:
    """What is wrong with a worker's result of a training; None if the weights are there as it says."""
    if result.weights is None:
        return None
    path = model_folder(models_dir, key) / result.weights
    if _own_sha256(path) == result.weights_sha256:
        return None
    return f"{path} is missing or not what the worker says it wrote; run the same command again"


def _own_sha256(path: Path) -> str | None:
    """SHA-256 of an ordinary file; None if it is not there, or is a link or a pipe, as untrusted code may leave one."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return None
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
