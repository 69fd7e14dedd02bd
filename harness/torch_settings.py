"""What torch keeps for the whole process: how it computes float32, and the defaults that code of others may change.

Float32 is computed as it is written, unless a training says TF32. Torch has an old setting for that and newer ones for
each operation, and refuses to read the old one where they differ; so all are set together.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

_ALL: Any = torch.backends
_CUDNN, _ONE_DNN = _ALL.cudnn, _ALL.mkldnn


def compute_exactly() -> None:
    """From now on float32 is computed as it is written, and on a GPU convolved alike each time."""
    _ALL.fp32_precision = _ONE_DNN.fp32_precision = "none"
    torch.set_float32_matmul_precision("highest")
    for operation in (_ONE_DNN.conv, _ONE_DNN.rnn, _ONE_DNN.matmul):
        operation.fp32_precision = "ieee"
    _round_convolutions(tf32=False)
    _CUDNN.benchmark, _CUDNN.deterministic = False, True


@contextmanager
def fast_convolutions(*, tf32: bool) -> Iterator[None]:
    """Meanwhile a GPU convolves in the fastest way that it finds; tf32: it rounds what it reads to TF32."""
    before = _CUDNN.benchmark, _CUDNN.deterministic
    rounded = _CUDNN.conv.fp32_precision == "tf32"
    _CUDNN.benchmark, _CUDNN.deterministic = True, False
    _round_convolutions(tf32=tf32)
    try:
        yield
    finally:
        _CUDNN.benchmark, _CUDNN.deterministic = before
        _round_convolutions(tf32=rounded)


@contextmanager
def kept_settings() -> Iterator[None]:
    """For code of others: torch's defaults are put back after it, and float32 is computed as it is written."""
    dtype, device, threads = torch.get_default_dtype(), torch.get_default_device(), torch.get_num_threads()
    strict, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        with torch.set_grad_enabled(torch.is_grad_enabled()):
            yield
    finally:
        torch.set_default_dtype(dtype)
        if torch.get_default_device() != device:
            torch.set_default_device(None if device.type == "cpu" else device)  # for a CPU, None costs nothing
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict, warn_only=warns)
        compute_exactly()


def _round_convolutions(*, tf32: bool) -> None:
    _CUDNN.allow_tf32 = tf32
    _CUDNN.conv.fp32_precision = _CUDNN.rnn.fp32_precision = "tf32" if tf32 else "ieee"
