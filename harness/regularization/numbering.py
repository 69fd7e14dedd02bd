"""Pairs as numbers: every pair i < j has one, so that drawing pairs is drawing numbers."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def pair_total(n_images: int) -> int:
    """Pairs i < j of n images; they are numbered from 0."""
    return n_images * (n_images - 1) // 2


def number_of(i: Tensor, j: Tensor) -> Tensor:
    """Numbers of the pairs i < j, any shape, int64: ordered by j, then by i."""
    return j * (j - 1) // 2 + i


def pair_of(numbers: Tensor) -> tuple[Tensor, Tensor]:
    """The pairs (i, j) of these numbers, int64 of the same shape; exact for up to 10^9 images.

    Rounding may lift the root in float64 to the next whole number, never below one; integers put that right.
    """
    j = ((8 * numbers + 1).double().sqrt() / 2 + 0.5).long()
    j -= (j * (j - 1) // 2 > numbers).long()
    return numbers - j * (j - 1) // 2, j


def uniform_numbers(count: int, size: int, generator: torch.Generator) -> Tensor:
    """Independent numbers of [0, size), int64 on the CPU, each equally likely.

    `count` of them, or a few less: 63-bit words beyond the last multiple of size are thrown away, because their
    remainders would favour small numbers (torch.randint keeps them).
    """
    words = torch.empty(count, dtype=torch.int64).random_(generator=generator)
    return words[words <= (1 << 63) // size * size - 1] % size


def distinct(n: int, proposals: Callable[[int], Tensor]) -> Tensor:
    """The first n different numbers of a stream of independent, equally likely ones, in the order they come up.

    So they are a uniform draw without replacement from the numbers that the stream may hold, of which there must be at
    least n. proposals(k) gives the stream's next numbers, about k.
    """
    found = proposals(n)
    while len(found := _first_occurrences(found)) < n:
        found = torch.cat((found, proposals(n - len(found))))
    return found[:n]


def spread(n: int, size: int, generator: torch.Generator) -> Tensor:
    """Numbers of [0, size): (n,) int64 on the CPU, uniform and without replacement.

    Where n exceeds size, all of them come up in whole passes, each in a new random order, and the rest without
    replacement: no number comes up more than once more often than another.
    """
    passes, rest = divmod(n, size)
    return torch.cat([_shuffled(size, generator) for _ in range(passes)] + [_sample(rest, size, generator)])


def _sample(n: int, size: int, generator: torch.Generator) -> Tensor:
    if size <= 4 * n:
        return _shuffled(size, generator)[:n]
    return distinct(n, lambda count: uniform_numbers(count, size, generator))


def _shuffled(size: int, generator: torch.Generator) -> Tensor:
    """A permutation: the order of as many random words (two are equal with probability size^2 / 2^64)."""
    return torch.empty(size, dtype=torch.int64).random_(generator=generator).argsort()


def _first_occurrences(numbers: Tensor) -> Tensor:
    """The numbers without repetitions, in their order."""
    ordered, positions = numbers.sort(stable=True)
    first = torch.ones_like(ordered, dtype=torch.bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return numbers[positions[first].sort().values]
