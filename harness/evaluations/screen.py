"""float32's classes, most of them found in bfloat16.

A class that leads by far in bfloat16 leads in float32 too. Only of images whose first two classes are near each other
float32 is asked as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from harness.errors import NotEvaluable
from harness.evaluations.both_precisions import logits_in_both
from harness.evaluations.remembered import Once
from harness.evaluations.setting import Setting
from harness.models.bfloat16 import in_bfloat16
from harness.seeding import global_generators

TRIED_IMAGES, FEWEST_IMAGES = 500, 200
"""The first n images of an evaluation show how far bfloat16 errs; fewer than the second do not."""
SAFETY = 2.0
"""How many times the largest error seen so far a lead must be to be trusted."""
AUDITED = 50
"""One image in so many is asked about in both precisions however far its class leads: distorted images may err more."""
MOST_ASKED = 0.3
"""Share of the images above which asking twice takes a CPU as long as asking in float32 alone."""
LEAST_WORK = 10
"""How many times the tried images an evaluation must classify to make up for them."""


class Screen:
    """Finds the classes of one evaluation."""

    def __init__(self, rounded: nn.Module, lead: float) -> None:
        """rounded: the model in bfloat16; lead: how far ahead of all others its class must be to be trusted."""
        self.rounded = rounded
        self.lead = lead
        self._seen = self._asked = 0

    @property
    def saves_time(self) -> bool:
        """Whether few enough images had to be asked about twice so far."""
        return self._seen < TRIED_IMAGES or self._asked <= MOST_ASKED * self._seen

    @torch.inference_mode()
    def classes(self, images: Tensor, chunk: int, exact: Callable[[Tensor], Tensor]) -> Tensor:
        """The class of each image in float32: (n,) int64.

        images: (n, c, h, w) float32 in [0, 1]; exact: their logits (n, classes) in float32.
        """
        logits = torch.cat([self.rounded(part) for part in torch.split(images, chunk)])
        known = torch.zeros(len(logits), dtype=torch.bool, device=logits.device)
        wanted = near(logits, self.lead)
        wanted[::AUDITED] = True
        while len(rows := wanted.nonzero().flatten()):
            found = exact(images[rows])
            self._asked += len(rows)
            # an error that is larger than those before it makes others of these images doubtful
            self.lead = max(self.lead, SAFETY * float(largest_error(logits[rows], found)))
            logits[rows], known[rows] = found, True
            wanted = near(logits, self.lead) & ~known
        self._seen += len(logits)
        return logits.argmax(1)


def screen_for(model: nn.Module, setting: Setting, expected: int) -> Screen | None:
    """The screen for an evaluation of about `expected` images; None where it is not allowed or would save nothing."""
    tried = setting.first(TRIED_IMAGES)
    n = len(tried.images)
    if not setting.screened or n < FEWEST_IMAGES or expected < LEAST_WORK * n:
        return None
    trial = _trials.of(model, tried, lambda: _trial(model, tried))
    return trial and Screen(*trial)


def near(logits: Tensor, lead: float) -> Tensor:
    """Of which images float32 must be asked: (n,) bool. logits: (n, classes) in bfloat16."""
    first, second = logits.topk(2).values.T
    return torch.logical_and(first - second > lead, logits.isfinite().all(1)).logical_not()


def largest_error(rounded: Tensor, exact: Tensor) -> Tensor:
    """How far bfloat16 is off, at most, in the lead of its class over another: infinite where logits are not finite.

    rounded, exact: logits (n, classes) of the same images.
    """
    first = rounded.argmax(1, keepdim=True)
    off = [logits.gather(1, first) - logits for logits in (rounded, exact)]
    return (off[0] - off[1]).abs().amax().nan_to_num(nan=torch.inf)


class _Trial(NamedTuple):
    rounded: nn.Module
    lead: float


def _trial(model: nn.Module, setting: Setting) -> _Trial | None:
    try:
        rounded = in_bfloat16(model)
    except NotEvaluable:
        return None
    with global_generators(0, "screen"):  # as for what is remembered of images
        exact, logits = logits_in_both(model, rounded, setting)
    lead = SAFETY * float(largest_error(logits, exact))
    return None if near(logits, lead).double().mean() > MOST_ASKED else _Trial(rounded, lead)


_trials = Once[_Trial | None]()
