"""Whether a model decides in bfloat16 as it does in float32, asked before numbers in bfloat16 count."""

from __future__ import annotations

from typing import NamedTuple

from torch import nn

from harness.errors import NotEvaluable
from harness.evaluations.both_precisions import logits_in_both
from harness.evaluations.classifier import Classifier
from harness.evaluations.remembered import Once
from harness.evaluations.setting import Setting
from harness.measurement import LEAST_AGREEMENT, Measurement
from harness.models.bfloat16 import in_bfloat16
from harness.seeding import global_generators

AGREEMENT_IMAGES = 2000
"""The first n test images, without distortion; all if there are fewer. Enough for a standard error of 0.2 percentage
points where the share is 99 %, at a few hundredths of the passes of one noise curve on CIFAR's test set."""


class Trial(NamedTuple):
    """A model tried in bfloat16."""

    model: nn.Module | None
    """In bfloat16; None where it is evaluated in float32 after all."""
    agreement: Measurement | None
    """The share of images that get the same class in both precisions; None of a network that is none for bfloat16."""
    warning: str | None
    """Why bfloat16 is not used."""


def tried_in_bfloat16(model: nn.Module, setting: Setting) -> Trial:
    """The model in bfloat16 if it agrees with itself; found out once for a model object and its test images.

    Raises:
        NotEvaluable: some logits in float32 are not finite.
    """
    setting = setting.first(AGREEMENT_IMAGES)
    return _trials.of(model, setting, lambda: _trial(model, setting))


def _trial(model: nn.Module, setting: Setting) -> Trial:
    try:
        rounded = in_bfloat16(model)
    except NotEvaluable as error:
        return Trial(None, None, f"done in float32: {error}")
    n = len(setting.images)
    with global_generators(0, "agreement"):  # as for what is remembered of images
        same = count_same(model, rounded, setting)
    agreement = Measurement(metric="agreement", value=same / n, n=n)
    if same / n >= LEAST_AGREEMENT:
        return Trial(rounded, agreement, None)
    few = f"in bfloat16 only {same} of {n} test images get the same class, not {LEAST_AGREEMENT:.0%}"
    return Trial(None, agreement, f"done in float32: {few}")


def count_same(model: nn.Module, rounded: nn.Module, setting: Setting) -> int:
    """How many of the setting's images both models put into the same class.

    An image for which `rounded` has logits that are not finite is not one of them.

    Raises:
        NotEvaluable: some logits of `model` are not finite.
    """
    classifier = Classifier(model, setting, expected=len(setting.images))
    exact, fast = logits_in_both(classifier.logits, rounded, setting)
    classifier.refuse_not_finite()
    return int(((exact.argmax(1) == fast.argmax(1)) & fast.isfinite().all(1)).sum())


_trials = Once[Trial]()
