from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from benchmarks.quantity import Growth, Quantity, draw, line, measured, row

PAIRS = Quantity(
    title="N", sizes=(2, 3, 4), prepare=lambda n: lambda: [0.0] * n, per="pair", units=lambda n: n * (n - 1) / 2
)


def test_a_line_says_what_one_more_costs_and_how_far_it_is_from_the_points():
    found = line([1, 2, 3], [3.0, 5.0, 7.0])
    assert (found.slope, found.intercept, found.deviation) == pytest.approx((2, 1, 0))
    assert line([1, 2, 3], [0.0, 3.0, 0.0]).deviation == pytest.approx(2 / 3)
    assert line([1, 2, 3], [0.0, 0.0, 0.0]).deviation == 0


def test_a_row_names_the_constant_in_a_readable_unit():
    growth = Growth(quantity=PAIRS, seconds=(0.002, 0.006, 0.012), megabytes=(1.0, 3.0, 6.0))
    assert row(growth) == "| N | 2, 3, 4 | 0.002, 0.006, 0.012 | **2 ms per pair** | 0 | 0% | 1, 3, 6 | 1 MB |"


def test_each_size_is_measured_and_drawn(tmp_path: Path):
    growth = measured(PAIRS)
    assert len(growth.seconds) == 3
    draw([growth], tmp_path / "growth.png", "CPU seconds", lambda growth: growth.seconds)
    with Image.open(tmp_path / "growth.png") as drawn:
        assert drawn.size[0] > 800
