"""A model under evaluation: it classifies, it is counted, and its logits are checked."""

from __future__ import annotations

import copy
import time

import torch
from torch import Tensor, nn

from harness.errors import NotEvaluable
from harness.evaluations.screen import screen_for
from harness.evaluations.setting import Setting
from harness.measurement import Progress


class Classifier:
    """Classifies images in chunks. Nothing waits for the device until a result is asked for."""

    def __init__(self, model: nn.Module, setting: Setting, expected: int) -> None:
        """`expected`: how many images the evaluation will classify at most, for the progress shown."""
        if model.training:
            raise ValueError("a model is evaluated in eval mode; in training mode images change each other's logits")
        self.model = model
        self.chunk = setting.chunk
        self._on_progress = setting.on_progress
        self._expected = expected
        self._started = time.perf_counter()
        self._not_finite = torch.zeros((), dtype=torch.int64, device=setting.device)
        self.images_classified = 0
        self._done = 0
        self._screen = screen_for(model, setting, expected)

    @torch.inference_mode()
    def logits(self, images: Tensor) -> Tensor:
        """(n, classes). images: (n, c, h, w) float32 in [0, 1]."""
        found = torch.cat([self.model(chunk) for chunk in torch.split(images, self.chunk)])
        self._not_finite += found.isfinite().all(1).logical_not().sum()
        self.images_classified += len(found)
        return found

    def predictions(self, images: Tensor) -> Tensor:
        """The class of each image: (n,) int64."""
        if self._screen is None or not self._screen.saves_time:
            return self.logits(images).argmax(1)
        before = self.images_classified
        classes = self._screen.classes(images, self.chunk, self.logits)
        self.images_classified = before + len(images)
        return classes

    def copied_model(self) -> nn.Module:
        """A copy of the model that is counted too, for code that may change what it is given: mode, weights, hooks.

        It is heard of each time that it is asked, since nobody knows how often that is.
        """
        copied = copy.deepcopy(self.model)
        copied.register_forward_pre_hook(self._count)
        return copied

    def _count(self, model: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.images_classified += len(inputs[0])
        self.report(self._done)

    def refuse_not_finite(self) -> None:
        """Raises NotEvaluable if any logits so far were NaN or infinite: argmax would pass them off as classes."""
        bad = int(self._not_finite)
        if bad:
            raise NotEvaluable(
                f"the model's logits are not finite for {bad} of {self.images_classified} images; "
                "its training diverged or its weights are damaged: train it again"
            )

    def report(self, done: int) -> None:
        """Shows how much of what was expected is done."""
        self._done = done
        rate = self.images_classified / max(time.perf_counter() - self._started, 1e-9)
        self._on_progress(Progress(done=done, total=self._expected, images_per_second=rate))
