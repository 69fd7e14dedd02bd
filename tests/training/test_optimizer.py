from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness.spec.training import OptimisationSpec
from harness.training.optimizer import Optimizer

CPU = torch.device("cpu")
PLAIN: dict[str, type[torch.optim.Optimizer]] = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}


def parameters() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: nn.Parameter(torch.randn(5, 3, generator=generator)) for name in ("first", "second")}


def set_gradients(of: dict[str, Tensor], step: int) -> None:
    """Those of a loss that is another one in each step; the second parameter's are small, and first there are none."""
    for (name, parameter), size in zip(of.items(), (1, 1e-3), strict=True):
        parameter.grad = None if step == 0 and name == "second" else size * torch.sin(parameter.detach() * (step + 1))


@pytest.mark.parametrize(
    ("spec", "arguments"),
    [
        (OptimisationSpec(momentum=0.8), {"momentum": 0.8}),
        (OptimisationSpec(momentum=0, weight_decay=0.1), {"weight_decay": 0.1}),
        (OptimisationSpec(optimizer="adamw"), {"weight_decay": 0}),
        (
            OptimisationSpec(optimizer="adamw", momentum=0, weight_decay=0.1),
            {"betas": (0.0, 0.999), "weight_decay": 0.1},
        ),
    ],
    ids=["momentum", "plain", "adamw", "adamw without momentum"],
)
def test_steps_are_those_of_torchs_optimizer(spec: OptimisationSpec, arguments: dict[str, Any]) -> None:
    found, expected = parameters(), parameters()
    optimizer = Optimizer(spec, found, CPU)
    plain: Any = PLAIN[spec.optimizer](expected.values(), lr=1, **arguments)
    for step, rate in enumerate((0.1, 0.1, 0.03)):
        for each in (found, expected):
            set_gradients(each, step)
        optimizer.set_learning_rate(rate)
        optimizer.step()
        plain.param_groups[0]["lr"] = rate
        plain.step()
        for name in found:
            torch.testing.assert_close(found[name], expected[name])
    assert not torch.equal(found["second"], parameters()["second"])


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_parameter_that_a_later_step_leaves_out_does_not_move_on_by_its_momentum(optimizer: Any) -> None:
    learned = parameters()
    descent = Optimizer(OptimisationSpec(optimizer=optimizer, weight_decay=0.1), learned, CPU)
    descent.set_learning_rate(0.1)
    set_gradients(learned, 1)
    descent.step()
    before = learned["second"].detach().clone()
    descent.forget_gradients()
    learned["first"].grad = torch.ones(5, 3)
    descent.step()
    assert torch.equal(learned["second"], before)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_what_it_remembers_has_a_name_for_each_parameter_and_changes_in_place(optimizer: Any) -> None:
    learned = parameters()
    descent = Optimizer(OptimisationSpec(optimizer=optimizer), learned, CPU)
    before = descent.state
    assert not any(tensor.any() for tensor in before.values())
    set_gradients(learned, 1)
    descent.set_learning_rate(0.1)
    descent.step()
    assert all(tensor.all() for tensor in before.values())
    kinds = {"sgd": ["momentum"], "adamw": ["momentum", "squares", "steps"]}[optimizer]
    assert sorted(descent.state) == [f"{kind}.{name}" for kind in kinds for name in ("first", "second")]


def test_descent_without_momentum_remembers_nothing() -> None:
    assert not Optimizer(OptimisationSpec(momentum=0), parameters(), CPU).state
