"""Weights of models that others trained, as data: brought once, verified, named by digest in every result.

    DATA_DIR/weights/robustbench/cifar10/THREAT_MODEL/MODEL.pt    where robustbench's load_model looks for them
    DATA_DIR/weights/torchvision/vgg19-dcbb9e9d.pth
    the same name with .json after it                             where each came from, its length and SHA-256

Free of torch until a file's content is looked at.
"""

from harness.data.weights.inventory import described_weights
from harness.data.weights.manifest import find_weights, get_weights_manifest, weights_file
from harness.data.weights.table import WEIGHTS, ExternalWeights, get_weights

__all__ = [
    "WEIGHTS",
    "ExternalWeights",
    "described_weights",
    "find_weights",
    "get_weights",
    "get_weights_manifest",
    "weights_file",
]
