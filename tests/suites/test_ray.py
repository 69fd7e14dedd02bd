"""A Ray cluster of two nodes on this machine, one of which dies."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.data.bundled import prepare_bundled
from harness.suites.devices import WORKER_MEMORY

pytest.importorskip("ray", reason="Ray is not installed: pip install 'robustness-harness[ray]'")
from harness.suites.executors.ray.cluster import NodeShare

ENVIRONMENT = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
PROGRAM = [sys.executable, "-m", "harness"]
PLENTY = {"CPU": 64.0, "memory": 100.0 * WORKER_MEMORY}


@pytest.mark.parametrize(
    ("share", "resources", "expected"),
    [
        (None, {"CPU": 4.0, "memory": 100.0 * WORKER_MEMORY}, 4),
        (None, {"CPU": 4.0, "memory": 2.5 * WORKER_MEMORY}, 2),
        (None, {}, 0),
        (0.5, PLENTY, 0),
        (0.5, PLENTY | {"GPU": 2.0}, 4),
        (0.4, PLENTY | {"GPU": 3.0}, 6),
        (1 / 3, PLENTY | {"GPU": 1.0}, 3),
        (1.0, {"CPU": 2.0, "memory": 100.0 * WORKER_MEMORY, "GPU": 8.0}, 2),
    ],
)
def test_a_node_holds_as_many_workers_as_its_scarcest_resource_allows(share, resources, expected):
    assert NodeShare(share).slots(resources) == expected


class Nodes:
    """Nodes of one core each (the head may have none) and no GPU, in process groups of their own."""

    def __init__(self, folder: Path, head_cores: int = 1) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        port = self.address.rpartition(":")[2]
        self._started: list[subprocess.Popen[str]] = []
        head = ("--head", "--port", port, "--include-dashboard", "false", "--temp-dir", str(folder))
        self.start(*head, cores=head_cores)

    def start(self, *options: str, cores: int = 1) -> subprocess.Popen[str]:
        """One more node; without options, of the cluster that is there."""
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block"]
        node = subprocess.Popen(
            [*command, "--num-cpus", str(cores), "--num-gpus", "0", *(options or ("--address", self.address))],
            env=os.environ | ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(node)
        read_until(node, "Ray runtime started")
        return node

    @staticmethod
    def kill(node: subprocess.Popen[str]) -> None:
        """End a node as a power failure would: its daemon, and every worker on it."""
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in psutil.Process(node.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        node.kill()
        assert node.stdout
        node.stdout.close()
        node.wait()

    def end(self) -> None:
        for node in reversed(self._started):
            self.kill(node)


@pytest.fixture
def nodes(request: pytest.FixtureRequest) -> Iterator[Nodes]:
    """A cluster of a head, with as many cores as the parameter says (one, if none)."""
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:  # a short path, for sockets
        found = Nodes(Path(folder), getattr(request, "param", 1))
        yield found
        found.end()


class Program:
    """`harness run-suite quickstart --profile smoke` with folders of its own."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HARNESS_")}
        self.environment = kept | ENVIRONMENT | {"HARNESS_RESULTS_DIR": str(folder), "HARNESS_DATA_DIR": str(data)}

    def start(self, executor: str, address: str = "") -> subprocess.Popen[str]:
        """In the background."""
        return subprocess.Popen(
            [*PROGRAM, "run-suite", "quickstart", "--profile", "smoke", "--device", "cpu", "--executor", executor],
            env=self.environment | {"RAY_ADDRESS": address},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # also where tests run in the background
        )

    def content(self) -> str:
        """All measurements."""
        sql = "SELECT condition, seed, evaluation, epsilon, accuracy, n FROM v_curves ORDER BY 1, 2, 3, 4"
        return subprocess.run(
            [*PROGRAM, "sql", sql, "--csv"], env=self.environment, capture_output=True, text=True, check=True
        ).stdout


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """What a program says, up to the line with that text."""
    said = []
    assert process.stdout
    for line in process.stdout:
        said.append(line)
        if text in line:
            return "".join(said)
    raise AssertionError(f"the program ended before it said {text!r}: {''.join(said)}")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    prepare_bundled(folder, "digits-c")
    return folder


@pytest.mark.slow
def test_a_suite_is_interrupted_continued_and_survives_the_death_of_a_node(tmp_path: Path, data: Path, nodes: Nodes):
    second = nodes.start()
    program = Program(tmp_path / "cluster", data)

    interrupted = program.start("ray", nodes.address)
    read_until(interrupted, "done in")
    interrupted.send_signal(signal.SIGINT)
    said, _ = interrupted.communicate(timeout=60)
    assert interrupted.returncode == 130, said
    assert "this continues: harness run-suite" in said

    continued = program.start("ray", nodes.address)
    read_until(continued, "done in")
    nodes.kill(second)
    rest, _ = continued.communicate(timeout=240)
    assert continued.returncode == 0, rest
    assert "its node was lost; it begins again" in rest or "its process died; it begins again" in rest
    assert "49 of 49 jobs are done" in rest

    alone = Program(tmp_path / "alone", data)
    here = alone.start("local")
    said, _ = here.communicate(timeout=240)
    assert here.returncode == 0, said
    assert program.content() == alone.content()


LOSSES = """
import os, signal, sys

import psutil
import ray
from ray.exceptions import RayError

from harness.suites.executors.ray import cause_of_loss

memory = psutil.virtual_memory()
os.environ["RAY_memory_usage_threshold"] = str((memory.total - memory.available + (2 << 30)) / memory.total)
ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="critical")


@ray.remote
class Worker:
    def leave(self, how):
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        return len([b"x" * (64 << 20) for _ in range(128)])


for how in ("killed", "memory"):
    try:
        worker = Worker.remote()
        ray.get(worker.leave.remote(how))
    except RayError as error:
        lost = cause_of_loss("job", error)
        sys.stdout.write(f"\\n{lost.reason}: {lost.cause}\\n")  # at once: Ray's threads write there too
"""


@pytest.mark.slow
def test_ray_says_whether_memory_ran_out_or_a_worker_was_killed():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOSSES],
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    said = [line for line in done.stdout.splitlines() if line.startswith("its process")]  # Ray speaks as well
    assert said == [
        "its process died: lost",
        "its process was ended because the node's memory ran out: memory",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("nodes", [0], indirect=True)
def test_a_run_waits_for_the_first_node_of_a_cluster_that_was_just_started(tmp_path: Path, data: Path, nodes: Nodes):
    run = Program(tmp_path, data).start("ray", nodes.address)
    read_until(run, "connecting to ray")
    nodes.start()
    said, _ = run.communicate(timeout=300)
    assert run.returncode == 0, said


@pytest.mark.slow
def test_a_cluster_without_a_gpu_is_refused_for_one(tmp_path: Path, data: Path, nodes: Nodes):
    environment = Program(tmp_path, data).environment | {"RAY_ADDRESS": nodes.address}
    command = [*PROGRAM, "run-suite", "quickstart", "--profile", "smoke", "--device", "cuda", "--executor", "ray"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no node of the Ray cluster has room for a worker, which takes 1 core, 2 GB, 0.5 GPU" in done.stderr
