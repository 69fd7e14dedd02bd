"""Cosine similarity of image pairs: in pixels (the target) and in feature maps (what the network makes of it).

A similarity is a set of *unit rows*, one per image: that of a pair is the scalar product of its two rows, so nothing
of size N x N is ever needed. Other targets are other rows; only an average over several sets of rows, as over the
scans of a recording, comes as a matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

_CHUNK = 1 << 20  # numbers handled at once: 4 MB of float32
_SHORTEST = 1e-8  # length that a feature map is taken to have at least (torch's cosine_similarity)
_VECTOR = 64  # pixels: torch sums the columns left over beside whole vectors in another order


class PixelRows:
    """Images as centered rows of unit length, (N, d) float32 with d = h * w, made anew where some are asked for.

    Color is averaged over channels, then the mean image over the N images (not each image's own mean) is removed.
    An affine change of all pixels, such as u8 / 255 or 5 * (x - 0.5), leaves the rows as they are, so uint8 images
    are taken as they come. An image that equals the mean image has no direction: its row is 0.

    Beside the images themselves there are 4 (N + d) bytes to keep.
    Source: paper appendix 7.1; the released code averages color over channels first.
    """

    def __init__(self, images: Tensor) -> None:
        """images: (N, c, h, w), uint8 or floating."""
        self._pixels = images.flatten(2)
        self._mean = self._mean_image()
        self._lengths = torch.empty(len(images), 1, device=images.device)
        for rows in self.chunks():
            self._lengths[rows] = torch.linalg.vector_norm(self._centered(rows), dim=1, keepdim=True)
        self._lengths.clamp_min_(torch.finfo(self._lengths.dtype).tiny)

    @property
    def shape(self) -> tuple[int, int]:
        """(N, d)."""
        return len(self._pixels), self._pixels.shape[2]

    def __len__(self) -> int:
        return len(self._pixels)

    def __getitem__(self, rows: Tensor | slice) -> Tensor:
        """The rows at these places: (n, d) float32 on the images' device."""
        return self._centered(rows).div_(self._lengths[rows])

    def chunks(self) -> Iterator[slice]:
        """All places, in steps of few megabytes."""
        step = max(1, _CHUNK // self._pixels[0].numel())
        return (slice(start, start + step) for start in range(0, len(self), step))

    def _centered(self, rows: Tensor | slice) -> Tensor:
        return _gray(self._pixels[rows]).sub_(self._mean)

    def _mean_image(self) -> Tensor:
        """(d,): some pixels of all images at a time, so that each sum over the images has the order of a whole one."""
        step = _VECTOR * max(1, _CHUNK // (self._pixels[:, :, 0].numel() * _VECTOR))
        return torch.cat([_gray(part).mean(0) for part in torch.split(self._pixels, step, dim=2)])


def _gray(pixels: Tensor) -> Tensor:
    """Mean over channels: (n, d) float32, in memory of its own. pixels: (n, c, d)."""
    return pixels[:, 0].to(torch.float32, copy=True) if pixels.shape[1] == 1 else pixels.float().mean(1)


Rows = Tensor | PixelRows
"""Unit rows, (N, d), of which some can be asked for."""


def unit_rows(images: Tensor) -> Tensor:
    """All rows of `PixelRows` at once: (N, d) float32."""
    rows = PixelRows(images)
    whole = torch.empty(rows.shape, device=images.device)
    for part in rows.chunks():
        whole[part] = rows[part]
    return whole


def row_similarity(rows: Rows, i: Tensor, j: Tensor) -> Tensor:
    """Cosines of the rows of the pairs (i, j), S_pixel if the rows are pixels': (pairs,) float32.

    rows: (N, d) of unit length; i, j: (pairs,) integers.
    Products are summed in float64, so that the rounded value belongs to the pair alone, not to the order of summation
    that a device chooses by the number of pairs: one drawn for being above a threshold is above it for its target too.
    """
    step = max(1, _CHUNK // rows.shape[1])
    return torch.cat(
        [
            (rows[a].float() * rows[b].float()).sum(dim=1, dtype=torch.float64).float()
            for a, b in zip(torch.split(i, step), torch.split(j, step), strict=True)
        ]
    )


Similarity = Callable[[Tensor, Tensor], Tensor]
"""Of the pairs (i, j) of images that are known by their number: integers (pairs,) twice -> (pairs,) float32."""


def same_class(labels: Tensor) -> Similarity:
    """1 within a class and 0 across, of labels (N,) int64: the cosine of their indicator vectors."""
    present, numbers = torch.unique(labels, return_inverse=True)
    return partial(row_similarity, F.one_hot(numbers, len(present)).float())


def entries(matrix: Tensor) -> Similarity:
    """Those of a symmetric matrix (N, N) float32."""
    return lambda i, j: matrix[i, j]


def similarity_matrix(rows: Tensor) -> Tensor:
    """Cosines of all pairs of unit rows (N, d): (N, N) float32. Of recordings and for figures, never in training."""
    return rows @ rows.T


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosine of flattened feature maps, pair by pair: (pairs,); 0 where a map is 0 everywhere.

    a, b: (pairs, c, h, w). They are flattened in the order in which they lie in memory; their gradients lie likewise.
    """
    if a.is_contiguous(memory_format=torch.channels_last):
        a, b = (maps.permute(0, 2, 3, 1) for maps in (a, b))
    found: Tensor = _Cosine.apply(a.flatten(1), b.flatten(1))
    return found


class _Cosine(torch.autograd.Function):
    """Cosine of rows (n, d), with its gradient in few passes over them; torch's own takes three times as long."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        a_squares, b_squares = (torch.linalg.vecdot(rows, rows).clamp_min_(_SHORTEST**2) for rows in (a, b))
        scale = a_squares.rsqrt() * b_squares.rsqrt()
        found: Tensor = torch.linalg.vecdot(a, b) * scale
        ctx.save_for_backward(a, b, a_squares, b_squares, scale, found)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        a, b, a_squares, b_squares, scale, found = ctx.saved_tensors
        across, along = (gradient * scale)[:, None], (gradient * found)[:, None]
        return (
            (b * across).addcmul_(a, along / a_squares[:, None], value=-1),
            (a * across).addcmul_(b, along / b_squares[:, None], value=-1),
        )
