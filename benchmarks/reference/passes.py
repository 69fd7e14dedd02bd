"""Accuracy through a DataLoader: each image is transformed and clipped by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

BATCH = 64

Loader = Iterable[tuple[Tensor, Tensor]]
"""Batches of images in [0, 1], (n, c, h, w), and labels, (n,)."""


class Pictures(Dataset[tuple[Tensor, int]]):
    """Images in [0, 1], each made from its picture when it is asked for, with its label."""

    def __init__(self, images: Tensor, labels: Tensor, *, augmented: bool = False) -> None:
        """images: uint8 (n, c, h, w)."""
        self._arrays, self._labels = images.permute(0, 2, 3, 1).squeeze(-1).cpu().numpy(), labels.tolist()
        crop = v2.RandomCrop(images.shape[-1], padding=4, padding_mode="reflect")
        self._transform = v2.Compose(
            [
                *([crop, v2.RandomHorizontalFlip()] if augmented else []),
                v2.ToImage(),
                v2.ToDtype(torch.float32, scale=True),
            ]
        )

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self._transform(Image.fromarray(self._arrays[index])), self._labels[index]


def loader(images: Tensor, labels: Tensor) -> Loader:
    """Batches in order, made by one worker process."""
    return DataLoader(Pictures(images, labels), BATCH, num_workers=1, persistent_workers=True)


@torch.no_grad()
def accuracy(model: nn.Module, batches: Loader, device: torch.device) -> float:
    """The share of the images that the model gets right."""
    right = total = 0
    for images, labels in batches:
        right += int((model(images.to(device)).argmax(1) == labels.to(device)).sum())
        total += len(labels)
    return right / total


def noise_curve(model: nn.Module, batches: Loader, epsilons: Iterable[float], device: torch.device) -> list[float]:
    """Accuracy at each size of Gaussian noise, drawn anew for each."""
    return [accuracy(model, _noisy(batches, epsilon), device) for epsilon in epsilons]


def _noisy(batches: Loader, epsilon: float) -> Iterator[tuple[Tensor, Tensor]]:
    """The images with noise, each clipped to its own range."""
    for images, labels in batches:
        noisy = images + epsilon * torch.randn_like(images)
        yield (
            torch.stack([one.clamp(clean.min(), clean.max()) for one, clean in zip(noisy, images, strict=True)]),
            labels,
        )
