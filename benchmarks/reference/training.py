"""Training: a DataLoader with a transform per image, three float32 passes per step, and all sets after each epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from benchmarks.reference.pairs import pair_list
from benchmarks.reference.passes import BATCH, Loader, Pictures
from harness.models.resnet import ResNet
from harness.torch_settings import fast_convolutions

EPSILON = 1e-5  # keeps g finite

Pairs = tuple[Tensor, Tensor, Tensor]
"""Row and column images in [0, 1], (k, c, h, w), and their targets, (k,)."""


class ListedPairs:
    """Epochs of pair batches, out of a list of all pairs and the matrix of all similarities, thresholded."""

    def __init__(self, images: Tensor, threshold: float, k: int) -> None:
        """images: uint8 (N, c, h, w)."""
        self._images, self._k = images / 255, k
        similarity, self._pairs = pair_list(self._images)
        self.targets = (similarity > threshold).float() - (similarity < -threshold).float()

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
