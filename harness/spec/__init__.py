"""What a user writes: suites, training specs and evaluation specs, validated and with an identity.

The paper's symbols are translated once, here:

| paper | here |
|---|---|
| alpha | `regularizer.alpha` |
| Th, Th1 | `regularizer.threshold` |
| Th2 | `regularizer.threshold_low` |
| N, the number of regularization images | `regularizer.n_images` |
| k, image pairs per step | `regularizer.pairs_per_batch` |
| gamma_l | softmax of the tap weights, `gammas` |
| S(M) | the Boundary attack's `score` |
"""

from harness.spec.digest import digest
from harness.spec.evaluation import (
    EVALUATION_SPECS,
    BoundarySpec,
    CleanSpec,
    CorruptionSpec,
    EvaluationSpec,
    FgsmTransferSpec,
    NoiseSpec,
)
from harness.spec.external import ExternalSpec
from harness.spec.job import EVALUATION_VERSIONS, TRAINING_VERSION, EvaluateJob, Job, Place, PlannedJob, TrainJob
from harness.spec.suite import PROFILES, Suite, parse_suite, seeds_of
from harness.spec.training import NetworkSpec, OptimisationSpec, RegularizerSpec, TrainingSpec

__all__ = [
    "EVALUATION_SPECS",
    "EVALUATION_VERSIONS",
    "PROFILES",
    "TRAINING_VERSION",
    "BoundarySpec",
    "CleanSpec",
    "CorruptionSpec",
    "EvaluateJob",
    "EvaluationSpec",
    "ExternalSpec",
    "FgsmTransferSpec",
    "Job",
    "NetworkSpec",
    "NoiseSpec",
    "OptimisationSpec",
    "Place",
    "PlannedJob",
    "RegularizerSpec",
    "Suite",
    "TrainJob",
    "TrainingSpec",
    "digest",
    "parse_suite",
    "seeds_of",
]
