"""Corrupted sets: one accuracy per corruption and severity, and damaged ones are refused."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from harness.data.splits import Split
from harness.errors import DataDamaged, DataMissing
from harness.evaluations import evaluate


def opening(images, labels):
    return lambda name: Split(images, labels, digest="")


def test_each_severity_is_its_own_block_of_the_stacked_images(setting, linear, spec_of):
    result = evaluate(linear(0), setting, spec_of("corruption"))
    assert [(row.corruption, row.severity) for row in result.measurements] == [
        ("fog", 1), ("fog", 3), ("snow", 1), ("snow", 3),
    ]  # fmt: skip
    darkened = dataclasses.replace(setting, images=setting.images // 3)
    for row, plain in ((0, setting), (1, darkened)):
        [clean] = evaluate(linear(0), plain, spec_of("clean")).measurements
        assert result.measurements[row].value == clean.value


def test_n_images_counts_in_each_severity(setting, linear, spec_of):
    result = evaluate(linear(0), setting, spec_of("corruption", n_images=30))
    darkened = dataclasses.replace(setting, images=setting.images // 3)
    [clean] = evaluate(linear(0), darkened, spec_of("clean", n_images=30)).measurements
    assert (result.measurements[1].value, result.measurements[1].n) == (clean.value, 30)


def test_color_images_are_seen_in_the_models_color(setting, linear, spec_of):
    original = setting.corrupted
    stacked = original("fog")
    colored = opening(stacked.images.repeat(1, 3, 1, 1), stacked.labels)
    gray = evaluate(linear(0), dataclasses.replace(setting, corrupted=colored), spec_of("corruption"))
    assert gray == evaluate(linear(0), setting, spec_of("corruption"))


def test_a_set_may_have_other_images_than_the_test_split(setting, linear, spec_of):
    stacked = setting.corrupted("fog")
    result = evaluate(
        linear(0), dataclasses.replace(setting.first(10), corrupted=lambda name: stacked), spec_of("corruption")
    )
    assert {row.n for row in result.measurements} == {120}


def test_damaged_sets_are_refused_with_what_is_wrong(setting, linear, spec_of):
    good = setting.corrupted("fog")
    shuffled = good.labels.roll(1)
    shuffled[0] = (shuffled[1] + 1) % 10
    for images, labels, message in (
        (good.images[:-1], good.labels[:-1], r"digits-c/fog holds 599 images, .* not 5 severities"),
        (good.images[:0], good.labels[:0], "holds 0 images"),
        (good.images, shuffled, "labels are not the same for each of the 5 severities"),
        (good.images[..., :4], good.labels, "images are 8 x 4, the model's test images 8 x 8"),
    ):
        with pytest.raises(DataDamaged, match=message):
            evaluate(linear(0), dataclasses.replace(setting, corrupted=opening(images, labels)), spec_of("corruption"))


def test_every_corruption_is_opened_before_work_begins(setting, linear, spec_of):
    def missing(name: str) -> Split:
        if name == "snow":
            raise DataMissing("digits-c/snow is not there")
        return setting.corrupted(name)

    model = linear(0)
    with pytest.raises(DataMissing, match="snow"):
        evaluate(model, dataclasses.replace(setting, corrupted=missing), spec_of("corruption"))
    assert model.rows == 0


def test_a_spec_whose_corruptions_are_not_resolved_is_a_mistake(setting, linear, spec_of):
    with pytest.raises(ValueError, match="resolved"):
        evaluate(linear(0), setting, spec_of("corruption", corruptions=None))
    with pytest.raises(ValueError, match="resolved"):
        evaluate(linear(0), dataclasses.replace(setting, corrupted=None), spec_of("corruption"))


def test_labels_need_not_be_on_the_models_device_or_contiguous(setting, linear, spec_of):
    stacked = setting.corrupted("fog")
    strided = torch.stack((stacked.labels, stacked.labels), 1)[:, 0]
    other = dataclasses.replace(setting, corrupted=opening(stacked.images, strided))
    assert evaluate(linear(0), other, spec_of("corruption")) == evaluate(linear(0), setting, spec_of("corruption"))
