from __future__ import annotations

import pytest

from harness.report.cells import bracketed, number, plus_minus, signed, span, tied


def test_plus_minus_needs_more_than_one_seed() -> None:
    assert plus_minus(71.62, 0.44, 1) == "71.6 ± 0.4"
    assert plus_minus(71.62, float("nan"), 1) == "71.6"


def test_differences_carry_their_sign() -> None:
    assert (signed(1.25, 1), signed(-1.26, 1)) == ("+1.3", "−1.3")


def test_a_number_has_a_real_minus_unless_it_is_rounded_to_zero() -> None:
    assert (number(-0.228, 2), number(0.228, 2), number(-0.004, 2)) == ("−0.23", "0.23", "0.00")
    assert (signed(-0.04, 1), signed(0.04, 1)) == ("−0.0", "+0.0")


@pytest.mark.parametrize("written", [65.25, 65.25 - 1e-14, 65.25 + 1e-14])
def test_a_half_is_rounded_away_from_zero_whichever_way_its_mean_was_computed(written: float) -> None:
    assert (number(written, 1), number(-written, 1)) == ("65.3", "−65.3")
    assert (plus_minus(written, written, 1), signed(-written, 1)) == ("65.3 ± 65.3", "−65.3")
    assert bracketed(written, written, written, 1) == "65.3 [65.3, 65.3]"


def test_what_is_infinite_is_written_as_such() -> None:
    infinite = float("inf")
    assert plus_minus(infinite, float("nan"), 2) == "∞"
    assert (signed(infinite, 2), signed(-infinite, 2)) == ("+∞", "−∞")
    assert tied(bracketed(1.94, 1.1, infinite)) == "1.94 [1.10,\u00a0∞]"


def test_a_span_says_once_what_is_both_least_and_largest() -> None:
    assert (span([7, 5, 6]), span([7, 7]), span([]), span([2 / 128, 2 / 16], ".3g")) == (
        "5 to 7",
        "7",
        "–",
        "0.0156 to 0.125",
    )
