"""What is computed of data alone, without any model (paper, Figures 1, 11 and 25)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from harness.spec.spec import SomeOf, Spec
from harness.spec.training import Color


class SimilaritySpec(Spec):
    """How the similarity of recorded responses goes with that of pixels (Figure 1)."""

    version: ClassVar[int] = 1
    kind: Literal["similarity"] = "similarity"
    recording: str
    """The similarity that `harness neural similarity` made, with the images that it belongs to."""
    n_images: int = Field(default=5000, ge=3)
    """The first n of its images; two have one pair, and so no correlation."""
    shown: int = Field(default=200, ge=2)
    """Images whose two matrices are kept for the figure."""


class NoiseExamplesSpec(Spec):
    """What the three noises look like (Figure 11)."""

    version: ClassVar[int] = 1
    kind: Literal["noise_examples"] = "noise_examples"
    images: str
    """Data set whose test images are shown."""
    color: Color = "gray"
    epsilon: float = Field(default=0.06, gt=0, le=1)
    """Size of the noise in [0, 1] pixel units."""
    n_images: int = Field(default=4, ge=1)


class CorruptionSpectraSpec(Spec):
    """Mean amplitude spectrum of what each corruption adds to an image (Figure 25)."""

    version: ClassVar[int] = 1
    kind: Literal["corruption_spectra"] = "corruption_spectra"
    images: str
    """A corrupted set, for instance cifar10-c."""
    color: Color = "gray"
    severity: int = Field(default=3, ge=1, le=5)
    n_images: int | None = Field(default=None, ge=1)
    """The first n test images; all if absent."""
    corruptions: SomeOf[str] | None = None
    """All that the set has if absent."""


ANALYSIS_SPECS: dict[str, type[Spec]] = {
    "similarity": SimilaritySpec,
    "noise_examples": NoiseExamplesSpec,
    "corruption_spectra": CorruptionSpectraSpec,
}

AnalysisSpec = Annotated[SimilaritySpec | NoiseExamplesSpec | CorruptionSpectraSpec, Field(discriminator="kind")]
