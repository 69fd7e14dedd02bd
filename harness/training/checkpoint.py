"""A training's own folder: its last two checkpoints while it runs, its result and weights when it is done.

A checkpoint is taken between epochs. Every random number of an epoch comes from streams that are named by seed and
epoch, so no state of a generator has to be kept.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from harness.errors import WeightsDamaged
from harness.measurement import EpochReport, TrainingResult
from harness.models import weights
from harness.training.learner import Learner

_CURRENT, _BEST = "current.", "best."


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A training between two epochs; without arguments, one that has not begun."""

    epochs: tuple[EpochReport, ...] = ()
    """Those that are done."""
    current: dict[str, Tensor] = field(default_factory=dict)
    """`Learner.training_state` after the last epoch."""
    best_epoch: int = 0
    """The epoch with the lowest validation loss; the first of several."""
    best: dict[str, Tensor] = field(default_factory=dict)
    """`Learner.snapshot` after the best epoch."""

    def followed_by(self, report: EpochReport, learner: Learner) -> Checkpoint:
        """The checkpoint after one more epoch."""
        improved = not self.epochs or report.validation_loss < self.epochs[self.best_epoch].validation_loss
        return Checkpoint(
            epochs=(*self.epochs, report),
            current=learner.training_state(),
            best_epoch=report.epoch if improved else self.best_epoch,
            best=learner.snapshot() if improved else self.best,
        )


class TrainingFolder:
    """Where one training (identified by spec and seed) keeps what it must not lose."""

    def __init__(self, folder: Path, identity: str) -> None:
        self._folder = folder
        self._identity = identity
        self._previous: Path | None = None
        self.damaged: list[str] = []
        """Names of checkpoints that were passed over because they are truncated or altered."""

    def newest(self) -> Checkpoint | TrainingResult:
        """What was reached so far: a result, else the newest whole checkpoint, else one that has not begun.

        Raises:
            WeightsDamaged: the folder belongs to another training.
        """
        result = self._result()
        if result:
            return result
        for path in sorted(self._folder.glob("checkpoint-*.safetensors"), reverse=True):
            content = self._content(path)
            if content:
                self._previous = path
                return _checkpoint(*content)
        return Checkpoint()

    def save(self, checkpoint: Checkpoint) -> None:
        """Writes a checkpoint; only then all but it and the one before are removed."""
        tensors = {_CURRENT + name: tensor for name, tensor in checkpoint.current.items()}
        tensors |= {_BEST + name: tensor for name, tensor in checkpoint.best.items()}
        metadata = {
            "identity": self._identity,
            "epochs": [asdict(report) for report in checkpoint.epochs],
            "best_epoch": checkpoint.best_epoch,
        }
        path = weights.save(self._folder, f"checkpoint-{len(checkpoint.epochs):04}", tensors, metadata)
        for older in self._folder.glob("checkpoint-*"):
            if older not in {path, self._previous}:
                older.unlink()
        self._previous = path

    def save_weights(self, snapshot: dict[str, Tensor]) -> Path:
        """The file of the final weights; its digest is a function of the weights, the spec and the seed."""
        return weights.save(self._folder, "weights", snapshot, {"identity": self._identity})

    def finish(self, result: TrainingResult) -> None:
        """Records the result, so that it is never computed twice, and removes everything else."""
        path = weights.save(self._folder, "result", {}, {"identity": self._identity, "result": asdict(result)})
        self._keep_only(path.name, result.weights)

    def _keep_only(self, *names: str | None) -> None:
        """Removes checkpoints, damaged files, and what a killed writer left."""
        for path in self._folder.iterdir():
            if path.name not in names:
                path.unlink()

    def _result(self) -> TrainingResult | None:
        """The recorded result, if its weights are whole too; what a kill left beside them is removed."""
        for path in self._folder.glob("result-*.safetensors"):
            content = self._content(path)
            if not content:
                continue
            fields = content[1]["result"]
            if fields["weights"] is None or self._content(self._folder / fields["weights"]):
                self._keep_only(path.name, fields["weights"])
                epochs = _reports(fields["epochs"])
                return TrainingResult(**fields | {"epochs": epochs, "gammas": tuple(fields["gammas"])})
        return None

    def _content(self, path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """The content of a file of this training; None, and a note in `damaged`, if it is not whole."""
        try:
            tensors, metadata = weights.load(path)
        except WeightsDamaged:
            self.damaged.append(path.name)
            return None
        if metadata["identity"] != self._identity:
            raise WeightsDamaged(f"{path} belongs to another training; move {self._folder} away, then run again")
        return tensors, metadata


def _checkpoint(tensors: dict[str, Tensor], metadata: dict[str, Any]) -> Checkpoint:
    return Checkpoint(
        epochs=_reports(metadata["epochs"]),
        current=_part(tensors, _CURRENT),
        best_epoch=metadata["best_epoch"],
        best=_part(tensors, _BEST),
    )


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _reports(fields: list[dict[str, Any]]) -> tuple[EpochReport, ...]:
    return tuple(EpochReport(**report | {"gammas": tuple(report["gammas"])}) for report in fields)
