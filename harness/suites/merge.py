"""Merging results folders: what another one has finished is recorded here, with its weights and arrays.

So machines that share nothing each do a part of a suite, and none of it is done twice.
"""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import HarnessError, SpecError
from harness.files import copy_whole
from harness.settings import Settings
from harness.store import merging, read
from harness.store.engine import Database, open_database
from harness.store.merging import Damaged, Left
from harness.store.schema import FINAL
from harness.suites.model_weights import model_folder
from harness.suites.peers import Folder, Peers
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
    others: tuple[str, ...]
    """Suites that ask for something else in the other folder; only what is asked for here as well was taken of them."""


def merge(source: Path, settings: Settings, on_progress: Callable[[int, int], None]) -> Merged:
    """Take over what another results folder has finished; a second time, or after a crash, only what is not here yet.

    The other folder is only read, as of one moment; a run may be working on it.

    Raises:
        SpecError: it is no other results folder.
        ResultsBusy: a run works on this one.
        DatabaseUnusable: one of the databases cannot be used.
        HarnessError: a file cannot be read or written.
    """
    theirs = replace(settings, results_dir=source, database_url=None)
    if not Path(theirs.database).is_file():
        raise SpecError(
            f"{theirs.database} does not exist: {source} is no results folder, or its database is on a server; then "
            f"bring it there with `harness db copy --to sqlite:///{theirs.database}`"
        )
    if source.resolve() == settings.results_dir.resolve():
        raise SpecError(f"{source} is the results folder in use (HARNESS_RESULTS_DIR); name another one")
    alone, upgrade = not settings.on_server, f"HARNESS_RESULTS_DIR={shlex.quote(str(source))} harness db upgrade"
    with (
        lock_folder(settings.results_dir, alone=alone) as identity,
        closing(open_database(settings.database)) as here,
        closing(open_database(theirs.database, create=False, upgrade=upgrade)) as opened,
        opened.at_one_moment() as there,
    ):
        Peers(here, Folder(path=settings.results_dir, identity=identity, alone=alone)).look()  # the dead do nothing
        _bring_code(theirs.code_dir, settings.code_dir)
        return _merge(here, settings, there, theirs, on_progress)


def _merge(
    here: Database, ours: Settings, there: Database, theirs: Settings, on_progress: Callable[[int, int], None]
) -> Merged:
    taken: Counter[str] = Counter()
    left: Counter[str] = Counter()
    damaged: Counter[str] = Counter()
    with there.reading() as moment:
        others = merging.unite_plans(here, moment)
        kinds = merging.finished(moment)
        recorded, known = (read.job_states(database, kinds) for database in (there, here))
        arrays = defaultdict(list)
        for key, file, sha256 in read.array_files(there):
            arrays[key].append((Path(file), sha256))
        for done, (key, kind) in enumerate(kinds.items()):
            on_progress(done, len(kinds))
            try:
                if key in known and known[key].state not in FINAL:
                    if kind == "train" and (weights := recorded[key].weights):
                        path = model_folder(Path(), key) / weights
                        _bring(path, recorded[key].weights_sha256, theirs.models_dir, ours.models_dir)
                    for path, sha256 in arrays[key]:
                        _bring(path, sha256, theirs.arrays_dir, ours.arrays_dir)
                merging.take(here, moment, key)
                taken[kind] += 1
            except Damaged as reason:
                damaged[str(reason)] += 1
            except Left as reason:
                left[str(reason)] += 1
    return Merged(taken=taken, left=left, damaged=damaged, others=tuple(others))


def _bring(file: Path, sha256: str | None, source: Path, target: Path) -> None:
    """Copy a file of a result that has that content; raises Damaged where there is none."""
    try:
        whole = copy_whole(source / file, target / file, sha256 or "")
    except FileNotFoundError:
        whole = False
    except OSError as error:
        raise HarnessError(
            f"cannot copy {source / file} to {target}: {error.strerror}; what was taken over stays, and the same "
            "command continues"
        ) from error
    if not whole:
        raise Damaged("of which weights or arrays are missing or altered")


def _bring_code(source: Path, target: Path) -> None:
    """Copy the own code that results were made with, for readers; one that is not what its name says is not it."""
    for file in sorted(source.glob("*.py")):
        with suppress(Damaged):
            _bring(Path(file.name), file.stem.rpartition("-")[2], source, target)
