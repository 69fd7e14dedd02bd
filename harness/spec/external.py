"""Models that are not trained here: published ones (paper section 7.9, Figure 24), and a researcher's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from harness.spec.inputs import Input
from harness.spec.own import SHAPE, Call, Function, WithOptions
from harness.spec.spec import Spec
from harness.spec.training import Color

RobustBenchModel = Literal["Standard", "Carmon2019Unlabeled", "Engstrom2019Robustness", "Modas2021PRIMEResNet18"]
ThreatModel = Literal["corruptions", "Linf", "L2"]

# Source: paper section 7.9. RobustBench lists `Standard` under each threat model, with the same weights.
THREAT_MODELS: Mapping[RobustBenchModel, ThreatModel] = {
    "Standard": "corruptions",
    "Carmon2019Unlabeled": "Linf",
    "Engstrom2019Robustness": "L2",
    "Modas2021PRIMEResNet18": "corruptions",
}


class RobustBenchSpec(Spec):
    """A published model: it is loaded, not trained, and classifies color CIFAR-10."""

    version: ClassVar[int] = 1
    zoo: Literal["robustbench"] = "robustbench"
    """Who publishes it."""
    model: RobustBenchModel
    """Its name there."""

    @property
    def weights(self) -> str:
        """The name under which `harness data` knows its weights."""
        return f"{self.zoo}-{self.model.lower()}"

    @property
    def weights_input(self) -> Input:
        """Its weights."""
        return Input.weights(self.weights)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What it is made of."""
        return (self.weights_input,)

    @property
    def functions(self) -> tuple[str, ...]:
        """The own code that it names: none."""
        return ()

    @property
    def calls(self) -> tuple[Call, ...]:
        """How that is called."""
        return ()

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


class CheckpointSpec(WithOptions):
    """A network of one's own that was trained elsewhere: it is loaded, not trained."""

    version: ClassVar[int] = 1
    function: Function
    """`FILE.py:NAME`, which makes the network: from pixels in [0, 1] to logits."""
    weights: str = Field(pattern=r"^\w[\w.-]*$")
    """A file beside the suite with its state_dict: a safetensors file if the name says so, else of `torch.save`."""
    classification: str
    """Data set of the task."""
    color: Color = "rgb"
    """What it takes."""

    @property
    def weights_input(self) -> Input:
        """Its weights."""
        return Input.file(self.weights)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What it is made of."""
        return (self.weights_input, *map(Input.code, self.functions))

    @property
    def functions(self) -> tuple[str, ...]:
        """The own code that it names."""
        return (self.function,)

    @property
    def calls(self) -> tuple[Call, ...]:
        """How that is called."""
        return (Call(function=self.function, named=(*SHAPE, *self.options)),)

    @property
    def title(self) -> str:
        """How tables and figures call it."""
        return f"{self.weights} ({self.function})"


ExternalSpec = RobustBenchSpec | CheckpointSpec
"""A model that is not trained here."""
