"""Numbers computed by the authors' own code, reproduced; `HARNESS_GOLDEN` names other files of the same form.

Everything (channels, sizes, thresholds, ranges, network) is read off the arrays' names and shapes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from harness.models.architecture import BLOCKS, ClassifierShape
from harness.models.pixels import PixelModel, for_evaluation, unit_pixels
from harness.models.resnet import ResNet
from harness.regularization.loss import similarity_loss
from harness.regularization.numbering import pair_of
from harness.regularization.ranges import members, pair_ranges
from harness.regularization.similarity import row_similarity, similarity_matrix, unit_rows
from harness.regularization.targets import target_values
from harness.spec.training import NetworkSpec, OptimisationSpec, RegularizerSpec, TrainingSpec
from harness.training.batch import Batch, PairImages
from harness.training.learner import Learner
from harness.training.schedule import learning_rate

Golden = dict[str, NDArray[np.generic]]

ROOT = Path(__file__).parents[1]
FILES = (
    [Path(name) for name in os.environ["HARNESS_GOLDEN"].split(":") if name]
    if "HARNESS_GOLDEN" in os.environ
    else sorted((ROOT / "../shared/golden").glob("*.npz"))
)


@pytest.fixture(
    scope="module",
    params=FILES
    or [pytest.param(None, marks=pytest.mark.skip(reason="no golden numbers; HARNESS_GOLDEN names files"))],
    ids=[path.stem for path in FILES] or None,
)
def golden(request: pytest.FixtureRequest) -> Golden:
    with np.load(request.param) as arrays:
        return {name: arrays[name] for name in arrays.files}


def thresholds(golden: Golden) -> dict[str, float]:
    """The thresholded targets in the file, with their thresholds; the one that names none has the paper's 0.8."""
    found = [(name, re.fullmatch(r"S_th([\d.]*)", name)) for name in golden]
    return {name: float(match[1] or 0.8) for name, match in found if match}


def test_pixel_similarity(golden: Golden) -> None:
    rows = unit_rows(torch.from_numpy(golden["reg_images_u8"]))
    expected = torch.from_numpy(golden["S_pixel"])
    i, j = torch.cartesian_prod(*[torch.arange(len(rows))] * 2).T
    torch.testing.assert_close(similarity_matrix(rows), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(row_similarity(rows, i, j).view_as(expected), expected, atol=1e-5, rtol=0)


def test_thresholded_targets(golden: Golden) -> None:
    similarity = similarity_matrix(unit_rows(torch.from_numpy(golden["reg_images_u8"])))
    for name, threshold in thresholds(golden).items():
        spec = RegularizerSpec(target="threshold", alpha=10, threshold=threshold, images="any")
        torch.testing.assert_close(target_values(similarity, spec), torch.from_numpy(golden[name]), rtol=0, atol=0)


def test_pairs_of_each_range(golden: Golden) -> None:
    rows = unit_rows(torch.from_numpy(golden["reg_images_u8"]))
    found = {
        name: match for name in golden if (match := re.fullmatch(r"pairs_(\w+?)_th([\d.]+)(?:_th([\d.]+))?", name))
    }
    assert found
    for name, match in found.items():
        ranges = pair_ranges(float(match[2]), float(match[3]) if match[3] else None)
        pairs = torch.stack(pair_of(members(rows, ranges[match[1]])), dim=1)
        assert sorted(pairs.tolist()) == golden[name].tolist(), name


def test_arctanh_loss(golden: Golden) -> None:
    x, y = torch.from_numpy(golden["atanh_x"]), torch.from_numpy(golden["atanh_y"])
    assert similarity_loss(x, y, "arctanh", "code").item() == pytest.approx(golden["atanh_loss"].item(), rel=1e-5)
    assert similarity_loss(x, y, "arctanh", "paper").item() == pytest.approx(
        golden["atanh_loss"].item() * len(x) / 4, rel=1e-5
    )


# The authors' names of a block's parts, and ours.
PARTS = {
    "layer0.0": "first.conv",
    "layer0.1": "first.norm",
    "layer1.1": "second.conv",
    "layer1.2": "second.norm",
    "shortcut.0": "shortcut.conv",
    "shortcut.1": "shortcut.norm",
}


def our_name(theirs: str) -> str:
    """Our name of a network's parameter or running statistic, from the authors'."""
    theirs = re.sub(r"^core\.sections\.0\.0", "stem.conv", theirs)
    theirs = re.sub(r"^core\.sections\.0\.1", "stem.norm", theirs)
    theirs = re.sub(r"^core\.sections\.(\d)", lambda match: f"stages.{int(match[1]) - 1}", theirs)
    return re.sub(r"(layer\d|shortcut)\.\d", lambda match: PARTS[match[0]], theirs)


def initial_state(golden: Golden) -> dict[str, Tensor]:
    """The network's initial state under our names."""
    own = ("init/core.", "init/linear.")
    return {
        our_name(name.removeprefix("init/")): torch.from_numpy(array)
        for name, array in golden.items()
        if name.startswith(own)
    }


def architecture(state: dict[str, Tensor]) -> str:
    """The name of the network with as many blocks in each stage."""
    places = [re.match(r"stages\.(\d)\.(\d)\.", name) for name in state]
    blocks = {(int(place[1]), int(place[2])) for place in places if place}
    counts = tuple(sum(stage == number for stage, _ in blocks) for number in range(4))
    return {value: name for name, value in BLOCKS.items()}[counts]


@pytest.fixture
def network(golden: Golden) -> ResNet:
    state = initial_state(golden)
    base_width, channels, *_ = state["stem.conv.weight"].shape
    size = golden["test_images_u8"].shape[2:]
    found = ResNet(architecture(state), base_width, ClassifierShape(channels, len(state["linear.bias"]), size))
    found.load_state_dict(state)
    return found


@pytest.mark.parametrize("folded", [False, True], ids=["as it is", "folded"])
def test_evaluation_logits(golden: Golden, network: ResNet, folded: bool) -> None:
    model = for_evaluation(network, "centered") if folded else PixelModel(network, "centered").eval()
    with torch.inference_mode():
        logits = model(unit_pixels(torch.from_numpy(golden["test_images_u8"])))
    torch.testing.assert_close(logits, torch.from_numpy(golden["eval_logits"]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("folded", [False, True], ids=["as it is", "folded"])
def test_signs_of_the_input_gradient(golden: Golden, network: ResNet, folded: bool) -> None:
    model = for_evaluation(network, "centered") if folded else PixelModel(network, "centered").eval()
    images = unit_pixels(torch.from_numpy(golden["test_images_u8"])).requires_grad_()
    loss = F.cross_entropy(model(images), torch.from_numpy(golden["test_labels"]), reduction="sum")
    [gradient] = torch.autograd.grad(loss, images)
    agreement = (gradient.sign() == torch.from_numpy(golden["fgsm_sign"])).double().mean()
    assert agreement > 0.999  # a gradient that is zero but for rounding has no sign to agree on


def test_learning_rates(golden: Golden) -> None:
    expected = golden["lr_by_epoch"].tolist()
    found = [learning_rate(OptimisationSpec(), epoch) for epoch in range(len(expected))]
    assert found == pytest.approx(expected, rel=1e-12)


def learner_of(golden: Golden, network: ResNet) -> Learner:
    """The released code's initial state, with the hyperparameters of the recorded steps."""
    state = initial_state(golden)
    spec = TrainingSpec(
        classification="cifar10",
        network=NetworkSpec(architecture=architecture(state), base_width=len(state["stem.conv.weight"])),
        regularizer=RegularizerSpec(target="threshold", alpha=10, threshold=0.3, images="cifar10"),
        optimisation=OptimisationSpec(learning_rate=0.1, momentum=0.9, weight_decay=0),
    )
    learner = Learner(spec, network, "centered", torch.device("cpu"))
    assert learner.similarity
    learner.similarity.weights.data.copy_(torch.from_numpy(golden["init/layer_weight"]))
    for tap, mean in enumerate(learner.similarity.running_means):
        mean.copy_(torch.from_numpy(golden[f"init/running_mean.{tap}"]))
    return learner


def batches(golden: Golden) -> list[Batch]:
    """The recorded classification batches and pairs."""
    steps = len(golden["step_cls_loss"])
    pairs = torch.from_numpy(golden["step_pairs"])
    images = torch.from_numpy(golden["reg_images_u8"])
    targets = torch.from_numpy(golden["S_th0.3"])[pairs[:, 0], pairs[:, 1]]
    return [
        Batch(images_of_step, labels, PairImages(images[chosen[:, 0]], images[chosen[:, 1]], goal))
        for images_of_step, labels, chosen, goal in zip(
            torch.from_numpy(golden["cls_images_u8"]).chunk(steps),
            torch.from_numpy(golden["cls_labels"]).chunk(steps),
            pairs.chunk(steps),
            targets.chunk(steps),
            strict=True,
        )
    ]


def test_gradient_steps(golden: Golden, network: ResNet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounding grows: two runs of the authors' code differ by 1e-5 at step 2 and by 1e-3 at step 4."""
    learner = learner_of(golden, network)
    assert learner.similarity
    compare, similarities = learner.similarity.similarities, []

    def watched(*taps: Sequence[Tensor]) -> Tensor:
        similarities.append(compare(*taps))
        return similarities[-1]

    monkeypatch.setattr(learner.similarity, "similarities", watched)
    steps, gammas = [], []
    for batch in batches(golden):
        steps.append(learner.step(batch, learning_rate=0.1))
        gammas.append(learner.gammas)
    for number, tolerance in enumerate((1e-4, 1e-4, 1e-2, 1e-2)):
        losses = [float(golden[f"step_{part}_loss"][number]) for part in ("cls", "sim")]
        assert steps[number].losses.tolist() == pytest.approx(losses, rel=tolerance)
        assert similarities[number].tolist() == pytest.approx(golden["step_sim"][number].tolist(), abs=tolerance)
        assert gammas[number] == pytest.approx(golden["step_gamma"][number].tolist(), abs=tolerance)
    for tap, mean in enumerate(learner.similarity.running_means):
        expected = torch.from_numpy(golden[f"final/running_mean.{tap}"])
        assert (mean - expected).norm() < 5e-2 * expected.norm()
