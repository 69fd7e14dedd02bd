from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.spec.training import OptimisationSpec
from harness.training.schedule import learning_rate


def test_the_papers_schedule_is_two_cycles_of_five_phases_of_four_epochs() -> None:
    rates = [learning_rate(OptimisationSpec(), epoch) for epoch in range(40)]
    assert rates[:20] == rates[20:]
    assert rates[0:20:4] == pytest.approx([0.1, 0.03, 0.009, 0.0027, 0.00081])
    assert all(len(set(rates[phase : phase + 4])) == 1 for phase in range(0, 40, 4))


@given(epoch=st.integers(0, 1000), per_phase=st.integers(1, 9), phases=st.integers(1, 9), decay=st.floats(0.01, 1))
def test_a_cycle_starts_at_the_top_and_never_rises(epoch: int, per_phase: int, phases: int, decay: float) -> None:
    spec = OptimisationSpec(epochs_per_phase=per_phase, phases_per_cycle=phases, decay=decay)
    rate = learning_rate(spec, epoch)
    assert learning_rate(spec, epoch - epoch % (per_phase * phases)) == spec.learning_rate
    assert learning_rate(spec, epoch + per_phase * phases) == rate
    if (epoch + 1) % (per_phase * phases):
        assert learning_rate(spec, epoch + 1) <= rate


def test_a_cosine_begins_at_the_top_falls_and_is_half_way_down_in_the_middle() -> None:
    spec = OptimisationSpec(schedule="cosine", epochs=10, learning_rate=0.2)
    rates = [learning_rate(spec, epoch) for epoch in range(10)]
    assert rates[0] == 0.2
    assert rates[5] == pytest.approx(0.1)
    assert rates == sorted(set(rates), reverse=True)
    assert 0 < rates[-1] < 0.01
