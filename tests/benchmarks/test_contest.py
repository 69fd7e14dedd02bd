from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.contest import Ceiling, Contest, Disagreement, Way, described, held

CPU = torch.device("cpu")
CALLS: list[str] = []


def _work(name: str, megabytes: int = 0) -> Callable[[], object]:
    def work() -> object:
        CALLS.append(name)
        return np.ones(megabytes << 17)

    return work


CONTEST = Contest(
    title="counting",
    harness=Way(title="in one go", work=_work("harness"), amount=100),
    reference=Way(title="one by one", work=_work("plain", megabytes=64), amount=10),
    check=lambda: "equal",
)


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


def test_both_ways_take_turns_once_they_are_warm() -> None:
    held(CONTEST, rounds=3, device=CPU)
    assert CALLS[-6:] == ["harness", "plain"] * 3
    assert CALLS.count("harness") == CALLS.count("plain") == 3 + 2


def test_nothing_is_timed_where_the_two_ways_disagree() -> None:
    def check() -> str:
        raise Disagreement("the logits differ")

    with pytest.raises(Disagreement, match="the logits differ"):
        held(replace(CONTEST, check=check), rounds=3, device=CPU)
    assert CALLS == []


def test_a_ratio_is_one_of_rates_so_that_the_slower_way_may_do_less() -> None:
    outcome = held(CONTEST, rounds=5, device=CPU)
    assert outcome.lowest <= outcome.ratio <= outcome.highest
    assert outcome.harness.rate == pytest.approx(100 / outcome.harness.seconds)
    assert outcome.reference.rate == pytest.approx(10 / outcome.reference.seconds)


def test_peak_memory_is_what_a_call_adds_to_what_was_there() -> None:
    kept = np.ones(256 << 17)  # is no part of it
    outcome = held(CONTEST, rounds=1, device=CPU)
    assert kept.all()
    if outcome.reference.peak_mb is None:
        pytest.skip("this system does not say how much memory a process used at its highest")
    assert outcome.reference.peak_mb == pytest.approx(64, abs=16)
    assert outcome.harness.peak_mb == pytest.approx(0, abs=16)


def test_a_share_is_of_what_the_ceiling_allows() -> None:
    outcome = held(replace(CONTEST, ceilings=(Ceiling(name="convolutions", rate=lambda: 1e12),)), rounds=1, device=CPU)
    assert outcome.shares == {"convolutions": pytest.approx(outcome.harness.rate / 1e12)}


def test_an_outcome_says_ratio_rates_and_agreement() -> None:
    text = described(held(CONTEST, rounds=2, device=CPU))
    assert re.search(r"counting: [\d.]+ times as fast \([\d.]+ to [\d.]+ in 2 rounds\)", text)
    assert "plain way: one by one" in text
    assert "same results: equal" in text
