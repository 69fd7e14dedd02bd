from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from harness.seeding import global_generators
from harness.torch_settings import compute_exactly, fast_convolutions

BACKENDS: Any = torch.backends
OPERATIONS = (
    *(BACKENDS.cudnn.conv, BACKENDS.cudnn.rnn, BACKENDS.cuda.matmul),
    *(BACKENDS.mkldnn.conv, BACKENDS.mkldnn.rnn, BACKENDS.mkldnn.matmul),
)
CHANGES: dict[str, Callable[[], object]] = {
    "the precision of everything": lambda: setattr(BACKENDS, "fp32_precision", "tf32"),
    "that of products": lambda: torch.set_float32_matmul_precision("medium"),
    "that of a GPU's products": lambda: setattr(BACKENDS.cuda.matmul, "fp32_precision", "tf32"),
    "that of a GPU's convolutions": lambda: setattr(BACKENDS.cudnn.conv, "fp32_precision", "tf32"),
    "the same, as it was set before": lambda: setattr(BACKENDS.cudnn, "allow_tf32", True),
    "that of a CPU": lambda: setattr(BACKENDS.mkldnn, "fp32_precision", "bf16"),
    "that of a CPU's convolutions": lambda: setattr(BACKENDS.mkldnn.conv, "fp32_precision", "bf16"),
    "the choice of algorithms": lambda: setattr(BACKENDS.cudnn, "benchmark", True),
    "whether they must be deterministic": lambda: setattr(BACKENDS.cudnn, "deterministic", False),
    "whether all must be": lambda: torch.use_deterministic_algorithms(True, warn_only=True),
    "the default type": lambda: torch.set_default_dtype(torch.float64),
    "the default device": lambda: torch.set_default_device("meta"),
    "gradients": lambda: torch.set_grad_enabled(False),
    "threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
}


def state() -> tuple[object, ...]:
    return (
        *(operation.fp32_precision for operation in OPERATIONS),
        *(BACKENDS.cudnn.benchmark, BACKENDS.cudnn.deterministic, BACKENDS.cudnn.allow_tf32),
        *(torch.get_float32_matmul_precision(), torch.are_deterministic_algorithms_enabled()),
        *(torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled(), torch.get_num_threads()),
    )


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    compute_exactly()
    yield
    compute_exactly()


def test_float32_is_computed_as_it_is_written() -> None:
    assert {operation.fp32_precision for operation in OPERATIONS} == {"ieee"}
    assert not BACKENDS.cudnn.allow_tf32
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_code_of_others_changes_is_put_back(change: Callable[[], object]) -> None:
    before = state()
    with global_generators(0, "own code"):
        change()
    assert state() == before


def test_products_after_code_of_others_are_as_exact_as_before() -> None:
    left, right = torch.rand(512, 256, generator=torch.Generator().manual_seed(0)).chunk(2)
    before = left @ right
    with global_generators(0, "own code"):
        torch.set_float32_matmul_precision("medium")  # with instructions for bfloat16 a CPU then rounds to it
    assert torch.equal(left @ right, before)


@pytest.mark.parametrize("tf32", [False, True])
def test_only_convolutions_are_fast_for_a_while(tf32: bool) -> None:
    before = state()
    with fast_convolutions(tf32=tf32):
        assert BACKENDS.cudnn.conv.fp32_precision == ("tf32" if tf32 else "ieee")
        assert BACKENDS.cudnn.allow_tf32 is tf32
        assert BACKENDS.cuda.matmul.fp32_precision == "ieee"
        assert (BACKENDS.cudnn.benchmark, BACKENDS.cudnn.deterministic) == (True, False)
    assert state() == before


def test_precisions_of_others_do_not_reach_float32_convolutions() -> None:
    BACKENDS.fp32_precision = "tf32"
    with fast_convolutions(tf32=False):
        assert BACKENDS.cudnn.conv.fp32_precision == "ieee"
