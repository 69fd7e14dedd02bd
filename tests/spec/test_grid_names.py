from __future__ import annotations

import pytest

from harness.spec.grid import Named, is_point_of, named, point_name


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("none", Named("none", {})),
        ("threshold[alpha=10,threshold=0.8]", Named("threshold", {"alpha": "10", "threshold": "0.8"})),
        ("low[images=cifar10]", Named("low", {"images": "cifar10"})),
        ("odd[name]", Named("odd[name]", {})),
        (r"_$x^{\input{y}}$ <script>", Named(r"_$x^{\input{y}}$ <script>", {})),
    ],
)
def test_a_name_is_taken_apart_where_it_is_of_a_grid(name: str, parts: Named) -> None:
    assert named(name) == parts


def test_a_name_that_was_made_is_taken_apart_again() -> None:
    name = point_name("threshold", {"regularizer.alpha": 10, "regularizer.threshold": 0.8})
    assert named(name) == Named("threshold", {"alpha": "10", "threshold": "0.8"})
    assert is_point_of(name, "threshold")
    assert not is_point_of(name, "thresh")
