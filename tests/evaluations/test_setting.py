"""Settings are assembled from verified data."""

from __future__ import annotations

import pytest
import torch

from harness.data.splits import open_split
from harness.errors import DataMissing
from harness.evaluations import evaluate, setting_for
from harness.evaluations.setting import chunk_for
from harness.spec import CheckpointSpec, CleanSpec, CorruptionSpec, NetworkSpec, TrainingSpec

CPU = torch.device("cpu")


@pytest.mark.parametrize(("color", "channels"), [("gray", 1), ("rgb", 3)])
def test_the_whole_test_split_is_there_in_the_models_color(digits_dir, color, channels):
    setting = setting_for(CleanSpec(n_images=5), TrainingSpec(classification="digits", color=color), digits_dir, CPU)
    split = open_split(digits_dir, "digits", "test")
    assert setting.images.shape == (len(split.images), channels, 32, 32)
    assert setting.images.dtype == torch.uint8
    assert torch.equal(setting.labels, split.labels)
    assert setting.device == CPU


def test_a_setting_is_enough_to_evaluate(digits_dir, constant):
    setting = setting_for(CleanSpec(), TrainingSpec(classification="digits"), digits_dir, CPU)
    [accuracy] = evaluate(constant([1.0, 0.0]), setting, CleanSpec(n_images=100)).measurements
    assert accuracy.n == 100
    assert accuracy.value == float((setting.labels[:100] == 0).double().mean())


@pytest.mark.parametrize(
    ("network", "instructions", "screened"),
    [
        (NetworkSpec(architecture="resnet34"), True, True),
        (NetworkSpec(), False, False),
        (NetworkSpec(architecture="own.py:network"), True, False),
    ],
)
def test_the_programs_own_networks_are_screened_where_there_are_instructions_for_bfloat16(
    network, instructions, screened, digits_dir, monkeypatch
):
    monkeypatch.setattr("harness.models.bfloat16.cpu_has_bfloat16", lambda: instructions)
    spec = TrainingSpec(classification="digits", network=network)
    assert setting_for(CleanSpec(), spec, digits_dir, CPU).screened is screened


def test_networks_that_were_trained_elsewhere_are_not_screened(digits_dir, monkeypatch):
    monkeypatch.setattr("harness.models.bfloat16.cpu_has_bfloat16", lambda: True)
    spec = CheckpointSpec(function="own.py:network", weights="own.pt", classification="digits", color="gray")
    assert not setting_for(CleanSpec(), spec, digits_dir, CPU).screened


def test_missing_data_is_named_with_the_command_that_brings_it(digits_dir, tmp_path, constant):
    with pytest.raises(DataMissing, match="mnist"):
        setting_for(CleanSpec(), TrainingSpec(classification="mnist"), digits_dir, CPU)
    spec = CorruptionSpec(images="cifar10-c", corruptions=("fog",))
    setting = setting_for(spec, TrainingSpec(classification="digits"), digits_dir, CPU)
    with pytest.raises(DataMissing, match="cifar10-c"):
        evaluate(constant([1.0, 0.0]), setting, spec)


def test_the_first_images_keep_their_places(setting):
    assert torch.equal(setting.first(7).images, setting.images[:7])
    assert torch.equal(setting.first(7).labels, setting.labels[:7])
    assert len(setting.first(None).images) == len(setting.first(10_000).images) == 120


def test_chunks_cover_the_images_in_order(smaller):
    assert [(rows.start, rows.stop) for rows in smaller(100, chunk=48).chunks()] == [(0, 48), (48, 96), (96, 100)]


def test_on_a_gpu_fewer_large_images_are_classified_at_once_and_on_a_cpu_more_in_bfloat16():
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    for precision, on_cpu in (("float32", 100), ("bfloat16", 200)):
        assert [chunk_for(gpu, precision, side * side) for side in (8, 32, 64, 224)] == [2000, 2000, 500, 40]
        assert {chunk_for(cpu, precision, side * side) for side in (8, 32, 64, 224)} == {on_cpu}
