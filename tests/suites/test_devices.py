from __future__ import annotations

import ctypes
from typing import Any

import pytest

from harness.errors import DeviceError
from harness.suites.devices import Device, get_device
from harness.suites.executors.shares import visible_gpus


class Driver:
    """CUDA's driver of a machine with these GPUs: name and major compute capability."""

    def __init__(self, *gpus: tuple[str, int]) -> None:
        self._gpus = gpus

    def cuInit(self, flags: int) -> int:
        return 0

    def cuDeviceGetCount(self, count: Any) -> int:
        count._obj.value = len(self._gpus)
        return 0

    def cuDeviceGet(self, handle: Any, number: int) -> int:
        handle._obj.value = number
        return 0

    def cuDeviceGetAttribute(self, value: Any, attribute: int, handle: ctypes.c_int) -> int:
        value._obj.value = self._gpus[handle.value][1]
        return 0

    def cuDeviceGetName(self, name: Any, size: int, handle: ctypes.c_int) -> int:
        name.value = self._gpus[handle.value][0].encode()
        return 0


def installed(monkeypatch: pytest.MonkeyPatch, driver: Driver) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: driver)


def test_a_machine_with_gpus_computes_on_them(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, Driver(("NVIDIA H100", 9), ("NVIDIA H100", 9)))
    found = get_device("auto")
    assert found == Device("cuda", "NVIDIA H100", 2, bfloat16=True)
    assert (found.tf32, found.workers) == (True, 2)


def test_what_one_gpu_cannot_do_is_not_asked_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, Driver(("NVIDIA H100", 9), ("Tesla V100", 7)))
    assert get_device("cuda") == Device("cuda", "NVIDIA H100 and Tesla V100", 2, bfloat16=False)


def test_without_a_gpu_none_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, Driver())
    assert get_device("auto").kind == "cpu"
    with pytest.raises(DeviceError, match="no NVIDIA GPU that the driver shows"):
        get_device("cuda")


@pytest.mark.parametrize(
    ("said", "count", "gpus"),
    [
        ("", 2, ["0", "1"]),
        ("3, 1", 2, ["3", "1"]),
        ("0,1,-1", 2, ["0", "1"]),  # CUDA shows none from the first on that is not there
        ("0,7", 1, ["0"]),
        ("MIG-a,MIG-b", 1, ["MIG-a", "MIG-b"]),
    ],
)
def test_workers_are_given_the_gpus_that_this_process_sees(
    said: str, count: int, gpus: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", said)
    assert visible_gpus(Device("cuda", "NVIDIA H100", count, bfloat16=True)) == gpus
    assert visible_gpus(Device("cpu", "AMD EPYC", count, bfloat16=True)) == []
