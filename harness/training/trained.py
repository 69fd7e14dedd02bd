"""Trained models, ready to be evaluated."""

from __future__ import annotations

from pathlib import Path

import torch

from harness.data.sets import Task
from harness.models import weights as weight_files
from harness.models.architecture import ClassifierShape
from harness.models.network import build_network
from harness.models.pixels import PixelModel, for_evaluation
from harness.own_code import NO_CODE, OwnCode
from harness.spec.training import CHANNELS, TrainingSpec

_NETWORK = "model.network."  # the network's place in a learner


def load_trained(
    spec: TrainingSpec, folder: Path, weights: str, task: Task, device: torch.device, code: OwnCode = NO_CODE
) -> PixelModel:
    """The classifier whose weights `train` left in `folder`: pixels in [0, 1] in, logits out, in eval mode.

    weights: the file's name.

    Raises:
        WeightsDamaged: the file is missing, truncated or altered.
    """
    tensors, _ = weight_files.load(folder / weights)
    shape = ClassifierShape(CHANNELS[spec.color], task.classes, task.size)
    network = build_network(spec.network, code, shape, seed=0)
    network.load_state_dict(weight_files.below(_NETWORK, tensors))
    return for_evaluation(network, task.pixel_scaling).to(device)
