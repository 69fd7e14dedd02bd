"""The predictive model of a scan, fitted with early stopping and scored on images that it never saw."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.data.progress import OnProgress, ignore_progress
from harness.data.recordings import Recording
from harness.errors import HarnessError
from harness.regularization.neural.behaviour import behaviour_of
from harness.regularization.neural.network import PredictiveModel, build_model
from harness.regularization.neural.patience import Patience
from harness.regularization.neural.reliability import correlations, find_repeats
from harness.regularization.neural.trials import split_trials
from harness.seeding import stream
from harness.spec.neural import FitSpec
from harness.torch_settings import fast_convolutions

DROP = 0.3  # what the learning rate falls to (Lurz et al. 2021)
SPARSENESS = 1e-3  # weight of the L1 norm of a neuron's readout, which the sources have too; chosen on simulations
_CHUNK = 256  # images predicted at once
_TINY = 1e-6


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A fitted model and its scores on test trials."""

    model: PredictiveModel
    epochs: int
    best_epoch: int
    trial_correlation: Tensor
    """v_a: of predicted and measured responses over test trials, (neurons,)."""
    oracle_correlation: Tensor | None
    """Of predictions at the mean behaviour and means over repeats, over the repeated test images: (neurons,)."""


def fit(recording: Recording, spec: FitSpec, device: torch.device, on_epoch: OnProgress = ignore_progress) -> Fit:
    """Fits a scan's predictive model; on a CPU a function of recording and spec, bit for bit.

    The weights are those of the epoch with the lowest validation loss. on_epoch: told (done, at most) epochs.

    Raises:
        HarnessError: no epoch had a finite validation loss.
    """
    with fast_convolutions(tf32=False):
        learning = _Learning(recording.moved(device), spec, device)
        patience = learning.finish(on_epoch)
        return learning.scored(patience)


@torch.inference_mode()
def denoised_predictions(model: PredictiveModel, images: Tensor) -> Tensor:
    """Responses to images at the mean behaviour, (n, neurons), in the units of the model, on its device.

    model: in eval mode, as a fit's is.
    """
    device = next(model.parameters()).device
    return torch.cat([model(part.to(device)) for part in torch.split(images, _CHUNK)])


def poisson_loss(predicted: Tensor, measured: Tensor) -> Tensor:
    """Mean negative log likelihood of Poisson responses, without the part that predictions cannot change: a scalar.

    Source: the loss of Sinz et al. 2018 and Walker et al. 2019.
    """
    return (predicted - measured * (predicted + _TINY).log()).mean()


class _Learning:
    """A fit in progress."""

    def __init__(self, recording: Recording, spec: FitSpec, device: torch.device) -> None:
        self._recording, self._spec = recording, spec
        self._behaviour = behaviour_of(recording)
        self._split = split_trials(recording.trial_images, spec.seed)
        self._model = build_model(recording, spec).to(device)
        self._model.start(recording, self._split.train)
        self._responses = self._model.scaled(recording.responses)
        self._optimizer = torch.optim.Adam(self._model.parameters(), lr=spec.learning_rate)

    def finish(self, on_epoch: OnProgress) -> Patience:
        """Learn until the validation loss has long ceased to fall; the best epoch's weights stay."""
        patience, best = Patience(self._spec.patience), copy.deepcopy(self._model.state_dict())
        verdict = None
        while verdict != "stop" and patience.epochs < self._spec.max_epochs:
            self._epoch(patience.epochs)
            loss = poisson_loss(self._predicted(self._split.validation), self._responses[self._split.validation]).item()
            verdict = patience.judge(loss)
            on_epoch(patience.epochs, self._spec.max_epochs)
            if verdict == "keep":
                best = copy.deepcopy(self._model.state_dict())
            if verdict == "drop":
                self._model.load_state_dict(best)
                self._optimizer.param_groups[0]["lr"] *= DROP
        if patience.best_epoch < 0:
            raise HarnessError(
                f"scan {self._recording.scan}: the predictive model's loss is not a finite number; "
                f"fit with a learning rate below {self._spec.learning_rate:g}"
            )
        self._model.load_state_dict(best)
        return patience

    def scored(self, patience: Patience) -> Fit:
        """The model as it is, with its scores."""
        test = self._split.test
        return Fit(
            model=self._model.eval().requires_grad_(False),
            epochs=patience.epochs,
            best_epoch=patience.best_epoch,
            trial_correlation=correlations(self._predicted(test), self._responses[test]).cpu(),
            oracle_correlation=self._oracle_correlation(),
        )

    def _oracle_correlation(self) -> Tensor | None:
        test = self._split.test
        shown = self._recording.trial_images[test]
        repeats = find_repeats(self._responses[test], shown)
        if repeats is None:
            return None
        predicted = denoised_predictions(self._model, self._recording.images[repeats.images])
        return correlations(predicted, repeats.means).cpu()

    def _epoch(self, number: int) -> None:
        """One pass over the training trials, in an order of its own."""
        train, spec = self._split.train, self._spec
        order = torch.randperm(len(train), generator=stream(spec.seed, "trials", self._recording.scan, number))
        self._model.train()
        for trials in torch.split(train[order.to(train.device)], spec.batch_size):
            if len(trials) == 1:
                continue  # BatchNorm has no statistics of one image
            loss = poisson_loss(self._model_of(trials), self._responses[trials])
            loss = loss + SPARSENESS * self._model.readout.weights.abs().sum(dim=1).mean()
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()

    @torch.inference_mode()
    def _predicted(self, trials: Tensor) -> Tensor:
        """Predictions for trials with their behaviour: (trials, neurons)."""
        self._model.eval()
        return torch.cat([self._model_of(part) for part in torch.split(trials, _CHUNK)])

    def _model_of(self, trials: Tensor) -> Tensor:
        images = self._recording.images[self._recording.trial_images[trials]]
        responses: Tensor = self._model(images, self._behaviour.at(trials))
        return responses
