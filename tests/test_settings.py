from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from harness.errors import SpecError
from harness.settings import EVALUATION_PRECISIONS, TRAIN_PRECISIONS, Settings, settings
from harness.spec.training import Precision, TrainingPrecision


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder, and an environment without settings."""
    for name in [name for name in os.environ if name.startswith("HARNESS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def test_without_anything_said_there_are_defaults():
    assert settings() == Settings()
    assert settings().database == Path("results/harness.sqlite")


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(folder, monkeypatch):
    (folder / ".env").write_text("# mine\nHARNESS_DATA_DIR='here and there'\nexport HARNESS_RESULTS_DIR=filed\nOTHER\n")
    monkeypatch.setenv("HARNESS_RESULTS_DIR", "said")
    assert settings() == Settings(data_dir=Path("here and there"), results_dir=Path("said"))


def test_the_home_folder_is_meant_where_a_shell_did_not_say_so(folder, monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    (folder / ".env").write_text("HARNESS_DATA_DIR=~/images\n")
    assert settings().data_dir == Path("/home/somebody/images")


def test_the_home_of_nobody_is_refused(monkeypatch):
    monkeypatch.setenv("HARNESS_RESULTS_DIR", "~nobody-of-that-name/results")
    with pytest.raises(SpecError, match="HARNESS_RESULTS_DIR is '~nobody-of-that-name/results', but there is no such"):
        settings()


def test_a_variable_that_is_empty_counts_as_not_set(monkeypatch):
    for name in (
        "RESULTS_DIR",
        "EXPERIMENTS_DIR",
        "DATABASE_URL",
        "GPU_SHARE",
        "TRAIN_PRECISION",
        "EVALUATION_PRECISION",
        "IMAGE",
    ):
        monkeypatch.setenv(f"HARNESS_{name}", "")
    assert settings() == Settings()


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [("RESULT_DIR", "RESULTS_DIR"), ("DATA", "DATA_DIR"), ("TRAINING_PRECISION", "TRAIN_PRECISION")],
)
def test_a_setting_that_is_misspelt_is_refused_since_results_would_go_elsewhere(monkeypatch, misspelt, meant):
    monkeypatch.setenv(f"HARNESS_{misspelt}", "somewhere")
    with pytest.raises(SpecError, match=f"HARNESS_{misspelt} is no setting; rename it to HARNESS_{meant}, or unset it"):
        settings()


def test_a_setting_that_is_misspelt_in_the_file_is_refused_too(folder):
    (folder / ".env").write_text("HARNESS_DATABASE_URI=sqlite:///here.sqlite\n")
    with pytest.raises(SpecError, match="HARNESS_DATABASE_URL"):
        settings()


def test_variables_that_others_name_so_are_none_of_ours(monkeypatch):
    for name in ("NETWORK", "GIT_COMMIT", "GOLDEN", "HOME", "API_KEY", ""):
        monkeypatch.setenv(f"HARNESS_{name}", "theirs")
    assert settings() == Settings()


def test_precisions_are_those_that_a_spec_may_have(monkeypatch):
    assert {*TRAIN_PRECISIONS} == {*get_args(TrainingPrecision)}
    assert {*EVALUATION_PRECISIONS} == {*get_args(Precision)}
    monkeypatch.setenv("HARNESS_TRAIN_PRECISION", "tf32")
    monkeypatch.setenv("HARNESS_EVALUATION_PRECISION", "auto")
    assert (settings().train_precision, settings().evaluation_precision) == ("tf32", "auto")


@pytest.mark.parametrize(("name", "said"), [("TRAIN_PRECISION", "float16"), ("EVALUATION_PRECISION", "tf32")])
def test_another_precision_is_refused_with_those_there_are(monkeypatch, name, said):
    monkeypatch.setenv(f"HARNESS_{name}", said)
    with pytest.raises(SpecError, match=f"HARNESS_{name} is '{said}', but it must be one of float32, bfloat16, auto"):
        settings()


def test_limits_are_numbers(monkeypatch):
    monkeypatch.setenv("HARNESS_ATTEMPTS", "5")
    monkeypatch.setenv("HARNESS_HANG_MINUTES", "inf")
    monkeypatch.setenv("HARNESS_GPU_SHARE", "0.25")
    assert (settings().attempts, settings().hang_minutes, settings().gpu_share) == (5, math.inf, 0.25)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ATTEMPTS", "0"),
        ("ATTEMPTS", "2.5"),
        ("HANG_MINUTES", "-1"),
        ("HANG_MINUTES", "nan"),
        ("HANG_MINUTES", "long"),
        ("GPU_SHARE", "2"),
        ("GPU_SHARE", "half"),
    ],
)
def test_a_limit_that_is_no_number_above_0_is_refused(monkeypatch, name, said):
    monkeypatch.setenv(f"HARNESS_{name}", said)
    with pytest.raises(SpecError, match=f"HARNESS_{name} is '{said}', but it must be a (whole )?number above 0"):
        settings()
