"""Networks to evaluate, trained for seconds: one that was never trained puts every image into the same class."""

from __future__ import annotations

import copy
import tempfile
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks import ceilings
from benchmarks.contest import Ceiling, Disagreement
from harness.data.bundled import prepare_bundled
from harness.data.sets import DATASETS
from harness.data.splits import open_split
from harness.evaluations.setting import Setting, chunk_for
from harness.models.bfloat16 import has_bfloat16, in_bfloat16
from harness.models.pixels import PixelModel, for_evaluation, unit_pixels
from harness.models.resnet import ResNet, build
from harness.spec import NetworkSpec, TrainingSpec
from harness.spec.training import OptimisationSpec, Precision
from harness.training.batches import Batches
from harness.training.images import TrainingImages
from harness.training.learner import Learner

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
SET, PIXELS = "digits", 32 * 32
N_TRAIN = 512
LEARNING_RATE = 0.05
EPOCHS = 12  # what it takes to get 95 % of unseen digits right
BATCH = 32


@cache
def trained(base_width: int, device: torch.device) -> ResNet:
    """A gray ResNet18 in eval mode that has learned the first digits of the training split."""
    spec = TrainingSpec(
        classification=SET,
        network=NetworkSpec(base_width=base_width),
        optimisation=OptimisationSpec(epochs=EPOCHS, batch_size=BATCH, learning_rate=LEARNING_RATE),
        augmentation="none",
        precision="bfloat16",
        channels_last=True,
    )
    images, labels = (part[:N_TRAIN] for part in _digits())
    batches = Batches(spec, 0, TrainingImages(images, labels, None, DATASETS[SET].task), device)
    learner = learner_of(spec, device)
    for epoch in range(spec.optimisation.epochs):
        for batch in batches.epoch(epoch):
            learner.step(batch, LEARNING_RATE)
    assert isinstance(learner.model.network, ResNet)
    return learner.model.network.eval().requires_grad_(False)


def learner_of(spec: TrainingSpec, device: torch.device) -> Learner:
    """The harness's way to train on digits, with the initial weights of seed 0."""
    return Learner(spec, build(spec.network, ceilings.SHAPE, seed=0), DATASETS[SET].pixel_scaling, device)


def unseen(n: int, device: torch.device) -> Setting:
    """The setting of the last n digits of the training split, uint8 (n, 1, 32, 32), which no network has learned."""
    images, labels = (part[-n:].to(device) for part in _digits())
    return Setting(images=images, labels=labels, chunk=chunk_for(device, "float32", PIXELS))


def as_in_a_run(setting: Setting, dtype: torch.dtype) -> Setting:
    """The setting as a run has it: with a screen for evaluations in float32, and as many images at once."""
    device, precision = setting.device, _precision(dtype)
    screened = precision == "float32" and has_bfloat16(device)
    return replace(setting, screened=screened, chunk=chunk_for(device, precision, PIXELS))


def as_trained(network: ResNet) -> PixelModel:
    """A network as the plain way evaluates it: its weights take gradients whenever the pixels do."""
    plain = copy.deepcopy(network).requires_grad_(True).to(memory_format=torch.contiguous_format)
    return PixelModel(plain, DATASETS[SET].pixel_scaling).eval()


def as_evaluated(network: ResNet, dtype: torch.dtype) -> nn.Module:
    """A network as the harness evaluates it."""
    folded = for_evaluation(network, DATASETS[SET].pixel_scaling)
    return folded if dtype == torch.float32 else in_bfloat16(folded)


def unknown(model: nn.Module) -> nn.Module:
    """The same model, of which evaluations remember nothing: its weights are shared and stay as they are laid out."""
    return copy.copy(model)


@torch.inference_mode()
def same_logits(ours: nn.Module, plain: nn.Module, setting: Setting, dtype: torch.dtype) -> str:
    """How far two forms of a network agree: in float32 up to rounding, in bfloat16 on the class of nearly all images.

    Raises:
        Disagreement: they are not the same network.
    """
    parts = [unit_pixels(setting.images[rows]) for rows in setting.chunks()]
    found, expected = (torch.cat([model(part) for part in parts]) for model in (ours, plain))
    difference = float((found - expected).abs().max())
    agreeing = float((found.argmax(1) == expected.argmax(1)).double().mean())
    if agreeing < 0.99 or (dtype == torch.float32 and difference > 1e-3):
        raise Disagreement(f"logits differ by up to {difference:.1e}, classes agree for {agreeing:.1%}")
    return f"logits within {difference:.0e}, classes agree for {agreeing:.1%}"


def convolutions(base_width: int, dtype: torch.dtype, device: torch.device) -> Ceiling:
    """What a network's convolutions alone would allow of its forward passes."""
    spec, precision = NetworkSpec(base_width=base_width), _precision(dtype)
    chunk = chunk_for(device, precision, PIXELS)
    return Ceiling(
        name=f"convolutions, {precision}",
        rate=partial(ceilings.images_per_second, spec, chunk, dtype, device, backward=False),
    )


def _precision(dtype: torch.dtype) -> Precision:
    return "bfloat16" if dtype == torch.bfloat16 else "float32"


@cache
def _digits() -> tuple[Tensor, Tensor]:
    """The training split's images and labels."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        prepare_bundled(Path(folder), SET)
        split = open_split(Path(folder), SET, "train")
        return split.images.clone(), split.labels.clone()
