"""Jobs in containers of a real engine, and what code in one can reach."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.data.bundled import is_made
from harness.errors import ExecutorUnusable
from harness.own_code import OwnCode
from harness.settings import Settings
from harness.spec import TrainingSpec, TrainJob
from harness.suites.executors.executor import Failed, Finished, JobWork, Lost, PrepareWork

pytest.importorskip("docker.client", reason="the docker SDK is not installed: pip install 'robustness-harness[docker]'")
from containers import IMAGE, why_not

from harness.suites.executors.docker import container
from harness.suites.executors.docker.engine import open_engine
from harness.suites.executors.docker.executor import DockerExecutor
from harness.suites.executors.shares import Share

REASON = why_not()
pytestmark = [pytest.mark.docker, pytest.mark.skipif(bool(REASON), reason=REASON)]

JOB = TrainJob(spec=TrainingSpec(classification="digits"), seed=0, data={})
PROBE = """
import json, os, pathlib, socket, sys
def tried(action):
    try:
        action()
    except OSError as error:
        return type(error).__name__
    return "done"
write = lambda folder: lambda: pathlib.Path(folder, "written").write_text("x")
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
found = {
    "uid": os.getuid(),
    "capabilities": int(status["CapBnd"], 16),
    "no_new_privileges": int(status["NoNewPrivs"]),
    "network": tried(lambda: socket.create_connection(("192.0.2.1", 80), timeout=5)),
    "interfaces": [name for _, name in socket.if_nameindex()],
    "root": tried(write("/app")),
    "data": tried(write("/app/data")),
    "other model": tried(write("/app/results/models")),
    "own model": tried(write(f"/app/results/models/{sys.argv[2]}")),
    "memory": int(pathlib.Path(MEMORY).read_text()),
    "processes": int(pathlib.Path(PROCESSES).read_text()),
}
print(json.dumps({"failure": json.dumps(found)}), flush=True)
""".replace(
    "MEMORY",
    "next(filter(os.path.exists, ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']))",
).replace("PROCESSES", "next(filter(os.path.exists, ['/sys/fs/cgroup/pids.max', '/sys/fs/cgroup/pids/pids.max']))")


@pytest.fixture
def executor(request: pytest.FixtureRequest) -> Iterator[DockerExecutor]:
    """With the settings that a test asks for."""
    found = DockerExecutor("cpu", 1, getattr(request, "param", Settings()))
    yield found
    found.close()


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers have 200 MB."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    monkeypatch.setattr("harness.suites.executors.docker.executor.USABLE_MEMORY", (200 << 20) / machine)


@pytest.fixture
def outcome(executor: DockerExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[object]]:
    """All that becomes of a training whose container runs a program of ours in place of its own."""

    def ran(program: str) -> list[object]:
        monkeypatch.setattr(container, "PROGRAM", ["python", "-c", program])
        executor.submit(JobWork(job=JOB, data_dir=tmp_path / "data", models_dir=tmp_path / "models", weights={}))
        return until_it_is_over(executor)

    return ran


def until_it_is_over(executor: DockerExecutor) -> list[object]:
    found: list[object] = []
    while not found or not isinstance(found[-1], Finished | Failed):
        found += executor.events(0.5)
    return found


def test_code_in_a_container_reaches_nothing_but_the_folder_of_its_own_model(outcome, tmp_path: Path):
    (tmp_path / "models").mkdir(mode=0o755)
    last = outcome(PROBE)[-1]
    found = json.loads(last.reason)
    assert found.pop("uid") != 0
    assert 0 < found.pop("memory") < os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert found == {
        "capabilities": 0,
        "no_new_privileges": 1,
        "network": "OSError",
        "interfaces": ["lo"],
        "root": "OSError",
        "data": "OSError",
        "other model": "OSError",
        "own model": "done",
        "processes": container.MOST_PROCESSES,
    }
    assert (tmp_path / "models" / JOB.key / "written").read_text() == "x"


def test_a_container_that_talks_nonsense_fails_its_job(outcome):
    last = outcome("print('hello')")[-1]
    assert isinstance(last, Failed)
    assert "said what no job says" in last.reason


def test_a_container_that_always_dies_fails_its_job_with_its_last_words(outcome):
    found = outcome("raise SystemExit('no luck')")
    causes = [event.reason for event in found if isinstance(event, Lost | Failed)]
    cause = "its container died with exit code 1: no luck"
    assert causes == [*[cause] * (Settings.attempts - 1), f"{cause}, {Settings.attempts} times"]


@pytest.mark.parametrize("executor", [Settings(attempts=2, hang_minutes=0.05)], indirect=True)
def test_a_container_that_says_nothing_hangs_and_is_ended_and_its_job_begins_again(executor, outcome):
    found = outcome("import time; time.sleep(3600)")
    causes = [event.reason for event in found if isinstance(event, Lost | Failed)]
    silence = "it hung: no progress for 0.05 minutes (HARNESS_HANG_MINUTES)"
    assert causes == [silence, f"{silence}, 2 times"]
    assert executor.idle == 1
    assert containers_of(JOB.key) == []


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("executor", [Settings(attempts=2)], indirect=True)
def test_a_container_that_wants_more_than_its_memory_is_told_apart_from_one_that_dies(outcome):
    found = outcome("b'x' * (1 << 30)")
    causes = [event.reason for event in found if isinstance(event, Lost | Failed)]
    cause = "its container needs more than its 200 MB of memory"
    assert causes == [cause, f"{cause}, 2 times; use fewer --workers"]


@pytest.mark.skipif(Path("/proc/driver/nvidia").exists(), reason="containers can have a GPU here")
def test_a_container_that_cannot_start_is_one_clear_error_and_gone(monkeypatch, tmp_path: Path):
    share = Share("cuda", (0,), "0")
    monkeypatch.setattr("harness.suites.executors.docker.executor.shares", lambda *of: [share])
    executor = DockerExecutor("cpu", 1, Settings())
    try:
        with pytest.raises(ExecutorUnusable, match=r"the Docker engine starts no container: .*gpu"):
            executor.submit(PrepareWork(name="digits", data_dir=tmp_path))
    finally:
        executor.close()
    gc.collect()  # a connection that was left open would be a warning now
    assert containers_of("prepare digits") == []


def test_a_job_is_done_and_its_container_is_gone(executor: DockerExecutor, tmp_path: Path):
    executor.submit(PrepareWork(name="digits", data_dir=tmp_path))
    assert executor.idle == 0
    last = until_it_is_over(executor)[-1]
    assert isinstance(last, Finished), last
    assert last.made_with
    assert last.made_with.packages["container-image"].startswith("sha256:")
    assert is_made(tmp_path, "digits")
    assert executor.idle == 1
    assert containers_of("prepare digits") == []


def test_own_code_may_be_longer_than_a_command_line(executor: DockerExecutor, tmp_path: Path):
    code = OwnCode((("mine.py", "# " + "long " * 100_000),))
    executor.submit(JobWork(job=JOB, data_dir=tmp_path / "data", models_dir=tmp_path / "models", weights={}, code=code))
    last = until_it_is_over(executor)[-1]
    assert isinstance(last, Failed)
    assert last.reason.startswith("data set digits is not in /app/data"), "the container read the job"


def test_an_image_that_is_not_there_is_named():
    with pytest.raises(ExecutorUnusable, match="no image 'no-such-image'; build it with: make image"):
        DockerExecutor("cpu", 1, Settings(image="no-such-image"))


RUNNER = """
import sys, time
from pathlib import Path
from harness.suites.executors.docker.executor import DockerExecutor
from harness.settings import Settings
from harness.suites.executors.executor import PrepareWork
executor = DockerExecutor("cpu", 1, Settings())
executor.submit(PrepareWork(name="digits-c", data_dir=Path(sys.argv[1])))
print("begun", flush=True)
time.sleep(600)
"""


def test_a_container_ends_with_its_runner(tmp_path: Path):
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert runner.stdout
    assert runner.stdout.readline() == "begun\n"
    [begun] = containers_of("prepare digits-c")
    runner.send_signal(signal.SIGKILL)
    runner.communicate()
    try:
        assert begun.wait(timeout=120)["StatusCode"] == 1
    finally:
        begun.remove(force=True)


def containers_of(key: str) -> list:
    engine, _ = open_engine(IMAGE)
    with closing(engine):
        return engine.containers.list(all=True, filters={"label": f"robustness-harness={key}"})
