"""A small suite on the bundled digits, and folders of its own for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from databases import BOTH, unopened
from obedient import Run

from harness.settings import Settings
from harness.spec import Suite, parse_suite
from harness.suites.inputs import Inputs

TEXT = """
title = "Two ways to train a tiny network"
seeds = "0-1"

[train]
classification = "digits"
n_train = 64
network.base_width = 2
optimisation.epochs = 1

[regularizer]
alpha = 10
images = "digits"
n_images = 32

[conditions.none]

[conditions.threshold.regularizer]
target = "threshold"
threshold = 0.8

[evaluations]
clean.n_images = 32
gaussian = { n_images = 32, sizes = 2 }
fgsm_transfer = { n_images = 32, sizes = 2 }
"""

Parse = Callable[..., Suite]


@pytest.fixture
def parse(tmp_path: Path) -> Parse:
    """Parses TEXT after replacing some of it, each replacement (old, new)."""

    def parsed(*replacements: tuple[str, str]) -> Suite:
        text = TEXT
        for old, new in replacements:
            assert old in text, f"{old!r} is not in the suite"
            text = text.replace(old, new, 1)
        path = tmp_path / "tiny.toml"
        path.write_text(text)
        return parse_suite(path, "paper")

    return parsed


@pytest.fixture
def inputs(digits_dir: Path) -> Inputs:
    """What a data folder with the digits has."""
    return Inputs(digits_dir, stand_ins=False)


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind that nobody has opened yet."""
    with unopened(request, tmp_path / "shared" / "harness.sqlite", "template") as url:
        yield url


@pytest.fixture
def folders(tmp_path: Path, digits_dir: Path) -> Settings:
    """Settings with the digits and an empty results folder."""
    return Settings(results_dir=tmp_path / "results", data_dir=digits_dir)


@pytest.fixture
def run(parse: Parse, folders: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The small suite in one results folder, with each kind of database."""
    return Run(parse(), replace(folders, database_url=database_url), monkeypatch)
