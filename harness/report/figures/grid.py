"""What the conditions of a grid differ in, as figures say it."""

from __future__ import annotations

from collections.abc import Mapping

from harness.spec.grid import named

SYMBOLS = {
    "alpha": "α",
    "threshold": "Th",
    "n_images": "N",
    "pairs_per_batch": "k",
    "images": "images",
    "epsilon": "ε",
}
"""The paper's letters for what a grid varies."""
SET = "images"
"""The setting that a regularization set is named by; figures show sets by color and marker."""


def spaced(condition: str) -> str:
    """A condition's name with spaces between what its grid sets, so that lines break there."""
    base, values = named(condition)
    return f"{base} [{', '.join(f'{key}={value}' for key, value in values.items())}]" if values else base


def labels(sets: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """What tells the conditions of each set apart, and what these values are, like "10, 0.8" of "α, Th".

    sets: the regularization set of each condition.
    """
    parts = {condition: named(condition) for condition in sets}
    keys = dict.fromkeys(key for part in parts.values() for key in part.values if key != SET)
    varied = [key for key in keys if len({part.values.get(key) for part in parts.values()}) > 1]
    with_base = not varied or len({(sets[name], part.base) for name, part in parts.items()}) > len(set(sets.values()))
    texts = {}
    for name, part in parts.items():
        values = [part.values.get(key, "–") for key in varied if part.values or not with_base]
        texts[name] = ", ".join([part.base] * with_base + values)
    return texts, ", ".join(["condition"] * with_base + [SYMBOLS.get(key, key) for key in varied])
