"""What an evaluation needs beside the model: the test images, and where they are classified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.data.grayscale import as_color
from harness.data.progress import OnJobProgress, ignore_progress
from harness.data.splits import Split, open_split
from harness.models.bfloat16 import has_bfloat16
from harness.own_code import NO_CODE, OwnCode, OwnFunction
from harness.spec import AttackerSpec, CorruptionSpec, EvaluationSpec, ModelSpec, TrainingSpec
from harness.spec.training import Color, Precision

# Measured on a CPU (ResNet18, base width 16): 32 to 128 images at once do not differ by more than the noise, 300 and
# more fall out of the cache, one at a time is three times slower. In bfloat16, whose layers have half the bytes, twice
# as many are classified 1.03 (one thread) to 1.05 times (two) as fast. A GPU wants to be filled: 2000 images of 32 x 32
# take 5 GB of a ResNet18 of width 64 whose gradients are asked for, and larger ones in proportion to their pixels.
CPU_CHUNK, GPU_CHUNK, GPU_PIXELS = 100, 2000, 2000 * 32 * 32


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The test split of a model's task, on the device that classifies it."""

    images: Tensor
    """uint8 (n, c, h, w): the whole split, so that an image's index is its position in the split."""
    labels: Tensor
    """int64 (n,)."""
    chunk: int
    """Images classified at once; results do not depend on it beyond the model's own rounding."""
    substitute: nn.Module | None = None
    """The network that a transferred attack is made with."""
    attack: Callable[..., Any] | None = None
    """An attack of one's own."""
    corrupted: Callable[[str], Split] | None = None
    """Opens the corrupted test set of one corruption, as it lies on the disk."""
    screened: bool = False
    """The model's classes in float32 may be found by way of bfloat16, as `screen.py` does."""
    color: Color = "gray"
    """What the model sees; the test images are in it already."""
    on_progress: OnJobProgress = ignore_progress

    @property
    def device(self) -> torch.device:
        """Where the images are."""
        return self.images.device

    def first(self, n: int | None) -> Setting:
        """The setting of the first n images; all if there are no more, or with None."""
        return replace(self, images=self.images[:n], labels=self.labels[:n])

    def chunks(self, size: int | None = None) -> Iterator[slice]:
        """The images' places, `size` at a time; `chunk` if absent."""
        n, step = len(self.images), size or self.chunk
        return (slice(start, min(start + step, n)) for start in range(0, n, step))


def setting_for(
    spec: EvaluationSpec,
    model: ModelSpec,
    data_dir: Path,
    device: torch.device,
    substitute: nn.Module | None = None,
    code: OwnCode = NO_CODE,
    on_progress: OnJobProgress = ignore_progress,
) -> Setting:
    """The setting of one evaluation of a model of that spec.

    Raises:
        DataMissing, DataDamaged: the task's test split cannot be used.
    """
    test = open_split(data_dir, model.classification, "test")
    return Setting(
        images=as_color(test.images, model.color).to(device),
        labels=test.labels.to(device),
        chunk=chunk_for(device, spec.precision, test.images.shape[2] * test.images.shape[3]),
        substitute=substitute,
        attack=OwnFunction(code.only((spec.function,)), spec.function) if isinstance(spec, AttackerSpec) else None,
        corrupted=partial(open_split, data_dir, spec.images) if isinstance(spec, CorruptionSpec) else None,
        screened=_can_be_screened(model) and has_bfloat16(device),
        color=model.color,
        on_progress=on_progress,
    )


def _can_be_screened(model: ModelSpec) -> bool:
    """Whether it is one of the networks whose decisions were compared (docs/precision.md)."""
    return isinstance(model, TrainingSpec) and not model.network.is_own


def chunk_for(device: torch.device, precision: Precision, pixels: int) -> int:
    """How many images of so many pixels are classified at once."""
    if device.type == "cpu":
        return 2 * CPU_CHUNK if precision == "bfloat16" else CPU_CHUNK
    return max(1, min(GPU_CHUNK, GPU_PIXELS // pixels))
