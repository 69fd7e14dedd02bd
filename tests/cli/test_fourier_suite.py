"""A suite with a Fourier heat map, from its file to its report."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from program import WAYS, Program, after_a_run

from harness.data.frequencies import bands
from harness.store.arrays import load

SUITE = f"""
title = "Which spatial frequencies do two tiny networks bear?"
{WAYS}
[evaluations]
clean = {{ n_images = 32 }}
fourier = {{ n_images = 8 }}
"""
PAGE = (Path(__file__).parents[2] / "docs" / "fourier.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, digits_dir: Path) -> Program:
    """A program after the suite's first run."""
    return after_a_run(Program(tmp_path_factory.mktemp("fourier"), digits_dir, SUITE))


def test_maps_and_bands_are_stored_and_nothing_is_done_twice(own: Program) -> None:
    [query] = re.findall(r"^```sql\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    rows = own.query(query.replace("'frequencies'", "'tiny'"))
    assert [row[:3] for row in rows] == [
        (condition, 0, f"accuracy_{band}") for band in ("high", "low", "medium") for condition in ("none", "threshold")
    ]
    for condition, file, sha256 in own.query(
        "SELECT condition, file, sha256 FROM v_arrays WHERE kind = 'fourier' AND name = 'accuracy'"
    ):
        accuracy = load(own.results / "arrays", file, sha256)
        assert accuracy.shape == (32, 32)
        for place, band in enumerate(("low", "medium", "high")):
            [value] = [row[3] for row in rows if (row[0], row[2]) == (condition, f"accuracy_{band}")]
            assert value == pytest.approx(accuracy[bands(32, 32) == place].mean())
    hits = own.query("SELECT file, sha256 FROM v_arrays WHERE kind = 'fourier' AND name = 'hits'")
    assert {load(own.results / "arrays", *row).shape for row in hits} == {(32, 32, 8)}
    assert own.query("SELECT count(*) FROM v_curves UNION ALL SELECT count(*) FROM v_acceptable") == [(0,), (0,)]
    assert "nothing to do" in own("run-suite", "tiny")[1]


def test_the_report_has_the_maps_and_compares_the_bands(own: Program) -> None:
    code, said = own("report", "tiny")
    assert code == 0, said
    folder = own.results / "report" / "tiny-paper"
    for table in ("summary", "differences"):
        text = (folder / f"{table}.md").read_text(encoding="utf-8")
        for band in ("low", "medium", "high"):
            assert f"Fourier basis {band} frequencies (" in text
        assert "an L2 norm of 4, pixels in" in text
        assert "Fourier basis 8." in text
    for name in ("figure-fourier-map", "figure-fourier-differences"):
        assert {f"{name}.{kind}" for kind in ("png", "pdf", "md", "tex", "csv")} <= {x.name for x in folder.iterdir()}
    differences = pd.read_csv(folder / "figure-fourier-differences.csv")
    maps = pd.read_csv(folder / "figure-fourier-map.csv").pivot(
        index=["down", "across"], columns="condition", values="mean"
    )
    assert len(differences) == 1024
    np.testing.assert_allclose(differences["mean"], maps["threshold"] - maps["none"])


def test_a_report_without_the_arrays_says_what_it_lacks(own: Program) -> None:
    (own.results / "arrays").rename(own.results / "elsewhere")
    try:
        code, said = own("report", "tiny", "--out", str(own.folder / "bare"))
        assert code == 0, said
        folder = own.folder / "bare" / "tiny-paper"
        assert "by condition (seeds): none (0); threshold (0)." in (folder / "missing.md").read_text(encoding="utf-8")
        assert not list(folder.glob("figure-fourier*"))
    finally:
        (own.results / "elsewhere").rename(own.results / "arrays")
