"""What a model says about test images, found out once for all evaluations that need it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from harness.evaluations.setting import Setting
from harness.seeding import global_generators


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


class _Known(NamedTuple):
    images: Tensor
    labels: Tensor
    rows: Tensor
