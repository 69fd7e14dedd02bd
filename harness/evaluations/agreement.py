"""Whether a model decides in bfloat16 as it does in float32, asked before numbers in bfloat16 count."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from harness.evaluations.classifier import Classifier
from harness.evaluations.setting import Setting
from harness.measurement import Measurement, Progress
from harness.models.bfloat16 import in_bfloat16
from harness.models.pixels import unit_pixels

LEAST_AGREEMENT = 0.99
"""Share of the images that must get the same class in both precisions. Chosen: accuracies then differ by one percentage
point at most on these images, and in practice by far less, since images that change their class do so in both ways."""
AGREEMENT_IMAGES = 2000
"""The first n test images, without distortion; all if there are fewer. Enough for a standard error of 0.2 percentage
points where the share is 99 %, at a few hundredths of the passes of one noise curve on CIFAR's test set."""


class Trial(NamedTuple):
    """A model tried in bfloat16."""

    model: nn.Module | None
    """In bfloat16; None where it does not agree with itself in float32."""
    agreement: Measurement
    """The share of images that get the same class."""

    @property
    def warning(self) -> str | None:
        """Why bfloat16 is not used."""
        if self.model is not None:
            return None
        share, n = self.agreement.value or 0.0, self.agreement.n
        return (
            f"done in float32: in bfloat16 only {round(share * n)} of {n} test images get the same class, "
            f"not {LEAST_AGREEMENT:.0%}"
        )


def tried_in_bfloat16(model: nn.Module, setting: Setting) -> Trial:
    """The model in bfloat16 if it agrees with itself; found out once for a model object and its test images.

    Raises:
        NotEvaluable: some logits in float32 are not finite, or the network is none for bfloat16.
    """
    setting = setting.first(AGREEMENT_IMAGES)
    known = _remembered.get(model)
    if known and torch.equal(known.images, setting.images):
        return known.trial
    rounded = in_bfloat16(model)
    found = agreement(model, rounded, setting)
    trial = Trial(None if found.value is None or found.value < LEAST_AGREEMENT else rounded, found)
    _remembered[model] = _Tried(setting.images.clone(), trial)  # a view would hold the whole split in memory
    return trial


def agreement(model: nn.Module, other: nn.Module, setting: Setting) -> Measurement:
    """The share of the setting's images that both models put into the same class.

    An image for which the other model's logits are not finite counts as one that they do not agree on.

    Raises:
        NotEvaluable: some of the first model's logits are not finite.
    """
    n = len(setting.images)
    first, second = (Classifier(each, setting, expected=n) for each in (model, other))
    same = torch.zeros((), dtype=torch.int64, device=setting.device)
    for rows in setting.chunks():
        images = unit_pixels(setting.images[rows])
        logits = second.logits(images)
        same += ((first.predictions(images) == logits.argmax(1)) & logits.isfinite().all(1)).sum()
        setting.on_progress(Progress(done=0, total=n, text=f"bfloat16 beside float32: {rows.stop}/{n} images"))
    first.refuse_not_finite()
    return Measurement(metric="agreement", value=int(same) / n, n=n)


class _Tried(NamedTuple):
    images: Tensor
    trial: Trial


_remembered: WeakKeyDictionary[nn.Module, _Tried] = WeakKeyDictionary()
