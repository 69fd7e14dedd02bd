"""What is measured of a model, and of data alone: two tables, one signature each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from harness.errors import NotEvaluable
from harness.evaluations.agreement import tried_in_bfloat16
from harness.evaluations.autoattack import autoattack
from harness.evaluations.boundary import boundary
from harness.evaluations.clean import clean
from harness.evaluations.corruption import corruption
from harness.evaluations.corruption_spectra import corruption_spectra
from harness.evaluations.fgsm_transfer import fgsm_transfer
from harness.evaluations.fourier import fourier
from harness.evaluations.hop_skip_jump import hop_skip_jump
from harness.evaluations.noise import noise
from harness.evaluations.noise_examples import noise_examples
from harness.evaluations.own_attack import own_attack, own_transferred_attack
from harness.evaluations.own_minimal_attack import own_minimal_attack
from harness.evaluations.setting import Setting, setting_for
from harness.evaluations.similarity_correlation import similarity_correlation
from harness.evaluations.spectrum import spectrum
from harness.measurement import EvaluationResult
from harness.names import lookup
from harness.seeding import global_generators
from harness.spec import AnalysisSpec, EvaluationSpec

__all__ = ["ANALYSES", "EVALUATIONS", "SCREENED", "Setting", "analyse", "evaluate", "setting_for"]

EVALUATIONS: dict[str, Callable[[nn.Module, Setting, Any], EvaluationResult]] = {
    "clean": clean,
    "gaussian": noise,
    "uniform": noise,
    "salt_pepper": noise,
    "fgsm_transfer": fgsm_transfer,
    "autoattack": autoattack,
    "hop_skip_jump": hop_skip_jump,
    "own_attack": own_attack,
    "own_transferred_attack": own_transferred_attack,
    "own_minimal_attack": own_minimal_attack,
    "boundary": boundary,
    "spectrum": spectrum,
    "fourier": fourier,
    "corruption": corruption,
}
"""By kind of spec. A model takes float32 images (n, c, h, w) in [0, 1] and returns float32 logits (n, classes)."""

SCREENED = frozenset(
    ("clean", "gaussian", "uniform", "salt_pepper", "fgsm_transfer", "own_transferred_attack", "fourier", "corruption")
)
"""Kinds that ask for nothing but classes, and not for those of images that are sought where two classes meet."""

ANALYSES: dict[str, Callable[[Any, Path], EvaluationResult]] = {
    "similarity": similarity_correlation,
    "noise_examples": noise_examples,
    "corruption_spectra": corruption_spectra,
}
"""By kind of spec: of data alone, without a model."""


def evaluate(model: nn.Module, setting: Setting, spec: EvaluationSpec) -> EvaluationResult:
    """All numbers of one evaluation of one model, in the spec's precision.

    model: in float32; `setting.screened` says whether bfloat16 may help to find its classes. In bfloat16 one number
    more is measured, the `agreement` of both precisions; where it is too small, or the network none for bfloat16, the
    others are those of float32, with a warning. If it draws from the global generators, it draws the same each time.

    Raises:
        NotEvaluable: the model's logits are not finite, or depend on what it classified before.
    """
    if spec.precision == "auto":
        raise ValueError(f"the {spec.kind} spec is not resolved: its precision is still the device's")
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    setting = replace(setting, screened=setting.screened and spec.precision == "float32" and spec.kind in SCREENED)
    with global_generators(0, "evaluation"):
        result = _evaluated(model, setting, spec)
    for name, buffer in model.named_buffers():
        if name not in before or not torch.equal(buffer, before[name]):
            raise NotEvaluable(
                f"the model changes its buffer {name} while it classifies, so its answers depend on what it was shown "
                "before; let it do so in train mode only"
            )
    return result


def _evaluated(model: nn.Module, setting: Setting, spec: EvaluationSpec) -> EvaluationResult:
    evaluation = lookup(EVALUATIONS, "evaluation", spec.kind)
    if spec.precision == "float32":
        return evaluation(model, setting, spec)
    trial = tried_in_bfloat16(model, setting)
    result = evaluation(model if trial.model is None else trial.model, setting, spec)
    agreement = (trial.agreement,) if trial.agreement else ()
    return replace(result, measurements=(*result.measurements, *agreement), warning=trial.warning)


def analyse(spec: AnalysisSpec, data_dir: Path) -> EvaluationResult:
    """All numbers and arrays of one analysis of data.

    Raises:
        DataMissing, DataDamaged: what it reads cannot be used.
    """
    return lookup(ANALYSES, "analysis", spec.kind)(spec, data_dir)
