"""Errors of a work that nobody foresaw: whether memory ran out, and where in the code they happened."""

from __future__ import annotations

import traceback
from collections.abc import Collection
from pathlib import Path

import torch

import harness

_NO_PRIMITIVE = "could not create a primitive"  # all that oneDNN says then; of what it cannot compute it says more
_NO_MEMORY = (
    "DefaultCPUAllocator: can't allocate memory",
    "Cannot allocate memory",
    # of a GPU that others have filled: the runtime, the driver, and the libraries that find no room for their handles
    "CUDA error: out of memory",
    "CUDA driver error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_NOT_INITIALIZED",
    "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
    "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "CUDNN_STATUS_NOT_INITIALIZED",
    "CUFFT_ALLOC_FAILED",
    "unable to find an engine to execute this computation",  # cuDNN's, when no algorithm had room to be tried
)


def ran_out_of_memory(error: BaseException | None) -> bool:
    """Whether that is the error, or what led to it, as where memory ran out while a graph was recorded."""
    if error is None:
        return False
    said = str(error)
    return (
        isinstance(error, torch.OutOfMemoryError | MemoryError)
        # libraries have no error of their own for it
        or (isinstance(error, RuntimeError) and (said == _NO_PRIMITIVE or any(sign in said for sign in _NO_MEMORY)))
        or ran_out_of_memory(error.__cause__ or error.__context__)
    )


def error_text(error: BaseException, own_files: Collection[str]) -> str:
    """An error that nobody foresaw, with the place where it happened: in own code, else in this program."""
    package = str(Path(harness.__file__).parent)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename in own_files]
    ours = [frame for frame in frames if frame.filename.startswith(package)]
    where = [f" ({frame.filename.removeprefix(package).lstrip('/')}:{frame.lineno})" for frame in own or ours]
    return f"unexpected {type(error).__name__}: {error}{where[-1] if where else ''}"
