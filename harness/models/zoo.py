"""RobustBench's models: its own architectures and its own loading, of weights that lie on the disk already.

Source: Croce et al. 2021, robustbench 1.1.1. Nothing else of it is used: its `benchmark` does not run in this release.
"""

from __future__ import annotations

import importlib.util
import pickle
import sys
import types
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import DataDamaged, DataMissing, HarnessError, NotEvaluable
from harness.models.architecture import ClassifierShape
from harness.models.own import try_out
from harness.names import lookup
from harness.spec.external import THREAT_MODELS, RobustBenchSpec

PUBLISHED = tuple(RobustBenchSpec(model=model) for model in THREAT_MODELS)
"""The models that this program knows."""
SHAPE = ClassifierShape(channels=3, classes=10, size=(32, 32))


def load_robustbench(spec: RobustBenchSpec, weights: Path, device: torch.device) -> nn.Module:
    """The model in eval mode: float32 images (n, 3, 32, 32) in [0, 1] -> logits (n, 10).

    Its weights take no gradients, but gradients reach the images. Nothing is downloaded, and torch's global generators
    are left as they were.
    weights: the file that `harness.data.weights.weights_file` verified; robustbench wants it to lie where it does.

    Raises:
        DataMissing: there is no such file.
        DataDamaged: robustbench cannot load it.
        NotEvaluable: the logits of two images are not finite.
    """
    if not weights.is_file():  # robustbench would download it
        raise DataMissing(f"{weights} is not there; bring it with: harness data prepare {spec.weights}")
    folder, place = weights.parents[2], Path(spec.classification, spec.threat_model, f"{spec.model}.pt")
    if weights != folder / place:
        raise ValueError(f"robustbench loads {place} of a folder, which {weights} is not")
    load_model = _robustbench().utils.load_model
    try:
        with warnings.catch_warnings(action="ignore"), torch.random.fork_rng(devices=[]):  # it draws weights first
            model: nn.Module = load_model(
                spec.model, model_dir=folder, dataset=spec.classification, threat_model=spec.threat_model
            )
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, LookupError, ValueError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataDamaged(
            f"robustbench cannot load {weights} ({reason}); bring it again with: "
            f"harness data prepare {spec.weights} --replace"
        ) from error
    _, logits = try_out(model.requires_grad_(False), spec.title, SHAPE)
    if not bool(logits.isfinite().all()):
        raise NotEvaluable(
            f"{spec.title} gives logits that are not finite; bring its weights again with: "
            f"harness data prepare {spec.weights} --replace"
        )
    return model.to(device)


def require_fit(spec: RobustBenchSpec, tensors: Mapping[str, Tensor]) -> None:
    """Raises RuntimeError where tensors do not fit the architecture, and says how.

    They are loaded as robustbench does, prefixes of their names included, but on the meta device, only to compare names
    and shapes.
    """
    utils = _robustbench().utils
    for prefix in ("module.", "model."):
        tensors = utils.rm_substr_from_state_dict(tensors, prefix)
    with warnings.catch_warnings(action="ignore"), torch.device("meta"):
        model = architecture(spec)
        utils._safe_load_state_dict(model, spec.model, tensors, utils.BenchmarkDataset(spec.classification))


def architecture(spec: RobustBenchSpec) -> nn.Module:
    """The network as robustbench builds it, with initial weights from torch's global generator."""
    return robustbench_network(spec.model, spec.classification, spec.threat_model)


def robustbench_network(name: str, classification: str, threat_model: str) -> nn.Module:
    """Any of its networks, from pixels in [0, 1] to logits, with initial weights from torch's global generator.

    A checkpoint of one's own asks for it (docs/published-models.md). name: robustbench's, for instance
    "Rade2021Helper_R18_extra". classification: "cifar10", "cifar100" or "imagenet". threat_model: "Linf", "L2" or
    "corruptions".

    Raises:
        UnknownName: robustbench has no such data set, threat model or model.
    """
    sets = {each.value: models for each, models in _robustbench().utils.all_models.items()}
    threats = {each.value: models for each, models in lookup(sets, "data set of RobustBench", classification).items()}
    models = lookup(threats, f"threat model of RobustBench's {classification}", threat_model)
    model: nn.Module = lookup(models, f"model of RobustBench's {classification}, {threat_model},", name)["model"]()
    return model


@cache
def _robustbench() -> Any:
    """The package; importing it takes seconds."""
    try:
        with warnings.catch_warnings(action="ignore"), _stand_ins():
            import robustbench.utils
    except ImportError as error:
        raise HarnessError(f"robustbench cannot be imported: {error}; install the locked requirements again") from error
    return robustbench


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Modules that robustbench 1.1.1 imports and today's installations lack, there only as long as this lasts.

    `pkg_resources` left setuptools with release 82, and robustbench calls it for ImageNet only; what it calls
    `autoattack` is published as `pyautoattack`, and only its `benchmark` calls it.
    """
    modules: dict[str, types.ModuleType] = {}
    if not _installed("pkg_resources"):
        modules["pkg_resources"] = types.ModuleType("pkg_resources")
    if not _installed("autoattack"):
        import pyautoattack.state

        modules |= {"autoattack": pyautoattack, "autoattack.state": pyautoattack.state}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in modules:
            sys.modules.pop(name, None)


def _installed(name: str) -> bool:
    return name in sys.modules or importlib.util.find_spec(name) is not None
