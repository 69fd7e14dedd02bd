"""Models that are not trained here: published ones (paper section 7.9, Figure 24), and a researcher's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, WithJsonSchema

from harness.spec.inputs import Input
from harness.spec.own import SHAPE, Call, Function, MayCall, WithOptions
from harness.spec.training import Color, TrainingSpec

RobustBenchModel = Literal["Standard", "Carmon2019Unlabeled", "Engstrom2019Robustness", "Modas2021PRIMEResNet18"]
ThreatModel = Literal["corruptions", "Linf", "L2"]
SEED = "{seed}"
"""Stands for the seed in the name of a file of weights."""
_WEIGHTS_FILE = r"(\w|\{seed\})([\w.-]|\{seed\})*"


def _weights_file(name: str) -> str:
    if not re.fullmatch(_WEIGHTS_FILE, name):
        raise ValueError(f"should be the name of a file, of letters, digits and _ . -, with {SEED} for a seed")
    return name


WeightsFile = Annotated[
    str, AfterValidator(_weights_file), WithJsonSchema({"type": "string", "pattern": f"^{_WEIGHTS_FILE}$"})
]
"""The name of a file beside the suite."""

# Source: paper section 7.9. RobustBench lists `Standard` under each threat model, with the same weights.
THREAT_MODELS: Mapping[RobustBenchModel, ThreatModel] = {
    "Standard": "corruptions",
    "Carmon2019Unlabeled": "Linf",
    "Engstrom2019Robustness": "L2",
    "Modas2021PRIMEResNet18": "corruptions",
}


class RobustBenchSpec(MayCall):
    """A published model: it is loaded, not trained, and classifies color CIFAR-10."""

    version: ClassVar[int] = 1
    has_seeds: ClassVar[bool] = False
    zoo: Literal["robustbench"] = "robustbench"
    """Who publishes it."""
    model: RobustBenchModel
    """Its name there."""

    @property
    def weights(self) -> str:
        """The name under which `harness data` knows its weights."""
        return f"{self.zoo}-{self.model.lower()}"

    def weights_input(self, seed: int) -> Input:
        """Its weights, the same for every seed."""
        return Input.weights(self.weights)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What it is made of."""
        return (self.weights_input(0),)

    @property
    def threat_model(self) -> ThreatModel:
        """What RobustBench lists it under: what it was made robust against, which is nothing for `Standard`."""
        return THREAT_MODELS[self.model]

    @property
    def classification(self) -> str:
        """Data set of the task."""
        return "cifar10"

    @property
    def color(self) -> Color:
        """What it takes: color images."""
        return "rgb"

    @property
    def title(self) -> str:
        """How tables and figures call it."""
        return f"{self.model} (RobustBench)"


class CheckpointSpec(WithOptions, MayCall):
    """A network of one's own that was trained elsewhere, once or over seeds: it is loaded, not trained."""

    version: ClassVar[int] = 1
    function: Function
    """`FILE.py:NAME`, which makes the network: from pixels in [0, 1] to logits."""
    weights: WeightsFile
    """A file beside the suite with its state_dict: a safetensors file if the name says so, else of `torch.save`. With
    `{seed}` in its name there is one for each of the suite's seeds."""
    classification: str
    """Data set of the task."""
    color: Color = "rgb"
    """What it takes."""

    @property
    def has_seeds(self) -> bool:
        """Whether there is a model for each of the suite's seeds."""
        return SEED in self.weights

    def weights_of(self, seed: int) -> str:
        """The file of a seed's weights."""
        return self.weights.replace(SEED, str(seed))

    def weights_input(self, seed: int) -> Input:
        """A seed's weights."""
        return Input.file(self.weights_of(seed))

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What all its models are made of, so no weights that are one seed's."""
        weights = () if self.has_seeds else (self.weights_input(0),)
        return (*weights, *map(Input.code, self.functions))

    @property
    def calls(self) -> tuple[Call, ...]:
        """How its own code is called."""
        return (Call(function=self.function, named=(*SHAPE, *self.options)),)

    @property
    def title(self) -> str:
        """How tables and figures call it."""
        return f"{self.weights} ({self.function})"


ExternalSpec = RobustBenchSpec | CheckpointSpec
"""A model that is not trained here."""
ModelSpec = TrainingSpec | ExternalSpec
"""How a model comes about: it is trained here, or was elsewhere."""
