"""What a model says or makes of test images, found out once for all evaluations that need it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from harness.evaluations.setting import Setting
from harness.seeding import global_generators

T = TypeVar("T")


class Once(Generic[T]):
    """One thing that is found out about a model by some test images, for each model object that is in memory."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[nn.Module, tuple[Tensor, T]] = WeakKeyDictionary()

    def of(self, model: nn.Module, setting: Setting, find: Callable[[], T]) -> T:
        """What is known of the model by the setting's images, or what `find` finds."""
        known = self._known.get(model)
        if known and torch.equal(known[0], setting.images):
            return known[1]
        found = find()
        self._known[model] = setting.images.clone(), found  # a view would hold the whole split in memory
        return found


class PerImage:
    """A row per test image, for each model object that is in memory."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[nn.Module, _Known] = WeakKeyDictionary()

    def of(self, model: nn.Module, setting: Setting, find: Callable[[], Tensor]) -> Tensor:
        """The model's rows (n, ...) for the setting's images and labels: known ones, or those of `find`.

        The rows of fewer images are taken from those of more where they are cut between chunks: a last chunk of another
        size may round differently, and no result depends on what was evaluated before.
        """
        known, n = self._known.get(model), len(setting.images)
        if (
            known
            and (n == len(known.images) or n % setting.chunk == 0)
            and torch.equal(known.images[:n], setting.images)
            and torch.equal(known.labels[:n], setting.labels)
        ):
            return known.rows[:n]
        with global_generators(0, "remembered"):  # so an evaluation that finds them known draws the same afterwards
            rows = find()
        self._known[model] = _Known(setting.images, setting.labels, rows)
        return rows


class Series:
    """Tensors that were made of test images with a model, one after the other, as far as there is room."""

    def __init__(self, most_bytes: int) -> None:
        """most_bytes: of all models together."""
        self._most_bytes = most_bytes
        self._known: WeakKeyDictionary[nn.Module, dict[Hashable, _Made]] = WeakKeyDictionary()

    def of(self, model: nn.Module, setting: Setting, what: Hashable, made: Iterable[Tensor]) -> Iterator[Tensor]:
        """Those of the setting's images and labels: known ones, or those that are `made` as they are asked for.

        All of a series are remembered or none, since what makes one may depend on what it made before. They come as
        copies, which a network may write over.
        """
        known = self._known.setdefault(model, {})
        before = known.pop(what, None)
        if before and torch.equal(before.images, setting.images) and torch.equal(before.labels, setting.labels):
            known[what] = before
            yield from (part.clone() for part in before.parts)
            return
        room, parts = self._most_bytes - self._bytes(), list[Tensor]()
        for part in made:
            room -= part.nbytes
            if room >= 0:
                parts.append(part.clone())
            yield part
        if room >= 0:
            images = setting.images.clone()  # a view would hold the whole split in memory
            known[what] = _Made(images, setting.labels, parts)

    def _bytes(self) -> int:
        return sum(part.nbytes for known in self._known.values() for made in known.values() for part in made.parts)


class _Known(NamedTuple):
    images: Tensor
    labels: Tensor
    rows: Tensor


class _Made(NamedTuple):
    images: Tensor
    labels: Tensor
    parts: list[Tensor]
