from __future__ import annotations

from typing import get_args

import pytest
from pydantic import ValidationError

from harness.data.weights import get_weights
from harness.errors import SpecError
from harness.spec import CheckpointSpec, RobustBenchSpec, digest
from harness.spec.external import THREAT_MODELS, RobustBenchModel
from harness.spec.problems import validated

MODELS = get_args(RobustBenchModel)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_weights_where_robustbench_looks_for_them(model: RobustBenchModel) -> None:
    spec = RobustBenchSpec(model=model)
    assert get_weights(spec.weights).file == f"robustbench/cifar10/{spec.threat_model}/{model}.pt"
    assert (spec.classification, spec.color, spec.title) == ("cifar10", "rgb", f"{model} (RobustBench)")


def test_the_papers_four_models_are_of_the_threat_models_that_it_names() -> None:
    assert [THREAT_MODELS[model] for model in MODELS] == ["corruptions", "Linf", "L2", "corruptions"]


def test_models_differ_in_identity_and_others_are_refused() -> None:
    assert len({digest(RobustBenchSpec(model=model)) for model in MODELS}) == 4
    with pytest.raises(ValidationError):
        RobustBenchSpec.model_validate({"model": "Wang2023Better"})


def checkpoint(weights: str) -> CheckpointSpec:
    table = {"function": "mine.py:f", "weights": weights, "classification": "digits"}
    return validated(CheckpointSpec, table, "mine.toml")


@pytest.mark.parametrize("weights", ["mine-{seed}.pt", "{seed}.safetensors", "a{seed}b{seed}"])
def test_weights_with_a_seed_in_their_name_are_one_file_for_each(weights: str) -> None:
    assert checkpoint(weights).has_seeds
    assert checkpoint(weights).weights_of(13) == weights.replace("{seed}", "13")


@pytest.mark.parametrize("weights", ["mine-{sed}.pt", "{}.pt", "../mine.pt", ".pt", ""])
def test_weights_are_a_files_name_which_is_said_in_words(weights: str) -> None:
    with pytest.raises(
        SpecError, match=r"mine.toml: weights should be the name of a file, .* with \{seed\} for a seed"
    ):
        checkpoint(weights)
