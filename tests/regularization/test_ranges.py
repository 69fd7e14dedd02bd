from __future__ import annotations

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from harness.regularization.numbering import number_of, pair_total
from harness.regularization.ranges import members, pair_counts, pair_ranges
from harness.regularization.similarity import row_similarity, unit_rows

HIGH, LOW = 0.4, 0.15

# appendix 7.7, word by word
DEFINITIONS = {
    "all": lambda s: s == s,
    "high": lambda s: s.abs() > HIGH,
    "low": lambda s: s.abs() < HIGH,
    "high_positive": lambda s: s > HIGH,
    "positive": lambda s: (s > HIGH) | (s.abs() < HIGH),
    "negative": lambda s: (s < -HIGH) | (s.abs() < HIGH),
    "double": lambda s: (s.abs() > HIGH) | (s.abs() < LOW),
}


@pytest.fixture(scope="module")
def rows() -> Tensor:
    return unit_rows(torch.from_numpy(load_digits().images[:90, None]))


@pytest.fixture(params=[7, 90, 1024], ids="tile of {}".format, autouse=True)
def tile(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.regularization.ranges._TILE", request.param)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_members_are_those_that_enumeration_finds(name: str, rows: Tensor) -> None:
    i, j = torch.triu_indices(90, 90, offset=1)
    expected = number_of(i, j)[DEFINITIONS[name](row_similarity(rows, i, j))]
    found = members(rows, pair_ranges(HIGH, LOW)[name])
    assert len(found) > 50
    assert torch.equal(found.sort().values, expected.sort().values)


def test_counts_are_those_of_the_members(rows: Tensor) -> None:
    counts = pair_counts(rows, HIGH, LOW)
    assert counts == {name: len(members(rows, intervals)) for name, intervals in pair_ranges(HIGH, LOW).items()}
    assert counts["all"] == pair_total(90)


def test_double_needs_a_second_threshold(rows: Tensor) -> None:
    assert "double" not in pair_counts(rows, HIGH)


def test_a_similarity_that_equals_the_threshold_lies_in_no_range(rows: Tensor) -> None:
    # the matrix product of a tile rounds some of these to the other side
    i, j = torch.triu_indices(90, 90, offset=1)
    for number, similarity in enumerate(row_similarity(rows, i, j)[::250].tolist()):
        ranges = pair_ranges(abs(similarity))
        listed = torch.cat([members(rows, ranges[name]) for name in ("high", "low")])
        assert number_of(i, j)[250 * number] not in listed
