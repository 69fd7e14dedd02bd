"""Transferred FGSM: one gradient per image, in whole batches, against one per image and size, one image at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.contest import Contest, Disagreement, Way
from benchmarks.networks import DTYPES, as_evaluated, as_in_a_run, as_trained, convolutions, trained, unknown, unseen
from benchmarks.passes import Curve, accuracies, same_curve
from benchmarks.reference import fgsm as reference
from benchmarks.reference.passes import loader
from harness.evaluations.curve import sizes
from harness.evaluations.fgsm_transfer import gradient_signs
from harness.evaluations.setting import Setting
from harness.models.pixels import unit_pixels
from harness.models.resnet import ResNet
from harness.spec import FgsmTransferSpec

WIDTH = 16
N_IMAGES, N_ONE_BY_ONE, N_CURVE = 900, 40, 20
"""Of the harness; of the plain way, one gradient each; of the plain way's whole curve."""
AGREEING = {"float32": 0.999, "bfloat16": 0.95}
"""Share of the signs."""
SPEC = FgsmTransferSpec(max_epsilon=0.2)


def contests(device: torch.device) -> Iterator[Contest]:
    """The signs of a network's gradients, and the accuracy at ten sizes of a network attacked with its own."""
    network = trained(WIDTH, device)
    setting = unseen(N_IMAGES, device)
    for name, dtype in DTYPES.items():
        yield _signs(network, setting, name, dtype)
    for name, dtype in DTYPES.items():
        yield _curve(network, as_in_a_run(setting, dtype), name, dtype)


def _signs(network: ResNet, setting: Setting, name: str, dtype: torch.dtype) -> Contest:
    ours, plain = as_evaluated(network, dtype), as_trained(network)
    images, labels = unit_pixels(setting.images[:N_ONE_BY_ONE]), setting.labels[:N_ONE_BY_ONE]

    def in_batches() -> Tensor:
        return torch.cat(
            [gradient_signs(ours, unit_pixels(setting.images[rows]), setting.labels[rows]) for rows in setting.chunks()]
        )

    def check() -> str:
        expected = reference.gradient_signs(plain, images, labels)
        agreeing = float((in_batches()[:N_ONE_BY_ONE] == expected).double().mean())
        if agreeing < AGREEING[name]:
            raise Disagreement(f"{agreeing:.2%} of the signs agree")
        return f"{agreeing:.2%} of the signs agree"

    return Contest(
        title=f"FGSM signs, width {WIDTH}, {name}",
        harness=Way(title="whole batches", work=in_batches, amount=N_IMAGES),
        reference=Way(
            title="one at a time", work=lambda: reference.gradient_signs(plain, images, labels), amount=N_ONE_BY_ONE
        ),
        check=check,
    )


def _curve(network: ResNet, setting: Setting, name: str, dtype: torch.dtype) -> Contest:
    """The precision is the attacked network's; gradients are always float32."""
    plain, few = as_trained(network), setting.first(N_CURVE)
    model, substitute = as_evaluated(network, dtype), as_evaluated(network, torch.float32)
    batches = loader(few.images, few.labels)

    def ours(attacked: Setting) -> Curve:
        # neither predictions nor the gradients that models share are there yet
        return accuracies(unknown(model), replace(attacked, substitute=unknown(substitute)), SPEC)

    def theirs() -> Curve:
        return reference.curve(plain, plain, batches, sizes(SPEC), setting.device)

    return Contest(
        title=f"FGSM, the whole curve, width {WIDTH}, {name}",
        harness=Way(title="gradients once", work=lambda: ours(setting), amount=N_IMAGES * SPEC.sizes),
        reference=Way(title="gradients anew for each size", work=theirs, amount=N_CURVE * SPEC.sizes),
        check=lambda: same_curve(ours(few), theirs(), N_CURVE),
        ceilings=(convolutions(WIDTH, dtype, setting.device),),
    )
