from __future__ import annotations

import multiprocessing
import random
import re
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from own_code import PENALTIES
from pretended_device import DEVICE, pretended_device
from torch.nn import functional as F

from harness.errors import DataError, EmptyPairRange, SpecError, WeightsDamaged
from harness.measurement import Progress, TrainingResult
from harness.models import weights
from harness.models.architecture import ClassifierShape
from harness.models.network import build_network
from harness.models.pixels import unit_pixels
from harness.own_code import OwnCode
from harness.spec.training import NetworkSpec, PenaltySpec, PerturbationSpec, TrainingPrecision, TrainingSpec
from harness.suites.devices import get_device
from harness.training.batches import Batches
from harness.training.folder import TrainingFolder
from harness.training.images import TrainingImages
from harness.training.learner import Learner
from harness.training.loop import train
from harness.training.trained import load_trained

CPU = torch.device("cpu")


def timeless(result: TrainingResult) -> TrainingResult:
    """The result without what two equal trainings differ in."""
    reports = tuple(replace(report, seconds=0, images_per_second=0) for report in result.epochs)
    return replace(result, epochs=reports)


def test_training_learns_and_reports_each_epoch(spec: TrainingSpec, images: TrainingImages, tmp_path: Path) -> None:
    seen: list[Progress] = []
    result = train(spec, 0, images, device=CPU, folder=tmp_path, on_progress=seen.append)
    assert (result.status, result.reason) == ("ok", None)
    assert [report.epoch for report in result.epochs] == [0, 1, 2, 3]
    assert [report.learning_rate for report in result.epochs] == pytest.approx([0.05, 0.015, 0.0045, 0.00135])
    losses = [report.validation_loss for report in result.epochs]
    assert result.best_epoch == losses.index(min(losses))
    assert [sum(report.gammas) for report in result.epochs] == pytest.approx([1] * 4)
    assert result.epochs[-1].train_accuracy > result.epochs[0].train_accuracy
    assert all(report.similarity_loss and report.seconds > 0 for report in result.epochs)
    assert seen[-1].done == seen[-1].total == 4 * 5
    assert [progress.done for progress in seen] == sorted({progress.done for progress in seen})
    assert seen[-1].text.startswith("epoch 4/4, loss ")
    assert seen[-1].images_per_second
    assert result.weights_sha256
    assert sorted(path.name.split("-")[0] for path in tmp_path.iterdir()) == ["result", "weights"]


def test_a_training_is_the_steps_of_its_seed_written_out_once_more(
    spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    """With a smaller batch at the end of each epoch, which counts as one step and as its images."""
    spec = spec.replaced(optimisation=spec.optimisation.replaced(batch_size=12, epochs=2).model_dump())
    result = train(spec, 3, images, device=CPU, folder=tmp_path)
    network = build_network(spec.network, OwnCode(()), ClassifierShape(1, 3, (28, 28)), seed=3)
    learner, batches = Learner(spec, network, "centered", CPU), Batches(spec, 3, images, CPU)
    for report in result.epochs:
        steps = [learner.step(batch, report.learning_rate) for batch in batches.epoch(report.epoch)]
        losses = torch.stack([step.losses for step in steps]).mean(0).tolist()
        assert [report.task_loss, report.similarity_loss] == pytest.approx(losses)
        assert report.train_accuracy == sum(int(step.correct) for step in steps) / 81
        assert (report.validation_loss, report.validation_accuracy) == learner.validation(*batches.validation)
        assert report.gammas == learner.gammas
    assert result.parameters == sum(parameter.numel() for parameter in network.parameters())


def test_a_training_by_adamw_along_a_cosine_learns(spec: TrainingSpec, images: TrainingImages, tmp_path: Path) -> None:
    changes = {"optimizer": "adamw", "schedule": "cosine", "learning_rate": 0.01, "weight_decay": 0.05}
    own = spec.replaced(optimisation={"epochs": 4, "batch_size": 16, "validation_fraction": 0.1} | changes)
    result = train(own, 0, images, device=CPU, folder=tmp_path)
    assert [report.learning_rate for report in result.epochs] == pytest.approx(
        [0.01, 0.008536, 0.005, 0.001464], rel=1e-3
    )
    assert result.epochs[-1].task_loss < result.epochs[0].task_loss


def test_the_same_training_twice_gives_the_same_weights(
    spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    first = train(spec, 0, images, device=CPU, folder=tmp_path / "a")
    torch.manual_seed(2)  # the global generator has no part in it
    again = train(spec, 0, images, device=CPU, folder=tmp_path / "b")
    other = train(spec, 1, images, device=CPU, folder=tmp_path / "c")
    assert timeless(first) == timeless(again)
    assert other.epochs[0].task_loss != first.epochs[0].task_loss  # of the weights' digest the seed is a part


def test_a_training_on_another_device_is_the_same(spec: TrainingSpec, images: TrainingImages, tmp_path: Path) -> None:
    expected = train(spec, 0, images, device=CPU, folder=tmp_path / "here")
    with pretended_device():
        found = train(spec, 0, images, device=DEVICE, folder=tmp_path / "there")
    assert timeless(found) == timeless(expected)


@pytest.mark.gpu
@pytest.mark.skipif(not get_device("auto").tf32, reason="no CUDA device with TF32 and bfloat16")
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_a_gpu_learns_in_each_precision_and_goes_on_after_a_checkpoint(
    spec: TrainingSpec,
    images: TrainingImages,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: TrainingPrecision,
) -> None:
    monkeypatch.setattr("harness.training.loop._SAVE_SECONDS", 0.0)
    wide = spec.replaced(network=NetworkSpec(base_width=16), precision=precision, channels_last=True)

    def interrupt(progress: Progress) -> None:
        if progress.text.startswith("epoch 3"):
            raise KeyboardInterrupt

    gpu = torch.device("cuda")
    with pytest.raises(KeyboardInterrupt):
        train(wide, 0, images, device=gpu, folder=tmp_path, on_progress=interrupt)
    result = train(wide, 0, images, device=gpu, folder=tmp_path)
    assert (result.status, len(result.epochs)) == ("ok", 4)
    assert result.epochs[-1].task_loss < result.epochs[0].task_loss


@pytest.mark.parametrize(("seconds", "saved"), [(0.0, True), (60.0, False)])
def test_only_on_a_cpu_each_epoch_is_worth_a_checkpoint(
    spec: TrainingSpec,
    images: TrainingImages,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    saved: bool,
) -> None:
    monkeypatch.setattr("harness.training.loop._SAVE_SECONDS", seconds)
    lengths: list[int] = []
    monkeypatch.setattr(TrainingFolder, "save", lambda _, checkpoint: lengths.append(len(checkpoint.epochs)))
    with pretended_device():
        train(spec, 0, images, device=DEVICE, folder=tmp_path / "there")
    every = list(range(1, spec.optimisation.epochs + 1))
    assert lengths == (every if saved else [])
    lengths.clear()
    train(spec, 0, images, device=CPU, folder=tmp_path / "here")
    assert lengths == every


def test_a_long_epoch_on_a_cpu_shows_its_steps(
    spec: TrainingSpec, images: TrainingImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = train(spec, 0, images, device=CPU, folder=tmp_path / "short")
    monkeypatch.setattr("harness.training.loop._LOOK_SECONDS", 0.0)
    seen: list[Progress] = []
    long = train(spec, 0, images, device=CPU, folder=tmp_path / "long", on_progress=seen.append)
    assert timeless(long) == timeless(short)
    assert [progress.done for progress in seen] == list(range(1, 4 * 5 + 1))
    assert all(progress.text.startswith("epoch ") and progress.images_per_second for progress in seen)


def test_a_training_that_another_process_ends_before_has_that_ones_result(
    spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    ended: list[TrainingResult] = []

    def watch(progress: Progress) -> None:
        seen.append(progress)
        if progress.text.startswith("epoch 2") and not ended:
            ended.append(train(spec, 0, images, device=CPU, folder=tmp_path))

    assert [train(spec, 0, images, device=CPU, folder=tmp_path, on_progress=watch)] == ended
    assert seen[-1].done == 2 * 5


def test_a_training_that_fails_where_another_process_has_ended_it_has_that_ones_result(
    spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    ended: list[TrainingResult] = []

    def fail(progress: Progress) -> None:
        ended.append(train(spec, 0, images, device=CPU, folder=tmp_path))
        raise DataError("a file is gone that the other process tidied up")

    assert [train(spec, 0, images, device=CPU, folder=tmp_path, on_progress=fail)] == ended


def test_a_finished_training_is_not_repeated(spec: TrainingSpec, images: TrainingImages, tmp_path: Path) -> None:
    spec = spec.unregularized
    first = train(spec, 0, images, device=CPU, folder=tmp_path)
    seen: list[Progress] = []
    assert train(spec, 0, images, device=CPU, folder=tmp_path, on_progress=seen.append) == first
    assert not seen
    assert (first.epochs[0].gammas, first.epochs[0].similarity_loss) == ((), None)


def test_a_training_killed_at_random_moments_ends_with_the_same_weights(
    spec: TrainingSpec, images: TrainingImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    spec = spec.replaced(optimisation=spec.optimisation.replaced(epochs=12).model_dump())
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["harness.training.loop", "pytest"])  # imported once, not at each start
    folder = tmp_path / "killed"
    moments = random.Random(0)

    def start() -> multiprocessing.process.BaseProcess:
        process = context.Process(target=train, args=(spec, 0, images), kwargs={"device": CPU, "folder": folder})
        process.start()
        return process

    epochs_before, exit_codes = 0, []
    for _ in range(3):
        process = start()
        deadline = time.monotonic() + 60
        while epochs_of(folder) <= epochs_before and process.is_alive() and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(moments.uniform(0, 0.3))
        epochs_before = epochs_of(folder)
        process.kill()
        process.join()
        exit_codes.append(process.exitcode)
    assert exit_codes.count(-signal.SIGKILL) >= 2
    process = start()
    process.join()
    assert process.exitcode == 0
    whole = train(spec, 0, images, device=CPU, folder=tmp_path / "whole")
    killed = train(spec, 0, images, device=CPU, folder=folder)
    assert timeless(killed) == timeless(whole)
    assert (folder / str(killed.weights)).read_bytes() == (tmp_path / "whole" / str(whole.weights)).read_bytes()


def epochs_of(folder: Path) -> int:
    """Epochs behind the newest checkpoint."""
    return max((int(path.name.split("-")[1]) for path in folder.glob("checkpoint-*-*")), default=0)


def test_a_damaged_checkpoint_costs_an_epoch_and_no_more(
    spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    def stop_in_the_last_epoch(progress: Progress) -> None:
        if progress.done == progress.total:
            raise KeyboardInterrupt

    whole = train(spec, 0, images, device=CPU, folder=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(spec, 0, images, device=CPU, folder=tmp_path / "broken", on_progress=stop_in_the_last_epoch)
    newest = max((tmp_path / "broken").glob("checkpoint-*"))
    newest.write_bytes(newest.read_bytes()[:1000])
    seen: list[Progress] = []
    resumed = train(spec, 0, images, device=CPU, folder=tmp_path / "broken", on_progress=seen.append)
    assert seen[0].text == f"{newest.name} damaged, 2 epochs kept"
    assert seen[0].done == 2 * 5
    assert resumed.weights_sha256 == whole.weights_sha256


@pytest.mark.parametrize("change", [{"channels_last": True}, {"color": "rgb"}])
def test_the_folder_of_another_training_is_refused(
    spec: TrainingSpec, images: TrainingImages, tmp_path: Path, change: dict[str, object]
) -> None:
    short = spec.unregularized.replaced(optimisation={"epochs": 1, "batch_size": 32})
    train(short, 0, images, device=CPU, folder=tmp_path)
    with pytest.raises(WeightsDamaged, match="another training"):
        train(short.replaced(**change), 0, images, device=CPU, folder=tmp_path)
    with pytest.raises(WeightsDamaged, match="another training"):
        train(short, 1, images, device=CPU, folder=tmp_path)


def test_a_training_that_an_earlier_version_began_is_still_this_one(
    spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    """Or its folder would be refused, and its weights have another name."""
    short = spec.unregularized.replaced(optimisation={"epochs": 1, "batch_size": 32})
    result = train(short, 3, images, device=CPU, folder=tmp_path)
    assert weights.load(tmp_path / str(result.weights))[1] == {"identity": "b8e963819f23de12"}


def test_a_loss_that_is_not_finite_ends_as_diverged_with_epoch_and_step(
    spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    wild = spec.replaced(optimisation=spec.optimisation.replaced(learning_rate=1e30).model_dump())
    result = train(wild, 0, images, device=CPU, folder=tmp_path)
    assert result.status == "diverged"
    assert result.reason is not None
    assert result.reason.endswith(" at epoch 1/4, step 2/5")
    assert (result.weights, result.best_epoch, result.epochs) == (None, None, ())
    assert train(wild, 0, images, device=CPU, folder=tmp_path) == result


def test_a_validation_loss_that_is_not_finite_ends_as_diverged(
    spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    """The loss of the only step is that of the weights before it."""
    optimisation = spec.optimisation.replaced(batch_size=81, learning_rate=1e30)
    wild = spec.unregularized.replaced(optimisation=optimisation.model_dump())
    result = train(wild, 0, images, device=CPU, folder=tmp_path)
    assert (result.status, result.epochs, result.weights) == ("diverged", (), None)
    assert result.reason in [f"the validation loss is {number} after epoch 1/4" for number in ("inf", "nan")]


def test_an_empty_pair_range_is_refused_before_the_first_step(
    spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    assert spec.regularizer
    empty = spec.regularizer.replaced(pair_range="high", threshold=0.99)
    with pytest.raises(EmptyPairRange):
        train(spec.replaced(regularizer=empty.model_dump()), 0, images, device=CPU, folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_trained_model_classifies_as_it_did_in_its_best_epoch(
    spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    # after 4 epochs it gets 44 or 60 of the 90 right, as the processor rounds
    longer = spec.optimisation.replaced(epochs=12, epochs_per_phase=4).model_dump()
    digits = spec.replaced(classification="mnist", optimisation=longer)
    images = replace(images, task=images.task._replace(pixel_scaling="raw"))
    result = train(digits, 0, images, device=CPU, folder=tmp_path)
    assert result.weights
    assert result.best_epoch is not None
    model = load_trained(digits, tmp_path, result.weights, images.task, CPU)
    assert not model.training
    assert model.pixel_scaling == "raw"
    seen, labels = Batches(digits, 0, images, CPU).validation
    with torch.inference_mode():
        accuracy = (model(unit_pixels(images.images)).argmax(1) == images.labels).double().mean().item()
        logits = model(unit_pixels(seen)).double()
    assert accuracy > 0.5
    best = result.epochs[result.best_epoch]
    assert (logits.argmax(1) == labels).double().mean().item() == best.validation_accuracy
    assert F.cross_entropy(logits, labels).item() == pytest.approx(best.validation_loss, abs=1e-5)
    assert len({report.validation_loss for report in result.epochs}) == len(result.epochs)
    path = tmp_path / result.weights
    tensors, _ = weights.load(path)
    assert any(name.startswith("similarity.") for name in tensors)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WeightsDamaged, match=result.weights):
        load_trained(digits, tmp_path, result.weights, images.task, CPU)


OWN = OwnCode(
    (
        (
            "mine.py",
            """
import numpy
import torch

class Noisy(torch.nn.Module):
    def __init__(self, channels, classes, size, base_width):
        super().__init__()
        self.conv = torch.nn.Conv2d(channels, base_width, 3, 2)
        self.linear = torch.nn.Linear(base_width, classes)

    def taps(self, x):
        return [torch.nn.functional.dropout(self.conv(x).relu(), 0.2, self.training)]

    def forward(self, x):
        return self.linear(self.taps(x)[0].mean((2, 3)))

class Raw(Noisy):
    def taps(self, x):
        return [x, x.square()]

    def forward(self, x):
        return self.linear(self.conv(x).mean((2, 3)))

class Counting(Noisy):
    def __init__(self, **shape):
        super().__init__(**shape)
        self.register_buffer("steps", torch.zeros(()))

def penalty(model, images, labels, power=2, scale=1.0):
    noisy = images + 0.1 * torch.randn_like(images)
    return scale * (model(noisy) - model(images)).abs().pow(power).mean()

def vector(model, images, labels):
    return model(images).mean(0)

def detached(model, images, labels):
    return model(images).square().mean().detach()

def leaf(model, images, labels):
    return torch.zeros((), requires_grad=True)

def drawing(model, images, labels):
    print(torch.rand(()).item())
    return model(images).square().mean()

def hinge(model, images, labels):
    loss = model(images).square().mean()
    return loss if numpy.random.rand() < 0.5 else torch.tensor(0.0)

def in_place(model, images, labels):
    loss = model(images.mul_(0.9)).square().mean()
    labels.zero_()
    return loss

def in_its_own_place(model, images, labels):
    return model(0.9 * images).square().mean()

def late_buffer(model, images, labels):
    network = model.network.module
    if not hasattr(network, "count"):
        network.register_buffer("count", torch.zeros(()))
    return model(images).square().mean()

def late_head(model, images, labels):
    network = model.network.module
    if not hasattr(network, "head"):
        network.head = torch.nn.Linear(3, 2)
    return network.head(model(images)).square().mean()

def wider(model, images, labels):
    model.network.module.steps = torch.zeros(2)
    return model(images).square().mean()

def narrower(model, images, labels):
    if hasattr(model.network.module, "steps"):
        del model.network.module.steps
    return model(images).square().mean()

def cutout(model, images, labels, side):
    top, left = torch.randint(28 - side, (2,)).tolist()
    images[..., top:top + side, left:left + side] = 0
    return images

def nothing(model, images, labels):
    return images

def some(model, images, labels):
    return images[1:]

def bytes(model, images, labels):
    return (images * 255).to(torch.uint8)

def first_epoch(model, images, labels):
    network = model.network.module
    network.steps += 1
    return model(images).square().mean() if network.steps <= 5 else torch.tensor(0.0)
""",
        ),
    )
)


def own(spec: TrainingSpec, network: str = "Noisy", **penalty: object) -> TrainingSpec:
    """The training with a network of one's own and a penalty."""
    spec = spec.replaced(network=NetworkSpec(architecture=f"mine.py:{network}", base_width=4).model_dump())
    return spec.replaced(penalty=PenaltySpec(**{"function": "mine.py:penalty", "weight": 1} | penalty).model_dump())


@pytest.mark.parametrize("regularized", [True, False])
def test_own_code_trains_beside_the_similarity_loss_and_without(
    regularized: bool, spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    spec = own(spec if regularized else spec.unregularized)
    result = train(spec, 0, images, device=CPU, folder=tmp_path, code=OWN)
    assert result.status == "ok"
    assert all((report.similarity_loss is None) != regularized for report in result.epochs)
    assert result.epochs[-1].task_loss < result.epochs[0].task_loss
    assert result.weights
    model = load_trained(spec, tmp_path, result.weights, images.task, CPU, OWN)
    assert model(unit_pixels(images.images)).shape == (90, 3)


@pytest.mark.parametrize(
    ("network", "function"), [("Noisy", "penalty"), ("Noisy", None), ("Counting", "first_epoch")], ids=str
)
def test_a_training_with_randomness_or_a_schedule_of_its_own_goes_on_to_the_same_weights(
    network: str, function: str | None, spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    spec = own(spec, network, function=f"mine.py:{function}")
    spec = spec if function else spec.replaced(penalty=None)

    def stop(progress: Progress) -> None:
        if progress.text.startswith("epoch 3"):
            raise KeyboardInterrupt

    whole = train(spec, 0, images, device=CPU, folder=tmp_path / "whole", code=OWN)
    torch.manual_seed(5)
    with pytest.raises(KeyboardInterrupt):
        train(spec, 0, images, device=CPU, folder=tmp_path / "stopped", code=OWN, on_progress=stop)
    assert epochs_of(tmp_path / "stopped") == 2
    torch.manual_seed(6)
    assert timeless(train(spec, 0, images, device=CPU, folder=tmp_path / "stopped", code=OWN)) == timeless(whole)


@pytest.mark.parametrize(
    "perturbation",
    [
        PerturbationSpec(kind="gaussian", epsilon=0.1),
        PerturbationSpec(kind="adversarial", epsilon=0.03, steps=2),
        PerturbationSpec(kind="mine.py:cutout", options={"side": 8}),
    ],
    ids=lambda spec: spec.kind,
)
def test_a_training_on_perturbed_images_differs_from_its_baseline_and_goes_on_to_the_same_weights(
    perturbation: PerturbationSpec, spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    spec = spec.replaced(perturbation=perturbation.model_dump())

    def stop(progress: Progress) -> None:
        if progress.text.startswith("epoch 3"):
            raise KeyboardInterrupt

    whole = train(spec, 0, images, device=CPU, folder=tmp_path / "whole", code=OWN)
    with pytest.raises(KeyboardInterrupt):
        train(spec, 0, images, device=CPU, folder=tmp_path / "stopped", code=OWN, on_progress=stop)
    torch.manual_seed(6)
    assert timeless(train(spec, 0, images, device=CPU, folder=tmp_path / "stopped", code=OWN)) == timeless(whole)
    plain = train(spec.replaced(perturbation=None), 0, images, device=CPU, folder=tmp_path / "plain")
    assert plain.weights_sha256 != whole.weights_sha256
    assert whole.epochs[-1].task_loss < whole.epochs[0].task_loss


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "returns every image of an epoch as it was given, so nothing is learned from it"),
        ("some", r"returns a tensor \(15, 1, 28, 28\) of torch.float32, not float32 images \(16, 1, 28, 28\)"),
        ("bytes", r"returns a tensor \(16, 1, 28, 28\) of torch.uint8, not float32 images \(16, 1, 28, 28\)"),
    ],
)
def test_a_perturbation_that_changes_no_image_or_gives_none_is_refused(
    name: str, said: str, spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    wrong = spec.replaced(perturbation=PerturbationSpec(kind=f"mine.py:{name}").model_dump())
    with pytest.raises(SpecError, match=rf"mine\.py:{name} {said}"):
        train(wrong, 0, images, device=CPU, folder=tmp_path, code=OWN)


def test_own_code_draws_anew_in_each_step_of_each_epoch_and_seed(
    spec: TrainingSpec, images: TrainingImages, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = spec.unregularized.replaced(optimisation=spec.optimisation.replaced(epochs=2).model_dump())
    for seed in range(2):
        train(own(short, function="mine.py:drawing"), seed, images, device=CPU, folder=tmp_path / str(seed), code=OWN)
    drawn = capsys.readouterr().out.split()
    assert len(set(drawn)) == len(drawn) == 2 * 2 * 5


@pytest.mark.parametrize("scaling", ["raw", "centered"])
def test_a_penalty_may_write_over_the_batch_that_it_is_given(
    scaling: str, spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    images = replace(images, task=images.task._replace(pixel_scaling=scaling))
    results = [
        timeless(train(own(spec, function=f"mine.py:{name}"), 0, images, device=CPU, folder=tmp_path / name, code=OWN))
        for name in ("in_place", "in_its_own_place")
    ]
    assert results[0].epochs == results[1].epochs
    assert results[0].status == "ok"


def test_a_penalty_that_is_not_finite_is_called_so(spec: TrainingSpec, images: TrainingImages, tmp_path: Path) -> None:
    wild = own(spec, options={"scale": 1e30, "power": 9})
    result = train(wild, 0, images, device=CPU, folder=tmp_path, code=OWN)
    assert result.status == "diverged"
    assert result.reason
    assert re.match(r"the (penalty|cross-entropy) is (inf|nan) at epoch 1/4, step \d/5", result.reason)


def test_tap_weights_that_are_not_finite_end_as_diverged(
    spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    """No loss of the only step shows them, nor do images that are classified without them."""
    assert spec.regularizer
    wild = spec.replaced(
        network=NetworkSpec(architecture="mine.py:Raw").model_dump(),
        regularizer=spec.regularizer.replaced(alpha=1e300).model_dump(),
        optimisation=spec.optimisation.replaced(batch_size=81).model_dump(),
    )
    result = train(wild, 0, images, device=CPU, folder=tmp_path, code=OWN)
    assert (result.status, result.epochs, result.weights) == ("diverged", (), None)
    assert result.reason == "the weight of a tap is nan after epoch 1/4"


def test_a_penalty_that_is_no_scalar_is_refused(spec: TrainingSpec, images: TrainingImages, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"mine\.py:vector returns a tensor \(3,\), not a scalar tensor"):
        train(own(spec, function="mine.py:vector"), 0, images, device=CPU, folder=tmp_path, code=OWN)


@pytest.mark.parametrize("name", ["detached", "leaf"])
def test_a_penalty_that_no_model_learns_from_is_refused(
    name: str, spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    with pytest.raises(SpecError, match=rf"mine\.py:{name} returns a number without a gradient"):
        train(own(spec, function=f"mine.py:{name}"), 0, images, device=CPU, folder=tmp_path, code=OWN)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("late_buffer", "count"),
        ("late_head", "head.bias, module.head.weight"),
        ("wider", "steps"),
        ("narrower", "steps"),
    ],
)
def test_what_own_code_makes_while_the_network_learns_is_refused_before_its_weights_are_kept(
    name: str, made: str, spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    """The network that they are loaded into, here after a kill or in an evaluation, is made without it."""
    with pytest.raises(SpecError, match=rf"while the network learned: module\.{made}; make them where"):
        train(own(spec, "Counting", function=f"mine.py:{name}"), 0, images, device=CPU, folder=tmp_path, code=OWN)
    assert not [*tmp_path.iterdir()]


def test_a_penalty_may_depend_on_the_model_in_some_steps_only(
    spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    result = train(own(spec, function="mine.py:hinge"), 0, images, device=CPU, folder=tmp_path, code=OWN)
    assert result.status == "ok"


@pytest.mark.parametrize(("name", "options"), [("center", {"warm_up": 15}), ("smoothed", {"amount": 0.1})])
def test_the_penalties_of_the_page_on_own_code_are_learned_from(
    name: str, options: dict[str, float], spec: TrainingSpec, images: TrainingImages, tmp_path: Path
) -> None:
    network = NetworkSpec(architecture="penalties.py:Centered", base_width=2)
    penalty = PenaltySpec(function=f"penalties.py:{name}", weight=1, options=options)
    spec = spec.unregularized.replaced(network=network.model_dump(), penalty=penalty.model_dump())
    result = train(spec, 0, images, device=CPU, folder=tmp_path, code=PENALTIES)
    assert result.status == "ok"
    assert result.weights
    tensors, _ = weights.load(tmp_path / result.weights)
    steps, centers = (tensors[f"model.network.module.{part}"] for part in ("steps", "centers"))
    assert bool(steps == 5 * (result.best_epoch + 1)) == bool(centers.abs().sum() > 0) == (name == "center")
