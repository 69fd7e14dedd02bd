"""An attack of a researcher's own, held to what holds for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from torch import Tensor, nn

from harness.errors import NotEvaluable, SpecError
from harness.evaluations.setting import Setting
from harness.models.pixels import unit_pixels
from harness.own_code import described
from harness.seeding import global_generators
from harness.spec import AttackerSpec


class Batch(NamedTuple):
    """Test images that are attacked together."""

    rows: slice
    """Their places among the test images."""
    images: Tensor
    """float32 (n, c, h, w) in [0, 1]."""
    labels: Tensor
    """int64 (n,)."""


class Attacker:
    """An attack: it gets a model and its random numbers, and what it returns is checked."""

    def __init__(self, copied_model: Callable[[], nn.Module], setting: Setting, spec: AttackerSpec) -> None:
        """copied_model: makes a copy of the model that is attacked."""
        if setting.attack is None:
            raise ValueError("an attack of one's own needs its function in the setting")
        self._copied_model = copied_model
        self._attack = setting.attack
        self._setting = setting
        self._spec = spec

    def batches(self) -> Iterator[Batch]:
        """The test images, as many at once as the spec says."""
        for rows in self._setting.chunks(self._spec.batch_size):
            yield Batch(rows, unit_pixels(self._setting.images[rows]), self._setting.labels[rows])

    def series(self, epsilons: Sequence[float]) -> Iterator[Tensor]:
        """What the attack makes of each batch at these sizes, one after the other."""
        return (self.attacked(batch, epsilon) for batch in self.batches() for epsilon in epsilons)

    def attacked(self, batch: Batch, *size: float) -> Tensor:
        """What the attack makes of a batch, clipped to [0, 1]: (n, c, h, w).

        It is given a copy of the model (gradients reach the images, weights take none), the images, their labels, the
        size if there is one, and the spec's options. What it draws from torch's global generators is the same each
        time, and nothing that it does to its model outlasts the batch.

        Raises:
            SpecError: it returns something else than such images.
            NotEvaluable: what it returns is not finite.
        """
        spec = self._spec
        named = (batch.rows.start, *(f"{epsilon:.6g}" for epsilon in size))
        with global_generators(spec.noise_seed, "own attack", *named):
            model = self._copied_model()
            found = self._attack(model, batch.images.clone(), batch.labels.clone(), *size, **spec.options)
        if not isinstance(found, Tensor) or found.shape != batch.images.shape or not found.is_floating_point():
            raise SpecError(
                f"{spec.function} returns {described(found)} for images {tuple(batch.images.shape)}; "
                "they have to be floating-point numbers in [0, 1]"
            )
        attacked = found.detach().to(batch.images)
        if not bool(attacked.isfinite().all()):
            where = "".join(f" at size {epsilon:.4g}" for epsilon in size)
            raise NotEvaluable(f"{spec.function} returns pixels that are not finite{where}")
        return attacked.clamp(0, 1)
