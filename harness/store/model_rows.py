"""What a model's row says of its spec."""

from __future__ import annotations

from typing import Any

from harness.spec import ExternalSpec, ModelJob, RobustBenchSpec, TrainingSpec, digest

_REGULARIZER_COLUMNS = ("alpha", "threshold", "threshold_low", "pair_range", "n_images", "pairs_per_batch")


def model_row(job: ModelJob) -> dict[str, Any]:
    """All that a model's row says of it."""
    spec = job.spec
    return {
        "key": job.key,
        "spec_digest": job.spec_digest,
        "seed": job.seed,
        "spec": spec.model_dump(mode="json"),
        "classification": spec.classification,
        "color": spec.color,
    } | (_training_columns(spec) if isinstance(spec, TrainingSpec) else _external_columns(spec, job.spec_digest))


def _external_columns(spec: ExternalSpec, identity: str) -> dict[str, Any]:
    return {
        "baseline": identity,
        "n_train": None,
        "architecture": spec.model if isinstance(spec, RobustBenchSpec) else spec.title,
        "base_width": None,
        "regularization": "none",
        "target": "external",
        **dict.fromkeys(_REGULARIZER_COLUMNS),
    }


def _training_columns(spec: TrainingSpec) -> dict[str, Any]:
    regularizer, penalty, perturbation = spec.regularizer, spec.penalty, spec.perturbation
    targets = [
        *([regularizer.target_name] if regularizer else []),
        *([penalty.function] if penalty else []),
        *([perturbation.kind] if perturbation else []),
    ]
    return {
        "baseline": digest(spec.unregularized),
        "n_train": spec.n_train,
        "architecture": spec.network.architecture,
        "base_width": spec.network.base_width,
        "regularization": regularizer.images if regularizer else "none",
        "target": " + ".join(targets) or "none",
        **{name: getattr(regularizer, name, None) for name in _REGULARIZER_COLUMNS},
        **({"alpha": penalty.weight} if penalty and not regularizer else {}),
    }
