"""The program on a real terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios


def on_a_terminal(*arguments: str, columns: int) -> list[str]:
    """The lines that the program writes to a real terminal, those with nothing on them left out."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"TERM": "xterm"}
    command = (sys.executable, "-m", "harness", *arguments)
    with subprocess.Popen(command, stdout=theirs, env=environment) as process:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # how Linux says that nobody writes any more
            while more := os.read(ours, 1 << 16):
                said += more
    os.close(ours)
    assert process.returncode == 0
    lines = re.sub(r"\x1b\[[0-9;]*m", "", said.decode()).splitlines()
    return [line.rstrip() for line in lines if line.strip()]
