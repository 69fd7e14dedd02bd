"""A fixed, fair order of images that come sorted by class."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def fair_order(names: Iterable[str]) -> list[str]:
    """The names ordered by their SHA-256: as good as shuffled, and the same everywhere and forever.

    Folders list one class after the other, yet "the first N training images" must be a fair sample of the set. Unlike
    a drawn permutation this order needs no random number library, and an image more or less does not move the others.
    """
    return sorted(names, key=lambda name: hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest())


def fair_positions(n: int) -> list[int]:
    """The positions 0 to n - 1 in that order, for images that have no names."""
    return [int(name) for name in fair_order(map(str, range(n)))]
