from __future__ import annotations

import errno
import fcntl
import shutil
import subprocess
import sys
import threading

import pytest

from harness.errors import HarnessError, ResultsBusy
from harness.suites.results_folder import active_run, lock_folder


def test_a_second_run_is_refused_and_told_whom_it_waits_for(tmp_path):
    other = "from pathlib import Path; import sys, time; from harness.suites.results_folder import lock_folder\n"
    other += "with lock_folder(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", other, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(ResultsBusy, match=rf"process {process.pid}, since \d{{4}}-.* UTC"), lock_folder(tmp_path):
            pass
        assert str(process.pid) in active_run(tmp_path)
        process.kill()
    assert active_run(tmp_path) is None
    with lock_folder(tmp_path):  # the system let go of it when the process died
        pass


def test_whoever_only_looks_does_not_stop_a_run(tmp_path):
    (tmp_path / "run.lock").touch()
    with (tmp_path / "run.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        threading.Timer(0.15, fcntl.flock, (lock, fcntl.LOCK_UN)).start()
        with lock_folder(tmp_path):
            pass


def test_a_folder_where_nothing_can_be_locked_is_refused(tmp_path, monkeypatch):
    def refuse(file, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (
        pytest.raises(HarnessError, match=r"files cannot be locked .No locks available.*HARNESS_RESULTS_DIR"),
        lock_folder(tmp_path),
    ):
        pass


def test_an_almost_full_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9 - 10**8, 10**8))
    with pytest.raises(HarnessError, match="only 95 MB are free"), lock_folder(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(HarnessError, match="cannot be used for results: Not a directory"),
        lock_folder(tmp_path / "file" / "in"),
    ):
        pass
