"""The network that a spec asks for."""

from __future__ import annotations

from harness.models.architecture import ClassifierShape
from harness.models.own import OwnNetwork, build_own
from harness.models.resnet import ResNet, build
from harness.own_code import OwnCode
from harness.spec.training import NetworkSpec

Network = ResNet | OwnNetwork


def build_network(spec: NetworkSpec, code: OwnCode, shape: ClassifierShape, seed: int) -> Network:
    """On the CPU, with the initial weights of `seed`; torch's global generators are left as they were.

    Raises:
        SpecError: own code makes no network for such images and classes.
    """
    if spec.is_own:
        return build_own(spec, code, shape, seed)
    return build(spec, shape, seed)
