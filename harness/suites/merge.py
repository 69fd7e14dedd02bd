"""Merging results folders: what another one has finished is recorded here, with its weights and arrays.

So machines that share nothing each do a part of a suite, and none of it is done twice.
"""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import HarnessError, SpecError
from harness.files import copy_whole
from harness.settings import Settings
from harness.store import merging
from harness.store.arrays import array_files
from harness.store.engine import Database, open_database
from harness.store.jobs import job_states
from harness.store.merging import Damaged, Left
from harness.suites.model_weights import model_folder
from harness.suites.peers import Peers
from harness.suites.results_folder import lock_folder


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What a merge did."""

    taken: dict[str, int]
    """How many results were taken over, by the kind of their jobs."""
    left: dict[str, int]
    """How many stay where they are, by what they are."""
    damaged: dict[str, int]
    """How many are not as they were recorded, by what is wrong with them."""
    again: int
    """Evaluations here that wait again: they were done with weights that were lost, and those taken over are others."""
    others: tuple[str, ...]
    """Suites that ask for something else in the other folder; only what is asked for here as well was taken of them."""


def merge(
    source: Path, settings: Settings, on_progress: Callable[[int, int], None], tell: Callable[[str], None]
) -> Merged:
    """Take over what another results folder has finished; a second time, or after a crash, only what is not here yet.

    The other folder is only read, as of one moment; a run may be working on it.

    tell: called with a line for the user while the database here is locked or away.

    Raises:
        SpecError: it is no other results folder.
        ResultsBusy: a run works on this one.
        DatabaseUnusable: one of the databases cannot be used.
        HarnessError: a file cannot be read or written.
    """
    theirs = replace(settings, results_dir=source, database_url=None)
    if source.is_file():
        raise SpecError(f"{source} is a file; name the results folder that it lies in, {source.parent}")
    if not Path(theirs.database).is_file():
        raise SpecError(
            f"{theirs.database} does not exist: {source} is no results folder, or its database is on a server; then "
            f"bring it there with `harness db copy --to sqlite:///{theirs.database}`"
        )
    if source.resolve() == settings.results_dir.resolve():
        raise SpecError(f"{source} is the results folder in use (HARNESS_RESULTS_DIR); name another one")
    upgrade = f"HARNESS_DATABASE_URL= HARNESS_RESULTS_DIR={shlex.quote(str(source))} harness db upgrade"
    with (
        lock_folder(settings.results_dir, alone=not settings.on_server) as folder,
        open_database(settings.database, tell=tell) as here,
        open_database(theirs.database, create=False, upgrade=upgrade) as opened,
        opened.at_one_moment() as there,
    ):
        peers = Peers(here, folder)
        peers.look()  # the dead do nothing
        _bring_code(theirs.code_dir, settings.code_dir)
        return _Merge(here, settings, there, theirs, peers).work(on_progress)


class _Merge:
    """A merge in progress."""

    def __init__(self, here: Database, ours: Settings, there: Database, theirs: Settings, peers: Peers) -> None:
        """there: the other database, of which everything that is read is of one moment."""
        self._here, self._ours = here, ours
        self._there, self._theirs = there, theirs
        self._peers = peers

    def work(self, on_progress: Callable[[int, int], None]) -> Merged:
        """Take over what is wanted."""
        others = merging.unite_plans(self._here, self._there)
        kinds = merging.finished(self._there)
        self._recorded = job_states(self._there, kinds)
        self._arrays = defaultdict(list)
        for key, file, sha256 in array_files(self._there):
            self._arrays[key].append((Path(file), sha256))
        taken, left, damaged = (Counter[str]() for _ in range(3))
        again: set[str] = set()
        for done, (key, kind) in enumerate(kinds.items()):
            on_progress(done, len(kinds))
            try:
                again.update(self._take(key, kind))
                taken[kind] += 1
            except Damaged as reason:
                damaged[str(reason)] += 1
            except Left as reason:
                left[str(reason)] += 1
        waiting = sum(state.state == "waiting" for state in job_states(self._here, again).values())
        return Merged(taken=taken, left=left, damaged=damaged, again=waiting, others=tuple(others))

    def _take(self, key: str, kind: str) -> list[str]:
        """Take over a job, its files first; the evaluations that wait again for it. Raises Left."""
        merging.require_wanted(self._here, self._there, key)
        recorded, folder = self._recorded[key], model_folder(self._ours.models_dir, key)
        if kind == "train" and recorded.weights:
            source = model_folder(self._theirs.models_dir, key)
            _bring(Path(recorded.weights), recorded.weights_sha256, source, folder)
        for file, sha256 in self._arrays[key]:
            _bring(file, sha256, self._theirs.arrays_dir, self._ours.arrays_dir)
        again = merging.take(self._here, self._there, key, self._peers.enter())
        for checkpoint in folder.glob("checkpoint-*.safetensors"):  # of a training that was stopped here
            checkpoint.unlink(missing_ok=True)
        return again


def _bring(file: Path, sha256: str | None, source: Path, target: Path) -> None:
    """Copy a file of a result that has that content; raises Damaged where there is none."""
    try:
        whole = copy_whole(source / file, target / file, sha256 or "")
    except FileNotFoundError:
        whole = False
    except OSError as error:
        raise HarnessError(
            f"cannot read {source / file}: {error.strerror}; what was taken over stays, and the same command continues"
        ) from error
    if not whole:
        raise Damaged("of which weights or arrays are missing or altered")


def _bring_code(source: Path, target: Path) -> None:
    """Copy the own code that results were made with, for readers; one that is not what its name says is not it."""
    for file in sorted(source.glob("*.py")):
        with suppress(Damaged):
            _bring(Path(file.name), file.stem.rpartition("-")[2], source, target)
