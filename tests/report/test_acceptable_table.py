from __future__ import annotations

from invented import results

from harness.report.acceptable_table import acceptable_table, verdict
from harness.report.ratios import Ratios, judged


def test_the_verdict_names_what_fails() -> None:
    assert verdict(True, True, 0.9) == "acceptable"
    assert verdict(False, True, 0.9) == "no: R0/U0 < 0.9"
    assert verdict(False, False, 0.8) == "no: R0/U0 < 0.8, not more robust"


def test_an_interval_without_an_upper_end_is_explained() -> None:
    given = results(seeds=2)
    rows = judged(given, 0.9).rows.assign(distorted_high=2.0)
    because = "∞: these seeds do not tell U from 0."
    assert because not in acceptable_table(Ratios(rows, 0.9), given.scope).notes
    endless = acceptable_table(Ratios(rows.assign(distorted_high=float("inf")), 0.9), given.scope)
    assert because in endless.notes
    assert all(row[9].endswith(", ∞]") for row in endless.rows)


def test_the_same_accuracy_looks_as_in_the_summary() -> None:
    """The database and pandas may differ in its last bit."""
    given = results(seeds=2)
    rows = judged(given, 0.9).rows.assign(r0=0.6525 - 2**-53, u0=0.6525, rd=0.6525 + 2**-53)
    [row] = {row[4:7] for row in acceptable_table(Ratios(rows[rows["epsilon"].notna()], 0.9), given.scope).rows}
    assert row == ("65.3", "65.3", "65.3")
