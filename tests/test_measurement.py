from __future__ import annotations

import math

import pytest

from harness.measurement import Measurement


@pytest.mark.parametrize(
    ("value", "reason", "said"),
    [
        (math.nan, None, "accuracy is nan, which is not a number to store"),
        (math.inf, None, "accuracy is inf, which is not a number to store"),
        (None, None, "accuracy needs either a value or a reason"),
        (0.5, "no start", "accuracy needs either a value or a reason"),
    ],
)
def test_a_measurement_is_a_number_or_says_why_there_is_none(
    value: float | None, reason: str | None, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Measurement(metric="accuracy", value=value, n=1, reason=reason)
    assert [Measurement(metric="accuracy", value=number, n=1).value for number in (0.0, 1)] == [0, 1]
    assert Measurement(metric="score", value=None, n=0, reason="no start").value is None
