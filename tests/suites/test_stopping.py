"""Signals that end a run, also those that Python loses."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest
from databases import locked
from obedient import JOBS, Listener, Obedient, Run

from harness.errors import Interrupted
from harness.suites.executors.executor import Event
from harness.suites.stopping import heed_signals, obey_signals

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def obeyed() -> Iterator[None]:
    """This process obeys both signals, for the test alone."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    obey_signals()
    yield
    obey_signals()
    for number, handler in before.items():
        signal.signal(number, handler)


class Cleared:
    """Something that a signal meets while it is cleared away."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        os.kill(os.getpid(), self.number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_goes_on(number: int) -> None:
    heed_signals()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_python_lost_is_heeded_until_signals_are_obeyed_anew(number: int) -> None:
    Cleared(number)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            heed_signals()
    obey_signals()
    heed_signals()


def test_a_ctrl_c_that_the_process_shall_ignore_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    obey_signals()
    os.kill(os.getpid(), signal.SIGINT)
    heed_signals()


def test_a_run_ends_that_python_lost_the_signal_of(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    events = Obedient.events

    def met(executor: Obedient, timeout: float) -> Sequence[Event]:
        Cleared(signal.SIGTERM)
        return events(executor, timeout)

    monkeypatch.setattr(Obedient, "events", met)
    with pytest.raises(Interrupted):
        run()
    assert 0 < len(run.executor.done) < JOBS
    monkeypatch.setattr(Obedient, "events", events)
    obey_signals()
    assert run().done == JOBS


def test_a_run_that_waits_for_a_lock_ends_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run({"none 0 gaussian": "it broke"})
    events, held = Obedient.events, ExitStack()

    def behind_a_lock(executor: Obedient, timeout: float) -> Sequence[Event]:
        held.enter_context(locked(run.folders.database))
        return events(executor, timeout)

    def note(listener: Listener, text: str) -> None:
        if "is locked" in text:
            Cleared(signal.SIGTERM)

    monkeypatch.setattr("harness.suites.runner.LOCK_SECONDS", 0.1)
    monkeypatch.setattr(Obedient, "events", behind_a_lock)
    monkeypatch.setattr(Listener, "note", note)
    with held, pytest.raises(Interrupted):
        run()
