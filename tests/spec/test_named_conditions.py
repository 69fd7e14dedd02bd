"""What models that were trained elsewhere are compared and attacked with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.errors import SpecError
from harness.spec import Suite, parse_suite

TEXT = """
title = "Robust here and elsewhere"
seeds = "0-2"
train.classification = "digits"
evaluations.clean = {}

[conditions]
none = {}
color.color = "rgb"
plain.checkpoint = { function = "mine.py:f", weights = "plain-{seed}.pt", classification = "digits", color = "gray" }
single.checkpoint = { function = "mine.py:f", weights = "single.pt", classification = "digits", color = "gray" }

[conditions.pixel]
regularizer = { target = "pixel", images = "digits", alpha = 1 }

[conditions.robust]
checkpoint = { function = "mine.py:f", weights = "robust-{seed}.pt", classification = "digits", color = "gray" }
baseline = "plain"

[conditions.standard]
external.model = "Standard"

[conditions.carmon]
external.model = "Carmon2019Unlabeled"
baseline = "standard"

[profiles.smoke]
conditions.robust.baseline = "none"
"""


def parsed(folder: Path, old: str = "", new: str = "", profile: str = "paper") -> Suite:
    assert old in TEXT
    path = folder / "mine.toml"
    path.write_text(TEXT.replace(old, new, 1))
    return parse_suite(path, profile)


def test_a_suite_names_what_models_trained_elsewhere_are_compared_with_at_each_profile(tmp_path: Path) -> None:
    assert parsed(tmp_path).baselines == {"robust": "plain", "carmon": "standard"}
    assert parsed(tmp_path, profile="smoke").baselines == {"robust": "none", "carmon": "standard"}


def test_a_baseline_is_no_part_of_an_identity(tmp_path: Path) -> None:
    assert parsed(tmp_path).conditions == parsed(tmp_path, '\nbaseline = "plain"').conditions


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("plan", "no condition called 'plan'; did you mean 'plain'?"),
        ("robust", "robust is itself compared with another; name one that is not"),
        ("carmon", "carmon is itself compared with another; name one that is not"),
        ("pixel", "pixel is itself compared with another; name one that is not"),
        ("standard", "robust classifies digits (gray), standard cifar10 (rgb); both must be alike"),
        (
            "single",
            "robust is a model for each seed, single a single one; both must be alike, and {seed} in the name of its "
            "weights makes a checkpoint one for each",
        ),
    ],
)
def test_what_nothing_can_be_compared_with_is_refused(new: str, said: str, tmp_path: Path) -> None:
    message = f"mine.toml (profile paper): conditions robust: baseline: {said}"
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        parsed(tmp_path, 'baseline = "plain"', f'baseline = "{new}"')


def test_what_is_trained_here_has_its_own_baseline(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="conditions pixel: what is trained here is compared with itself unregularized"):
        parsed(tmp_path, "[conditions.pixel]\n", '[conditions.pixel]\nbaseline = "none"\n')


def test_a_suite_names_what_models_trained_elsewhere_are_attacked_with(tmp_path: Path) -> None:
    suite = parsed(tmp_path, 'baseline = "plain"', 'baseline = "plain"\nsubstitute = "pixel"')
    assert suite.substitutes == {"robust": "pixel"}
    assert suite.conditions == parsed(tmp_path).conditions


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("nome", "no condition called 'nome'; did you mean 'none'?"),
        ("plain", "plain is not trained here; name one that is"),
        ("color", "robust classifies digits (gray), color digits (rgb); both must be alike"),
    ],
)
def test_what_no_attack_can_be_made_with_is_refused(new: str, said: str, tmp_path: Path) -> None:
    message = f"mine.toml (profile paper): conditions robust: substitute: {said}"
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        parsed(tmp_path, 'baseline = "plain"', f'substitute = "{new}"')


def test_what_is_trained_here_has_its_own_substitute(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="conditions pixel: what is trained here is attacked with itself unregularized"):
        parsed(tmp_path, "[conditions.pixel]\n", '[conditions.pixel]\nsubstitute = "none"\n')
