"""Training: images on the device and batched augmentation, against a DataLoader with a transform per image."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from benchmarks.contest import Contest, Disagreement, Way
from harness.models.pixels import PixelModel, unit_pixels
from harness.models.resnet import build
from harness.spec import NetworkSpec, TrainingSpec
from harness.training.batches import Batches
from harness.training.images import TrainingImages
from harness.training.learner import Learner

N_IMAGES = 650  # of which 1 % are held out for validation


class AugmentedImages(Dataset[tuple[Tensor, Tensor]]):
    """Images in [0, 1], each cropped and flipped when it is asked for."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self._images, self._labels = images, labels
        self._transform = v2.Compose(
            [
                v2.RandomCrop(images.shape[-1], padding=4, padding_mode="reflect"),
                v2.RandomHorizontalFlip(),
                v2.ToDtype(torch.float32, scale=True),
            ]
        )

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self._transform(self._images[index]), self._labels[index]


def contests(device: torch.device) -> Iterator[Contest]:
    """One epoch of an unregularized gray ResNet18 of width 16 on images of noise, at CIFAR's size."""
    spec = TrainingSpec(
        classification="cifar10", network=NetworkSpec(base_width=16), augmentation="crop_flip", channels_last=True
    )
    images = torch.randint(0, 256, (N_IMAGES, 1, 32, 32), dtype=torch.uint8)
    labels = torch.randint(0, 10, (N_IMAGES,))
    batches = Batches(spec, 0, TrainingImages(images, labels, None, classes=10), device)
    learner = Learner(spec, build(spec.network, 1, 10, seed=0), "centered", device)

    def harness() -> None:
        for batch in batches.epoch(0):
            task_loss = learner.step(batch, 0.1).task_loss
        task_loss.item()  # a GPU has finished its work

    kept = batches.images_per_epoch
    loader = DataLoader(AugmentedImages(images[:kept], labels[:kept]), batch_size=64, shuffle=True)
    model = PixelModel(build(spec.network, 1, 10, seed=0), "centered").to(device).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def plain() -> None:
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs.to(device)), targets.to(device))
            loss.backward()
            optimizer.step()
        loss.item()

    def check() -> str:
        first = next(batches.epoch(0))
        plain_loss = F.cross_entropy(model(unit_pixels(first.images)), first.labels)
        difference = abs(float(learner.step(first, 0.1).task_loss / plain_loss) - 1)
        if difference > 1e-4:
            raise Disagreement(f"the losses of the first step differ by {difference:.1e} of their size")
        return f"first losses within {difference:.0e}"

    yield Contest(
        title="training, width 16, float32",
        harness=Way(title="images on the device", work=harness, amount=kept),
        reference=Way(title="a DataLoader", work=plain, amount=kept),
        check=check,
    )
