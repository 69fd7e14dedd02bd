"""Which trials a predictive model learns from, stops by, and is scored on."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from harness.seeding import stream

_VALIDATION = 10  # one image in so many
_TEST = 10  # where no image is repeated
_REPEATED_TEST = 5  # at most, of repeated images: where all are, most are needed to learn from


class TrialSplit(NamedTuple):
    """Numbers of trials: int64, on the device of the recording. No image is in two of the parts."""

    train: Tensor
    validation: Tensor
    test: Tensor


def split_trials(trial_images: Tensor, seed: int) -> TrialSplit:
    """Trials divided by the image that they show.

    Tested on are the images that were shown more than once (the oracle images of Li et al.), at most a fifth of all,
    or a tenth of the images where none was repeated; a tenth of the other images decides when a fit stops.

    trial_images: int64 (trials,).
    """
    shown = torch.bincount(trial_images).cpu()
    order = torch.randperm(len(shown), generator=stream(seed, "split of trials"))
    n_test = min(int((shown > 1).sum()), len(order) // _REPEATED_TEST) or len(order) // _TEST
    order = order[(shown[order] > 1).long().argsort(descending=True, stable=True)]  # repeated images first
    test, rest = order[:n_test], order[n_test:]
    rest = rest[torch.randperm(len(rest), generator=stream(seed, "validation images"))]
    n_validation = len(rest) // _VALIDATION
    validation, train = rest[:n_validation], rest[n_validation:]
    return TrialSplit(*(_trials_of(trial_images, part) for part in (train, validation, test)))


def first_trials(trial_images: Tensor) -> Tensor:
    """The first trial that shows each image: int64 (images,)."""
    images = int(trial_images.max()) + 1
    trials = torch.arange(len(trial_images), device=trial_images.device)
    first = torch.full((images,), len(trial_images), device=trial_images.device)
    return first.scatter_reduce(0, trial_images, trials, "amin")


def _trials_of(trial_images: Tensor, images: Tensor) -> Tensor:
    return torch.isin(trial_images, images.to(trial_images.device)).nonzero()[:, 0]
