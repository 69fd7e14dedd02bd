"""Simulated scans: cells, behaviour and noise turn images into trials."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from harness.data.catalogue import get_manifest
from harness.data.imports.recording_files import write_recording
from harness.data.origin import new_origin
from harness.data.progress import OnProgress, ignore_progress
from harness.data.recording_arrays import Arrays, checked_arrays
from harness.data.recordings import RecordingManifest
from harness.data.regularization_images import regularization_images
from harness.data.simulated_v1.behaviour import draw_behaviour, draw_sensitivity
from harness.data.simulated_v1.cells import draw_cells
from harness.data.writing import RefuseOrReplace
from harness.seeding import stream
from harness.spec.neural import SimulationSpec

# Share of the mean response that no image drives. With the defaults' mean response, repeats of an image correlate by
# about 0.2 and the median Fano factor is about 1.
SPONTANEOUS = 0.5
UNDRIVEN = 1e-6  # mean drive that rounding alone may give; where images drive a cell, it is around 1


def simulate(
    data_dir: Path,
    name: str,
    spec: SimulationSpec,
    *,
    existing: RefuseOrReplace = "refuse",
    on_scan: OnProgress = ignore_progress,
) -> RecordingManifest:
    """Make a recording of a simulated V1 that looks at a data set's images.

    on_scan: told (done, total) scans.

    Raises:
        DataError: the images are not there or too few, or the recording is there and is not to be replaced.
    """
    images = regularization_images(data_dir, spec.images, spec.n_images, "gray")
    kind = get_manifest(data_dir, spec.images).origin.of_derived
    return record(data_dir, name, images, spec, kind=kind, existing=existing, on_scan=on_scan)


def record(
    data_dir: Path,
    name: str,
    images: Tensor,
    spec: SimulationSpec,
    *,
    kind: Literal["generated", "stand-in"],
    existing: RefuseOrReplace = "refuse",
    on_scan: OnProgress = ignore_progress,
) -> RecordingManifest:
    """Make a recording of a simulated V1 that looks at these images, uint8 (n, 1, h, w) with the spec's n.

    on_scan: told (done, total) scans.

    Raises:
        DataError: the recording is there and is not to be replaced, or cannot be written.
    """

    def scans() -> Iterator[tuple[str, Arrays]]:
        for number in range(spec.scans):
            scan = f"simulated-{number:02}"
            yield scan, checked_arrays(simulated_scan(images, spec, number), scan, simulated=True)
            on_scan(number + 1, spec.scans)

    source = f"simulated V1, seed {spec.seed}, {spec.neurons} neurons, {spec.images}"
    origin = new_origin(kind, source)
    return write_recording(data_dir, name, scans(), origin=origin, existing=existing)


def simulated_scan(images: Tensor, spec: SimulationSpec, number: int) -> Arrays:
    """The arrays of one scan; all scans show the same images, repeat the same ones, and have cells of their own.

    images: uint8 (n, 1, h, w).
    """

    def drawn(what: str) -> torch.Generator:
        return stream(spec.seed, "simulated V1", number, what)

    height, width = images.shape[2:]
    shown = _trial_images(spec, drawn("order"))
    cells = draw_cells(spec.neurons, (height, width), spec.mean_response, drawn("cells"))
    behaviour = draw_behaviour(len(shown), drawn("behaviour"))
    gains = behaviour.gains(draw_sensitivity(spec.neurons, drawn("sensitivity")))
    seen = _contrasts(images)
    drive = cells.drive(seen.flatten(1))
    spontaneous = SPONTANEOUS * cells.rate
    mean_drive = drive.mean(dim=0)
    # a cell that no image drives, as in a corner that is black in all of them, is spontaneously active and no more
    scale = torch.where(mean_drive > UNDRIVEN, (cells.rate - spontaneous) / mean_drive, 0.0)
    driven = scale * cells.drive(_shifted(seen[shown], behaviour.gaze).flatten(1))
    tensors = {
        "images": images,
        "responses": torch.poisson((spontaneous + driven) * gains, generator=drawn("noise")),
        "trial_images": shown,
        "pupil_position": behaviour.pupil_position,
        "pupil_size": behaviour.pupil_size,
        "running_speed": behaviour.running_speed,
        "noise_free": spontaneous + scale * drive,
    }
    return {name: tensor.numpy() for name, tensor in tensors.items()}


def _trial_images(spec: SimulationSpec, generator: torch.Generator) -> Tensor:
    """Which image each trial shows, in random order: int64 (trials,)."""
    oracle = torch.randperm(spec.n_images, generator=stream(spec.seed, "simulated V1", "oracle images"))
    shown = torch.cat([torch.arange(spec.n_images), oracle[: spec.oracle_images].repeat(spec.repeats - 1)])
    return shown[torch.randperm(len(shown), generator=generator)]


def _contrasts(images: Tensor) -> Tensor:
    """Images around the mean of all their pixels, in units of the pixels' standard deviation."""
    pixels = images.float()
    return (pixels - pixels.mean()) / pixels.std()


def _shifted(images: Tensor, shift: Tensor) -> Tensor:
    """What receptive fields see that moved by `shift`, (n, 2) pixels down and right; images are mirrored at borders."""
    height, width = images.shape[2:]
    moves = torch.eye(2, 3).repeat(len(images), 1, 1)
    moves[:, :, 2] = 2 * shift.flip(1) / torch.tensor([width, height])
    grid = F.affine_grid(moves, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
