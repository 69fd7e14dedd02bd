"""What suites leave open, filled in from the table of data sets, the device and the data that are there.

What cannot be is refused, with where it is written.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.data.catalogue import unknown_dataset
from harness.data.inventory import described
from harness.data.manifest_file import checked_name
from harness.data.sets import DataSet, Role
from harness.errors import SpecError, UnknownName
from harness.measurement import ROUNDING
from harness.models.architecture import SMALLEST
from harness.spec import (
    AnalysisSpec,
    AttackerSpec,
    AutoAttackSpec,
    CorruptionSpec,
    CorruptionSpectraSpec,
    EvaluationSpec,
    FgsmTransferSpec,
    FourierSpec,
    Input,
    ModelSpec,
    NoiseExamplesSpec,
    NoiseSpec,
    TrainingSpec,
    WithSubstitute,
)
from harness.spec.evaluation import SmallestSpec
from harness.spec.inputs import RECORDED
from harness.spec.own import Call
from harness.spec.training import CHANNELS
from harness.suites.devices import Device
from harness.suites.inputs import Inputs

FOURIER_DEVIATION = 4 / 32
"""Root mean square of an added Fourier basis image. Source: Yin et al. 2019, Figure 3: an L2 norm of 4 for CIFAR-10."""


class Resolver:
    """Resolves specs for the data of one folder and for one device. What cannot be raises SpecError with `where`."""

    def __init__(self, inputs: Inputs, device: Device) -> None:
        self._inputs = inputs
        self._precision = device.precision

    def model(self, spec: ModelSpec, where: str) -> ModelSpec:
        """The model with the data set's and the device's values for what it leaves open."""
        if isinstance(spec, TrainingSpec):
            return self._training(spec, where)
        self._dataset(spec.classification, ["classification"], f"{where}: classification")
        self._require(spec.calls, where)
        return spec

    def evaluation(self, spec: EvaluationSpec, model: ModelSpec, where: str) -> EvaluationSpec:
        """The evaluation with the data set's and the device's values for what it leaves open."""
        task = self._inputs.dataset(model.classification)
        changes: dict[str, object] = {}
        if spec.precision == "auto":
            changes["precision"] = self._precision
        if isinstance(spec, WithSubstitute) and spec.substitute_precision == "auto":
            changes["substitute_precision"] = self._precision
        if isinstance(spec, NoiseSpec | FgsmTransferSpec) and spec.max_epsilon is None:
            changes["max_epsilon"] = task.max_epsilon[spec.kind]
        if isinstance(spec, FourierSpec) and spec.epsilon is None:
            changes["epsilon"] = FOURIER_DEVIATION * math.sqrt(math.prod(task.size))
        if isinstance(spec, CorruptionSpec):
            changes["corruptions"] = self._corruptions(spec, where)
            if self._inputs.dataset(spec.images).clean != task.name:
                raise SpecError(f"{where}: {spec.images} is not {task.name} corrupted")
        if isinstance(spec, AutoAttackSpec) and (refusal := spec.refusal(task.task.classes, *task.size)):
            raise SpecError(f"{where}: {refusal}")
        self._require(spec.calls, where)
        _require_reachable(spec, math.sqrt(CHANNELS[model.color] * math.prod(task.size)), where)
        return spec.replaced(**changes) if changes else spec

    def analysis(self, spec: AnalysisSpec, where: str) -> tuple[AnalysisSpec, tuple[Input, ...]]:
        """The analysis with the data set's values for what it leaves open, and what it reads."""
        if isinstance(spec, CorruptionSpectraSpec):
            spec = spec.replaced(corruptions=self._corruptions(spec, where))
            corrupted = (Input.images(spec.images, corruption) for corruption in spec.corruptions or ())
            return spec, (Input.images(self._inputs.dataset(spec.images).clean, "test"), *corrupted)
        if isinstance(spec, NoiseExamplesSpec):
            self._dataset(spec.images, ["classification"], f"{where}: images")
            return spec, (Input.images(spec.images, "test"),)
        self._require_name(spec.recording, f"{where}: recording")
        return spec, (Input.recorded(spec.recording, "neural"),)

    def _training(self, spec: TrainingSpec, where: str) -> TrainingSpec:
        task = self._dataset(spec.classification, ["classification"], f"{where}: classification")
        if spec.regularizer:
            images, key = spec.regularizer.images, f"{where}: regularizer.images"
            if spec.regularizer.target in RECORDED:
                self._require_name(images, key)
            else:
                self._dataset(images, ["classification", "regularization"], key)
        self._require(spec.calls, where)
        if not spec.network.is_own and min(task.size) < SMALLEST:
            raise SpecError(
                f"{where}: a {spec.network.architecture} needs images of {SMALLEST} x {SMALLEST} pixels, those of "
                f"{task.name} are {task.size[0]} x {task.size[1]}; name a network of your own, or bring larger ones"
            )
        changes: dict[str, object] = {}
        if spec.augmentation == "auto":
            changes["augmentation"] = task.augmentation
        if spec.precision == "auto":
            changes["precision"] = self._precision
        return spec.replaced(**changes)

    def _corruptions(self, spec: CorruptionSpec | CorruptionSpectraSpec, where: str) -> tuple[str, ...]:
        """The corruptions that a spec names, else all that its set has."""
        corrupted = self._dataset(spec.images, ["corruption"], f"{where}: images")
        for corruption in spec.corruptions or ():
            if corruption not in corrupted.splits:
                raise SpecError(f"{where}: {UnknownName('corruption', corruption, corrupted.splits)}")
        return spec.corruptions or self._inputs.splits(spec.images)

    def _dataset(self, name: str, roles: Sequence[Role], where: str) -> DataSet:
        """The data set of that name; raises SpecError if there is none, or if it has another role."""
        try:
            found = self._inputs.dataset(name)
            if found.role in roles:
                return found
        except UnknownName:
            pass
        fitting = [each.dataset.name for each in described(self._inputs.data_dir) if each.dataset.role in roles]
        raise SpecError(f"{where}: {unknown_dataset(name, fitting, 'data set for ' + ' or '.join(roles))}")

    def _require_name(self, similarity: str, where: str) -> None:
        """Raises SpecError where no similarity can be called so; one that is not there yet may be."""
        try:
            checked_name("similarity", similarity)
        except SpecError as error:
            raise SpecError(f"{where}: {error}") from None

    def _require(self, calls: Sequence[Call], where: str) -> None:
        """Raises SpecError where own code is not there, or cannot be called as it would be."""
        try:
            self._inputs.require_callable(calls)
        except SpecError as error:
            raise SpecError(f"{where}: {error}") from None


def _require_reachable(spec: EvaluationSpec, farthest: float, where: str) -> None:
    """Raises SpecError for a size in `l2` beyond all images, of pixels from 0 to 255 for instance.

    farthest: from an image that is all black to one that is all white.
    """
    if not isinstance(spec, AutoAttackSpec | SmallestSpec | AttackerSpec) or spec.norm != "l2":
        return
    if spec.max_epsilon and spec.max_epsilon > farthest * (1 + ROUNDING):
        raise SpecError(
            f"{where}: max_epsilon is {spec.max_epsilon:g} in l2, but with pixels in [0, 1] no two images are farther "
            f"apart than {farthest:g}"
        )


def evaluation_inputs(spec: EvaluationSpec, model: ModelSpec) -> tuple[Input, ...]:
    """What a resolved evaluation of a model reads."""
    clean = Input.images(model.classification, "test")
    if isinstance(spec, CorruptionSpec):
        corrupted = tuple(Input.images(spec.images, corruption) for corruption in spec.corruptions or ())
        # bfloat16 is tried on the clean images, and refused for what it does to them
        return (*corrupted, clean) if spec.precision == "bfloat16" else corrupted
    return (clean, *map(Input.code, spec.functions))
