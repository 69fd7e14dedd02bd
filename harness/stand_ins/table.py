"""The table of stand-ins, and where none may be made: what is there already, above all real data, is left alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from harness.data.manifest import find_manifest
from harness.data.progress import OnProgress, ignore_progress
from harness.data.sets import DATASETS
from harness.data.weights import WEIGHTS, find_weights
from harness.data.writing import RefuseOrReplace
from harness.errors import DataDamaged, DataError
from harness.names import lookup
from harness.stand_ins.images import make_corrupted, make_images
from harness.stand_ins.recording import find_recording_kind, make_recording
from harness.stand_ins.weights import make_weights


class Make(Protocol):
    """Writes the stand-in of that name."""

    def __call__(self, data_dir: Path, name: str, *, existing: RefuseOrReplace, on_progress: OnProgress) -> None:
        """Raises DataError where it cannot be written."""


class StandIn(NamedTuple):
    """One row of the table."""

    make: Make
    find_kind: Callable[[Path, str], str | None]
    """Where what is there under that name came from; None if nothing is. May raise DataDamaged."""
    clean: str | None = None
    """The set that it is made of."""


def _set_kind(data_dir: Path, name: str) -> str | None:
    manifest = find_manifest(data_dir, DATASETS[name])
    return manifest.origin.kind if manifest else None


def _weights_kind(data_dir: Path, name: str) -> str | None:
    manifest = find_weights(data_dir, name)
    return manifest.origin.kind if manifest else None


_OFFICIAL = [dataset for dataset in DATASETS.values() if not dataset.bundled]
STAND_INS: Mapping[str, StandIn] = {
    **{row.name: StandIn(make_images, _set_kind) for row in _OFFICIAL if row.role != "corruption"},
    **{row.name: StandIn(make_corrupted, _set_kind, row.clean) for row in _OFFICIAL if row.role == "corruption"},
    "v1": StandIn(make_recording, find_recording_kind),
    **{name: StandIn(make_weights, _weights_kind) for name in WEIGHTS},
}
"""By name, in the order in which they are made."""


def make_stand_in(
    data_dir: Path,
    name: str,
    *,
    existing: RefuseOrReplace = "refuse",
    on_progress: OnProgress = ignore_progress,
) -> None:
    """Write the stand-in of that name.

    existing: `replace` what is there, real or not.
    on_progress: told (done, total) in images or steps.

    Raises:
        UnknownName: nothing of that name can have one.
        DataError: what `find_obstacle` says, or it cannot be written.
    """
    obstacle = find_obstacle(data_dir, name, existing=existing)
    if obstacle:
        raise DataError(f"no stand-in of {name} is made: {obstacle}")
    STAND_INS[name].make(data_dir, name, existing=existing, on_progress=on_progress)


def find_obstacle(data_dir: Path, name: str, *, existing: RefuseOrReplace = "refuse") -> str | None:
    """Why no stand-in of that name is to be made, and the command that helps; None if it is."""
    row = lookup(STAND_INS, "stand-in", name)
    there = _kind(data_dir, name)
    if there and existing == "refuse":
        return f"it is there already ({there}), and only --replace puts a stand-in in its place"
    if row.clean is None:
        return None
    clean = _kind(data_dir, row.clean)
    if clean is None:
        return f"it is made of {row.clean}, which is not there: harness data stand-in {row.clean}"
    if clean != "stand-in":
        return f"{row.clean} is no stand-in ({clean}), so make it of that: harness data corrupt {row.clean}"
    return None


def _kind(data_dir: Path, name: str) -> str | None:
    """Where what is there came from; what is damaged is there too."""
    try:
        return STAND_INS[name].find_kind(data_dir, name)
    except DataDamaged:
        return "damaged"
