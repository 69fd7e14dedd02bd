from __future__ import annotations

import pytest

from harness.spec import seeds_of
from harness.spec.seeds import seeds_text


@pytest.mark.parametrize(
    ("written", "seeds"),
    [("0-6", (0, 1, 2, 3, 4, 5, 6)), ("5", (5,)), ("2, 0,5-6", (0, 2, 5, 6)), ([3, 1, 3], (1, 3)), ("1-1", (1,))],
)
def test_seeds_are_written_in_ranges_and_lists(written, seeds):
    assert seeds_of(written) == seeds


@pytest.mark.parametrize("text", ["", "0", "0-6", "0,2,5-7", "1-2,4"])
def test_seeds_are_told_as_users_write_them(text):
    assert seeds_text(reversed(seeds_of(text) if text else ())) == text


@pytest.mark.parametrize("written", ["", "a", "-1", "1-", "3-1", "0-2,5-3", [-1], [], 1.5, 5, True])
def test_seeds_that_make_no_sense_are_refused(written):
    with pytest.raises(ValueError, match="seed"):
        seeds_of(written)
