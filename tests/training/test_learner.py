from __future__ import annotations

import copy
import gc
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import Mock, patch

import pytest
import torch
from own_code import code_of
from pretended_device import DEVICE, pretended_device, pretended_graphs
from torch import Tensor, nn
from torch.nn import functional as F

from harness.models.architecture import ClassifierShape
from harness.models.pixels import unit_pixels
from harness.models.resnet import build
from harness.own_code import NO_CODE, OwnCode
from harness.regularization.loss import SimilarityLoss
from harness.regularization.penalty import Penalty
from harness.spec.training import NetworkSpec, PenaltySpec, PerturbationSpec, Precision, TrainingSpec
from harness.suites.devices import get_device
from harness.training.batch import Batch, PairImages
from harness.training.batches import Batches
from harness.training.images import TrainingImages
from harness.training.learner import Learner
from harness.training.perturbation import adversarial
from harness.training.replay import WARM_UP, StepGraph

CPU = torch.device("cpu")
WIDE = NetworkSpec(base_width=16)  # wide enough for channels last on a CPU


PENALTY = PenaltySpec(function="mine.py:penalty", weight=3)
ADVERSARIAL = PerturbationSpec(kind="adversarial", epsilon=0.1, steps=2).model_dump()
GAUSSIAN = PerturbationSpec(kind="gaussian", epsilon=0.1).model_dump()
SQUARES = code_of("def penalty(model, images, labels):\n    return model(images).square().mean()\n")


def learner_of(spec: TrainingSpec, device: torch.device = CPU, code: OwnCode = NO_CODE) -> Learner:
    return Learner(spec, build(spec.network, ClassifierShape(1, 3, (28, 28)), seed=0), "centered", device, code)


@pytest.fixture
def batches(spec: TrainingSpec, images: TrainingImages) -> list[Batch]:
    return list(Batches(spec, 0, images, CPU).epoch(0))


@pytest.mark.parametrize("penalized", [False, True])
def test_a_step_is_three_passes_and_one_descent(spec: TrainingSpec, batches: list[Batch], penalized: bool) -> None:
    """The same step, written out once more with nothing shared but the network and L_sim."""
    learner = learner_of(spec.replaced(penalty=PENALTY.model_dump() if penalized else None), code=SQUARES)
    network, similarity = copy.deepcopy(learner.model.network), copy.deepcopy(learner.similarity)
    assert similarity
    batch = batches[0]
    assert batch.pairs
    step = learner.step(batch, learning_rate=0.05)

    centered = [5 * (images / 255 - 0.5) for images in (batch.images, batch.pairs.rows, batch.pairs.columns)]
    logits = network(centered[0])
    task_loss = F.cross_entropy(logits, batch.labels)
    similarity_loss = similarity(network.taps(centered[1]), network.taps(centered[2]), batch.pairs.targets)
    losses = [task_loss, similarity_loss, *([network(centered[0]).square().mean()] if penalized else [])]
    sum(weight * loss for weight, loss in zip((1, 2, 3), losses, strict=False)).backward()
    assert learner.parts == ("cross-entropy", "similarity loss", "penalty")[: len(losses)]
    torch.testing.assert_close(step.losses, torch.stack(losses).detach())
    assert step.correct == (logits.argmax(1) == batch.labels).sum()
    assert not any(part.requires_grad for part in step)  # or an epoch's steps would keep their maps
    for module, copied in ((learner.model.network, network), (learner.similarity, similarity)):
        for after, before in zip(module.parameters(), copied.parameters(), strict=True):
            gradient = torch.zeros_like(before) if before.grad is None else before.grad
            torch.testing.assert_close(after.detach(), (before - 0.05 * gradient).detach())
    for after_buffer, buffer in zip(learner.model.network.buffers(), network.buffers(), strict=True):
        torch.testing.assert_close(after_buffer, buffer)


def test_running_statistics_see_the_three_passes_one_after_the_other(spec: TrainingSpec, batches: list[Batch]) -> None:
    learner = learner_of(spec)
    norm = learner.model.network.stem.norm
    learner.step(batches[0], learning_rate=0.05)
    assert norm.num_batches_tracked == 3
    learner = learner_of(spec.unregularized)
    learner.step(batches[0]._replace(pairs=None), learning_rate=0.05)
    assert learner.model.network.stem.norm.num_batches_tracked == 1


def test_a_step_of_adversarial_training_is_one_on_the_attacked_images_and_the_attack_leaves_no_trace(
    spec: TrainingSpec, images: TrainingImages
) -> None:
    attacked = spec.replaced(perturbation=ADVERSARIAL)
    batch = next(iter(Batches(attacked, 0, images, CPU).epoch(0)))
    assert batch.streams is not None
    learner, plain = learner_of(attacked), learner_of(spec)
    pixels = unit_pixels(batch.images)
    found = adversarial(plain.model.eval(), pixels, batch.labels, batch.streams, epsilon=0.1, steps=2)
    assert (found - pixels).abs().max() > 0.09
    as_pixels = Mock(side_effect=[found, *map(unit_pixels, batch.pairs[:2] if batch.pairs else ())])
    with patch("harness.training.learner.unit_pixels", as_pixels):
        expected = plain.step(batch, 0.05)
    assert torch.equal(learner.step(batch, 0.05).losses, expected.losses)
    state = learner.training_state()
    assert all(torch.equal(tensor, state[name]) for name, tensor in plain.training_state().items())


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_perturbation_that_asks_the_model_without_gradients_keeps_it_from_learning_nothing(
    precision: Precision, spec: TrainingSpec, batches: list[Batch]
) -> None:
    """Autocast would keep the weights that it has cast there, which know of no gradient."""
    code = code_of(
        "import torch\n"
        "@torch.inference_mode()\n"
        "def worst(model, images, labels):\n"
        "    assert not model.training\n"
        "    noisy = images + 0.2 * torch.rand_like(images)\n"
        "    wrong = model(noisy).argmax(1) != labels\n"
        "    return torch.where(wrong[:, None, None, None], noisy, images.mul_(0.9))\n"
    )
    own = spec.replaced(precision=precision, perturbation=PerturbationSpec(kind="mine.py:worst").model_dump())
    learner = learner_of(own, code=code)
    before = learner.snapshot()
    kept = batches[0].images.clone()
    learner.step(batches[0], 0.05)
    assert torch.equal(batches[0].images, kept)
    same = [name for name, tensor in learner.named_parameters() if torch.equal(tensor, before[name])]
    assert not same


def test_parameters_that_no_gradient_reaches_stay_as_they_are_and_the_others_learn(
    spec: TrainingSpec, batches: list[Batch]
) -> None:
    def after_steps(change: Callable[[nn.Module], object]) -> Learner:
        network = build(spec.network, ClassifierShape(1, 3, (28, 28)), seed=0)
        change(network)
        learner = Learner(spec, network, "centered", CPU)
        for batch in batches[:2]:
            learner.step(batch, 0.05)
        return learner

    def add_unused(network: nn.Module) -> None:
        network.aside = nn.Linear(2, 2)

    usual = after_steps(lambda network: None).state_dict()
    beside = after_steps(add_unused)
    for name, tensor in beside.state_dict().items():
        torch.testing.assert_close(tensor, usual.get(name, tensor), rtol=0, atol=0)
    assert not any(beside.training_state()[f"momentum.model.network.aside.{name}"].any() for name in ("weight", "bias"))
    frozen = after_steps(lambda network: network.stem.requires_grad_(False)).state_dict()
    before = learner_of(spec).state_dict()
    assert torch.equal(frozen["model.network.stem.conv.weight"], before["model.network.stem.conv.weight"])
    assert not torch.equal(frozen["model.network.linear.weight"], before["model.network.linear.weight"])


def test_a_parameter_may_be_reached_in_a_later_step_for_the_first_time(
    spec: TrainingSpec, batches: list[Batch]
) -> None:
    """As where layers are dropped at random, or a branch is switched on after some steps."""
    learner, late = learner_of(spec), []
    learner.model.network.aside = nn.Linear(3, 3)
    learner = Learner(spec, learner.model.network, "centered", CPU)
    learner.model.network.register_forward_hook(
        lambda network, inputs, logits: network.aside(logits) if late else logits
    )
    before = learner.model.network.aside.weight.detach().clone()
    learner.step(batches[0], 0.05)
    assert torch.equal(learner.model.network.aside.weight, before)
    late.append("now")
    learner.step(batches[1], 0.05)
    assert not torch.equal(learner.model.network.aside.weight, before)


@pytest.mark.parametrize(
    ("changes", "tolerance"), [({"channels_last": True}, 1e-5), ({"precision": "bfloat16"}, 2e-2)], ids=str
)
def test_faster_forms_agree_with_the_reference_on_the_first_step(
    spec: TrainingSpec, batches: list[Batch], changes: dict[str, object], tolerance: float
) -> None:
    spec = spec.replaced(network=WIDE)
    reference, faster = (learner_of(one).step(batches[0], 0.05) for one in (spec, spec.replaced(**changes)))
    torch.testing.assert_close(faster.losses, reference.losses, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_a_gpu_rounds_to_tf32_in_the_steps_of_a_training_that_says_so_and_nowhere_else(
    spec: TrainingSpec, images: TrainingImages, batches: list[Batch], precision: str
) -> None:
    convolutions: Any = torch.backends.cudnn.conv
    found: list[str] = []
    learner = learner_of(spec.replaced(precision=precision))
    stem = learner.model.network.stem
    stem.register_forward_hook(lambda *_: found.append(convolutions.fp32_precision))
    stem.conv.weight.register_hook(lambda gradient: found.append(convolutions.fp32_precision))
    learner.step(batches[0], 0.05)
    assert found == ["tf32" if precision == "tf32" else "ieee"] * (3 + 1)
    found.clear()
    learner.validation(images.images, images.labels)
    assert set(found) == {"ieee"}


def test_parameters_and_losses_stay_float32_under_bfloat16(spec: TrainingSpec, batches: list[Batch]) -> None:
    learner = learner_of(spec.replaced(precision="bfloat16"))
    step = learner.step(batches[0], 0.05)
    assert step.losses.dtype == torch.float32
    assert {tensor.dtype for tensor in learner.training_state().values()} == {torch.float32, torch.int64}


def test_a_penalty_in_bfloat16_is_weighed_in_float32() -> None:
    """Else its weight would be rounded too."""
    code = code_of("def penalty(model, images, labels):\n    return model(images).bfloat16().mean()\n")
    found = Penalty(PENALTY, code)(nn.Identity(), torch.rand(2, 1, 3, 3), torch.arange(2))
    assert found.dtype == torch.float32


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_a_restored_learner_goes_on_bit_for_bit(
    spec: TrainingSpec, batches: list[Batch], channels_last: bool, optimizer: str
) -> None:
    spec = spec.replaced(channels_last=channels_last, network=WIDE, optimisation={"optimizer": optimizer})
    learner, restored = learner_of(spec), learner_of(spec)
    for batch in batches[:2]:
        learner.step(batch, 0.05)
    restored.load_training_state(learner.training_state())
    for batch in batches[2:]:
        learner.step(batch, 0.02)
        restored.step(batch, 0.02)
    expected = learner.training_state()
    assert any(name.startswith("momentum.") for name in expected)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in restored.training_state().items())


def test_a_snapshot_does_not_change_with_later_steps(spec: TrainingSpec, batches: list[Batch]) -> None:
    learner = learner_of(spec)
    snapshot = learner.snapshot()
    kept = copy.deepcopy(snapshot)
    learner.step(batches[0], 0.05)
    state = learner.training_state()
    kept_state = copy.deepcopy(state)
    learner.step(batches[1], 0.05)
    assert all(torch.equal(tensor, kept[name]) for name, tensor in snapshot.items())
    assert all(torch.equal(tensor, kept_state[name]) for name, tensor in state.items())


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_validation_is_loss_and_accuracy_in_eval_mode_and_float32(
    precision: Precision, spec: TrainingSpec, images: TrainingImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.training.learner._VALIDATION_CHUNK", 40)
    learner = learner_of(spec.replaced(precision=precision))
    before = learner.snapshot()
    loss, accuracy = learner.validation(images.images, images.labels)
    with torch.inference_mode():
        logits = learner.model.eval()(unit_pixels(images.images)).double()
    assert loss == pytest.approx(nn.functional.cross_entropy(logits, images.labels).item(), rel=1e-9)
    assert accuracy == (logits.argmax(1) == images.labels).double().mean().item()
    assert all(torch.equal(tensor, before[name]) for name, tensor in learner.snapshot().items())


def test_gammas_start_uniform_and_are_learned(spec: TrainingSpec, batches: list[Batch]) -> None:
    learner = learner_of(spec)
    assert learner.gammas == pytest.approx([0.2] * 5)
    learner.step(batches[0], 0.05)
    assert learner.gammas != pytest.approx([0.2] * 5, abs=1e-6)
    assert sum(learner.gammas) == pytest.approx(1)
    assert learner_of(spec.unregularized).gammas == ()


def test_channels_last_is_left_out_where_the_cpu_would_compute_wrong_gradients(spec: TrainingSpec) -> None:
    """A network of width 2 in channels-last order crashes oneDNN on AVX2; how narrow one's own is, nobody knows."""
    own = NetworkSpec(architecture="mine.py:network")
    for network, built, expected in ((spec.network, spec.network, False), (WIDE, WIDE, True), (own, WIDE, False)):
        changed = spec.replaced(channels_last=True, network=network)
        learner = Learner(changed, build(built, ClassifierShape(1, 3, (28, 28)), seed=0), "centered", CPU)
        kernel = learner.model.network.stages[0][0].first.conv.weight  # type: ignore[index,union-attr]
        assert kernel.is_contiguous(memory_format=torch.channels_last) == expected


def test_gradients_of_the_similarity_loss_keep_the_maps_memory_order(spec: TrainingSpec) -> None:
    """Else every operation behind a tap would convert between the orders of its operands."""
    similarity = SimilarityLoss([3], spec.regularizer) if spec.regularizer else None
    assert similarity
    seen = []
    for order in (torch.channels_last, torch.contiguous_format):
        maps = [torch.rand(2, 3, 4, 5).to(memory_format=order).bfloat16().requires_grad_() for _ in range(2)]
        similarity([maps[0]], [maps[1]], torch.zeros(2)).backward()
        seen += [
            (each.grad.dtype, each.grad.is_contiguous(memory_format=order)) for each in maps if each.grad is not None
        ]
    assert seen == [(torch.bfloat16, True)] * 4


def test_a_learner_is_gone_as_soon_as_nobody_needs_it(spec: TrainingSpec, batches: list[Batch]) -> None:
    """On a GPU gigabytes go with it, which the next training needs."""
    learner = learner_of(spec)
    learner.step(batches[0], 0.05)
    learner.load_training_state(learner.training_state())
    gone = weakref.ref(learner)
    gc.disable()
    try:
        del learner
        assert gone() is None
    finally:
        gc.enable()


def test_a_training_does_not_import_torchs_compiler() -> None:
    code = """
import sys, torch
from harness.models.architecture import ClassifierShape
from harness.models.resnet import build
from harness.spec.training import NetworkSpec, TrainingSpec
from harness.training.batch import Batch
from harness.training.learner import Learner
spec = TrainingSpec(classification="digits", network=NetworkSpec(base_width=2), precision="float32")
learner = Learner(spec, build(spec.network, ClassifierShape(1, 10), seed=0), "raw", torch.device("cpu"))
learner.step(Batch(torch.zeros(2, 1, 32, 32, dtype=torch.uint8), torch.arange(2)), 0.1)
learner.load_training_state(learner.training_state())
sys.exit("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture(params=["sgd", "adamw", "adversarial", "gaussian"])
def uneven(spec: TrainingSpec, request: pytest.FixtureRequest) -> TrainingSpec:
    """Epochs of six batches of 12 images and one of 9, by either optimizer, and of perturbed images."""
    perturbation = {"adversarial": ADVERSARIAL, "gaussian": GAUSSIAN}.get(request.param)
    optimizer = "sgd" if perturbation else request.param
    optimisation = spec.optimisation.replaced(batch_size=12, optimizer=optimizer)
    return spec.replaced(optimisation=optimisation.model_dump(), perturbation=perturbation)


def test_the_steps_of_an_epoch_stay_on_their_device_and_never_wait_for_it(
    uneven: TrainingSpec, images: TrainingImages
) -> None:
    with pretended_device() as device:
        learner, batches = learner_of(uneven, DEVICE), Batches(uneven, 0, images, DEVICE).epoch(0)
        steps = [learner.step(next(batches), 0.05)]
        device.sends.clear()  # what the epoch draws before its first step
        steps += [learner.step(batch, 0.05) for batch in batches]
        assert not device.waits + device.sends
        assert {step.losses.device for step in steps} == {DEVICE}
        steps[-1].losses.tolist()
        assert len(device.waits) == 1


def test_a_step_from_a_pretended_graph_is_the_step_as_it_is(uneven: TrainingSpec, images: TrainingImages) -> None:
    """Also around the smaller batch that ends an epoch, with other learning rates, and after a restart."""
    with pretended_device(), pretended_graphs():
        learner, plain = learner_of(uneven, DEVICE), learner_of(uneven, DEVICE)
        learner._graph = StepGraph(DEVICE)
        for number in range(3):
            if number == 1:
                learner.load_training_state(learner.training_state())
            rate = 0.05 / (1 + number)
            batches = Batches(uneven, 0, images, DEVICE).epoch(number)
            steps = [(learner.step(batch, rate), plain.step(batch, rate)) for batch in batches]
            for step, expected in steps:
                assert torch.equal(step.losses, expected.losses)
        state = learner.training_state()
        for name, tensor in plain.training_state().items():
            assert torch.equal(state[name], tensor)


KINDS = ("momentum.", "squares.", "steps.", "running_", "num_batches_tracked", "")
"""Of a training's state, by a part of the name that no kind before has; the last are parameters."""


def apart(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], before: Mapping[str, Tensor]) -> list[float]:
    """How far two steps end apart, as a share of the way from `before`, for each of KINDS."""
    differences: dict[str, list[Tensor]] = {kind: [] for kind in KINDS}
    ways = copy.deepcopy(differences)
    for name, tensor in expected.items():
        kind = next(kind for kind in KINDS if kind in name)
        differences[kind].append((found[name] - tensor).double().flatten())
        ways[kind].append((tensor - before[name]).double().flatten())
    return [float(torch.cat(differences[kind]).norm() / torch.cat(ways[kind]).norm()) for kind in KINDS if ways[kind]]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_steps_of_an_epoch_never_wait_for_a_gpu(
    precision: Precision, uneven: TrainingSpec, images: TrainingImages
) -> None:
    """In the memory order that is fastest there, replayed and, at the epoch's end, as they are."""
    gpu = torch.device("cuda")
    uneven = uneven.replaced(precision=precision, channels_last=True)
    learner, batches = learner_of(uneven, gpu), list(Batches(uneven, 0, images, gpu).epoch(0))
    for batch in batches[: WARM_UP + 1]:
        learner.step(batch, 0.01)
    torch.cuda.set_sync_debug_mode("error")
    try:
        steps = [learner.step(batch, 0.01) for batch in batches[WARM_UP + 1 :]]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert len({batch.images.shape for batch in batches[WARM_UP + 1 :]}) == 2
    assert torch.stack([step.losses for step in steps]).isfinite().all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_replayed_step_is_the_step_as_it_is(uneven: TrainingSpec, images: TrainingImages) -> None:
    """Also around the smaller batch that ends an epoch, with other learning rates, and after a restart.

    Both begin each step in the same state: cuDNN's fastest algorithms round otherwise each time, and a dozen steps on
    the losses of a network this small would differ in their second digit.
    """
    gpu = torch.device("cuda")
    shown = [batch for number in range(3) for batch in Batches(uneven, 0, images, gpu).epoch(number)]
    learner, plain, host = (learner_of(uneven, device) for device in (gpu, gpu, CPU))
    plain._graph = None
    for number, batch in enumerate(shown):
        rate = 0.01 / (1 + number % 3)
        before = learner.training_state()
        plain.load_training_state(before)
        step, expected = learner.step(batch, rate), plain.step(batch, rate)
        torch.testing.assert_close(step.losses, expected.losses, rtol=1e-3, atol=1e-4)
        assert max(apart(learner.training_state(), plain.training_state(), before)) < 0.25  # of rounding 0.1 at most
        if number == 0:
            streams = None if batch.streams is None else batch.streams.cpu()
            on_host = host.step(Batch(*(part.cpu() for part in batch[:2]), on_cpu(batch), streams), rate)
            torch.testing.assert_close(step.losses.cpu(), on_host.losses, rtol=1e-3, atol=1e-4)
        if number == len(shown) // 2:
            learner.load_training_state(learner.training_state())


@pytest.mark.gpu
@pytest.mark.skipif(not get_device("auto").tf32, reason="no CUDA device with TF32")
def test_a_step_in_tf32_is_float32_but_for_its_rounding(spec: TrainingSpec, images: TrainingImages) -> None:
    gpu = torch.device("cuda")
    batch = next(iter(Batches(spec, 0, images, gpu).epoch(0)))
    exact, rounded = (
        learner_of(spec.replaced(network=WIDE, precision=precision), gpu).step(batch, 0.05).losses
        for precision in ("float32", "tf32")
    )
    assert not torch.equal(rounded, exact)
    torch.testing.assert_close(rounded, exact, rtol=1e-2, atol=1e-3)


def on_cpu(batch: Batch) -> PairImages:
    assert batch.pairs
    return PairImages(*(part.cpu() for part in batch.pairs))
