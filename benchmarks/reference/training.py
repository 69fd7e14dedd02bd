"""Training: a DataLoader with a transform per image, three float32 passes per step, and all sets after each epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from harness.models.resnet import ResNet
from harness.torch_settings import fast_convolutions

BATCH = 64
EPSILON = 1e-5  # keeps g finite

Pairs = tuple[Tensor, Tensor, Tensor]
"""Row and column images in [0, 1], (k, c, h, w), and their targets, (k,)."""
Loader = Iterable[tuple[Tensor, Tensor]]
"""Batches of images in [0, 1], (n, c, h, w), and labels, (n,)."""


class Pictures(Dataset[tuple[Tensor, int]]):
    """Images in [0, 1], each made from its picture when it is asked for."""

    def __init__(self, images: Tensor, labels: Tensor, *, augmented: bool = False) -> None:
        """images: uint8 (n, c, h, w)."""
        self._arrays, self._labels = images.permute(0, 2, 3, 1).squeeze(-1).numpy(), labels.tolist()
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


class ListedPairs:
    """Epochs of pair batches, out of a list of all pairs and the matrix of all similarities, thresholded."""

    def __init__(self, images: Tensor, threshold: float, k: int) -> None:
        """images: uint8 (N, c, h, w)."""
        self._images = images / 255
        pixels = self._images.mean(dim=1).flatten(1)
        rows = F.normalize(pixels - pixels.mean(dim=0))
        similarity = rows @ rows.T
        self.targets = (similarity > threshold).float() - (similarity < -threshold).float()
        self._pairs = [(i, j) for i in range(len(images)) for j in range(i + 1, len(images))]
        self._k = k

    def __iter__(self) -> Iterator[Pairs]:
        order = torch.randperm(len(self._pairs)).tolist()
        for first in range(0, len(order), self._k):
            yield self.batch([self._pairs[number] for number in order[first : first + self._k]])

    def batch(self, pairs: Sequence[tuple[int, int]]) -> Pairs:
        """These pairs' images and targets."""
        i, j = (list(numbers) for numbers in zip(*pairs, strict=True))
        return self._images[i], self._images[j], self.targets[i, j]


class Similarity(nn.Module):
    """L_sim with arctanh: the cosine at each tap after the running mean is subtracted, weighted by softmax."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(len(channels)))
        self.means = [torch.zeros(1, each, 1, 1) for each in channels]

    def forward(self, rows: Sequence[Tensor], columns: Sequence[Tensor], targets: Tensor) -> Tensor:
        cosines = []
        for tap, (row, column) in enumerate(zip(rows, columns, strict=True)):
            with torch.no_grad():
                mean = torch.cat((row, column)).mean(dim=(0, 2, 3), keepdim=True)
                self.means[tap] = 0.9 * self.means[tap].to(mean.device) + 0.1 * mean
            centered = [(maps - self.means[tap]).flatten(1) for maps in (row, column)]
            cosines.append(F.cosine_similarity(centered[0], centered[1]))
        similarity = self.weights.softmax(dim=0) @ torch.stack(cosines)
        return (_double_arctanh(similarity) - _double_arctanh(targets)).square().mean()


def _double_arctanh(similarity: Tensor) -> Tensor:
    return torch.log(1 + similarity + EPSILON) - torch.log(1 - similarity + EPSILON)


class PlainTraining:
    """A network that learns by stochastic gradient descent."""

    def __init__(self, network: ResNet, tap_channels: Sequence[int], alpha: float, device: torch.device) -> None:
        self._network, self._similarity = network.to(device), Similarity(tap_channels).to(device)
        parameters = [*self._network.parameters(), *self._similarity.parameters()]
        self._optimizer = torch.optim.SGD(parameters, lr=0.1, momentum=0.9)
        self._alpha, self._device = alpha, device

    def step(self, images: Tensor, labels: Tensor, pairs: Pairs) -> tuple[float, float]:
        """One gradient step; cross-entropy and L_sim. A GPU takes the algorithms that it takes for the harness."""
        with fast_convolutions(tf32=False):
            return self._step(images, labels, pairs)

    def _step(self, images: Tensor, labels: Tensor, pairs: Pairs) -> tuple[float, float]:
        self._network.train()
        images, labels, rows, columns, targets = (part.to(self._device) for part in (images, labels, *pairs))
        task_loss = F.cross_entropy(self._network(images), labels)
        similarity_loss = self._similarity(self._network.taps(rows), self._network.taps(columns), targets)
        self._optimizer.zero_grad()
        (task_loss + self._alpha * similarity_loss).backward()
        self._optimizer.step()
        return task_loss.item(), similarity_loss.item()

    def epoch(self, train: Loader, pairs: Iterable[Pairs], evaluated: Iterable[Loader]) -> list[tuple[float, float]]:
        """One epoch of steps, then mean cross-entropy and accuracy on each set."""
        for (images, labels), pairs_of_step in zip(train, pairs, strict=False):
            self.step(images, labels, pairs_of_step)
        return [self.evaluation(loader) for loader in evaluated]

    @torch.no_grad()
    def evaluation(self, loader: Loader) -> tuple[float, float]:
        """Mean cross-entropy and accuracy."""
        self._network.eval()
        loss, right, n = 0.0, 0, 0
        for images, labels in loader:
            logits, wanted = self._network(images.to(self._device)), labels.to(self._device)
            loss += F.cross_entropy(logits, wanted, reduction="sum").item()
            right += int((logits.argmax(dim=1) == wanted).sum())
            n += len(labels)
        return loss / n, right / n


def loader_of(pictures: Pictures, *, shuffle: bool = False) -> Loader:
    """Batches of pictures, made by one worker process."""
    return DataLoader(pictures, BATCH, shuffle=shuffle, num_workers=1)
