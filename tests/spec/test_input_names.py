from __future__ import annotations

import pytest

from harness.spec import CheckpointSpec, Input, RegularizerSpec, RobustBenchSpec, TrainingSpec
from harness.spec.inputs import Kind
from harness.spec.training import NetworkSpec


@pytest.mark.parametrize(
    ("wanted", "text", "kind"),
    [
        (Input.images("cifar10", "train"), "cifar10/train", "images"),
        (Input.images("cifar10-c", "fog"), "cifar10-c/fog", "images"),
        (Input.recorded("v1", "neural"), "v1/neural", "recorded"),
        (Input.recorded("v1", "raw"), "v1/raw", "recorded"),
        (Input.weights("vgg19"), "vgg19/weights", "weights"),
        (Input.code("pgd.py:attack"), "pgd.py/code", "code"),
        (Input.file("robust.pt"), "robust.pt/file", "file"),
    ],
)
def test_an_input_is_written_as_name_and_part_and_read_again(wanted: Input, text: str, kind: Kind) -> None:
    assert (str(wanted), wanted.kind) == (text, kind)
    assert Input.parsed(text) == wanted


def test_a_regularizer_reads_images_or_what_was_recorded_and_what_makes_features() -> None:
    def read(target: str) -> list[str]:
        return [str(each) for each in RegularizerSpec(target=target, images="these", alpha=1).inputs]

    assert read("pixel") == ["these/train"]
    assert read("raw") == ["these/raw"]
    assert read("features") == ["these/train", "vgg19/weights"]


def test_a_training_reads_its_images_once_and_all_that_its_regularizer_and_own_code_do() -> None:
    def read(**regularizer: object) -> list[str]:
        spec = TrainingSpec(
            classification="digits",
            network=NetworkSpec(architecture="mine.py:Net"),
            regularizer=RegularizerSpec.model_validate({"images": "digits", "alpha": 1} | regularizer),
        )
        return [str(each) for each in spec.inputs]

    assert read(target="features") == ["digits/train", "vgg19/weights", "mine.py/code"]
    assert read(target="neural", images="v1") == ["digits/train", "v1/neural", "mine.py/code"]
    assert read(target="mine.py:gist", images="other") == ["digits/train", "other/train", "mine.py/code"]


def test_what_was_trained_elsewhere_has_weights_in_the_data_folder_or_beside_the_suite() -> None:
    published = RobustBenchSpec(model="Standard")
    own = CheckpointSpec(function="mine.py:f", weights="mine.pt", classification="digits")
    weights = published.weights_input(0), own.weights_input(0)
    assert [str(each) for each in weights] == ["robustbench-standard/weights", "mine.pt/file"]
    assert [str(each) for each in published.inputs] == ["robustbench-standard/weights"]
    assert [str(each) for each in own.inputs] == ["mine.pt/file", "mine.py/code"]


def test_weights_over_seeds_are_a_file_of_each_seeds_own() -> None:
    own = CheckpointSpec(function="mine.py:f", weights="mine-{seed}.pt", classification="digits")
    assert [str(own.weights_input(seed)) for seed in (0, 12)] == ["mine-0.pt/file", "mine-12.pt/file"]
    assert [str(each) for each in own.inputs] == ["mine.py/code"]
