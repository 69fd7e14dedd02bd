"""From fits and responses to similarities of images."""

from __future__ import annotations

from torch import Tensor

from harness.data.recordings import Recording
from harness.regularization.neural.fitting import Fit, denoised_predictions
from harness.regularization.neural.reliability import find_repeats, signal_to_noise
from harness.regularization.neural.trials import first_trials
from harness.regularization.similarity import similarity_matrix, unit_rows


def response_similarity(responses: Tensor) -> Tensor:
    """Cosines of images by what neurons say of them, centered over the images: (images, neurons) -> (images, images).

    An image whose responses are the mean responses is similar to none. Source: Li et al. 2019.
    """
    return similarity_matrix(unit_rows(responses[:, None, None]))


def neuron_weights(recording: Recording, fit: Fit) -> Tensor:
    """w_a v_a, or v_a alone where no image was repeated: (neurons,), not negative.

    v_a is the correlation of predicted and measured responses over test trials; a negative one counts as 0.
    Source: Li et al. 2019.
    """
    quality = fit.trial_correlation.clamp_min(0)
    repeats = find_repeats(recording.responses, recording.trial_images)
    return quality if repeats is None else signal_to_noise(repeats).to(quality) * quality


def denoised_responses(recording: Recording, fit: Fit) -> Tensor:
    """w_a v_a times the prediction at the mean behaviour: (images, neurons), each neuron in units of its deviation.

    Source: Li et al. 2019.
    """
    predicted = denoised_predictions(fit.model, recording.images)
    return predicted * neuron_weights(recording, fit).to(predicted.device)


def single_trial_responses(recording: Recording) -> Tensor:
    """The responses to each image's first trial: (images, neurons). The control of Li et al. 2019."""
    return recording.responses[first_trials(recording.trial_images)]
