"""`harness neural`: from recordings of visual cortex to the similarity that a network is regularized with."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from harness.cli.bar import bar
from harness.cli.options import DeviceName, existing
from harness.cli.terminal import listing, wide_console
from harness.settings import settings
from harness.spec.neural import FitSpec, SimulationSpec
from harness.spec.problems import validated
from harness.suites.devices import Wanted, get_device

if TYPE_CHECKING:
    import torch

    from harness.data.recordings import RecordingManifest
    from harness.data.similarities import SimilarityManifest
    from harness.regularization.neural.fitting import Fit

neural_app = typer.Typer(
    help="From recordings of visual cortex to the similarity that networks learn from.", no_args_is_help=True
)

LITTLE = 0.05  # correlation; published models of such recordings reach 0.2 to 0.4
_SIMULATION, _FIT = SimulationSpec.model_construct(), FitSpec.model_construct()  # no more than their defaults

Name = Annotated[str, typer.Argument(help="Recording; `harness neural list` shows those that are here.")]
NewName = Annotated[str, typer.Argument(help="Name of the new recording.")]
Replace = Annotated[bool, typer.Option("--replace", help="Replace the recording of that name.")]
Channels = Annotated[int, typer.Option(help="Feature maps per layer of the core; a GPU can take 32 and more.")]
LearningRate = Annotated[float, typer.Option(help="At the start.")]
MaxEpochs = Annotated[int, typer.Option(help="A fit ends earlier when it no longer gets better.")]
FitSeed = Annotated[int, typer.Option("--seed", help="Of initial weights, order and held-out images.")]


@neural_app.command()
def simulate(
    name: NewName,
    images: Annotated[str, typer.Option(help="Data set whose first training images are shown.")] = _SIMULATION.images,
    n_images: Annotated[int, typer.Option(help="How many of them.")] = _SIMULATION.n_images,
    oracle_images: Annotated[
        int, typer.Option(help="How many are shown repeatedly; the others are shown once.")
    ] = _SIMULATION.oracle_images,
    repeats: Annotated[int, typer.Option(help="How often those are shown.")] = _SIMULATION.repeats,
    scans: Annotated[int, typer.Option(help="Each with other neurons.")] = _SIMULATION.scans,
    neurons: Annotated[int, typer.Option(help="Per scan.")] = _SIMULATION.neurons,
    mean_response: Annotated[
        float, typer.Option(help="Spikes per trial of the average neuron; the fewer the noisier.")
    ] = _SIMULATION.mean_response,
    seed: Annotated[int, typer.Option(help="Of cells, behaviour, order and noise.")] = _SIMULATION.seed,
    replace: Replace = False,
) -> None:
    """Make a recording of a simulated V1: Gabor cells with noise, behaviour and repeats; marked as generated."""
    asked = locals()
    spec = validated(
        SimulationSpec, {key: asked[key] for key in SimulationSpec.model_fields}, "harness neural simulate"
    )
    from harness.data.simulated_v1.scan import simulate as simulate_recording

    with bar(f"simulating {name}") as on_scan:
        manifest = simulate_recording(settings().data_dir, name, spec, existing=existing(replace), on_scan=on_scan)
    _say_ready(manifest)


@neural_app.command("import")
def import_scans(
    name: NewName,
    path: Annotated[Path, typer.Argument(help="Folder with a .npz or .safetensors file per scan: docs/recordings.md.")],
    replace: Replace = False,
) -> None:
    """Make a recording of scans that you have; every array is checked, nothing is unpickled."""
    from harness.data.imports.recording_files import import_recording

    _say_ready(import_recording(settings().data_dir, name, path, existing=existing(replace)))


@neural_app.command("list")
def list_recordings() -> None:
    """Show every recording and similarity that is here."""
    from harness.data.recordings import recording_names
    from harness.data.similarities import similarity_names

    data_dir = settings().data_dir
    names = sorted({*recording_names(data_dir), *similarity_names(data_dir)})
    if not names:
        typer.echo(f"there is no recording in {data_dir}; make one with: harness neural simulate NAME")
        return
    table = Table(
        *listing("name", "images", "scans", "neurons", "trials", "origin", "similarity"), box=None, pad_edge=False
    )
    notes: list[str] = []
    for name in names:
        table.add_row(name, *_described(name, notes))
    wide_console().print(table)
    typer.echo("\n".join(["", f"in {data_dir}", *notes]))


@neural_app.command("fit")
def fit_scans(
    name: Name,
    channels: Channels = _FIT.channels,
    learning_rate: LearningRate = _FIT.learning_rate,
    max_epochs: MaxEpochs = _FIT.max_epochs,
    seed: FitSeed = _FIT.seed,
    device: DeviceName = "auto",
) -> None:
    """Fit the predictive model of each scan; finished fits are not repeated."""
    from harness.data.recordings import get_recording_manifest, open_scan
    from harness.regularization.neural.fits import fit_once

    spec = _fit_spec("fit", channels, learning_rate, max_epochs, seed)
    place = _device(device)
    for scan in get_recording_manifest(settings().data_dir, name).scans:
        recording = open_scan(settings().data_dir, name, scan)
        start = time.monotonic()
        with bar(f"fitting {scan}") as on_progress:
            fit, made = fit_once(_fits(name), recording, spec, place, on_progress)
        when = f"{time.monotonic() - start:.0f} s" if made else "fitted before"
        typer.echo(f"{scan}: {_scores(fit)}; {fit.epochs} epochs, {when}")
    typer.echo(f"similarity of its images: harness neural similarity {name}")


@neural_app.command()
def similarity(
    name: Name,
    channels: Channels = _FIT.channels,
    learning_rate: LearningRate = _FIT.learning_rate,
    max_epochs: MaxEpochs = _FIT.max_epochs,
    seed: FitSeed = _FIT.seed,
    device: DeviceName = "auto",
) -> None:
    """Write the similarity of a recording's images, of denoised responses (neural) and of single trials (raw)."""
    from harness.regularization.neural.recorded_similarity import store_similarities

    spec = _fit_spec("similarity", channels, learning_rate, max_epochs, seed)
    with bar(f"comparing images of {name}") as on_scan:
        made = store_similarities(settings().data_dir, name, _fits(name), spec, _device(device), on_scan)
    for line in _ending(made):
        typer.echo(line)


def _fit_spec(command: str, channels: int, learning_rate: float, max_epochs: int, seed: int) -> FitSpec:
    options = {"channels": channels, "learning_rate": learning_rate, "max_epochs": max_epochs, "seed": seed}
    return validated(FitSpec, options, f"harness neural {command}")


def _fits(name: str) -> Path:
    """Where the fits of a recording lie."""
    return settings().results_dir / "neural" / name


def _device(wanted: Wanted) -> torch.device:
    """Where to compute, from now on float32 as it is written."""
    import torch

    from harness.torch_settings import compute_exactly

    compute_exactly()
    return torch.device(get_device(wanted).kind)


def _say_ready(manifest: RecordingManifest) -> None:
    kind = "a stand-in" if manifest.origin.stand_in else "simulated" if manifest.generated else "imported"
    neurons = sum(scan.neurons for scan in manifest.scans.values())
    typer.echo(
        f"{manifest.name} is ready ({kind}): {len(manifest.scans)} scans, {neurons} neurons, "
        f"{manifest.images[0]} images; fit it with: harness neural fit {manifest.name}"
    )


def _scores(fit: Fit) -> str:
    text = f"correlation {fit.trial_correlation.mean():.3f} over held-out trials"
    if fit.oracle_correlation is None:
        return f"{text} (no repeats, so neurons are weighted by it alone)"
    return f"{text}, {fit.oracle_correlation.mean():.3f} with the means of repeats"


def _ending(made: SimilarityManifest) -> Iterator[str]:
    kind = "a stand-in" if made.stand_in else "simulated" if made.generated else "recorded"
    yield f"similarity {made.name} is ready ({kind}): {made.n} images, {len(made.scans)} scans, neural and raw"
    for scan, score in made.scans.items():
        if score.trial_correlation < LITTLE:
            yield (
                f"beware: the model of {scan} predicts next to nothing (correlation {score.trial_correlation:.3f} over "
                "held-out trials), so its denoised similarity is hardly more than noise"
            )
    if made.noise_free_correlation:
        neural, raw = (made.noise_free_correlation[each] for each in ("neural", "raw"))
        yield f"correlation with the noise-free similarity: predictive models {neural:.3f}, single trials {raw:.3f}"


def _described(name: str, notes: list[str]) -> list[str]:
    """A row of the list after its name; what is damaged goes to `notes`."""
    from harness.data.recordings import find_recording_manifest, get_recording_manifest
    from harness.data.similarities import find_similarity_manifest, get_similarity_manifest
    from harness.errors import DataDamaged

    data_dir = settings().data_dir
    row, compared = ["", "", "", "", "no recording"], "none yet"
    try:
        if find_recording_manifest(data_dir, name):
            found = get_recording_manifest(data_dir, name)
            scans = found.scans.values()
            counts = (found.images[0], len(scans), sum(s.neurons for s in scans), sum(s.trials for s in scans))
            row = [*map(str, counts), found.origin.title]
    except DataDamaged as error:
        row[-1] = "damaged"
        notes.append(str(error))
    try:
        if find_similarity_manifest(data_dir, name):
            compared = ", ".join(get_similarity_manifest(data_dir, name).files)
    except DataDamaged as error:
        compared = "damaged"
        notes.append(str(error))
    return [*row, compared]
