"""`python -m benchmarks.growth`: how time and memory grow with what is asked for.

Each quantity is measured at three sizes with everything else small; a line through them gives the cost of one more.
Times are CPU seconds of one thread, which other programs on the machine change little.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.quantity import CPU, HEAD, Quantity, Work, draw, measured, row
from harness.data.sets import DATASETS
from harness.evaluations import Setting, evaluate
from harness.evaluations.setting import CPU_CHUNK
from harness.models.pixels import PixelModel
from harness.regularization.pairs import PairSampler
from harness.spec import (
    BoundarySpec,
    CleanSpec,
    FgsmTransferSpec,
    NetworkSpec,
    NoiseSpec,
    OptimisationSpec,
    RegularizerSpec,
    Suite,
    TrainingSpec,
)
from harness.store.engine import open_database
from harness.store.plan import write_plan
from harness.suites.allocator import keep_freed_memory
from harness.suites.devices import PLAIN_CPU
from harness.suites.inputs import Inputs
from harness.suites.plan import make_plan
from harness.suites.selection import Selection
from harness.training.images import TrainingImages
from harness.training.loop import train
from harness.training.trained import load_trained

STEPS_OF_AN_EPOCH = 774
"""Of CIFAR-10 at the paper's scale."""
SPEC = TrainingSpec(classification="cifar10", network=NetworkSpec(base_width=8), augmentation="crop_flip")
TASK = DATASETS[SPEC.classification].task
IMAGES = Path(__file__).parents[1] / "docs" / "images"


def quantities() -> list[Quantity]:
    """What is measured."""
    model = _trained_model()
    return [
        Quantity(
            title="training images",
            sizes=(250, 500, 1000),
            prepare=lambda n: _training(n_images=n),
            per="image and epoch",
        ),
        Quantity(
            title="epochs of 250 images",
            sizes=(1, 2, 4),
            prepare=lambda epochs: _training(epochs=epochs),
            per="image and epoch",
            units=lambda epochs: 250.0 * epochs,
        ),
        Quantity(
            title="seeds, each an epoch of 250 images",
            sizes=(1, 2, 4),
            prepare=lambda seeds: _training(seeds=seeds),
            per="seed",
        ),
        Quantity(
            title="k, pairs per step, an epoch of 4 steps",
            sizes=(4, 16, 32),
            prepare=lambda k: _training(pairs_per_batch=k),
            per="pair and step",
            units=lambda k: 4.0 * k,
        ),
        Quantity(
            title="N, pairs among all: set-up and one epoch's draw",
            sizes=(5_000, 20_000, 50_000),
            prepare=partial(_pairs, pair_range="all"),
            per="image",
        ),
        Quantity(
            title="N, pairs of a rare range: N(N - 1)/2 similarities",
            sizes=(2_000, 4_000, 8_000),
            prepare=partial(_pairs, pair_range="high"),
            per="pair of images",
            units=lambda n: n * (n - 1) / 2,
        ),
        Quantity(
            title="test images, Gaussian noise of 10 sizes",
            sizes=(100, 200, 400),
            prepare=lambda n: _evaluation(model, NoiseSpec(kind="gaussian", max_epsilon=0.1, n_images=n)),
            per="image and size",
            units=lambda n: 10.0 * n,
        ),
        Quantity(
            title="Boundary steps, 50 images",
            sizes=(25, 50, 100),
            prepare=lambda steps: _evaluation(model, BoundarySpec(n_images=50, steps=steps, repeats=1)),
            per="image and step",
            units=lambda steps: 50.0 * steps,
        ),
        Quantity(
            title="Boundary images, 50 steps",
            sizes=(25, 50, 100),
            prepare=lambda n: _evaluation(model, BoundarySpec(n_images=n, repeats=1)),
            per="image",
        ),
        Quantity(
            title="conditions of 7 seeds and 4 evaluations, planned",
            sizes=(25, 50, 100),
            prepare=partial(_planning, recorded=False),
            per="job",
            units=lambda conditions: 35.0 * conditions + 1,
        ),
        Quantity(
            title="the same, planned and recorded",
            sizes=(25, 50, 100),
            prepare=partial(_planning, recorded=True),
            per="job",
            units=lambda conditions: 35.0 * conditions + 1,
        ),
    ]


def _training_images(n: int, regularized: bool = False) -> TrainingImages:
    """Ten classes of noise around ten brightnesses, which a network learns at once."""
    torch.manual_seed(0)
    labels = torch.arange(n) % 10
    images = (labels[:, None, None, None] * 20 + torch.randint(0, 60, (n, 1, 32, 32))).to(torch.uint8)
    return TrainingImages(images, labels, images if regularized else None, TASK)


def _training(
    *,
    n_images: int = 250,
    epochs: int = 1,
    seeds: int = 1,
    pairs_per_batch: int | None = None,
) -> Work:
    """Trainings with all that belongs to one: batches, validation, checkpoints."""
    changes: dict[str, Any] = {"optimisation": OptimisationSpec(epochs=epochs).model_dump()}
    if pairs_per_batch:
        changes["regularizer"] = {
            "target": "pixel",
            "alpha": 1,
            "images": "cifar10",
            "pairs_per_batch": pairs_per_batch,
        }
    spec = SPEC.replaced(**changes)
    images = _training_images(n_images, regularized=pairs_per_batch is not None)

    def work() -> None:
        with TemporaryDirectory() as place:
            for seed in range(seeds):
                train(spec, seed, images, device=CPU, folder=Path(place) / str(seed))

    return work


def _trained_model() -> PixelModel:
    """A small classifier that tells images apart, so that they can be attacked."""
    with TemporaryDirectory() as place:
        spec = SPEC.replaced(optimisation={"epochs": 2})
        found = train(spec, 0, _training_images(1000), device=CPU, folder=Path(place))
        assert found.weights is not None
        return load_trained(spec, Path(place), found.weights, TASK, CPU)


def _evaluation(model: PixelModel, spec: NoiseSpec | BoundarySpec) -> Work:
    shown = _training_images(1000)
    setting = Setting(images=shown.images, labels=shown.labels, chunk=CPU_CHUNK)
    return lambda: evaluate(model, setting, spec)


def _pairs(n: int, pair_range: str) -> Work:
    """A sampler, and the pairs of an epoch. Of noise about one pair in a hundred is in the range that is not `all`."""
    images = torch.randint(0, 256, (n, 1, 32, 32), dtype=torch.uint8)
    threshold = None if pair_range == "all" else 0.08
    spec = RegularizerSpec.model_validate(
        {"target": "pixel", "alpha": 1, "images": "cifar10", "pair_range": pair_range, "threshold": threshold}
    )
    drawn = spec.pairs_per_batch * STEPS_OF_AN_EPOCH
    return lambda: PairSampler(images, spec).draw(drawn, torch.Generator().manual_seed(0))


def _planning(conditions: int, recorded: bool) -> Work:
    """The jobs of a suite, as `run-suite` finds them and writes them into an empty database."""
    regularizer = RegularizerSpec(target="pixel", alpha=1, images="cifar10")
    suite = Suite(
        name="many",
        profile="paper",
        title="Many conditions",
        seeds=tuple(range(7)),
        conditions={
            f"alpha{alpha}": SPEC.replaced(regularizer=regularizer.replaced(alpha=alpha).model_dump())
            for alpha in range(conditions)
        },
        evaluations={
            "clean": CleanSpec(),
            "gaussian": NoiseSpec(kind="gaussian"),
            "fgsm_transfer": FgsmTransferSpec(),
            "boundary": BoundarySpec(),
        },
        source=Path("many.toml"),
    )

    def work() -> None:
        with TemporaryDirectory() as place:
            plan = make_plan(Selection(suites=(suite,)), Inputs(Path(place), stand_ins=False), PLAIN_CPU)
            if recorded:
                with open_database(f"sqlite:///{place}/results.sqlite") as database:
                    write_plan(database, plan.jobs, suite.name, suite.profile, suite.title)

    return work


def main() -> None:
    """Measures, prints the table, and draws the figures of `docs/growth.md`."""
    keep_freed_memory()  # as workers do
    torch.set_num_threads(1)
    growths = []
    print(HEAD)
    for quantity in quantities():
        growths.append(measured(quantity))
        print(row(growths[-1]), flush=True)
    draw(growths, IMAGES / "growth-time.png", "CPU seconds", lambda growth: growth.seconds)
    draw(growths, IMAGES / "growth-memory.png", "peak MB", lambda growth: growth.megabytes)


if __name__ == "__main__":
    main()
