"""The Docker engine: this machine's, or the one at DOCKER_HOST."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack

from docker.client import DockerClient
from docker.errors import DockerException, ImageNotFound
from docker.utils import parse_host

from harness.errors import ExecutorUnusable

ENGINE_SECONDS = 60  # to answer one request
SOCKET = "http+unix://"  # how the SDK writes a socket's path

ENGINE_ERRORS = (DockerException, OSError)
"""What the SDK raises: its own, and those of the connection."""


def open_engine(image: str) -> tuple[DockerClient, str]:
    """A connection, which is the caller's to close, and what the image's name means now.

    Raises:
        ExecutorUnusable: there is no engine, or no such image.
    """
    try:
        with ExitStack() as opened:
            _require_listener()
            engine = DockerClient.from_env(timeout=ENGINE_SECONDS)
            opened.callback(engine.close)
            meant = engine.images.get(image).id
            opened.pop_all()
            return engine, meant
    except ImageNotFound:
        raise ExecutorUnusable(f"--executor docker: no image {image!r}; build it with: make image") from None
    except ENGINE_ERRORS as error:
        raise ExecutorUnusable(f"--executor docker: no Docker engine answers here ({error})") from error


def _require_listener() -> None:
    """Raise OSError if nobody listens at the engine's socket, where the SDK would leave one open."""
    address = parse_host(os.environ.get("DOCKER_HOST"))
    if address.startswith(SOCKET):
        with socket.socket(socket.AF_UNIX) as ours:
            ours.settimeout(ENGINE_SECONDS)
            ours.connect(address.removeprefix(SOCKET))
