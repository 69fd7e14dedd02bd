"""A network while it learns: its loss, its gradient step, its state."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.data.sets import PixelScaling
from harness.errors import SpecError
from harness.models.network import Network
from harness.models.pixels import PixelModel, unit_pixels
from harness.own_code import NO_CODE, OwnCode
from harness.regularization.loss import SimilarityLoss
from harness.regularization.penalty import Penalty
from harness.spec.training import TrainingSpec
from harness.torch_settings import fast_convolutions
from harness.training.batch import Batch, Step
from harness.training.optimizer import Optimizer
from harness.training.perturbation import Perturbation
from harness.training.replay import StepGraph

CROSS_ENTROPY, SIMILARITY, PENALTY = "cross-entropy", "similarity loss", "penalty"

# With fewer channels than a vector register holds numbers, oneDNN's gradient of a channels-last 1 x 1 convolution of
# stride 2 writes past its workspace (uxlfoundation/oneDNN#6035): wrong gradients, or a crash.
_CPU_VECTOR = 16
_VALIDATION_CHUNK = 128  # images; larger chunks fall out of a CPU's cache


class Learner(nn.Module):
    """Network and tap weights, trained together.

    Source: paper, equation 2: L = L_task + alpha * L_sim; the released code's three passes per step. Not the paper's: a
    penalty of one's own is added to it, and the images of L_task may be perturbed.
    """

    def __init__(
        self,
        spec: TrainingSpec,
        network: Network,
        pixel_scaling: PixelScaling,
        device: torch.device,
        code: OwnCode = NO_CODE,
    ) -> None:
        super().__init__()
        self.model = PixelModel(network, pixel_scaling)
        self.similarity: SimilarityLoss | None = None
        self._alpha = 0.0
        if spec.regularizer:
            self.similarity = SimilarityLoss(network.tap_channels, spec.regularizer)
            self._alpha = spec.regularizer.alpha
        self._penalty = Penalty(spec.penalty, code) if spec.penalty else None
        self._perturbation = Perturbation(spec.perturbation, code) if spec.perturbation else None
        optional = {SIMILARITY: spec.regularizer, PENALTY: spec.penalty}
        self.parts = (CROSS_ENTROPY, *(part for part, given in optional.items() if given))
        """Of the loss."""
        self.to(device)
        wide = spec.network.base_width >= _CPU_VECTOR and not spec.network.is_own
        if spec.channels_last and (device.type != "cpu" or wide):
            self.to(memory_format=torch.channels_last)
        self._tf32 = spec.precision == "tf32"
        self._autocast = torch.autocast(device.type, torch.bfloat16, enabled=spec.precision == "bfloat16")
        self._optimizer = Optimizer(spec.optimisation, dict(self.named_parameters()), device)
        self._made_with = self._shapes()
        # own code may wait for the device
        self._graph = StepGraph(device) if device.type == "cuda" and not spec.functions else None

    def step(self, batch: Batch, learning_rate: float) -> Step:
        """One gradient step.

        Classification batch, row images and column images go through the network one after the other, so that
        BatchNorm normalises each with its own statistics and its running statistics see them in this order.
        Nothing here waits for the device.
        """
        self._optimizer.set_learning_rate(learning_rate)
        with fast_convolutions(tf32=self._tf32):
            return self._graph(self._descend, batch) if self._graph else self._descend(batch)

    def require_as_made(self) -> None:
        """Raises SpecError if own code has added tensors since the network was made, or taken or reshaped some."""
        changed = {name.removeprefix("model.network.") for name, _ in self._made_with.items() ^ self._shapes().items()}
        if changed:
            raise SpecError(
                f"parameters or buffers were made, or changed in shape, while the network learned: "
                f"{', '.join(sorted(changed)):.160}; make them where the network is made, since its weights are loaded "
                "into one made anew"
            )

    def require_effect(self) -> None:
        """Raises SpecError if own code so far had no share in the training, which would be the baseline's."""
        if self._penalty:
            self._penalty.require_learned_from()
        if self._perturbation:
            self._perturbation.require_change()

    def _shapes(self) -> dict[str, torch.Size]:
        return {name: tensor.shape for name, tensor in self.state_dict().items()}

    def _descend(self, batch: Batch) -> Step:
        images = self._perturbed(batch)
        self.train()
        with self._autocast:
            logits = self.model(images)
            loss = F.cross_entropy(logits, batch.labels)
            losses = [loss]
            if self.similarity and batch.pairs:
                rows, columns = (self.model.taps(unit_pixels(half)) for half in batch.pairs[:2])
                similarity_loss = self.similarity(rows, columns, batch.pairs.targets)
                losses.append(similarity_loss)
                loss = loss + self._alpha * similarity_loss
            if self._penalty:
                penalty = self._penalty(self.model, images, batch.labels)
                losses.append(penalty)
                loss = loss + self._penalty.weight * penalty
        self._optimizer.forget_gradients()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return Step(torch.stack(losses).detach(), (logits.detach().argmax(1) == batch.labels).sum())

    def _perturbed(self, batch: Batch) -> Tensor:
        """The images of a batch, float32 in [0, 1], as they are learned from."""
        images = unit_pixels(batch.images)
        if not self._perturbation:
            return images
        self.eval()
        # on its own: what autocast keeps of weights that were asked without gradients would let none be learned
        with self._autocast:
            return self._perturbation(self.model, images, batch.labels, batch.streams)

    @torch.inference_mode()
    def validation(self, images: Tensor, labels: Tensor) -> tuple[float, float]:
        """Mean cross-entropy and accuracy on uint8 images in eval mode, always in float32."""
        self.eval()
        with fast_convolutions(tf32=False):
            parts = [self.model(unit_pixels(part)) for part in torch.split(images, _VALIDATION_CHUNK)]
        logits = torch.cat(parts).double()
        accuracy = (logits.argmax(1) == labels).double().mean()
        return F.cross_entropy(logits, labels).item(), accuracy.item()

    @property
    def gammas(self) -> tuple[float, ...]:
        """The weight of each tap in S_cnn; empty without a regularizer."""
        return tuple(self.similarity.gammas.tolist()) if self.similarity else ()

    def snapshot(self) -> dict[str, Tensor]:
        """A copy of weights and running statistics, all that evaluation needs."""
        return {name: tensor.detach().clone() for name, tensor in self.state_dict().items()}

    def training_state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on: the snapshot and what the optimizer remembers."""
        return self.snapshot() | {name: tensor.clone() for name, tensor in self._optimizer.state.items()}

    def load_training_state(self, state: dict[str, Tensor]) -> None:
        """Continues exactly where `training_state` was taken; in place, where a recorded step finds it."""
        remembered = self._optimizer.state
        self.load_state_dict({name: tensor for name, tensor in state.items() if name not in remembered})
        for name, tensor in remembered.items():
            tensor.copy_(state[name])
