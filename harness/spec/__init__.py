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
| A0 | `least_clean_ratio`, `--A0` |
"""

from harness.spec.analysis import ANALYSIS_SPECS, AnalysisSpec, CorruptionSpectraSpec, NoiseExamplesSpec, SimilaritySpec
from harness.spec.digest import digest
from harness.spec.evaluation import (
    EVALUATION_SPECS,
    AttackerSpec,
    AutoAttackSpec,
    BoundaryAttackSpec,
    BoundarySpec,
    CleanSpec,
    CorruptionSpec,
    EvaluationSpec,
    FgsmTransferSpec,
    FourierSpec,
    HopSkipJumpSpec,
    NoiseSpec,
    OwnAttackSpec,
    OwnMinimalAttackSpec,
    OwnTransferredAttackSpec,
    SizedAttackSpec,
    SpectrumSpec,
    WithSubstitute,
)
from harness.spec.external import CheckpointSpec, ExternalSpec, ModelSpec, RobustBenchSpec
from harness.spec.inputs import Input
from harness.spec.job import (
    AnalyseJob,
    EvaluateJob,
    Job,
    LoadJob,
    ModelJob,
    Place,
    PlannedJob,
    TrainJob,
    inputs_of,
    job_title,
    kind_of,
    model_of,
)
from harness.spec.profile import PROFILES, takes_stand_ins
from harness.spec.seeds import seeds_of
from harness.spec.suite import Collection, Suite, parse_suite, read_collection
from harness.spec.training import (
    NetworkSpec,
    OptimisationSpec,
    PenaltySpec,
    PerturbationSpec,
    RegularizerSpec,
    TrainingSpec,
)
from harness.spec.wording import mean_the_same

__all__ = [
    "ANALYSIS_SPECS",
    "EVALUATION_SPECS",
    "PROFILES",
    "AnalyseJob",
    "AnalysisSpec",
    "AttackerSpec",
    "AutoAttackSpec",
    "BoundaryAttackSpec",
    "BoundarySpec",
    "CheckpointSpec",
    "CleanSpec",
    "Collection",
    "CorruptionSpec",
    "CorruptionSpectraSpec",
    "EvaluateJob",
    "EvaluationSpec",
    "ExternalSpec",
    "FgsmTransferSpec",
    "FourierSpec",
    "HopSkipJumpSpec",
    "Input",
    "Job",
    "LoadJob",
    "ModelJob",
    "ModelSpec",
    "NetworkSpec",
    "NoiseExamplesSpec",
    "NoiseSpec",
    "OptimisationSpec",
    "OwnAttackSpec",
    "OwnMinimalAttackSpec",
    "OwnTransferredAttackSpec",
    "PenaltySpec",
    "PerturbationSpec",
    "Place",
    "PlannedJob",
    "RegularizerSpec",
    "RobustBenchSpec",
    "SimilaritySpec",
    "SizedAttackSpec",
    "SpectrumSpec",
    "Suite",
    "TrainJob",
    "TrainingSpec",
    "WithSubstitute",
    "digest",
    "inputs_of",
    "job_title",
    "kind_of",
    "mean_the_same",
    "model_of",
    "parse_suite",
    "read_collection",
    "seeds_of",
    "takes_stand_ins",
]
