"""The Boundary attack on whole batches, against Foolbox with one image at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from benchmarks.contest import Ceiling, Contest, Disagreement, Way
from benchmarks.networks import DTYPES, as_evaluated, as_trained, convolutions, same_logits, trained, unseen
from benchmarks.reference import boundary as reference
from harness.evaluations import evaluate
from harness.evaluations.setting import Setting
from harness.models.pixels import unit_pixels
from harness.seeding import seed_of
from harness.spec import BoundarySpec

DRAWS = 100
"""Noise images that a start is looked for among: all attacked images find one among the first few."""
SIZES = {16: (100, 4, 24), 64: (20, 2, 8)}
"""By base width: images that the harness attacks, that the plain way does, and that both do to be compared."""
SEEN = 700
"""Images of which those are taken."""
SPEC = BoundarySpec(repeats=1, start_draws=DRAWS)


def contests(device: torch.device) -> Iterator[Contest]:
    """50 steps from a start, on digits that noise is not taken for: without a start there is nothing to compare."""
    for width, (n, few, compared) in SIZES.items():
        network = trained(width, device)
        plain = as_trained(network)
        setting = _attackable(plain, unseen(SEEN, device)).first(n)
        images = unit_pixels(setting.images[:few])
        for name, dtype in DTYPES.items():
            ours = as_evaluated(network, dtype)
            yield Contest(
                title=f"Boundary attack, 50 steps, width {width}, {name}",
                harness=Way(title="whole batches", work=partial(evaluate, ours, setting, SPEC), amount=n),
                reference=Way(
                    title="Foolbox, one at a time",
                    work=partial(reference.distances, plain, images, SPEC),
                    amount=few,
                ),
                check=partial(_same, ours, plain, setting.first(compared), dtype),
                ceilings=(_ceiling(convolutions(width, dtype, device), ours, setting.first(compared)),),
            )


def _same(ours: nn.Module, plain: nn.Module, setting: Setting, dtype: torch.dtype) -> str:
    """Whether both ways come equally close to the same images, each from starts of its own.

    Raises:
        Disagreement: the mean ratio of their distances is further from 1 than three standard errors.
    """
    logits = same_logits(ours, plain, setting, dtype)
    with torch.random.fork_rng([setting.device] if setting.device.type == "cuda" else []):
        torch.manual_seed(seed_of(0, "Foolbox"))
        expected = reference.distances(plain, unit_pixels(setting.images), SPEC)
    found = torch.tensor([row.distance or torch.nan for row in evaluate(ours, setting, SPEC).images])
    ratios = (found / expected.cpu()).log()
    ratios = ratios[ratios.isfinite()]
    mean, error = float(ratios.mean()), float(ratios.std() / len(ratios) ** 0.5)
    if not abs(mean) <= 3 * error:
        raise Disagreement(f"the logarithm of the ratio of their distances is {mean:.3f} +- {error:.3f}")
    return f"{logits}; distances {math.exp(mean):.2f} times as large, standard error {error:.2f}, n = {len(ratios)}"


def _ceiling(images: Ceiling, model: nn.Module, setting: Setting) -> Ceiling:
    """What `images` allows of attacks, each of as many images as the setting's take on average."""

    def rate() -> float:
        *_, queries = evaluate(model, setting, SPEC).measurements
        assert queries.value is not None
        return images.rate() / queries.value

    return replace(images, rate=rate)


def _attackable(model: nn.Module, setting: Setting) -> Setting:
    """The images that the model puts into another class than it puts noise into."""
    with torch.inference_mode():
        noise_class = model(torch.rand(DRAWS, *setting.images.shape[1:], device=setting.device)).argmax(1).mode().values
        found = torch.cat([model(unit_pixels(setting.images[rows])).argmax(1) for rows in setting.chunks()])
    other = found != noise_class
    return replace(setting, images=setting.images[other], labels=setting.labels[other])
