"""What a model says of test images in float32 and in bfloat16."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from harness.evaluations.setting import Setting
from harness.measurement import Progress
from harness.models.pixels import unit_pixels


@torch.inference_mode()
def logits_in_both(exact: Callable[[Tensor], Tensor], rounded: nn.Module, setting: Setting) -> tuple[Tensor, Tensor]:
    """The logits of the setting's images in float32, then those in bfloat16: (n, classes) each.

    exact: gives those of images (n, c, h, w) in [0, 1] in float32. rounded: the model in bfloat16.
    """
    n = len(setting.images)
    in_float32, in_bfloat16 = list[Tensor](), list[Tensor]()
    for rows in setting.chunks():
        images = unit_pixels(setting.images[rows])
        in_bfloat16.append(rounded(images))
        in_float32.append(exact(images))
        setting.on_progress(Progress(done=0, total=n, text=f"bfloat16 beside float32: {rows.stop}/{n} images"))
    return torch.cat(in_float32), torch.cat(in_bfloat16)
