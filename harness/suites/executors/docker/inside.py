"""The program in a container: does the job that its standard input names, and says on its standard output how it goes.

`python -m harness.suites.executors.docker.inside FORM KEY DEVICE THREADS`
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

from harness.suites.executors.docker.message import FORM, said_message, work_of
from harness.suites.executors.executor import Failed, Finished, Progressed


def main() -> None:
    """Do the job that the first line says."""
    form, key, device, threads = sys.argv[1:]
    message = sys.stdin.buffer.readline().decode()  # a command line would be too short for some own code
    threading.Thread(target=_end_with_runner, daemon=True).start()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as output:
        os.dup2(2, 1)  # what libraries print is no message

        def say(event: Progressed | Finished | Failed) -> None:
            print(said_message(event), file=output, flush=True)

        say(_do(message if form == FORM else "", key, device, int(threads), say))


def _do(message: str, key: str, device: str, threads: int, say: Callable[[Progressed], None]) -> Finished | Failed:
    from harness.suites.worker import make_worker

    try:
        work = work_of(message)
    except ValueError:
        work = None
    if work is None or work.key != key:
        return Failed(key, "the image is of another version than this program; build it with: make image")
    return make_worker(device, threads, say).do(work)


def _end_with_runner() -> None:
    """The engine closes the input when the runner is gone, however it ended; then this must not write on."""
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
