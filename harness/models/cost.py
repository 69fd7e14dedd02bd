"""What a network costs, counted without building it."""

from __future__ import annotations

from collections.abc import Mapping

from harness.models.architecture import BLOCKS, STEM_KERNEL, ClassifierShape, map_sizes, pooled_features, stage_widths
from harness.spec.external import RobustBenchModel
from harness.spec.training import NetworkSpec

ROBUSTBENCH_FORWARD_GFLOP: Mapping[RobustBenchModel, float] = {
    "Standard": 10.4867,
    "Carmon2019Unlabeled": 10.4867,
    "Engstrom2019Robustness": 2.5957,
    "Modas2021PRIMEResNet18": 1.1108,
}
"""Of one image, 32 x 32 in color; counted once on architectures that take seconds to import, and again by a test."""


def forward_gflop(network: NetworkSpec, shape: ClassifierShape) -> float:
    """GFLOP of one image's forward pass, two per multiply-add of convolutions and the linear layer.

    A backward pass costs about twice as much again. A network of one's own is guessed to be a ResNet18.
    """
    channels, classes, size = shape
    before = network.base_width
    multiply_adds = size[0] * size[1] * channels * before * STEM_KERNEL**2
    stages = zip(
        BLOCKS["resnet18" if network.is_own else network.architecture],
        stage_widths(before),
        map_sizes(size),
        strict=True,
    )
    for blocks, width, (height, breadth) in stages:
        weights = 9 * before * width + (2 * blocks - 1) * 9 * width**2
        if width != before:
            weights += before * width  # the projection of the shortcut
        multiply_adds += height * breadth * weights
        before = width
    multiply_adds += pooled_features(network.base_width, size) * classes
    return 2e-9 * multiply_adds
