"""Results with the columns of the store's views, made up: what a report is drawn from in tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.random import Generator

from harness.measurement import LEFT_BY
from harness.report.claims.findings import Findings
from harness.report.figures.drawings import Drawing, drawings
from harness.report.ratios import judged
from harness.report.results import Results
from harness.report.suite_report import suite_tables
from harness.report.summary import baselines
from harness.report.table import Table
from harness.store.origins import Origins, SplitOrigin

CORRUPTIONS = {
    "low": ["snow", "frost", "fog", "brightness", "contrast"],
    "medium": [
        "motion_blur",
        "zoom_blur",
        "defocus_blur",
        "glass_blur",
        "elastic_transform",
        "jpeg_compression",
        "pixelate",
    ],
    "high": ["gaussian_noise", "shot_noise", "impulse_noise"],
}
LARGEST = {"gaussian": 0.1, "uniform": 0.1, "salt_pepper": 0.1, "fgsm_transfer": 0.02}
ORIGINS = Origins(
    commits=("e2232d1f00d",),
    devices=("AMD EPYC",),
    systems=("Python 3.11.7, Linux x86_64",),
    packages=({"numpy": "2.4.6", "torch": "2.14.1"},),
    trained_in=("float32",),
    evaluated_in=("float32",),
    data=(
        SplitOrigin(name="cifar10", split="test", sha256="ab" * 32, n=10_000, generated=False, origin="folder"),
        SplitOrigin(name="cifar10-c", split="fog", sha256="cd" * 32, n=50_000, generated=True, origin="cifar10"),
    ),
    analysed=(),
    commands=("harness run-suite grayscale-cifar10 --profile small",),
)


def condition(
    name: str, target: str = "none", alpha: float = 10.0, threshold: float = 0.8, images: str = "imagenet"
) -> dict:
    """One row of `Results.conditions`."""
    regularized = target != "none"
    return {
        "condition": name,
        "classification": "cifar10",
        "regularization": images if regularized else "none",
        "target": target,
        "alpha": alpha if regularized else np.nan,
        "threshold": threshold if target == "threshold" else np.nan,
        "baseline": "0123456789abcdef",
        "free": not regularized,
        "compared": int(regularized),
    }


FOUR = (
    condition("none"),
    condition("pixel", "pixel"),
    condition("threshold", "threshold"),
    condition("threshold-cifar10", "threshold", images="cifar10"),
)
GRID = (
    condition("none"),
    *(
        condition(f"{images}[alpha={alpha},threshold={threshold}]", "threshold", alpha, threshold, images)
        for images, alpha, threshold in itertools.product(["imagenet", "cifar10"], [0.5, 4, 10], [0.2, 0.5, 0.8])
    ),
)


def figures_of(given: Results, least_clean_ratio: float = 0.9) -> list[Drawing]:
    """Those of the results' suite."""
    return drawings(given, judged(given, least_clean_ratio))


def tables_of(given: Results) -> tuple[Table, ...]:
    """Those of the results' suite; of claims nothing was found."""
    return suite_tables(given, Findings(profile="small"), judged(given, 0.9), baselines(given.conditions))


def results(conditions: tuple[dict, ...] = FOUR, seeds: int = 2, profile: str = "small", epochs: int = 20) -> Results:
    """A suite whose regularized models are more robust and a little less accurate; the same on each call."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(conditions)

    def each(made: Callable[..., Iterator[dict]], **more: int) -> pd.DataFrame:
        models = [(row, seed) for row in conditions for seed in range(seeds)]
        return pd.DataFrame(
            [row | {"seed": seed} | entry for row, seed in models for entry in made(rng, row, _gain(row), **more)]
        )

    gamma_epochs = each(_gammas, epochs=epochs)
    models, curves, boundary = each(_model), each(_curves), each(_boundary)
    comparisons = _comparisons(models, curves, boundary, table)
    return Results(
        suite="grayscale-cifar10",
        profile=profile,
        title="Does pixel similarity make networks robust?",
        conditions=table,
        models=models,
        gammas=gamma_epochs[gamma_epochs["epoch"] == epochs - 1].drop(columns="epoch"),
        curves=curves,
        corruptions=each(_corruptions),
        boundary=boundary,
        distances=each(_distances),
        queries=pd.DataFrame(columns=["condition", "seed", "evaluation", "queries", "n"]),
        left=each(_left),
        bands=each(_bands),
        spectra=each(_spectrum),
        analyses=pd.DataFrame(columns=["analysis", "kind", "metric", "point", "value", "n"]),
        arrays=pd.DataFrame(columns=["condition", "seed", "evaluation", "kind", "name", "file", "sha256", "shape"]),
        acceptable=_ratios(comparisons, table, seeds),
        comparisons=comparisons,
        epochs=each(_epochs, epochs=epochs),
        gamma_epochs=gamma_epochs,
        specs=_specs(conditions),
        substitutes=pd.DataFrame(
            [(row["condition"], "fgsm_transfer", 10_000, "none") for row in conditions],
            columns=["condition", "evaluation", "seed", "twin"],
        ),
        images=_images(table),
        missing=pd.DataFrame(columns=["condition", "evaluation", "name", "seed", "state", "reason"]),
        origins=ORIGINS,
        schema="0001",
    )


def _specs(conditions: tuple[dict, ...]) -> pd.DataFrame:
    common = {"classification": "cifar10", "n_train": None, "optimisation": {"epochs": 40, "learning_rate": 0.1}}
    rows: list[tuple[str, str | None, dict]] = []
    for row in conditions:
        own = {name: None if pd.isna(row[name]) else row[name] for name in ("target", "alpha", "threshold")}
        own |= {"images": row["regularization"], "n_images": 5000, "shuffled": False}
        rows.append((row["condition"], None, common | {"regularizer": None if row["target"] == "none" else own}))
        rows.append((row["condition"], "gaussian", {"kind": "gaussian", "max_epsilon": 0.1, "sizes": 11}))
        attacked = {"kind": "autoattack", "max_epsilon": 0.03, "norm": "linf", "attacks": [*LEFT_BY.values()]}
        rows.append((row["condition"], "autoattack", attacked))
    return pd.DataFrame(rows, columns=["condition", "evaluation", "spec"])


def _left(rng: Generator, row: dict, gain: float) -> Iterator[dict]:
    left = 0.3 * gain
    for attack in LEFT_BY.values():
        left *= rng.uniform(0.7, 0.9)
        yield {"evaluation": "autoattack", "epsilon": 8 / 255, "attack": attack, "left": left}


def _model(rng: Generator, row: dict, gain: float) -> Iterator[dict]:
    images = np.nan if row["target"] == "none" else 5000
    yield {"status": "ok", "clean_accuracy": 0.72 - 0.07 * gain + rng.normal(0, 0.01), "n_images": images}


def _curves(rng: Generator, row: dict, gain: float) -> Iterator[dict]:
    for kind, largest in LARGEST.items():
        for epsilon in np.linspace(0, largest, 10):
            fall = (0.42 - 0.24 * gain) * (epsilon / largest) ** (1.2 + gain)
            accuracy = 0.72 - 0.09 * gain - fall + rng.normal(0, 0.012)
            yield {"evaluation": kind, "epsilon": float(epsilon), "accuracy": accuracy, "n": 10_000}


def _corruptions(rng: Generator, row: dict, gain: float) -> Iterator[dict]:
    slopes = {"low": 0.05 + 0.01 * gain, "medium": 0.06 - 0.02 * gain, "high": 0.09 - 0.06 * gain}
    for frequency, names in CORRUPTIONS.items():
        for name, severity in itertools.product(names, range(1, 6)):
            accuracy = 0.70 - 0.06 * gain - slopes[frequency] * severity + rng.normal(0, 0.012)
            where = {"frequency": frequency, "corruption": name, "severity": severity}
            yield where | {"accuracy": accuracy, "n": 10_000}


def _boundary(rng: Generator, row: dict, gain: float) -> Iterator[dict]:
    score = 0.004 * (1 + gain) + rng.normal(0, 0.0002)
    counts = {"repeats": 5, "n": 5000, "n_failed": 3, "queries": 512.0}
    yield {"steps": 50, "score": score, "start_score": score * 1.06, "score_all_images": score * 1.01} | counts


def _distances(rng: Generator, row: dict, gain: float) -> Iterator[dict]:
    distance = 0.4 * (1 + gain) + rng.normal(0, 0.02)
    yield {"evaluation": "ddn", "norm": "l2", "distance": distance, "n": 990, "n_failed": 10}


def _bands(rng: Generator, row: dict, gain: float) -> Iterator[dict]:
    for place, band in enumerate(CORRUPTIONS):
        accuracy = 0.6 - 0.1 * place + 0.05 * gain * place + rng.normal(0, 0.01)
        yield {"evaluation": "fourier", "band": band, "accuracy": accuracy, "n": 1000}


def _spectrum(rng: Generator, row: dict, gain: float) -> Iterator[dict]:
    for frequency in range(23):
        power = np.exp(-frequency * (0.1 + 0.2 * gain)) * (1 + rng.normal(0, 0.01))
        yield {"evaluation": "spectrum", "frequency": frequency, "power": power, "n": 1000}


def _epochs(rng: Generator, row: dict, gain: float, *, epochs: int) -> Iterator[dict]:
    for epoch in range(epochs):
        loss = 1.1 * np.exp(-epoch / 6) + 0.5 + 0.2 * gain + rng.normal(0, 0.03)
        similarity = 3 * np.exp(-epoch / 4) + 0.4 + rng.normal(0, 0.05)
        yield {
            "epoch": epoch,
            "task_loss": loss,
            "validation_loss": loss + 0.15,
            "validation_accuracy": 1 - loss / 2,
            "similarity_loss": np.nan if row["target"] == "none" else similarity,
        }


def _gammas(rng: Generator, row: dict, gain: float, *, epochs: int) -> Iterator[dict]:
    for epoch in range(epochs if row["target"] != "none" else 0):
        weights = np.exp(np.array([0.25, 0.1, 0.0, -0.1, -0.1]) * epoch + rng.normal(0, 0.05, 5))
        for tap, weight in enumerate(weights / weights.sum()):
            yield {"epoch": epoch, "tap": tap, "gamma": weight}


def _images(table: pd.DataFrame) -> pd.DataFrame:
    """As many test images as a profile between `small` and `paper` might have."""
    counts = {**dict.fromkeys(("clean", *LARGEST), 10_000), "boundary": 1000, "ddn": 1000, "corruption": 10_000}
    own = pd.DataFrame({"evaluation": list(counts), "n": list(counts.values())})
    kinds = own["evaluation"].replace("ddn", "own_minimal_attack")
    return table[["condition"]].merge(own.assign(kind=kinds), how="cross")


def _gain(row: dict) -> float:
    if row["free"]:
        return 0.0
    if row["target"] in {"pixel", "external"}:
        return 0.35
    strength = np.log(row["alpha"] + 0.2) / np.log(10)
    return strength * (0.5 + row["threshold"] / 2) * (0.8 if row["regularization"] == "cifar10" else 1.0)


def _ratios(comparisons: pd.DataFrame, table: pd.DataFrame, seeds: int) -> pd.DataFrame:
    names = {"clean": "r0", "baseline_clean": "u0", "distorted": "rd", "baseline_distorted": "ud"}
    seen = comparisons.dropna(subset="epsilon").rename(columns=names)
    rows = seen.groupby(["condition", "evaluation", "epsilon"], sort=False)[list(names.values())].mean().reset_index()
    rows = rows.assign(clean_ratio=rows["r0"] / rows["u0"], distorted_ratio=rows["rd"] / rows["ud"], n_seeds=seeds)
    return rows.merge(table, on="condition").query("compared == 1").reset_index(drop=True)


def _comparisons(
    models: pd.DataFrame, curves: pd.DataFrame, boundary: pd.DataFrame, table: pd.DataFrame
) -> pd.DataFrame:
    largest = curves[curves["epsilon"] == curves["evaluation"].map(LARGEST)].rename(columns={"accuracy": "distorted"})
    scores = boundary.assign(evaluation="boundary", epsilon=np.nan, distorted=boundary["score"])
    keys, numbers = ["condition", "seed", "evaluation", "epsilon"], ["clean", "distorted"]
    distorted = pd.concat([frame[[*keys, "distorted"]] for frame in (largest, scores)])
    clean = models.rename(columns={"clean_accuracy": "clean"})[["condition", "seed", "clean"]]
    own = distorted.merge(clean, on=["condition", "seed"])
    base = own[own["condition"] == "none"].rename(columns={name: f"baseline_{name}" for name in numbers})
    return own.merge(base.drop(columns=["condition", "epsilon"]), on=["evaluation", "seed"]).merge(
        table, on="condition"
    )
