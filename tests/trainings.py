"""What trainings that never took place would report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.measurement import EpochReport, TrainingResult

REPORT = EpochReport(
    epoch=0,
    learning_rate=0.1,
    task_loss=1.0,
    similarity_loss=None,
    train_accuracy=0.5,
    validation_loss=1.0,
    validation_accuracy=0.5,
    gammas=(),
    images_per_second=1000.0,
    seconds=2.0,
)
TRAINED = TrainingResult(
    status="ok",
    reason=None,
    epochs=(REPORT,),
    best_epoch=0,
    weights="weights-0123.safetensors",
    weights_sha256="d" * 64,
    parameters=1000,
)
DIVERGED = replace(
    TRAINED,
    status="diverged",
    reason="epoch 1, step 3: loss is nan",
    best_epoch=None,
    weights=None,
    weights_sha256=None,
)


def training_result(
    gammas: tuple[float, ...] = (), epochs: int = 2, best_epoch: int = 0, **changes: Any
) -> TrainingResult:
    """A training with a curve; its gammas are these after the best epoch, and in reverse order after the others."""
    reports = tuple(
        replace(
            REPORT,
            epoch=epoch,
            task_loss=1.0 / (epoch + 1),
            similarity_loss=0.5 if gammas else None,
            gammas=gammas if epoch == best_epoch else gammas[::-1],
        )
        for epoch in range(epochs)
    )
    return replace(TRAINED, epochs=reports, best_epoch=best_epoch, **changes)
