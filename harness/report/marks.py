"""What stands with every number of a report: suite, profile, and which data behind it are not the official ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from harness.report.results import Results
from harness.report.table import Table


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What the tables and figures of a report are marked with.

    A frame whose rows are of several suites has a column `suite`; any other is of the report's only suite.
    """

    report: str
    """What is reported, a suite or a collection of them."""
    profile: str
    results: Mapping[str, Results]
    """By suite."""
    remarks: Mapping[str, str] = field(default_factory=dict)
    """Of other suites, which claims are about too."""

    @property
    def stem(self) -> str:
        """The name of the report's folder, which also tells its labels from those of other reports."""
        return f"{self.report}-{self.profile}"

    def table(self, table: Table) -> Table:
        """The table with a note for each suite that there is something to say of, and its data marked."""
        suites = dict.fromkeys(table.data["suite"]) if "suite" in table.data else self.results
        told = [f"{suite}: {remark}" for suite in suites if (remark := self._remark(suite, table.corrupted))]
        return replace(
            table,
            notes=tuple(dict.fromkeys([*table.notes, *told])),
            data=self.data(table.data, corrupted=table.corrupted),
            report=self.stem,
        )

    def data(self, frame: pd.DataFrame, *, corrupted: bool) -> pd.DataFrame:
        """The frame with suite and profile first, and the remark last where there is one.

        corrupted: it may show something of corrupted images.
        """
        marked = frame.assign(suite=frame.get("suite", next(iter(self.results))), profile=self.profile)
        remarks = [self._remark(suite, corrupted) for suite in marked["suite"]]
        if any(remarks):
            marked["remark"] = remarks
        first = ["suite", "profile"]
        return marked[[*first, *(name for name in marked if name not in first)]]

    def _remark(self, suite: str, corrupted: bool) -> str:
        if suite in self.results:
            return self.results[suite].remark_on(corrupted=corrupted)
        return self.remarks.get(suite, "")
