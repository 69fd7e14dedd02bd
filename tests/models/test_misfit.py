from __future__ import annotations

import pytest
import torch

from harness.data.sets import DATASETS
from harness.data.weights import WEIGHTS
from harness.models import features
from harness.models.misfit import misfit
from harness.models.zoo import architecture
from harness.spec import RobustBenchSpec


@pytest.mark.parametrize("name", WEIGHTS)
def test_all_weights_have_an_architecture_that_nothing_does_not_fit(name: str) -> None:
    assert name not in DATASETS
    assert misfit(name, {}).startswith("Missing key(s) in state_dict")


def test_an_architectures_own_tensors_fit_it_and_those_of_another_are_told_in_one_short_line() -> None:
    modas, standard = RobustBenchSpec(model="Modas2021PRIMEResNet18"), RobustBenchSpec(model="Standard")
    with torch.device("meta"):
        tensors = {spec.weights: architecture(spec).state_dict() for spec in (modas, standard)}
    tensors["vgg19"] = {f"features.{name}": tensor for name, tensor in features.convolutions().state_dict().items()}
    assert {name: misfit(name, own) for name, own in tensors.items()} == dict.fromkeys(tensors, "")
    problem = misfit(modas.weights, tensors[standard.weights])
    assert 'Missing key(s) in state_dict: "mu"' in problem
    assert 'Unexpected key(s) in state_dict: "block1' in problem
    assert "\n" not in problem
    assert len(problem) < 500
