"""The error tree. The command line turns each into one message and its exit code; see `harness.cli`.

HarnessError (exit 1)
├── SpecError (exit 2)              a suite, profile, condition, key or value is wrong
│   └── UnknownName                 with the nearest known name
├── DataError
│   ├── DataMissing                 says the command that brings it
│   ├── DataDamaged                 truncated, altered or of the wrong shape
│   └── ImportRefused               an archive, folder or file that must not become data
├── WeightsDamaged                  a checkpoint or weight file that is truncated or altered
├── EmptyPairRange                  a pair range holds no (or too few) pairs
├── NotEvaluable                    a model's logits are not finite, or no attack can start
├── DeviceError (exit 2)            the device asked for is not on this machine
├── ExecutorUnusable (exit 2)       the engine that shall run the jobs is not there, or not as it must be
├── StoreError
│   ├── AlreadyRecorded             the same result was stored before
│   ├── ResultRefused               a value that no table takes
│   └── DatabaseUnusable            not a database, newer than this program, read-only, locked, disk full
│       ├── DatabaseLocked              another process writes, and has not ended in time
│       ├── DatabaseAway                its server does not answer, or ended the connection
│       └── NoResults                   there is none yet
├── ResultsBusy                     another run works on the same results folder
└── Interrupted (exit 130)          stopped by the user; the same command continues
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HarnessError(Exception):
    """What a user can put right: one or two lines that say what is wrong, where, and what to do."""

    exit_code = 1


class SpecError(HarnessError):
    """A spec or a command that asks for something that cannot be."""

    exit_code = 2


class UnknownName(SpecError):
    """A name that no table knows."""

    def __init__(self, kind: str, name: str, known: Iterable[str], remedy: str = "") -> None:
        """remedy: how a name becomes known."""
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
        super().__init__(f"no {kind} called {name!r}; {hint}{remedy and f'; {remedy}'}")


class DataError(HarnessError):
    """A data set, or weights from elsewhere, that cannot be used."""


class DataMissing(DataError):
    """Data that are not there yet."""


class DataDamaged(DataError):
    """Data whose bytes are not the ones that were verified when they were made."""


class ImportRefused(DataError):
    """Images or weights that were offered for import and must not become data."""


class WeightsDamaged(HarnessError):
    """A checkpoint or weight file whose bytes are not the ones that were written."""


class EmptyPairRange(HarnessError):
    """A pair range that holds fewer pairs than training draws from it."""


class NotEvaluable(HarnessError):
    """A model whose outputs no evaluation can score."""


class DeviceError(HarnessError):
    """A device that this machine does not have."""

    exit_code = 2


class ExecutorUnusable(HarnessError):
    """An engine (Ray, Docker) that is missing, does not answer, or lacks what jobs need."""

    exit_code = 2


class StoreError(HarnessError):
    """The result database refused."""


class AlreadyRecorded(StoreError):
    """The result is stored already; results are never written twice."""


class ResultRefused(StoreError):
    """A result breaks the rules of the tables; what was begun is undone."""


class DatabaseUnusable(StoreError):
    """The database cannot be opened or written; nothing was changed."""


class DatabaseLocked(DatabaseUnusable):
    """Another process has the lock; what was begun is undone."""


class DatabaseAway(DatabaseUnusable):
    """The database's server cannot be reached now; what was begun is undone, or committed and only the answer lost."""


class NoResults(DatabaseUnusable):
    """There is no database yet, or nothing in it."""


class ResultsBusy(HarnessError):
    """Another run works on the same results folder."""


class Interrupted(HarnessError):
    """The user stopped the run; the same command continues it."""

    exit_code = 130
