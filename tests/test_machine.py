from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import machine
from harness.machine import USUAL_FILES, allow_open_files, memory_note

PHYSICAL = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.fixture
def cgroups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Control groups of the test's own; this process is in /service/worker."""
    (tmp_path / "groups" / "service" / "worker").mkdir(parents=True)
    (tmp_path / "own").write_text("0::/service/worker\n")
    monkeypatch.setattr(machine, "CGROUPS", tmp_path / "groups")
    monkeypatch.setattr(machine, "_OWN_CGROUP", tmp_path / "own")
    return tmp_path / "groups"


def test_without_limits_all_memory_is_there(cgroups: Path) -> None:
    (cgroups / "memory.max").write_text("max\n")
    assert machine.available_memory() == PHYSICAL


@pytest.mark.parametrize("group", ["", "service", "service/worker"])
def test_the_limit_of_any_group_above_counts(cgroups: Path, group: str) -> None:
    (cgroups / group / "memory.max").write_text("1000000\n")
    assert machine.available_memory() == 1_000_000


def test_so_do_limits_of_the_first_version(cgroups: Path) -> None:
    (cgroups / "memory").mkdir()
    (cgroups / "memory" / "memory.limit_in_bytes").write_text("2000000\n")
    assert machine.available_memory() == 2_000_000


def test_limits_beyond_the_machine_mean_nothing(cgroups: Path) -> None:
    (cgroups / "memory.max").write_text(f"{2**62}\n")
    assert machine.available_memory() == PHYSICAL


def test_a_machine_without_control_groups_has_all(cgroups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_OWN_CGROUP", cgroups / "nothing")
    assert machine.available_memory() == PHYSICAL


def test_the_cores_are_those_that_this_process_may_use() -> None:
    assert machine.available_cores() == sorted(os.sched_getaffinity(0))


@pytest.fixture
def limits() -> Iterator[Callable[[int, int], None]]:
    """Sets this process's own limits, which are put back."""
    kinds = (resource.RLIMIT_AS, resource.RLIMIT_NOFILE)
    before = {kind: resource.getrlimit(kind) for kind in kinds}
    yield lambda kind, soft: resource.setrlimit(kind, (soft, before[kind][1]))
    for kind in kinds:
        resource.setrlimit(kind, before[kind])


def test_a_limit_of_a_process_s_memory_is_named(limits: Callable[[int, int], None]) -> None:
    limits(resource.RLIMIT_AS, resource.RLIM_INFINITY)
    assert memory_note() == ""
    limits(resource.RLIMIT_AS, 1 << 46)
    assert memory_note() == " (a process may map only 67108864 MB here: raise ulimit -v)"


def test_a_limit_of_open_files_is_raised_to_what_is_needed_and_not_lowered(limits: Callable[[int, int], None]) -> None:
    limits(resource.RLIMIT_NOFILE, 256)
    assert allow_open_files(100) == USUAL_FILES
    assert allow_open_files(USUAL_FILES + 100) == USUAL_FILES + 100
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == USUAL_FILES + 100
    assert allow_open_files(100) == USUAL_FILES
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == USUAL_FILES + 100


@pytest.mark.parametrize(
    ("line", "has"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16", True),
        ("flags\t\t: fpu amx_tile amx_bf16", True),
        ("Features\t: fp asimd bf16", True),
        ("flags\t\t: fpu avx2 avx512f", False),
        ("model name\t: one with bf16", False),
    ],
)
def test_the_processor_says_whether_it_has_instructions_for_bfloat16(
    line: str, has: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(f"processor\t: 0\n{line}\n")
    monkeypatch.setattr(machine, "CPUINFO", file)
    assert machine.cpu_has_bfloat16() is has


def test_without_linux_nothing_is_said_of_bfloat16(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "none")
    assert not machine.cpu_has_bfloat16()
    assert machine.cpu_name()
