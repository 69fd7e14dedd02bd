from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.screening import Compared, Decisions, table
from harness.evaluations.screen import Screen


class Shifted(nn.Module):
    """Logits of images (n, 2): their pixels, those of class 0 moved."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, images: Tensor) -> Tensor:
        return images + torch.tensor([self.by, 0.0])


def test_decisions_of_both_precisions_and_of_the_screen_are_counted() -> None:
    images = torch.tensor([[1.0, 0.0], [0.0, 0.125], [0.0, 0.9], [0.0, 3.0]])
    decisions = Decisions()
    model = Compared(Shifted(0.0), Screen(Shifted(0.25), lead=1.0), decisions)
    assert torch.equal(model(images), images)
    # the first is asked because it is the first, the second and the third because they are near
    assert decisions == Decisions(n=4, others=1, asked=3, wrong=0, turned=0.125)
    careless = Compared(Shifted(0.0), Screen(Shifted(0.25), lead=0.05), decisions)
    careless(images[1:3].flip(0))
    assert (decisions.n, decisions.others, decisions.wrong) == (6, 2, 0)  # its first error makes it careful


def test_models_without_a_screen_say_so_and_do_not_count() -> None:
    found = [
        ("none", "a", Decisions(2000, 10, 200, 0, 0.25)),
        ("none", "b", Decisions()),
        ("pixel", "c", Decisions(1000, 0, 50, 1, 1.5)),
    ]
    assert table(found).splitlines()[2:] == [
        "| none | a | 2,000 | 10 | 10.0% | 0 | 0.25 |",
        "| none | b | | | no screen | | |",
        "| pixel | c | 1,000 | 0 | 5.0% | 1 | 1.50 |",
        "| all | 3 | 3,000 | 10 | 8.3% | 1 | 1.50 |",
    ]
