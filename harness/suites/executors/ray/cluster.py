"""A Ray cluster, as the runner sees it: the one at RAY_ADDRESS, or one of this machine alone."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import ray
from ray.exceptions import GetTimeoutError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from harness.errors import DeviceError, ExecutorUnusable
from harness.machine import available_cores
from harness.suites.devices import WORKER_MEMORY, Device, get_device

START_SECONDS = 180.0  # 10 to 25 are usual
JOIN_SECONDS = 60.0
"""For the first node that runs jobs to join a cluster that has none yet, as one that was just started."""
CORES = 1  # per worker: one-thread processes beat threads in one process


@dataclass(frozen=True)
class NodeShare:
    """A worker's part of a node."""

    gpu: float | None
    """Part of a GPU; None for workers without."""

    @property
    def kind(self) -> Literal["cuda", "cpu"]:
        """The device's, in torch's word."""
        return "cpu" if self.gpu is None else "cuda"

    @property
    def options(self) -> dict[str, float]:
        """The share in Ray's words."""
        gpus = {} if self.gpu is None else {"num_gpus": self.gpu}
        return {"num_cpus": CORES, "memory": WORKER_MEMORY, **gpus}

    def slots(self, resources: Mapping[str, float]) -> int:
        """How many workers find room on a node; its resources are counted as Ray does, memory in bytes."""
        room = min(resources.get("CPU", 0) / CORES, resources.get("memory", 0) / WORKER_MEMORY)
        if self.gpu is not None:
            # a share lies on one GPU: what is left of several adds up to nothing; the margin is for shares like 1/3
            room = min(room, int(resources.get("GPU", 0)) * math.floor(1 / self.gpu + 1e-6))
        return int(room)

    def __str__(self) -> str:
        gpu = "" if self.gpu is None else f", {self.gpu:g} GPU"
        return f"{CORES} core, {WORKER_MEMORY >> 30} GB{gpu}"


class Cluster:
    """A connection to a cluster, made within START_SECONDS."""

    def __init__(self) -> None:
        """Raises ExecutorUnusable."""
        self._failure: BaseException | None = None
        self._connected, self._left = threading.Event(), threading.Event()
        address = os.environ.get("RAY_ADDRESS") or "local"
        where = "a Ray cluster of this machine" if address == "local" else f"the Ray cluster at RAY_ADDRESS={address}"
        # In a thread, since Ray has been seen to hang here. The thread lives until the end, since Ray's processes are
        # killed when the thread that started them ends.
        self._thread = threading.Thread(target=self._stay, args=(address,), daemon=True)
        self._thread.start()
        if not self._connected.wait(START_SECONDS):
            raise ExecutorUnusable(f"{where} did not answer within {START_SECONDS:.0f} seconds; see ray status")
        if self._failure:
            raise ExecutorUnusable(f"{where} cannot be used: {first_line(self._failure)}") from self._failure
        patience = time.monotonic() + JOIN_SECONDS
        while not any(node["Resources"].get("CPU") for node in _nodes()) and time.monotonic() < patience:
            time.sleep(1)

    @property
    def has_gpus(self) -> bool:
        """Whether any node has one."""
        return any(node["Resources"].get("GPU") for node in _nodes())

    def room(self, share: NodeShare) -> int:
        """Workers that the nodes which are there hold, others' use of them aside."""
        return sum(share.slots(node["Resources"]) for node in _nodes())

    def device(self, share: NodeShare) -> Device:
        """The device of the nodes with room for a worker; what only some can do, it cannot.

        Raises:
            DeviceError: no node has a GPU, where one is asked for.
            ExecutorUnusable: no node has room.
        """
        nodes = [node["NodeID"] for node in _nodes() if share.slots(node["Resources"])]
        if not nodes:
            kind = ExecutorUnusable if share.gpu is None else DeviceError
            raise kind(f"no node of the Ray cluster has room for a worker, which takes {share}; see ray status")
        look = ray.remote(get_device)
        looks = [look.options(**share.options, scheduling_strategy=at_node(node)).remote(share.kind) for node in nodes]
        try:
            devices: list[Device] = ray.get(looks, timeout=START_SECONDS)
        except GetTimeoutError:
            raise ExecutorUnusable(
                f"a node of the Ray cluster had no free room within {START_SECONDS:.0f} seconds; see ray status"
            ) from None
        return replace(devices[0], count=self.room(share), bfloat16=all(device.bfloat16 for device in devices))

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        self._left.set()
        self._thread.join()

    def _stay(self, address: str) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # unless told, a new cluster reports to the makers of Ray
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "critical"}
        if address == "local":
            options |= {"num_cpus": len(available_cores()), "include_dashboard": False}
        try:
            ray.init(address=address, **options)
        except BaseException as error:  # for whoever waits
            self._failure = error
        self._connected.set()
        self._left.wait()
        ray.shutdown()


def at_node(node: str) -> NodeAffinitySchedulingStrategy:
    """Ray's word for "on that node"."""
    return NodeAffinitySchedulingStrategy(node_id=node, soft=False)


def first_line(error: BaseException) -> str:
    """An error of Ray's without the stack traces that follow."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _nodes() -> list[Any]:
    return [node for node in ray.nodes() if node["Alive"]]
