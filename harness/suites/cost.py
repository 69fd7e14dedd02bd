"""What jobs cost: their arithmetic in GFLOP, counted from the specs, and the time that it takes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.models.architecture import ClassifierShape
from harness.models.cost import ROBUSTBENCH_FORWARD_GFLOP, forward_gflop
from harness.spec import (
    AutoAttackSpec,
    BoundaryAttackSpec,
    CorruptionSpec,
    EvaluationSpec,
    FgsmTransferSpec,
    FourierSpec,
    HopSkipJumpSpec,
    Input,
    Job,
    ModelSpec,
    NetworkSpec,
    NoiseSpec,
    OwnAttackSpec,
    OwnMinimalAttackSpec,
    OwnTransferredAttackSpec,
    PlannedJob,
    RegularizerSpec,
    RobustBenchSpec,
    TrainingSpec,
    TrainJob,
    kind_of,
    model_of,
)
from harness.spec.evaluation import MOST_TARGETS
from harness.spec.inputs import RECORDED
from harness.spec.training import CHANNELS
from harness.suites.devices import Device
from harness.suites.inputs import Inputs

FORWARD_AND_BACKWARD = 3  # a backward pass costs about two forward passes
FORWARD_AND_GRADIENT = 2  # one that is of the pixels alone, about one
BOUNDARY_START_QUERIES = 25  # measured mean per image on trained networks, beside one query per step

AUTOATTACK_LEFT = 0.25  # a guess, of the images that an attack after the first is tried on
OWN_ATTACK_PASSES = 20  # a guess, of forward passes per image and size
OWN_MINIMAL_ATTACK_PASSES = 100  # a guess, of forward passes per image

# Guesses in GFLOP/s for a device that no job was measured on yet: of a core, and of a GPU bound by kernel launches.
GUESSED_CPU_CORE = 50.0  # trainings of width 16 did 80 and 130 on cores with AVX-512; many have none
GUESSED_GPU = 10_000.0
GUESSED_JOB_SECONDS = 0.5  # of any job, however small

RECORDED_SIZE = (36, 64)  # a guess, height and width: the paper's size; other recordings may differ
RateKey = tuple[str, str | None, int | None]
"""What rates are kept by: the kind of job, and the network's architecture and base width; None of an external model."""


def rate_key(job: Job) -> RateKey:
    """Under which rates of such jobs are kept."""
    model = model_of(job)
    if not isinstance(model, TrainJob):
        return kind_of(job), None, None
    return kind_of(job), model.spec.network.architecture, model.spec.network.base_width


def _forward(spec: ModelSpec, inputs: Inputs, size: tuple[int, int] | None = None) -> float:
    """GFLOP of one forward pass on an image of that height and width, of the task's if absent."""
    if isinstance(spec, RobustBenchSpec):
        return ROBUSTBENCH_FORWARD_GFLOP[spec.model]
    task = inputs.dataset(spec.classification)
    network = spec.network if isinstance(spec, TrainingSpec) else NetworkSpec()  # a guess
    return forward_gflop(network, ClassifierShape(CHANNELS[spec.color], task.classes or 1, size or task.size))


def training_gflop(spec: TrainingSpec, inputs: Inputs) -> float:
    """Estimated GFLOP of training one model."""
    optimisation = spec.optimisation
    n = spec.n_train or inputs.state(Input.images(spec.classification, "train")).count
    held_out = optimisation.validation_fraction * n
    passes = FORWARD_AND_BACKWARD
    if spec.perturbation and spec.perturbation.steps:
        passes += spec.perturbation.steps * FORWARD_AND_GRADIENT
    epoch = _forward(spec, inputs) * (held_out + passes * (n - held_out))
    if spec.regularizer:
        steps = math.ceil((n - held_out) / optimisation.batch_size)
        epoch += FORWARD_AND_BACKWARD * _pair_gflop(spec, spec.regularizer, inputs) * steps
    return epoch * optimisation.epochs


def evaluation_gflop(
    spec: EvaluationSpec, model: ModelSpec, inputs: Inputs, substitute: TrainingSpec | None = None
) -> float:
    """Estimated GFLOP of evaluating one model, and of an attack of one's own on the substitute."""
    available = inputs.state(Input.images(model.classification, "test")).count
    n = min(spec.n_images or available, available)
    found = n * _passes(spec, inputs.dataset(model.classification).size) * _forward(model, inputs)
    if isinstance(spec, OwnTransferredAttackSpec) and substitute:
        found += n * spec.sizes * OWN_ATTACK_PASSES * _forward(substitute, inputs)
    return found


def _pair_gflop(spec: TrainingSpec, regularizer: RegularizerSpec, inputs: Inputs) -> float:
    """GFLOP of one step's forward passes on pairs, whose images may be larger than the task's."""
    size = RECORDED_SIZE if regularizer.target in RECORDED else inputs.dataset(regularizer.images).size
    return 2 * regularizer.pairs_per_batch * _forward(spec, inputs, size)


def _passes(spec: EvaluationSpec, size: tuple[int, int]) -> float:
    """Forward passes of an evaluation for each of its test images, which have that height and width."""
    if isinstance(spec, NoiseSpec | OwnTransferredAttackSpec):
        return spec.sizes
    if isinstance(spec, FgsmTransferSpec):
        return spec.sizes + FORWARD_AND_BACKWARD
    if isinstance(spec, AutoAttackSpec):
        first, *others = (_autoattack_passes(spec, attack) for attack in spec.attacks)
        return 1 + (spec.sizes - 1) * (first + AUTOATTACK_LEFT * sum(others))
    if isinstance(spec, OwnAttackSpec):
        return spec.sizes * OWN_ATTACK_PASSES
    if isinstance(spec, HopSkipJumpSpec):
        return spec.queries
    if isinstance(spec, OwnMinimalAttackSpec):
        return OWN_MINIMAL_ATTACK_PASSES
    if isinstance(spec, BoundaryAttackSpec):
        return spec.repeats * (spec.steps + BOUNDARY_START_QUERIES)
    if isinstance(spec, FourierSpec):
        alone = math.prod(1 if side % 2 else 2 for side in size)  # frequencies that are their own negatives
        return (math.prod(size) + alone) // 2
    if isinstance(spec, CorruptionSpec):
        return len(spec.corruptions or ()) * len(spec.severities)
    return 1


def _autoattack_passes(spec: AutoAttackSpec, attack: str) -> int:
    """Forward passes of one of its attacks for an image that withstands it."""
    if attack == "square":
        return spec.queries
    return spec.steps * FORWARD_AND_BACKWARD * (1 if attack == "apgd-ce" else MOST_TARGETS)


@dataclass(frozen=True)
class Estimate:
    """How long jobs will take."""

    seconds: float
    measured: bool
    """From rates of such jobs on this device; else a guess, at least in part."""


def estimate(jobs: Iterable[PlannedJob], rates: Mapping[RateKey, float], device: Device, workers: int) -> Estimate:
    """The time for jobs shared out among workers.

    rates: GFLOP/s of one worker by `rate_key`, measured on this device.
    """
    jobs = list(jobs)
    total = sum(job_seconds(planned, rates, device, workers) for planned in jobs)
    measured = all(rate_key(planned.job) in rates or not planned.work for planned in jobs)
    return Estimate(total / max(1, min(workers, len(jobs))), measured)


def job_seconds(planned: PlannedJob, rates: Mapping[RateKey, float], device: Device, workers: int) -> float:
    """The time that one of `workers` takes for a job; rates as of `estimate`."""
    rate = rates.get(rate_key(planned.job))
    if rate:
        return planned.work / rate
    guess = GUESSED_GPU if device.kind == "cuda" else GUESSED_CPU_CORE * max(1, device.count // workers)
    return GUESSED_JOB_SECONDS + planned.work / guess
