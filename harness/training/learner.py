"""A network while it learns: its loss, its gradient step, its state."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.models.architecture import tap_channels
from harness.models.pixels import PixelModel, PixelScaling, unit_pixels
from harness.models.resnet import ResNet
from harness.regularization.loss import SimilarityLoss, SimilarityTerm
from harness.spec.training import TrainingSpec
from harness.training.batch import Batch, Step
from harness.training.replay import replayed

_MOMENTUM = "momentum."
# With fewer channels than a vector register holds numbers, oneDNN's gradient of a channels-last 1 x 1 convolution of
# stride 2 writes past its workspace (uxlfoundation/oneDNN#6035): wrong gradients, or a crash.
_CPU_VECTOR = 16
_VALIDATION_CHUNK = 128  # images; larger chunks fall out of a CPU's cache


class Learner(nn.Module):
    """Network and tap weights, trained together by stochastic gradient descent.

    Source: paper, equation 2: L = L_task + alpha * L_sim; the released code's three passes per step.
    """

    def __init__(self, spec: TrainingSpec, network: ResNet, pixel_scaling: PixelScaling, device: torch.device) -> None:
        super().__init__()
        self.model = PixelModel(network, pixel_scaling)
        self.similarity: SimilarityLoss | None = None
        self._alpha = 0.0
        if spec.regularizer:
            self.similarity = SimilarityLoss(tap_channels(spec.network.base_width), spec.regularizer)
            self._alpha = spec.regularizer.alpha
        self.to(device)
        if spec.channels_last and (device.type != "cpu" or spec.network.base_width >= _CPU_VECTOR):
            self.to(memory_format=torch.channels_last)
        self._autocast = torch.autocast(device.type, torch.bfloat16, enabled=spec.precision == "bfloat16")
        rate = spec.optimisation.learning_rate
        self._optimizer = torch.optim.SGD(
            self.parameters(),
            lr=rate if device.type == "cpu" else torch.tensor(rate, device=device),  # a graph reads it from its place
            momentum=spec.optimisation.momentum,
            weight_decay=spec.optimisation.weight_decay,
            fused=True,
        )
        self._device = device
        self._learn = replayed(self._descend, device)

    def step(self, batch: Batch, learning_rate: float) -> Step:
        """One gradient step.

        Classification batch, row images and column images go through the network one after the other, so that
        BatchNorm normalises each with its own statistics and its running statistics see them in this order.
        Nothing here waits for the device.
        """
        group = self._optimizer.param_groups[0]
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(learning_rate)
        else:
            group["lr"] = learning_rate
        return self._learn(batch)

    def _descend(self, batch: Batch) -> Step:
        self.train()
        term = None
        with self._autocast:
            logits = self.model(unit_pixels(batch.images))
            loss = task_loss = F.cross_entropy(logits, batch.labels)
            if self.similarity and batch.pairs:
                rows, columns = (self.model.taps(unit_pixels(half)) for half in batch.pairs[:2])
                term = self.similarity(rows, columns, batch.pairs.targets)
                loss = task_loss + self._alpha * term.loss
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return Step(
            task_loss.detach(),
            term and SimilarityTerm(*(value.detach() for value in term)),
            (logits.detach().argmax(1) == batch.labels).sum(),
        )

    @torch.inference_mode()
    def validation(self, images: Tensor, labels: Tensor) -> tuple[float, float]:
        """Mean cross-entropy and accuracy on uint8 images in eval mode, always in float32."""
        self.eval()
        logits = torch.cat([self.model(unit_pixels(part)) for part in torch.split(images, _VALIDATION_CHUNK)]).double()
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
        """Everything that the next step depends on: the snapshot and each parameter's momentum."""
        buffers = {
            name: self._optimizer.state[parameter].get("momentum_buffer") for name, parameter in self.named_parameters()
        }
        momentum = {_MOMENTUM + name: buffer.clone() for name, buffer in buffers.items() if buffer is not None}
        return self.snapshot() | momentum

    def load_training_state(self, state: dict[str, Tensor]) -> None:
        """Continues exactly where `training_state` was taken."""
        self.load_state_dict({name: tensor for name, tensor in state.items() if not name.startswith(_MOMENTUM)})
        for name, parameter in self.named_parameters():
            if _MOMENTUM + name in state:
                buffer = torch.empty_like(parameter, requires_grad=False).copy_(state[_MOMENTUM + name])
                self._optimizer.state[parameter]["momentum_buffer"] = buffer
        self._learn = replayed(self._descend, self._device)  # a graph would know the buffers that were there before
