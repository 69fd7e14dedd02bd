"""A target similarity of a researcher's own: the cosine of what a function makes of each image."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from harness.errors import SpecError
from harness.own_code import OwnCode, described
from harness.regularization.similarity import Similarity, row_similarity
from harness.seeding import global_generators
from harness.spec.training import RegularizerSpec


def own_similarity(spec: RegularizerSpec, code: OwnCode, images: Tensor) -> Similarity:
    """The similarity of regularization images, uint8 (N, c, h, w), on their device.

    The function takes the images and the spec's options and returns a row of numbers for each image, (N, d). An image
    whose numbers are all 0 is like no other.

    Raises:
        SpecError: it returns something else, or numbers that are not finite.
    """
    with torch.no_grad(), global_generators(0, "target"):
        rows = code.function(spec.target)(images.clone(), **spec.options)
    if not isinstance(rows, Tensor) or rows.dim() != 2 or len(rows) != len(images):
        found = described(rows)
        raise SpecError(f"{spec.target} returns {found} for {len(images)} images, not a row of numbers for each")
    if not bool(rows.isfinite().all()):
        raise SpecError(f"{spec.target} returns numbers that are not finite")
    return partial(row_similarity, F.normalize(rows.float()).to(images.device))
