"""Named random streams: what is drawn depends on what it is for, never on what was drawn before.

Two kinds:

- `stream` gives a torch generator for one purpose, for draws that are made once and in order
  (a network's initial weights, the order of one epoch).
- `image_streams` gives one *counter-based* stream per image: number `k` of an image's stream is a
  pure function of (seed, purpose, image, k), computed for whole batches at once on any device. So noise
  does not depend on the batch an image is in, on the size of chunks or on the images before it.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from harness.torch_settings import kept_settings

# SplitMix64 (Steele, Lea, Flood 2014): increment and the two multipliers of its finaliser, as signed words.
_INCREMENT = 0x9E3779B97F4A7C15 - (1 << 64)
_MIX_1 = 0xBF58476D1CE4E5B9 - (1 << 64)
_MIX_2 = 0x94D049BB133111EB - (1 << 64)


def seed_of(seed: int, *path: str | int) -> int:
    """A 63-bit seed for one purpose, for instance `seed_of(3, "augmentation", epoch)`."""
    word = hashlib.sha256("/".join(map(str, (seed, *path))).encode()).digest()
    return int.from_bytes(word[:8], "big") >> 1


def stream(seed: int, *path: str | int) -> torch.Generator:
    """A CPU generator for one purpose; independent by name."""
    return torch.Generator().manual_seed(seed_of(seed, *path))


@contextmanager
def global_generators(seed: int, *path: str | int) -> Iterator[None]:
    """For code of others, which draws from the global generators of torch, NumPy and Python: they begin as named.

    They are put back after it, and so are torch's settings (`kept_settings`).
    """
    gpus = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    number = seed_of(seed, *path)
    of_numpy, of_python = np.random.get_state(), random.getstate()
    try:
        with kept_settings(), torch.random.fork_rng(gpus):
            torch.manual_seed(number)
            np.random.seed(number % 2**32)
            random.seed(number)
            yield
    finally:
        np.random.set_state(of_numpy)
        random.setstate(of_python)


def image_streams(images: Tensor, seed: int, *path: str | int) -> Tensor:
    """One stream per image: keys (n,) int64 for `uniform` and `normal`.

    images: (n,) int64, each image's own number (its position in the split), on any device.
    """
    return _mix(images * _INCREMENT + seed_of(seed, *path))


def uniform(streams: Tensor, size: int, position: int = 0) -> Tensor:
    """Numbers `position` to `position + size` of each stream, uniform in [0, 1): (n, size) float32."""
    return _words(streams, size, position).bitwise_right_shift_(40).bitwise_and_(0xFFFFFF).float().mul_(2.0**-24)


def normal(streams: Tensor, size: int, position: int = 0) -> Tensor:
    """Numbers `position` to `position + size` of each stream, standard normal: (n, size) float32.

    Box and Muller's transform; both of its normals are used, so that one word gives two numbers.
    `position` must be even.
    """
    if position % 2:
        raise ValueError(f"normal numbers come in pairs: position must be even, got {position}")
    words = _words(streams, (size + 1) // 2, position // 2)
    # 2^-25 keeps the logarithm finite
    radius = words.bitwise_right_shift(40).bitwise_and_(0xFFFFFF).float().mul_(2.0**-24).add_(2.0**-25)
    radius.log_().mul_(-2).sqrt_()
    angle = words.bitwise_and_(0xFFFFFF).float().mul_(2 * math.pi * 2.0**-24)
    return torch.stack((angle.cos().mul_(radius), angle.sin_().mul_(radius)), dim=2).flatten(1)[:, :size]


def _words(streams: Tensor, size: int, position: int) -> Tensor:
    """64 random bits each: (n, size) int64."""
    counter = torch.arange(position + 1, position + size + 1, device=streams.device)
    return _mix(streams[:, None] + counter * _INCREMENT)


def _mix(z: Tensor) -> Tensor:
    """SplitMix64's finaliser, a bijection of 64-bit words in wrapping arithmetic; z itself is changed."""
    z.bitwise_xor_(_shifted(z, 30)).mul_(_MIX_1)
    z.bitwise_xor_(_shifted(z, 27)).mul_(_MIX_2)
    return z.bitwise_xor_(_shifted(z, 31))


def _shifted(z: Tensor, bits: int) -> Tensor:
    """Shift right without the sign's copies (torch has no unsigned shift)."""
    return (z >> bits).bitwise_and_((1 << (64 - bits)) - 1)
