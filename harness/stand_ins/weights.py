"""Random numbers in the form of published weights: networks that load and classify, and have learned nothing."""

from __future__ import annotations

import io
import math
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from harness.data.progress import OnProgress
from harness.data.writing import RefuseOrReplace
from harness.errors import DataError
from harness.models.features import convolutions
from harness.models.published_weights import import_weights
from harness.models.zoo import PUBLISHED, architecture
from harness.seeding import seed_of, stream
from harness.spec.external import RobustBenchSpec


def make_weights(data_dir: Path, name: str, *, existing: RefuseOrReplace, on_progress: OnProgress) -> None:
    """Write the stand-in of weights.

    Raises:
        DataError: the weights are there and are not to be replaced, or cannot be written.
    """
    content = io.BytesIO()
    torch.save(RANDOM[name](), content)
    on_progress(1, 2)
    with tempfile.TemporaryDirectory(prefix="harness-") as folder:
        path = Path(folder, "random numbers")
        try:
            path.write_bytes(content.getbuffer())
        except OSError as error:
            raise DataError(f"cannot write {path}: {error.strerror}; free some space there, or set TMPDIR") from error
        import_weights(data_dir, name, path, kind="stand-in", existing=existing)
    on_progress(2, 2)


def _robustbench(spec: RobustBenchSpec) -> dict[str, Tensor]:
    """The weights that the architecture begins its training with."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(0, "stand-in", spec.weights))
        return architecture(spec).state_dict()


def _vgg19() -> dict[str, Tensor]:
    """Convolutions that keep the size of their inputs (He et al. 2015), without the linear layers, which are unused."""
    generator = stream(0, "stand-in", "vgg19")
    found = {}
    for name, meta in convolutions().state_dict().items():
        scale = math.sqrt(2 / meta[0].numel()) if meta.dim() > 1 else 0.0
        found[f"features.{name}"] = scale * torch.randn(meta.shape, generator=generator)
    return found


RANDOM: Mapping[str, Callable[[], dict[str, Tensor]]] = {
    **{spec.weights: partial(_robustbench, spec) for spec in PUBLISHED},
    "vgg19": _vgg19,
}
"""By name of the weights, what makes their tensors."""
