"""A training's own folder: its last two checkpoints while it runs, its result and weights when it is done.

A checkpoint is taken between epochs. Every random number of an epoch comes from streams that are named by seed and
epoch, so no state of a generator has to be kept.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from harness.errors import WeightsDamaged
from harness.files import remove_abandoned
from harness.measurement import EpochReport, TrainingResult
from harness.models import weights
from harness.training.learner import Learner

_CURRENT, _BEST = "current.", "best."
_FILES = ("checkpoint-*", "weights-*", "result-*", "*.tmp")


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
    """Where one training (identified by spec and seed) keeps what it must not lose.

    Another process may do the same training, where a runner that was thought dead only slept: whoever is done first is
    right, and nothing that its result names is removed.
    """

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
        remove_abandoned(self._folder)
        result = self.result()
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
        for older in self._folder.glob("checkpoint-*.safetensors"):
            if older < path and older != self._previous:
                _remove(older)
        self._previous = path

    def save_weights(self, snapshot: dict[str, Tensor]) -> Path:
        """The file of the final weights; its digest is a function of the weights, the spec and the seed."""
        return weights.save(self._folder, "weights", snapshot, {"identity": self._identity})

    def finish(self, result: TrainingResult) -> TrainingResult:
        """Records the result, so that it is never computed twice, and removes everything else.

        Returns: the result that counts, which is another's if another process was faster.
        """
        there = self.result()
        if there:
            return there
        weights.save(self._folder, "result", {}, {"identity": self._identity, "result": asdict(result)})
        return self.result() or result

    def result(self) -> TrainingResult | None:
        """What the training ended with, here or in another process, if its weights are whole too.

        What a training leaves beside its result is removed.
        """
        for path in self._results():
            content = self._content(path)
            if not content:
                continue
            fields = content[1]["result"]
            if fields["weights"] is None or self._content(self._folder / fields["weights"]):
                for other in (each for pattern in _FILES for each in self._folder.glob(pattern)):
                    if other.name not in {path.name, fields["weights"]}:
                        _remove(other)
                fields.pop("gammas", None)  # in results of earlier versions, beside those of each epoch
                return TrainingResult(**fields | {"epochs": _reports(fields["epochs"])})
        return None

    def _results(self) -> list[Path]:
        """The files of results, the first written first."""
        found = []
        for path in self._folder.glob("result-*.safetensors"):
            with suppress(FileNotFoundError):  # another process may tidy up
                found.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(found)]

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


def _remove(path: Path) -> None:
    """Removes a file that nobody needs; one that cannot be removed does no harm."""
    with suppress(OSError):
        path.unlink()


def _checkpoint(tensors: dict[str, Tensor], metadata: dict[str, Any]) -> Checkpoint:
    return Checkpoint(
        epochs=_reports(metadata["epochs"]),
        current=weights.below(_CURRENT, tensors),
        best_epoch=metadata["best_epoch"],
        best=weights.below(_BEST, tensors),
    )


def _reports(fields: list[dict[str, Any]]) -> tuple[EpochReport, ...]:
    return tuple(EpochReport(**report | {"gammas": tuple(report["gammas"])}) for report in fields)
