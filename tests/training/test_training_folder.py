from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
import trainings
from trainings import DIVERGED, TRAINED

from harness.errors import WeightsDamaged
from harness.measurement import TrainingResult
from harness.models import weights
from harness.models.architecture import ClassifierShape
from harness.models.resnet import build
from harness.spec.training import TrainingSpec
from harness.training.folder import Checkpoint, TrainingFolder
from harness.training.learner import Learner

REPORT = replace(trainings.REPORT, task_loss=1 / 3, gammas=(0.2, 0.8))


def reached(epochs: int) -> Checkpoint:
    """A checkpoint whose tensors say after which epoch it was taken."""
    reports = tuple(replace(REPORT, epoch=epoch) for epoch in range(epochs))
    best = epochs // 2
    return Checkpoint(
        epochs=reports, current={"a": torch.tensor(epochs)}, best_epoch=best, best={"a": torch.tensor(best)}
    )


def filled(folder: Path) -> None:
    """A folder with the checkpoints of two epochs."""
    store = TrainingFolder(folder, "id")
    for epochs in (1, 2):
        store.save(reached(epochs))


def checkpoints(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint-*"))


def result(weights: str | None) -> TrainingResult:
    return replace(TRAINED if weights else DIVERGED, epochs=(REPORT,), weights=weights)


def test_nothing_was_reached_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert TrainingFolder(tmp_path / "none", "id").newest() == Checkpoint()


def test_the_newest_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    store = TrainingFolder(tmp_path, "id")
    for epochs in (1, 2, 3):
        store.save(reached(epochs))
    assert TrainingFolder(tmp_path, "id").newest() == reached(3)
    assert [path.name[:15] for path in checkpoints(tmp_path)] == ["checkpoint-0002", "checkpoint-0003"]


@pytest.mark.parametrize("damage", [b"", b"{}", b"x" * 1000])
def test_a_damaged_checkpoint_is_passed_over_and_the_one_before_taken(tmp_path: Path, damage: bytes) -> None:
    filled(tmp_path)
    older, newer = checkpoints(tmp_path)
    newer.write_bytes(damage)
    store = TrainingFolder(tmp_path, "id")
    assert store.newest() == reached(1)
    assert store.damaged == [newer.name]
    store.save(replace(reached(2), best_epoch=0))
    assert older in checkpoints(tmp_path)
    store.save(reached(3))
    assert newer not in checkpoints(tmp_path)


def test_training_starts_over_if_every_checkpoint_is_damaged(tmp_path: Path) -> None:
    filled(tmp_path)
    for path in checkpoints(tmp_path):
        path.write_bytes(path.read_bytes()[:-1])
    store = TrainingFolder(tmp_path, "id")
    assert store.newest() == Checkpoint()
    assert len(store.damaged) == 2


def test_a_folder_of_another_training_is_refused(tmp_path: Path) -> None:
    TrainingFolder(tmp_path, "one").save(reached(1))
    with pytest.raises(WeightsDamaged, match="belongs to another training"):
        TrainingFolder(tmp_path, "other").newest()


def test_a_finished_training_keeps_result_and_weights_only(tmp_path: Path) -> None:
    store = TrainingFolder(tmp_path, "id")
    store.save(reached(1))
    finished = result(store.save_weights({"a": torch.ones(3)}).name)
    store.finish(finished)
    assert TrainingFolder(tmp_path, "id").newest() == finished
    assert not checkpoints(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_what_a_killed_writer_left_is_removed_in_the_end(tmp_path: Path) -> None:
    store = TrainingFolder(tmp_path, "id")
    store.save(reached(1))
    (tmp_path / "checkpoint-0002-00.tmp").write_bytes(b"half of it")
    (tmp_path / "result-00.safetensors").write_bytes(b"damaged")
    path = store.save_weights({"a": torch.ones(3)})
    store.finish(result(path.name))
    assert [each.name[:7] for each in sorted(tmp_path.iterdir())] == ["result-", "weights"]
    assert TrainingFolder(tmp_path, "id").newest() == result(path.name)


def test_a_result_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    fields = asdict(result(None)) | {"gammas": [0.2, 0.8]}
    weights.save(tmp_path, "result", {}, {"identity": "id", "result": fields})
    assert TrainingFolder(tmp_path, "id").newest() == result(None)


def test_what_is_left_of_a_training_that_was_killed_while_it_tidied_up_is_removed_when_it_is_found(
    tmp_path: Path,
) -> None:
    store = TrainingFolder(tmp_path, "id")
    path = store.save_weights({"a": torch.ones(3)})
    store.finish(result(path.name))
    TrainingFolder(tmp_path, "id").save(reached(2))
    assert TrainingFolder(tmp_path, "id").newest() == result(path.name)
    assert [each.name[:7] for each in sorted(tmp_path.iterdir())] == ["result-", "weights"]


def test_of_two_processes_that_end_the_same_training_the_first_is_right_and_keeps_its_weights(tmp_path: Path) -> None:
    first, second = (TrainingFolder(tmp_path, "id") for _ in range(2))
    for store, epochs in ((first, 1), (second, 2), (first, 3), (second, 3)):
        store.save(reached(epochs))
    theirs = result(first.save_weights({"a": torch.ones(3)}).name)
    other = result(second.save_weights({"a": torch.zeros(3)}).name)
    assert first.finish(theirs) == theirs
    for path in tmp_path.glob("result-*"):
        os.utime(path, (2**31 - 1, 2**31 - 1))  # by a clock that is ahead
    assert second.finish(other) == theirs
    assert TrainingFolder(tmp_path, "id").newest() == theirs
    assert [each.name[:7] for each in sorted(tmp_path.iterdir())] == ["result-", "weights"]


def test_of_two_processes_whose_training_diverges_the_first_is_right(tmp_path: Path) -> None:
    first, second = (TrainingFolder(tmp_path, "id") for _ in range(2))
    assert first.finish(result(None)) == result(None)
    [path] = tmp_path.glob("result-*")
    os.utime(path, (2**31 - 1, 2**31 - 1))  # by a clock that is ahead
    assert second.finish(replace(result(None), reason="another")) == result(None)


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_results_that_were_written_at_once_the_first_is_right(tmp_path: Path, first: int) -> None:
    ended = [replace(result(None), reason=f"process {number}") for number in range(2)]
    for number, each in enumerate(ended):
        path = weights.save(tmp_path, "result", {}, {"identity": "id", "result": asdict(each)})
        os.utime(path, (0, 0 if number == first else 1))
    assert TrainingFolder(tmp_path, "id").newest() == ended[first]


def test_a_writer_leaves_alone_what_another_is_writing_and_has_reached(tmp_path: Path) -> None:
    slow, fast = (TrainingFolder(tmp_path, "id") for _ in range(2))
    for epochs in (1, 2, 3):
        fast.save(reached(epochs))
    (tmp_path / "checkpoint-0001-00.safetensors.7.tmp").write_bytes(b"half of it")
    slow.save(reached(1))
    assert TrainingFolder(tmp_path, "id").newest() == reached(3)
    assert (tmp_path / "checkpoint-0001-00.safetensors.7.tmp").exists()


def test_what_a_writer_left_long_ago_is_removed(tmp_path: Path) -> None:
    abandoned = tmp_path / "checkpoint-0001-00.safetensors.7.tmp"
    abandoned.write_bytes(b"half of it")
    os.utime(abandoned, (0, 0))
    TrainingFolder(tmp_path, "id").newest()
    assert not abandoned.exists()


def test_what_is_not_the_trainings_stays(tmp_path: Path) -> None:
    (tmp_path / "@eaDir").mkdir(parents=True)
    (tmp_path / "notes.txt").write_text("mine")
    store = TrainingFolder(tmp_path, "id")
    store.save(reached(1))
    finished = store.finish(result(store.save_weights({"a": torch.ones(3)}).name))
    assert TrainingFolder(tmp_path, "id").newest() == finished
    assert {each.name for each in tmp_path.iterdir()} > {"@eaDir", "notes.txt"}
    assert not checkpoints(tmp_path)


def test_a_diverged_training_is_remembered(tmp_path: Path) -> None:
    store = TrainingFolder(tmp_path, "id")
    store.finish(result(None))
    assert TrainingFolder(tmp_path, "id").newest() == result(None)


def test_a_result_without_whole_weights_does_not_count(tmp_path: Path) -> None:
    store = TrainingFolder(tmp_path, "id")
    path = store.save_weights({"a": torch.ones(3)})
    store.finish(result(path.name))
    path.write_bytes(b"")
    assert TrainingFolder(tmp_path, "id").newest() == Checkpoint()


def test_weights_are_named_by_content_not_by_time(tmp_path: Path) -> None:
    first = TrainingFolder(tmp_path / "a", "id").save_weights({"a": torch.ones(3)})
    again = TrainingFolder(tmp_path / "b", "id").save_weights({"a": torch.ones(3)})
    assert first.name == again.name


def test_the_best_epoch_has_the_lowest_validation_loss_and_the_first_of_equals_wins(spec: TrainingSpec) -> None:
    learner = Learner(spec, build(spec.network, ClassifierShape(1, 3, (28, 28)), seed=0), "raw", torch.device("cpu"))
    checkpoint, best = Checkpoint(), []
    for epoch, loss in enumerate((2.0, 1.0, 3.0, 1.0, 0.5)):
        with torch.no_grad():
            learner.model.network.linear.bias.fill_(epoch)
        checkpoint = checkpoint.followed_by(replace(REPORT, epoch=epoch, validation_loss=loss), learner)
        best.append((checkpoint.best_epoch, checkpoint.best["model.network.linear.bias"][0].item()))
    assert best == [(0, 0), (1, 1), (1, 1), (1, 1), (4, 4)]
