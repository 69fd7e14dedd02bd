"""The arrays behind some figures: images, spectra and matrices, which lie in files beside the database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.report.rows import records
from harness.store.arrays import load

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Arrays:
    """The arrays that belong to a suite's results, read from the disk when they are asked for."""

    def __init__(self, frame: pd.DataFrame, folder: Path) -> None:
        """frame: `Results.arrays`; folder: where their files lie."""
        self._frame = frame
        self._folder = folder

    def of_analysis(self, analysis: str) -> dict[str, NDArray[Any]]:
        """Those of an analysis, by name; raises StoreError for a file that is gone or altered."""
        rows = self._frame[self._frame["condition"].isna() & (self._frame["evaluation"] == analysis)]
        return {row.name: self._read(row) for row in records(rows)}

    def of_condition(self, condition: str, name: str) -> list[NDArray[Any]]:
        """An array of each seed of a condition that has it."""
        rows = self._frame[(self._frame["condition"] == condition) & (self._frame["name"] == name)]
        return [self._read(row) for row in records(rows)]

    def _read(self, row: Any) -> NDArray[Any]:
        return load(self._folder, row.file, row.sha256)
