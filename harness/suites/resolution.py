"""What suites leave open, filled in from the table of data sets, the device and the data that are there.

Nothing here depends on a seed, so that a suite is resolved once for all of its seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.data.catalogue import unknown_dataset
from harness.data.inventory import described
from harness.data.sets import DataSet, Role
from harness.errors import SpecError, UnknownName
from harness.models.architecture import SMALLEST
from harness.spec import (
    AnalyseJob,
    AnalysisSpec,
    AttackerSpec,
    CorruptionSpec,
    CorruptionSpectraSpec,
    EvaluationSpec,
    ExternalSpec,
    FgsmTransferSpec,
    Input,
    NoiseExamplesSpec,
    NoiseSpec,
    Place,
    PlannedJob,
    Suite,
    TrainingSpec,
    TrainJob,
)
from harness.spec.inputs import RECORDED
from harness.spec.training import Precision
from harness.suites.cost import evaluation_gflop, training_gflop
from harness.suites.inputs import Inputs

ModelSpec = TrainingSpec | ExternalSpec


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An evaluation of each model of a condition."""

    name: str
    """In the suite."""
    where: str
    """It is written, for errors."""
    spec: EvaluationSpec
    data: Mapping[str, str]
    """SHA-256 of each input that it reads."""
    work: float
    """GFLOP for one model."""
    blocked: str | None
    substitute: PlannedJob | None = None
    """The training of the network that a transferred attack is made with."""

    def substitute_of(self, seed: int) -> TrainJob | None:
        """The network that a model of that seed is attacked with; raises SpecError if it is that model itself."""
        if self.substitute is None:
            return None
        job = self.substitute.job
        assert isinstance(job, TrainJob)
        if job.seed == seed:
            raise SpecError(
                f"{self.where}: seed {seed} is the substitute's; evaluate other seeds or set substitute_seed"
            )
        return job


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One way to get models, one for each seed, and what is asked of them."""

    name: str
    spec: ModelSpec
    data: Mapping[str, str]
    """SHA-256 of each input that it reads."""
    work: float
    """GFLOP for one model."""
    blocked: str | None
    evaluations: tuple[Asked, ...]


class Resolver:
    """Resolves suites for the data of one folder."""

    def __init__(self, inputs: Inputs, *, bfloat16: bool, tf32: bool) -> None:
        """bfloat16, tf32: the device has instructions for it."""
        self._inputs = inputs
        self._tf32 = tf32
        self._precision: Precision = "bfloat16" if bfloat16 else "float32"

    def analyses(self, suite: Suite) -> Iterator[PlannedJob]:
        """The jobs for what a suite asks of data alone."""
        for name, written in suite.analyses.items():
            spec, inputs = self._analysis(written, f"{suite.source.name}: analysis {name}")
            yield PlannedJob(
                job=AnalyseJob(spec=spec, data=self._inputs.digests(inputs)),
                places=(Place(suite=suite.name, profile=suite.profile, condition="", seed=0, evaluation=name),),
                work=0.0,
                blocked=self._inputs.missing(inputs),
            )

    def conditions(self, suite: Suite) -> tuple[Condition, ...]:
        """The conditions of a suite; raises SpecError where one asks for what cannot be."""
        models = {
            name: self._model(spec, f"{suite.source.name}: condition {name}") for name, spec in suite.conditions.items()
        }
        trained = [spec for spec in models.values() if isinstance(spec, TrainingSpec)]
        return tuple(self._condition(suite, name, spec, _twins(spec, trained)) for name, spec in models.items())

    def _model(self, spec: ModelSpec, where: str) -> ModelSpec:
        if isinstance(spec, TrainingSpec):
            return self._training(spec, where)
        self._dataset(spec.classification, ["classification"], f"{where}: classification")
        self._require(spec.functions, where)
        return spec

    def _condition(self, suite: Suite, name: str, spec: ModelSpec, twins: Sequence[TrainingSpec]) -> Condition:
        if isinstance(spec, TrainingSpec):
            work, blocked = training_gflop(spec, self._inputs), self._training_blocked(spec)
        else:
            work, blocked = 0.0, self._inputs.missing((Input.images(spec.classification, "test"), *spec.inputs))
        return Condition(
            name=name,
            spec=spec,
            data=self._inputs.digests(spec.inputs),
            work=work,
            blocked=blocked,
            evaluations=tuple(
                self._asked(each, evaluation, spec, twins, f"{suite.source.name}: evaluation {each}")
                for each, evaluation in suite.evaluations.items()
            ),
        )

    def _asked(
        self, name: str, written: EvaluationSpec, model: ModelSpec, twins: Sequence[TrainingSpec], where: str
    ) -> Asked:
        spec = self._evaluation(written, model, where)
        inputs = [Input.images(model.classification, "test")]
        if isinstance(spec, CorruptionSpec):
            corrupted = [Input.images(spec.images, corruption) for corruption in spec.corruptions or ()]
            # bfloat16 is tried on the clean images, and refused for what it does to them
            inputs = [*corrupted, *inputs] if spec.precision == "bfloat16" else corrupted
        if isinstance(spec, AttackerSpec):
            self._require([spec.function], where)
            inputs.append(Input.code(spec.function))
        substitute = self._substitute(model, spec, twins, where) if isinstance(spec, FgsmTransferSpec) else None
        return Asked(
            name=name,
            where=where,
            spec=spec,
            data=self._inputs.digests(inputs),
            work=evaluation_gflop(spec, model, self._inputs),
            blocked=(substitute and substitute.blocked) or self._inputs.missing(inputs),
            substitute=substitute,
        )

    def _substitute(
        self, model: ModelSpec, spec: FgsmTransferSpec, twins: Sequence[TrainingSpec], where: str
    ) -> PlannedJob:
        if len(twins) != 1:
            assert not isinstance(model, TrainingSpec), "which is its own twin, without its regularizer"
            raise SpecError(
                f"{where}: {model.title} has no training here, so it is attacked with the unregularized model that the "
                f"suite trains on {model.classification} ({model.color}), of which there "
                f"{'are several' if twins else 'is none'}; add a condition, divide the suite, or leave the attack out"
            )
        [twin] = twins
        if spec.substitute_precision:
            twin = twin.replaced(precision=spec.substitute_precision)
        return PlannedJob(
            job=TrainJob(spec=twin, seed=spec.substitute_seed, data=self._inputs.digests(twin.inputs)),
            places=(),
            work=training_gflop(twin, self._inputs),
            blocked=self._training_blocked(twin),
        )

    def _training_blocked(self, spec: TrainingSpec) -> str | None:
        inputs, regularizer = self._inputs, spec.regularizer
        train, test = (Input.images(spec.classification, split) for split in ("train", "test"))
        reasons = [
            inputs.missing((*spec.inputs, test)),
            inputs.too_few(train, "n_train", spec.n_train),
        ]
        if spec.precision == "tf32" and not self._tf32:
            reasons.append('precision "tf32" needs an NVIDIA GPU, Ampere\'s or newer; say "float32" or "bfloat16"')
        if regularizer:
            reasons.append(inputs.too_few(regularizer.images_input, "regularizer.n_images", regularizer.n_images))
        return next(filter(None, reasons), None)

    def _training(self, spec: TrainingSpec, where: str) -> TrainingSpec:
        """The training with the data set's and the device's values for "auto"; raises SpecError for an unfit set."""
        task = self._dataset(spec.classification, ["classification"], f"{where}: classification")
        if spec.regularizer and spec.regularizer.target not in RECORDED:
            self._dataset(spec.regularizer.images, ["classification", "regularization"], f"{where}: regularizer.images")
        self._require(spec.functions, where)
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

    def _require(self, functions: Sequence[str], where: str) -> None:
        """Raises SpecError where own code is not there, or does not define what is asked of it."""
        try:
            self._inputs.require_functions(functions)
        except SpecError as error:
            raise SpecError(f"{where}: {error}") from None

    def _evaluation(self, spec: EvaluationSpec, model: ModelSpec, where: str) -> EvaluationSpec:
        """The evaluation with the data set's and the device's values for what it leaves open."""
        task = self._inputs.dataset(model.classification)
        changes: dict[str, object] = {}
        if spec.precision == "auto":
            changes["precision"] = self._precision
        if isinstance(spec, FgsmTransferSpec) and spec.substitute_precision == "auto":
            changes["substitute_precision"] = self._precision
        if isinstance(spec, NoiseSpec | FgsmTransferSpec) and spec.max_epsilon is None:
            changes["max_epsilon"] = task.max_epsilon[spec.kind]
        if isinstance(spec, CorruptionSpec):
            changes["corruptions"] = self._corruptions(spec, where)
            if self._inputs.dataset(spec.images).clean != task.name:
                raise SpecError(f"{where}: {spec.images} is not {task.name} corrupted")
        return spec.replaced(**changes) if changes else spec

    def _analysis(self, spec: AnalysisSpec, where: str) -> tuple[AnalysisSpec, tuple[Input, ...]]:
        """The analysis with the data set's values for what it leaves open, and what it reads."""
        if isinstance(spec, CorruptionSpectraSpec):
            spec = spec.replaced(corruptions=self._corruptions(spec, where))
            corrupted = (Input.images(spec.images, corruption) for corruption in spec.corruptions or ())
            return spec, (Input.images(self._inputs.dataset(spec.images).clean, "test"), *corrupted)
        if isinstance(spec, NoiseExamplesSpec):
            self._dataset(spec.images, ["classification"], f"{where}: images")
            return spec, (Input.images(spec.images, "test"),)
        return spec, (Input.recorded(spec.recording, "neural"),)

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


def _twins(model: ModelSpec, trained: Sequence[TrainingSpec]) -> list[TrainingSpec]:
    """The unregularized trainings whose models transferred attacks on a model can come from.

    A trained model has its own. One that was trained elsewhere has those of the suite's other conditions on the same
    images, so that all of them meet the same attacked images.
    """
    if isinstance(model, TrainingSpec):
        return [model.unregularized]
    found: list[TrainingSpec] = []
    for spec in trained:
        alike = (spec.classification, spec.color) == (model.classification, model.color)
        if alike and spec.unregularized not in found:
            found.append(spec.unregularized)
    return found
