"""A network of a researcher's own that was trained elsewhere."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from harness.data.sets import Task
from harness.data.weights.torch_files import read_safetensors, read_tensors
from harness.errors import SpecError
from harness.models.architecture import ClassifierShape
from harness.models.misfit import differences
from harness.models.own import make_module, try_out
from harness.own_code import OwnCode
from harness.spec.external import CheckpointSpec
from harness.spec.training import CHANNELS


def load_checkpoint(spec: CheckpointSpec, weights: Path, task: Task, device: torch.device, code: OwnCode) -> nn.Module:
    """A network that was trained elsewhere, in eval mode: float32 images (n, c, h, w) in [0, 1] -> logits (n, classes).

    Its weights take no gradients, but gradients reach the images. weights: the file, of which nothing is executed.

    Raises:
        ImportRefused: the file is damaged or holds something else than a state_dict.
        SpecError: it does not fit the network, which is none for such images and classes, or has logits that are not
            finite.
    """
    shape = ClassifierShape(CHANNELS[spec.color], task.classes, task.size)
    module = make_module(spec.function, code, 0, shape, **spec.options)
    read = read_safetensors if spec.weights.endswith(".safetensors") else read_tensors
    tensors = read(weights, spec.weights)
    try:
        module.load_state_dict({name.removeprefix("module."): tensor for name, tensor in tensors.items()})
    except RuntimeError as error:
        made = f"channels = {shape.channels} (color = {spec.color!r}) and classes = {shape.classes}"
        raise SpecError(f"{spec.weights} does not fit {spec.function} with {made}: {differences(error)}") from error
    _, logits = try_out(module.requires_grad_(False), spec.function, shape)
    if not bool(logits.isfinite().all()):
        raise SpecError(f"{spec.title} has logits that are not finite")
    return module.to(device)
