"""Why numbers are missing, short enough for a table's cell."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from harness.report.rows import groups
from harness.store.read import NOT_RUN


class Reasons:
    """Why cells are missing, as numbered notes: each different reason is told once."""

    def __init__(self, missing: pd.DataFrame) -> None:
        self._missing = dict(groups(missing, ["condition", "evaluation"]))
        self._numbers: dict[str, int] = {}

    def counts(self, condition: str, evaluation: str, known: Collection[int] = ()) -> dict[str, int]:
        """How many seeds have no number, by what to write there: "waiting", "blocked [1]".

        known: seeds that have the number in question, and lack another one of the same evaluation.
        """
        rows = self._missing.get((condition, evaluation))
        if rows is None:
            return {}
        rows = rows[~rows["seed"].isin(known)]
        return {
            state if reason == NOT_RUN else f"{state} [{self._number(state, reason)}]": len(same)
            for (state, reason), same in groups(rows, ["state", "reason"])
        }

    def notes(self) -> tuple[str, ...]:
        """The reasons behind the numbers given so far."""
        return tuple(f"[{number}] {told}" for told, number in self._numbers.items())

    def _number(self, state: str, reason: str) -> int:
        return self._numbers.setdefault(f"{state}: {reason}", len(self._numbers) + 1)
