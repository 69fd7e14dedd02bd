"""A suite's text, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.spec import Suite, parse_suite

TEXT = """
title = "A suite of every form"
seeds = "0-1"

[train]
classification = "digits"
network.base_width = 4

[regularizer]
alpha = 10
images = "digits"

[conditions.none]

[conditions.pixel.regularizer]
target = "pixel"

[conditions.threshold.regularizer]
target = "threshold"
threshold = 0.8

[conditions.sweep]
regularizer.target = "threshold"
grid."regularizer.threshold" = [0.2, 0.4]
grid."regularizer.alpha" = [1, 10]

[evaluations]
clean = {}
boundary = { steps = 3 }
strong = { kind = "gaussian", max_epsilon = 0.5 }

[profiles.smoke]
seeds = [0]
train = { n_train = 100, network.architecture = "resnet34" }
regularizer.n_images = 50
conditions.pixel.regularizer.alpha = 2
evaluations.strong.sizes = 3
"""

Parse = Callable[..., Suite]


@pytest.fixture
def parse(tmp_path: Path) -> Parse:
    """Parses TEXT after replacing some of it, each replacement (old, new)."""

    def parsed(*replacements: tuple[str, str], profile: str = "paper", name: str = "written") -> Suite:
        text = TEXT
        for old, new in replacements:
            assert old in text, f"{old!r} is not in the suite"
            text = text.replace(old, new, 1)
        path = tmp_path / f"{name}.toml"
        path.write_text(text)
        return parse_suite(path, profile)

    return parsed


@pytest.fixture
def text() -> str:
    """The suite as it is written."""
    return TEXT
