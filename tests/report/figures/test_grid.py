from __future__ import annotations

import pytest

from harness.report.figures.grid import labels, spaced


@pytest.mark.parametrize(
    ("sets", "texts", "title"),
    [
        (
            {"threshold[alpha=1,threshold=0.8]": "imagenet", "threshold[alpha=10,threshold=0.8]": "imagenet"},
            ["1", "10"],
            "α",
        ),
        (
            {"a[alpha=1,threshold=0.4]": "cifar10", "b[alpha=10,threshold=0.8]": "imagenet"},
            ["1, 0.4", "10, 0.8"],
            "α, Th",
        ),
        (
            {f"{name}[images={images}]": images for images in ("imagenet", "cifar10") for name in ("low", "high")},
            ["low", "high", "low", "high"],
            "condition",
        ),
        ({"t[n_images=32]": "imagenet", "t[n_images=64]": "imagenet"}, ["32", "64"], "N"),
        ({"t[pairs_per_batch=4]": "imagenet", "t[pairs_per_batch=8]": "imagenet"}, ["4", "8"], "k"),
        (
            {"pixel": "imagenet", "threshold": "imagenet", "threshold-cifar10": "cifar10"},
            ["pixel", "threshold", "threshold-cifar10"],
            "condition",
        ),
        ({"cifar10": "cifar10", "imagenet": "imagenet"}, ["cifar10", "imagenet"], "condition"),
        (
            {"trades": "none", "at[epsilon=0.1]": "none", "at[epsilon=0.2]": "none", "smooth[amount=0.1]": "none"},
            ["trades", "at, 0.1, –", "at, 0.2, –", "smooth, –, 0.1"],
            "condition, ε, amount",
        ),
    ],
)
def test_labels_say_what_conditions_of_a_set_differ_in(sets: dict[str, str], texts: list[str], title: str) -> None:
    assert labels(sets) == (dict(zip(sets, texts, strict=True)), title)


def test_a_name_breaks_between_what_its_grid_sets() -> None:
    assert spaced("threshold[alpha=10,threshold=0.8]") == "threshold [alpha=10, threshold=0.8]"
    assert spaced("odd[name]") == "odd[name]"
