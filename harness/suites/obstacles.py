"""What keeps models from being made yet: data that are not there, too few of them, or a device that cannot do it."""

from __future__ import annotations

from harness.spec import Input, ModelSpec, TrainingSpec
from harness.suites.devices import Device
from harness.suites.inputs import Inputs


def obstacle(spec: ModelSpec, inputs: Inputs, device: Device) -> str | None:
    """Why a model cannot be made and evaluated yet, with what puts it right; None if it can."""
    train, test = (Input.images(spec.classification, split) for split in ("train", "test"))
    if not isinstance(spec, TrainingSpec):
        return inputs.missing((test, *spec.inputs))
    regularizer = spec.regularizer
    reasons = [
        inputs.missing((*spec.inputs, test)),
        inputs.too_few(train, "n_train", spec.n_train),
    ]
    if spec.precision == "tf32" and not device.tf32:
        reasons.append('precision "tf32" needs an NVIDIA GPU, Ampere\'s or newer; say "float32" or "bfloat16"')
    if regularizer:
        reasons.append(inputs.too_few(regularizer.images_input, "regularizer.n_images", regularizer.n_images))
    return next(filter(None, reasons), None)
