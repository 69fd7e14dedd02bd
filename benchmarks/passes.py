"""Clean, noisy and corrupted images in whole batches, against a DataLoader with a transform per image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import sqrt

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.contest import Contest, Disagreement, Way
from benchmarks.networks import (
    DTYPES,
    as_evaluated,
    as_in_a_run,
    as_trained,
    convolutions,
    same_logits,
    trained,
    unknown,
    unseen,
)
from benchmarks.reference import passes as reference
from harness.data.corruptions import corrupted
from harness.data.sets import SEVERITIES
from harness.data.splits import Split
from harness.evaluations import evaluate
from harness.evaluations.curve import sizes
from harness.evaluations.setting import Setting
from harness.spec import CleanSpec, CorruptionSpec, EvaluationSpec, NoiseSpec

WIDTH = 16
N_IMAGES, N_NOISY, N_CORRUPTED = 900, 900, 450  # images of a clean pass, at each size, at each severity
NOISE = NoiseSpec(kind="gaussian", max_epsilon=0.5)
CORRUPTION = CorruptionSpec(images="digits-c", corruptions=("brightness", "contrast", "pixelate"))

Curve = Sequence[float]


def contests(device: torch.device) -> Iterator[Contest]:
    """A pass over clean digits, one at ten sizes of Gaussian noise, one at five severities of three corruptions."""
    network = trained(WIDTH, device)
    plain = as_trained(network)
    whole, noisy, clean = (unseen(n, device) for n in (N_IMAGES, N_NOISY, N_CORRUPTED))
    stacked = {name: _corrupted(clean, name) for name in CORRUPTION.corruptions or ()}
    images = torch.cat([split.images for split in stacked.values()])
    clean = replace(clean, corrupted=stacked.__getitem__)
    works: dict[str, tuple[Setting, EvaluationSpec, Callable[[], Curve]]] = {
        "clean": (whole, CleanSpec(), _plain_passes(plain, whole.images[None], whole.labels, device)),
        "gaussian noise": (noisy, NOISE, _plain_noise(plain, noisy)),
        "corruption": (
            clean,
            CORRUPTION,
            _plain_passes(plain, images.view(-1, *clean.images.shape), clean.labels, device),
        ),
    }
    for name, dtype in DTYPES.items():
        ours = as_evaluated(network, dtype)
        for title, (setting, spec, work) in works.items():
            setting = as_in_a_run(setting, dtype)
            amount = len(setting.images) * len(evaluate(ours, setting, spec).measurements)
            ask = partial(_asked_first, ours, setting, spec)
            yield Contest(
                title=f"{title}, width {WIDTH}, {name}",
                harness=Way(title="whole batches", work=ask, amount=amount),
                reference=Way(title="a DataLoader", work=work, amount=amount),
                check=partial(_same, ours, plain, setting, spec, dtype, work),
                ceilings=(convolutions(WIDTH, dtype, device),),
            )


def _asked_first(model: nn.Module, setting: Setting, spec: EvaluationSpec) -> None:
    """The evaluation of a model of which no predictions are known yet."""
    evaluate(unknown(model), setting, spec)


def accuracies(model: nn.Module, setting: Setting, spec: EvaluationSpec) -> Curve:
    """The accuracies that the harness finds, in their order."""
    return [found.value for found in evaluate(model, setting, spec).measurements if found.value is not None]


def same_curve(found: Curve, expected: Curve, n: int) -> str:
    """How far two curves of accuracies of n images lie apart.

    Raises:
        Disagreement: at some point by more than three standard errors of such a difference and one image.
    """
    for ours, theirs in zip(found, expected, strict=True):
        share = (ours + theirs) / 2
        if abs(ours - theirs) > 3 * sqrt(2 * share * (1 - share) / n) + 1 / n:
            raise Disagreement(f"accuracies {ours:.3f} and {theirs:.3f} of {n} images")
    return f"accuracies within {max(abs(a - b) for a, b in zip(found, expected, strict=True)):.1%}"


def _same(
    ours: nn.Module,
    plain: nn.Module,
    setting: Setting,
    spec: EvaluationSpec,
    dtype: torch.dtype,
    work: Callable[[], Curve],
) -> str:
    logits = same_logits(ours, plain, setting, dtype)
    return f"{logits}; {same_curve(accuracies(ours, setting, spec), work(), len(setting.images))}"


def _plain_passes(plain: nn.Module, sets: Tensor, labels: Tensor, device: torch.device) -> Callable[[], Curve]:
    """The plain way's accuracy on each of several sets (sets, n, c, h, w) with the same labels."""
    loaders = [reference.loader(images, labels) for images in sets]
    return lambda: [reference.accuracy(plain, loader, device) for loader in loaders]


def _plain_noise(plain: nn.Module, setting: Setting) -> Callable[[], Curve]:
    """The plain way's accuracy at each size of the noise."""
    loader = reference.loader(setting.images, setting.labels)
    return lambda: reference.noise_curve(plain, loader, sizes(NOISE), setting.device)


def _corrupted(setting: Setting, name: str) -> Split:
    """The five severities of a corruption, stacked, in the computer's memory."""
    images = setting.images.cpu().numpy()
    stacked = np.concatenate([corrupted(images, name, severity) for severity in SEVERITIES])
    return Split(torch.from_numpy(stacked), setting.labels.cpu().repeat(len(SEVERITIES)), digest=name)
