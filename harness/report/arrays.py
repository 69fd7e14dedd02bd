"""The arrays behind some figures: images, spectra and matrices, which lie in files beside the database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.report.rows import records
from harness.store.arrays import load

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEAT_MAP = ("fourier", "accuracy")
"""Kind of evaluation and name of the array that a Fourier heat map is."""


class Arrays:
    """The arrays that belong to a suite's results, read from the disk when they are asked for."""

    def __init__(self, frame: pd.DataFrame, folder: Path) -> None:
        """frame: `Results.arrays`; folder: where their files lie."""
        self._frame = frame
        self._folder = folder

    def of_analysis(self, analysis: str) -> dict[str, NDArray[Any]]:
        """Those of an analysis, by name; raises StoreError for a file that is gone or altered."""
        rows = self._frame[self._frame["condition"].isna() & (self._frame["evaluation"] == analysis)]
        return {row.name: self.read(row) for row in records(rows)}

    def of_condition(self, condition: str, evaluation: str, name: str) -> list[NDArray[Any]]:
        """An array of an evaluation, of each seed of a condition that has it."""
        rows = self._frame[(self._frame["condition"] == condition) & (self._frame["evaluation"] == evaluation)]
        return [self.read(row) for row in records(rows[rows["name"] == name])]

    def of_models(self, kind: str, name: str) -> pd.DataFrame:
        """The frame's rows of an array that evaluations of a kind have, and in `here` whether the file is there.

        Machines that share a database need not share a folder.
        """
        rows = self._frame[(self._frame["kind"] == kind) & (self._frame["name"] == name)]
        return rows.assign(here=[(self._folder / row.file).exists() for row in records(rows)])

    def read(self, row: Any) -> NDArray[Any]:
        """The array of a row; raises StoreError if its file is gone or altered."""
        return load(self._folder, row.file, row.sha256)
