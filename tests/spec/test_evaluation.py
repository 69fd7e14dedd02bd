from __future__ import annotations

import pytest

from harness.errors import SpecError
from harness.spec import EVALUATION_SPECS, OwnAttackSpec, OwnMinimalAttackSpec
from harness.spec.problems import validated

FUNCTION = {"function": "own.py:attack"}


@pytest.mark.parametrize("kind", ["own_attack", "own_minimal_attack"])
def test_a_size_in_l2_may_be_larger_than_the_range_of_a_pixel_but_not_one_in_linf(kind):
    spec = EVALUATION_SPECS[kind]
    assert (
        validated(spec, FUNCTION | {"norm": "l2", "max_epsilon": 3.0}, "my.toml", "evaluations.mine").max_epsilon == 3.0
    )
    with pytest.raises(
        SpecError, match=r"^my\.toml: evaluations\.mine: max_epsilon should be at most 1 in linf, .*, got 3$"
    ):
        validated(spec, FUNCTION | {"norm": "linf", "max_epsilon": 3.0}, "my.toml", "evaluations.mine")


@pytest.mark.parametrize("kind", ["own_attack", "own_minimal_attack"])
def test_a_size_in_linf_is_at_most_the_range_of_a_pixel(kind):
    def largest(norm: str, size: float) -> float:
        table = FUNCTION | {"norm": norm, "max_epsilon": size}
        return validated(EVALUATION_SPECS[kind], table, "my.toml", "evaluations.mine").max_epsilon

    assert (largest("linf", 1.0), largest("l2", 1.5)) == (1.0, 1.5)
    with pytest.raises(SpecError, match=r"max_epsilon should be at most 1 in linf, .*, got 1\.01$"):
        largest("linf", 1.01)


def test_autoattack_needs_its_size_within_the_range_of_pixels():
    def asked(**table):
        return validated(EVALUATION_SPECS["autoattack"], table, "my.toml", "evaluations.mine")

    assert asked(norm="l2", max_epsilon=1.5).max_epsilon == 1.5
    for table, complaint in (
        ({}, "max_epsilon is missing"),
        ({"max_epsilon": 8}, "max_epsilon should be at most 1 in linf"),
        ({"max_epsilon": 0.1, "attacks": ["pgd"]}, "attacks.0 should be 'apgd-ce', 'apgd-t', 'fab-t' or 'square'"),
        ({"max_epsilon": 0.1, "norm": "l1"}, "norm should be 'linf' or 'l2'"),
    ):
        with pytest.raises(SpecError, match=complaint):
            asked(**table)


def test_hop_skip_jump_has_one_precision_and_sizes_within_the_range_of_pixels():
    def asked(**table):
        return validated(EVALUATION_SPECS["hop_skip_jump"], table, "my.toml", "evaluations.mine")

    assert (asked().max_epsilon, asked(max_epsilon=2.5).max_epsilon) == (None, 2.5)
    for table, complaint in (
        ({"norm": "linf", "max_epsilon": 2.5}, "max_epsilon should be at most 1 in linf"),
        ({"sizes": 5}, "max_epsilon is missing"),
        ({"precision": "bfloat16"}, "precision should be 'float32', got 'bfloat16'"),
        ({"norm": "l1"}, "norm should be 'linf' or 'l2'"),
    ):
        with pytest.raises(SpecError, match=complaint):
            asked(**table)


def test_an_attack_that_is_told_its_size_needs_the_largest():
    with pytest.raises(SpecError, match=r"^my\.toml: evaluations\.mine: max_epsilon is missing: [^\n]+$"):
        validated(OwnAttackSpec, FUNCTION, "my.toml", "evaluations.mine")


def test_one_for_the_smallest_perturbation_needs_it_only_where_sizes_are_asked_for():
    assert validated(OwnMinimalAttackSpec, FUNCTION, "my.toml", "evaluations.mine").max_epsilon is None
    with pytest.raises(SpecError, match=r"^my\.toml: evaluations\.mine: max_epsilon is missing: [^\n]+$"):
        validated(OwnMinimalAttackSpec, FUNCTION | {"sizes": 5}, "my.toml", "evaluations.mine")


def test_the_smallest_perturbation_is_measured_in_some_norm():
    with pytest.raises(SpecError, match=r"norm should be 'linf' or 'l2'"):
        validated(OwnMinimalAttackSpec, FUNCTION | {"norm": "none"}, "my.toml", "evaluations.mine")


@pytest.mark.parametrize(
    ("chosen", "complaint"),
    [
        ({"severities": [3, 1, 3]}, "severities should have each value once, got 3 2 times"),
        ({"severities": []}, "severities should have at least one value, got []"),
        ({"severities": [True]}, "severities.0 should be a valid integer, got True"),
        ({"corruptions": []}, "corruptions should have at least one value, got []"),
        ({"corruptions": ["fog", "fog"]}, "corruptions should have each value once, got 'fog' 2 times"),
    ],
)
def test_corruptions_and_severities_are_some_each_once(chosen, complaint):
    with pytest.raises(SpecError) as caught:
        validated(EVALUATION_SPECS["corruption"], {"images": "digits-c"} | chosen, "my.toml", "evaluations.corruption")
    assert str(caught.value) == f"my.toml: evaluations.corruption.{complaint}"
