"""What is measured of a trained model: one table, one signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from harness.evaluations.boundary import boundary
from harness.evaluations.clean import clean
from harness.evaluations.corruption import corruption
from harness.evaluations.fgsm_transfer import fgsm_transfer
from harness.evaluations.noise import noise
from harness.evaluations.setting import Setting, setting_for
from harness.measurement import EvaluationResult
from harness.names import lookup
from harness.spec import EvaluationSpec

__all__ = ["EVALUATIONS", "Setting", "evaluate", "setting_for"]

EVALUATIONS: dict[str, Callable[[nn.Module, Setting, Any], EvaluationResult]] = {
    "clean": clean,
    "gaussian": noise,
    "uniform": noise,
    "salt_pepper": noise,
    "fgsm_transfer": fgsm_transfer,
    "boundary": boundary,
    "corruption": corruption,
}
"""By kind of spec. A model takes float32 images (n, c, h, w) in [0, 1] and returns logits (n, classes)."""


def evaluate(model: nn.Module, setting: Setting, spec: EvaluationSpec) -> EvaluationResult:
    """All numbers of one evaluation of one model.

    Raises:
        NotEvaluable: the model's logits are not finite.
    """
    return lookup(EVALUATIONS, "evaluation", spec.kind)(model, setting, spec)
