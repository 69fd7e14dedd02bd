"""Ctrl-C, and what `docker stop` sends: a run ends at once, or if that was lost, where it next looks."""

from __future__ import annotations

import signal
from types import FrameType


class _Wish:
    """Whether the user wants this process's run to end."""

    asked = False

    def ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        raise KeyboardInterrupt


_wish = _Wish()


def obey_signals() -> None:
    """Have both signals raise KeyboardInterrupt from now on; a Ctrl-C that this process shall ignore stays ignored."""
    _wish.asked = False
    signal.signal(signal.SIGTERM, _wish.ask)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _wish.ask)


def heed_signals() -> None:
    """Raises KeyboardInterrupt if one of them came.

    Python drops what is raised while it clears an object away, as it does in each of SQLAlchemy's transactions: while a
    run waited for a lock, one signal in a thousand had no effect.
    """
    if _wish.asked:
        raise KeyboardInterrupt
