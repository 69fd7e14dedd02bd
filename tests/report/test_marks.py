from __future__ import annotations

from dataclasses import replace

import pandas as pd
from invented import results

from harness.report.marks import Marks
from harness.report.table import Table
from harness.store.origins import SplitOrigin

GIVEN = results()
STAND_IN = SplitOrigin(name="mnist", split="test", sha256="ef" * 32, n=9, generated=True, origin="stand-in: patterns")
OTHER = replace(GIVEN, suite="mnist", origins=replace(GIVEN.origins, data=(STAND_IN,)))


def table(data: pd.DataFrame, *, corrupted: bool = True) -> Table:
    return Table(name="t", title="t", columns=("a",), rows=(("b",),), notes=("n",), corrupted=corrupted, data=data)


def test_a_table_is_marked_in_its_notes_and_in_its_data() -> None:
    marks = Marks(report="g", profile="small", results={"grayscale-cifar10": GIVEN})
    found = marks.table(table(pd.DataFrame({"mean": [0.5]})))
    assert found.notes == ("n", "grayscale-cifar10: Generated images: cifar10-c.")
    assert found.data.to_dict("records") == [
        {"suite": "grayscale-cifar10", "profile": "small", "mean": 0.5, "remark": "Generated images: cifar10-c."}
    ]
    assert marks.table(found).notes == found.notes


def test_generated_corruptions_are_no_mark_of_what_shows_none() -> None:
    found = Marks(report="g", profile="small", results={"grayscale-cifar10": GIVEN}).table(
        table(pd.DataFrame({"mean": [0.5]}), corrupted=False)
    )
    assert found.notes == ("n",)
    assert list(found.data) == ["suite", "profile", "mean"]


def test_each_row_has_the_mark_of_its_suite() -> None:
    marks = Marks(
        report="g", profile="small", results={"grayscale-cifar10": GIVEN, "mnist": OTHER}, remarks={"third": "Known."}
    )
    suites = ["mnist", "grayscale-cifar10", "third", "fourth"]
    found = marks.table(table(pd.DataFrame({"suite": suites}), corrupted=False))
    assert found.notes == ("n", "mnist: Stand-ins: mnist.", "third: Known.")
    assert list(found.data["remark"]) == ["Stand-ins: mnist.", "", "Known.", ""]
