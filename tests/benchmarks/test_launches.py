from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks import launches
from harness.spec import NetworkSpec
from harness.spec.training import TrainingPrecision
from harness.training.learner import Learner

PAGE = Path(__file__).parents[2] / "docs" / "gpu.md"
NAMES: dict[TrainingPrecision, str] = {"bfloat16": "bfloat16", "tf32": "TF32", "float32": "float32"}


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many operations, each with less to do."""
    monkeypatch.setattr(launches, "NetworkSpec", lambda: NetworkSpec(base_width=16))


@pytest.mark.parametrize("precision", NAMES)
def test_the_page_about_gpus_says_how_many_operations_a_step_is(precision: TrainingPrecision) -> None:
    cost = launches.cost_of_step((32, 32), precision)
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| {NAMES[precision]}, ")]
    assert len(rows) == 2
    assert all(f" | {cost.operations} | {cost.kernels} | " in row for row in rows)


def test_steps_are_timed_after_those_that_prepare_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph is recorded in the last of these."""
    counted: list[str] = []
    step = Learner.step
    monkeypatch.setattr(Learner, "step", lambda *arguments: counted.append("step") or step(*arguments))
    monkeypatch.setattr(launches, "_now", lambda device: counted.append("look") or 0.0)
    monkeypatch.setattr(launches, "STEPS", 2)
    launches.seconds_of_step((32, 32), "float32", torch.device("cpu"), recorded=True)
    assert counted == ["step"] * (launches.WARM_UP + 1) + ["look", "step", "step", "look"]
