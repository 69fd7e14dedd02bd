"""The table of weights: what each is, where it lies and where it is downloaded from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.names import lookup
from harness.spec.external import RobustBenchModel, RobustBenchSpec

FOLDER = "weights"


@dataclass(frozen=True, kw_only=True)
class ExternalWeights:
    """One row of the table."""

    name: str
    title: str
    file: str
    """Below the folder of weights, with slashes."""
    url: str
    on_drive: bool = False
    """It is on Google Drive, which asks questions before it gives a large file: gdown answers them."""
    sha256: str = ""
    """The beginning of its SHA-256, where its publisher says it."""

    @property
    def bring(self) -> str:
        """The command that brings it."""
        return f"harness data prepare {self.name}"

    def path(self, data_dir: Path) -> Path:
        """Where it lies."""
        return data_dir / FOLDER / self.file


def _robustbench(model: RobustBenchModel, drive_id: str) -> ExternalWeights:
    spec = RobustBenchSpec(model=model)
    return ExternalWeights(
        name=spec.weights,
        title=f"{spec.title}, {spec.threat_model}",
        file=f"robustbench/{spec.classification}/{spec.threat_model}/{model}.pt",
        url=f"https://drive.google.com/uc?id={drive_id}",
        on_drive=True,
    )


# Source: robustbench 1.1.1, model_zoo/cifar10.py, which publishes no checksums; torchvision, VGG19_Weights.
WEIGHTS: dict[str, ExternalWeights] = {
    row.name: row
    for row in (
        _robustbench("Standard", "1t98aEuzeTL8P7Kpd5DIrCoCL21BNZUhC"),
        _robustbench("Carmon2019Unlabeled", "15tUx-gkZMYx7BfEOw1GY5OKC-jECIsPQ"),
        _robustbench("Engstrom2019Robustness", "1O8rGa6xOUIRwQ-M4ESrCjzknby8TM2ZE"),
        _robustbench("Modas2021PRIMEResNet18", "13oDyqi16FeXy5j4Vm6IghnjTVqp_XF5U"),
        ExternalWeights(
            name="vgg19",
            title="VGG19 (torchvision, ImageNet)",
            file="torchvision/vgg19-dcbb9e9d.pth",
            url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
            sha256="dcbb9e9d",
        ),
    )
}


def get_weights(name: str) -> ExternalWeights:
    """The row of that name; raises UnknownName with the nearest known one."""
    return lookup(WEIGHTS, "weights", name)
