from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from benchmarks import __main__ as command
from benchmarks import ledger
from benchmarks.contest import Contest
from harness.torch_settings import compute_exactly


def test_float32_is_computed_as_it_is_written_by_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch lets a GPU's convolutions round to TF32 unless it is told not to, and then the two ways do not agree."""
    convolutions: Any = torch.backends.cudnn
    found: list[str] = []

    def contests(device: torch.device) -> Iterator[Contest]:
        found.append(convolutions.conv.fp32_precision)
        return iter(())

    monkeypatch.setattr("sys.argv", ["benchmarks"])
    monkeypatch.setattr(command, "BENCHMARKS", {"one": contests})
    monkeypatch.setattr(ledger, "keep", lambda *_: None)
    convolutions.allow_tf32 = True
    convolutions.conv.fp32_precision = convolutions.rnn.fp32_precision = "tf32"
    try:
        command.main()
    finally:
        compute_exactly()
    assert found == ["ieee"]
